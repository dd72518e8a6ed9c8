"""What a foreign client or a failing disk does: snapshots that no ingest made, and blocks that went bad."""

from __future__ import annotations

import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from lakefs_repro.model.annotation import Annotation
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.head import HeadRecord
from lakefs_repro.model.manifest import build
from lakefs_repro.model.names import chunk_path, dataset_prefix, head_path, new_ulid, pin_branch, tag_name
from lakefs_repro.snapshot.context import Context


def forge(
    ctx: Context, contents: dict[str, bytes], /, *, dataset: str = "flights", version: str = "1.0.0", **said
) -> str:
    """A version made by hand, with any paths at all, in every way like an ingest's; the merge's id."""
    repository, branch = ctx.repository, f"forged-{os.urandom(4).hex()}"
    base = list(repository.commits.log("main", first_parent=True))[-1].id
    repository.branches.create(branch, base)
    chunks: dict[str, bytes] = {}
    manifest = build((Entry(p, len(d), sha256(d).hexdigest()) for p, d in contents.items()), chunks.__setitem__)
    for path, data in contents.items():
        repository.objects.put(branch, dataset_prefix(dataset) + path, data)
    for name, data in chunks.items():
        repository.objects.put(branch, chunk_path(dataset, name), data)
    annotation = Annotation(
        ingest=new_ulid(1_700_000_000_000, os.urandom(10)),
        dataset=dataset,
        version=version,
        digest=manifest.root,
        bytes=manifest.bytes,
        files=manifest.entries,
    )
    annotation = replace(annotation, **said)
    head = HeadRecord(
        dataset=dataset,
        ingest=annotation.ingest,
        version=version,
        manifest=manifest.root,
        contract="0" * 64,
        files=manifest.entries,
        bytes=manifest.bytes,
    )
    repository.objects.put(branch, head_path(dataset), head.encode())
    ingest = repository.commits.create(branch, "forged", annotation.encode())
    merge = repository.commits.merge(ingest.id, "main", "forged", replace(annotation, commit=ingest.id).encode())
    repository.branches.create(pin_branch(dataset, version), ingest.id, hidden=True)
    repository.tags.create(tag_name(dataset, version), merge)
    return merge


def stored(root: Path, content: bytes) -> tuple[Path, int]:
    """Where in the embedded engine's folder these bytes lie: the file and the offset in it."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix != ".log" and "sqlite" not in path.name:
            offset = path.read_bytes().find(content)
            if offset >= 0:
                return path, offset
    raise AssertionError("these bytes are not stored")


def flip_bit(root: Path, content: bytes) -> None:
    """Change one bit in the middle of a stored object."""
    path, offset = stored(root, content)
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(offset + len(content) // 2)
        byte = file.read(1)[0]
        file.seek(offset + len(content) // 2)
        file.write(bytes([byte ^ 0x10]))


def truncate(root: Path, content: bytes) -> None:
    """Cut a stored object off in its middle, with all that follows it in the same file."""
    path, offset = stored(root, content)
    path.chmod(0o600)
    os.truncate(path, offset + len(content) // 2)


def delete(root: Path, content: bytes) -> None:
    """Delete the file in which an object is stored."""
    stored(root, content)[0].unlink()
