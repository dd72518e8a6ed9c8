"""Tables in files: schema, statistics and the contract's checks, out of core."""
