"""A model of branches, commits and merges, and a machine that runs random programs against it and the servers."""
