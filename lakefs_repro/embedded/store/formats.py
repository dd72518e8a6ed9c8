"""The on-disk format of the metadata, version by version.

A new folder takes every step, an older one those that it has not taken yet, each in one transaction. A step that was
released is never changed: what comes later is a step of its own.
"""

from __future__ import annotations

_FIRST = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE namespaces (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE repositories (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL,
    default_branch TEXT NOT NULL, creation_date INTEGER NOT NULL, read_only INTEGER NOT NULL,
    metadata TEXT NOT NULL DEFAULT '{}', protection TEXT NOT NULL DEFAULT '[]', gc_rules TEXT
);
CREATE TABLE branches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repository INTEGER NOT NULL, name TEXT NOT NULL,
    commit_id TEXT NOT NULL, hidden INTEGER NOT NULL, UNIQUE (repository, name)
);
CREATE TABLE tags (
    repository INTEGER NOT NULL, name TEXT NOT NULL, commit_id TEXT NOT NULL, PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE TABLE commits (
    repository INTEGER NOT NULL, id TEXT NOT NULL, parents TEXT NOT NULL, committer TEXT NOT NULL,
    message TEXT NOT NULL, creation_date INTEGER NOT NULL, metarange TEXT NOT NULL, metadata TEXT NOT NULL,
    generation INTEGER NOT NULL, PRIMARY KEY (repository, id)
) WITHOUT ROWID;
CREATE TABLE staged (
    branch INTEGER NOT NULL, path TEXT NOT NULL, sequence INTEGER NOT NULL, checksum TEXT, size INTEGER,
    mtime INTEGER, address TEXT, content_type TEXT, metadata TEXT, PRIMARY KEY (branch, path)
) WITHOUT ROWID;
CREATE TABLE blocks (id BLOB PRIMARY KEY, size INTEGER NOT NULL, pack INTEGER, start INTEGER) WITHOUT ROWID;
CREATE TABLE ranges (id TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE metaranges (id TEXT PRIMARY KEY, data BLOB NOT NULL);
"""

# Files below linked/ that entries name: the others may go once they are old.
_LINKED = "CREATE TABLE linked (name TEXT PRIMARY KEY) WITHOUT ROWID;"

# The log goes by the moment of a commit, and a second holds many commits.
_MOMENTS = "ALTER TABLE commits ADD COLUMN nanoseconds INTEGER NOT NULL DEFAULT 0;"

# How imports stand or ended, for those who ask.
_IMPORTS = """
CREATE TABLE imports (
    repository INTEGER NOT NULL, id TEXT NOT NULL, updated INTEGER NOT NULL, status TEXT NOT NULL,
    PRIMARY KEY (repository, id)
) WITHOUT ROWID;
"""

# What hooks did.
_RUNS = """
CREATE TABLE runs (
    repository INTEGER NOT NULL, id TEXT NOT NULL, event TEXT NOT NULL, branch TEXT NOT NULL, commit_id TEXT NOT NULL,
    started REAL NOT NULL, ended REAL NOT NULL, status TEXT NOT NULL, PRIMARY KEY (repository, id)
) WITHOUT ROWID;
CREATE TABLE hook_runs (
    repository INTEGER NOT NULL, run TEXT NOT NULL, id TEXT NOT NULL, action TEXT NOT NULL, hook TEXT NOT NULL,
    status TEXT NOT NULL, started REAL, ended REAL, output TEXT NOT NULL, PRIMARY KEY (repository, run, id)
) WITHOUT ROWID;
"""

# How preparations of a garbage collection in the background stand or ended, for those who ask.
_TASKS = """
CREATE TABLE tasks (
    repository INTEGER NOT NULL, id TEXT NOT NULL, updated INTEGER NOT NULL, status TEXT NOT NULL,
    PRIMARY KEY (repository, id)
) WITHOUT ROWID;
"""

# Pull requests, as they are shown.
_PULLS = """
CREATE TABLE pulls (
    repository INTEGER NOT NULL, id TEXT NOT NULL, status TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (repository, id)
) WITHOUT ROWID;
"""

# How often staged changes of a branch were taken back: a commit under way must not land what it saw before.
_RESETS = "ALTER TABLE branches ADD COLUMN resets INTEGER NOT NULL DEFAULT 0;"

# Trees that a client named as a commit's and that were not known: their absence is no loss.
_CLAIMED = """
CREATE TABLE claimed_trees (id TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO claimed_trees
    SELECT DISTINCT metarange FROM commits WHERE metarange != '' AND metarange NOT IN (SELECT id FROM metaranges);
"""

STEPS: tuple[str, ...] = (_FIRST, _LINKED, _MOMENTS, _IMPORTS, _RUNS, _TASKS, _PULLS, _RESETS, _CLAIMED)
FORMAT_VERSION = len(STEPS)
