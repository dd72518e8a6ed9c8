"""Where the embedded engine keeps things: metadata in SQLite, bytes in blocks and packs."""
