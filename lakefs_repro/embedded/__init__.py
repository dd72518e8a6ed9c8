"""The embedded engine: a lakeFS-compatible server for one machine."""
