"""What was hashed and is not published yet, kept in the repository, so that many workers can share the work.

The parts lie staged on the hidden branch ``hashes-<dataset>``, each under a name of its own, so any number of workers
write at once and none of them loses anything: ``<commit>/<shard>/<ulid>.jsonl``. The first line of a part is
:data:`FORMAT`; each further one is an object's address, checksum, size, SHA-256 and who computed it. Nothing is ever
committed there: it is a cache, and losing it costs only reading again.

Whoever may write to the repository can write a wrong SHA-256 here, as they can write wrong data; ``verify --deep``
finds either.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from lakefs_repro.errors import AlreadyExistsError, IntegrityError, LakefsReproError, NotFoundError
from lakefs_repro.ingest.hashing.digest import By, Digest, Key
from lakefs_repro.ingest.settle import settle
from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.model.names import hashes_branch
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import first_commit
from lakefs_repro.transfer.parallel import run_all

FORMAT: Final = "lakefs-repro hashes 1"

_FIRST_OBJECTS: Final = 100
_MOST_OBJECTS: Final = 1000
_BYTES: Final = 64 << 20
_SECONDS: Final = 5.0
_LARGEST_PART: Final = 16 << 20
_LINES: Final = 20_000
_COMMIT = re.compile(r"[0-9a-f]{64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BY: Final[dict[str, By]] = {"client": "client", "worker": "worker"}


class Parts:
    """Takes digests as they come, and leaves them on the branch in parts; to be used from one thread.

    Args:
        ctx: the repository.
        dataset: whose objects they are.
        commit: the commit that is hashed.
        shard: the worker's share, in the name of its parts.
        patience_s: seconds of work before the first part; what is done sooner is not worth a branch.
        clock: seconds that only go up.
    """

    def __init__(
        self,
        ctx: Context,
        dataset: str,
        commit: str,
        shard: str,
        *,
        patience_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ctx = ctx
        self._branch = hashes_branch(dataset)
        self._folder = f"{commit}/{shard}/"
        self._clock = clock
        self._last = clock()
        self._not_before = self._last + patience_s
        self._waiting: list[tuple[Key, Digest]] = []
        self._bytes = 0
        self._written = 0
        self._enough = _FIRST_OBJECTS

    def add(self, key: Key, digest: Digest) -> None:
        """Take one digest; a part is written when enough of them, of bytes or of time have come together.

        The first part has a hundred, later ones as many as there were before, a thousand at most: so a worker that
        dies loses at most half of what it did, and a million objects do not become ten thousand parts.
        """
        self._waiting.append((key, digest))
        self._bytes += digest.size
        now = self._clock()
        enough = len(self._waiting) >= self._enough or self._bytes >= _BYTES or now - self._last >= _SECONDS
        if (enough and now >= self._not_before) or len(self._waiting) >= _LINES:
            self.write()

    def close(self) -> None:
        """Write what is waiting, unless there was so little that nothing has been written so far."""
        if self._clock() >= self._not_before:
            self.write()

    def write(self) -> None:
        """Write what is waiting as a part."""
        if self._waiting:
            path = f"{self._folder}{self._ctx.new_id()}.jsonl"
            self._put(path, _encoded(self._waiting))
            self._written += len(self._waiting)
            self._enough = min(max(self._written, _FIRST_OBJECTS), _MOST_OBJECTS)
            self._waiting = []
        self._bytes, self._last = 0, self._clock()

    def _put(self, path: str, body: bytes) -> None:
        objects = self._ctx.repository.objects
        try:
            objects.put(self._branch, path, body)
        except NotFoundError:
            _make_branch(self._ctx, self._branch)
            objects.put(self._branch, path, body)


def read_parts(ctx: Context, dataset: str, wanted: Collection[Key]) -> dict[Key, Digest]:
    """What the parts say of the ``wanted`` objects; everything else in them is passed over.

    A part that is not as it must be counts for nothing, and so does an object for which two parts name different
    hashes. Whatever wrote such a thing, reading the object again is the answer.
    """
    if not wanted:
        return {}
    keys = wanted if isinstance(wanted, (set, frozenset, dict)) else set(wanted)
    branch = hashes_branch(dataset)

    def job(part: ObjectInfo) -> list[tuple[Key, Digest]] | None:
        return _read(ctx, branch, part, keys)

    found: dict[Key, Digest] = {}
    contradicted: set[Key] = set()
    bad = 0
    for lines in run_all(job, _parts(ctx, branch), threads=ctx.threads):
        bad += lines is None
        for key, digest in lines or ():
            if found.setdefault(key, digest).sha256 != digest.sha256:
                contradicted.add(key)
    if bad or contradicted:
        ctx.progress.note(
            f"on {branch}, {bad} parts are not as they should be and {len(contradicted)} objects have two hashes: "
            "these are read again"
        )
    return {key: digest for key, digest in found.items() if key not in contradicted}


def forget(ctx: Context, dataset: str, commit: str) -> None:
    """Remove what was kept for a commit that is published now, and for the commits before it; drop an empty branch.

    What other branches' workers left for commits that are not in its history stays.
    """
    branch = hashes_branch(dataset)
    parts = list(_parts(ctx, branch))
    over: dict[str, bool] = {}
    for part in parts:
        name = part.path.partition("/")[0]
        if name not in over:
            over[name] = name == commit or _is_before(ctx, name, commit)
    done = [part.path for part in parts if over[part.path.partition("/")[0]]]
    if len(done) < len(parts):
        ctx.repository.objects.delete(branch, done)
        return
    with contextlib.suppress(NotFoundError):
        ctx.repository.branches.delete(branch)


def _is_before(ctx: Context, name: str, commit: str) -> bool:
    """Whether a folder's commit is in the history of ``commit``; a folder that is no commit's is nobody's."""
    if not _COMMIT.fullmatch(name):
        return True
    try:
        return ctx.repository.commits.contains(commit, name)
    except NotFoundError:
        return True


