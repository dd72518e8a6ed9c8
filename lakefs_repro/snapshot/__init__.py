"""Making snapshots and looking at them: scan, ingest, resolve, verify."""
