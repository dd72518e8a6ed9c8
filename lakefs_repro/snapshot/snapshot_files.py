"""The files of a snapshot, read from its manifest as they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from lakefs_repro.lake.objects import Objects
from lakefs_repro.model.chunk import read_root
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import find, iter_chunk_names, iter_entries
from lakefs_repro.snapshot.sidecar import Sidecar

_AHEAD: Final = 8
_REMEMBERED: Final = 16 << 20

Select = Callable[[str], bool]


class Chunks:
    """Chunks that were read, up to 16 MiB of them: the manifest of some 100,000 files is read once."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}
        self._room = _REMEMBERED

    def get(self, name: str, read: Callable[[str], bytes]) -> bytes:
        """A chunk, remembered or read."""
        data = self._known.get(name)
        if data is None:
            data = read(name)
            if len(data) <= self._room:
                self._room -= len(data)
                self._known[name] = data
        return data


@dataclass(frozen=True)
class SnapshotFiles:
    """The files of a snapshot, sorted by path; nothing is read before it is asked for.

    Memory is bounded: of a large manifest, chunks are read a few ahead and dropped when they were given out.

    Args:
        objects: the repository's objects.
        dataset: whose manifest.
        commit: where its chunks lie.
        root: the manifest's root, which is the snapshot's digest.
        select: which paths belong; all of them without it.
        chunks: what was read already.
    """

    objects: Objects
    dataset: str
    commit: str
    root: str
    select: Select | None = None
    chunks: Chunks = field(default_factory=Chunks, repr=False, compare=False)

    def __iter__(self) -> Iterator[Entry]:
        entries = self.everything()
        return entries if self.select is None else (entry for entry in entries if self.select(entry.path))

    def everything(self) -> Iterator[Entry]:
        """All files of the manifest, those of other partitions too."""
        reader = _Ahead(self.read_chunk, self.root)
        try:
            yield from iter_entries(self.root, reader.read)
        finally:
            reader.close()

    def __len__(self) -> int:
        return self._totals()[0]

    @property
    def total_bytes(self) -> int:
        """The size of all of them together."""
        return self._totals()[1]

    def find(self, path: str) -> Entry | None:
        """The file with exactly this path, or ``None``."""
        if self.select is not None and not self.select(path):
            return None
        return find(self.root, self.read_chunk, path)

    def selecting(self, select: Select | None) -> SnapshotFiles:
        """The same manifest with another selection."""
        return SnapshotFiles(self.objects, self.dataset, self.commit, self.root, select, self.chunks)

    def _totals(self) -> tuple[int, int]:
        if self.select is None:
            top = read_root(self.root, self.read_chunk)
            if top.children:
                return sum(child.entries for child in top.children), sum(child.bytes for child in top.children)
            return len(top.entries), sum(entry.size for entry in top.entries)
        count = size = 0
        for entry in self:
            count += 1
            size += entry.size
        return count, size

    def read_chunk(self, name: str) -> bytes:
        """A chunk of the manifest by its name; whoever parses it compares its hash."""
        # A sidecar remembers all that it has read; a fresh one each time does not.
        return self.chunks.get(name, Sidecar(self.objects, self.dataset, self.commit).chunk)


class _Ahead:
    """Reads the chunks of a manifest in order, a few before their turn."""

    def __init__(self, read: Callable[[str], bytes], root: str) -> None:
        self._fetch = read
        self._nodes: dict[str, bytes] = {root: read(root)}
        self._names = iter_chunk_names(root, self._node)
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: deque[tuple[str, Future[bytes]]] = deque()

    def read(self, name: str) -> bytes:
        if name in self._nodes:
            return self._nodes[name]
        while self._under_way or self._more():
            ahead, future = self._under_way.popleft()
            data = future.result()
            self._more()
            if ahead == name:
                return data
        return self._fetch(name)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _node(self, name: str) -> bytes:
        if name not in self._nodes:
            self._nodes[name] = self._fetch(name)
        return self._nodes[name]

    def _more(self) -> bool:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="lakefs-repro")
        while len(self._under_way) < _AHEAD:
            name = next(self._names, None)
            if name is None:
                break
            if name not in self._nodes:
                self._under_way.append((name, self._pool.submit(self._fetch, name)))
        return bool(self._under_way)