def _parts(ctx: Context, branch: str) -> Iterator[ObjectInfo]:
    try:
        yield from ctx.repository.objects.list(branch)
    except NotFoundError:
        return


def _make_branch(ctx: Context, branch: str) -> None:
    first = first_commit(ctx, ctx.main).id
    branches = ctx.repository.branches

    def there() -> str | None:
        with contextlib.suppress(NotFoundError):
            return branches.get(branch).commit
        return None

    settle(lambda: branches.create(branch, first, hidden=True), there, doubtful=(AlreadyExistsError,))


def _encoded(lines: Sequence[tuple[Key, Digest]]) -> bytes:
    text = [json.dumps({"format": FORMAT})]
    for (address, checksum, size), digest in lines:
        line = {"address": address, "checksum": checksum, "size": size, "sha256": digest.sha256, "by": digest.by}
        text.append(json.dumps(line))
    return "\n".join(text).encode() + b"\n"


def _read(ctx: Context, branch: str, part: ObjectInfo, wanted: Collection[Key]) -> list[tuple[Key, Digest]] | None:
    """The lines of a part about ``wanted`` objects, or ``None`` when the part is not as it must be."""
    if part.size > _LARGEST_PART:
        return None
    try:
        body = ctx.repository.objects.get(branch, part.path)
        first, *lines = body.decode().splitlines()
        if json.loads(first) != {"format": FORMAT} or len(lines) > _LINES:
            return None
        found = [_line(json.loads(line)) for line in lines]
    except (ValueError, RecursionError):
        return None
    except (NotFoundError, IntegrityError):
        return []  # somebody published meanwhile
    return [(key, digest) for key, digest in found if key in wanted]


def _line(said: Any) -> tuple[Key, Digest]:
    """One line, or ``ValueError``."""
    if not isinstance(said, dict) or said.keys() != {"address", "checksum", "size", "sha256", "by"}:
        raise ValueError
    address, checksum, size, sha256, by = (said[name] for name in ("address", "checksum", "size", "sha256", "by"))
    texts = all(isinstance(text, str) for text in (address, checksum, sha256, by))
    if not texts or type(size) is not int or size < 0 or not _SHA256.fullmatch(sha256) or by not in _BY:
        raise ValueError
    return (address, checksum, size), Digest(sha256, size, _BY[by])


def quietly(write: Callable[[], None]) -> None:
    """Save what can be saved on the way out of a failure, which matters more than what saving says."""
    with contextlib.suppress(LakefsReproError):
        write()
