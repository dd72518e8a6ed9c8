"""The only room that talks to lakeFS."""
