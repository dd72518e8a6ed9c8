"""What other programs do to a repository, without a word to this toolkit."""

from __future__ import annotations

import hashlib


def written_by_others(ctx, files: dict[str, bytes], *, branch: str = "spark", source: str = "main") -> str:
    """A branch that somebody else wrote these objects to, and committed: the commit's id."""
    repository = ctx.repository
    if branch not in {ref.name for ref in repository.branches.list()}:
        repository.branches.create(branch, source)
    for path, data in files.items():
        repository.objects.put(branch, path, data)
    return repository.commits.create(branch, "others at work").id


def sha256(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()
