"""The ledger: what outlives data. One object a record, on a hidden branch whose head GC always keeps."""
