"""Pure values: no network, no file system, no clock."""
