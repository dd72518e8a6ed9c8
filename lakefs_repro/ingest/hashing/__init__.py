"""The SHA-256 of objects that others wrote, shared among workers."""
