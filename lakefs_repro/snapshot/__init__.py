"""What a snapshot is, and looking at it: resolve, read, verify, compare."""
