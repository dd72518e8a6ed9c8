"""Tools for testing code that uses lakeFS or this package."""
