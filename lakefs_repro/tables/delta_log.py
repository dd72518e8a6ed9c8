"""What a Delta table holds at its newest version, told from its log.

After the Delta transaction log protocol (https://github.com/delta-io/delta/blob/master/PROTOCOL.md, sections
"Action Reconciliation" and "Checkpoints"): the newest complete checkpoint, then every JSON commit after it. A log is
a file that somebody else wrote: what this module does not know it says, and guesses nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from lakefs_repro.tables import lazy

if TYPE_CHECKING:
    from lakefs_repro.tables.files import TableFile

LOG_FOLDER: Final = "_delta_log"
SIDECARS: Final = "_sidecars"
LONGEST_LINE: Final = 64 << 20
LARGEST_LOG: Final = 8 << 30
MOST_FILES: Final = 5_000_000

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet")
_V2_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.[0-9a-f-]{36}\.(?:json|parquet)")
_KNOWN_READER: Final = 3
# Features that change nothing of which files hold rows and how these are read.
_HARMLESS = frozenset({"timestampNtz", "vacuumProtocolCheck", "deletionVectors", "columnMapping", "v2Checkpoint"})
_COLUMNS = ("add.path", "add.partitionValues", "add.deletionVector", "metaData", "protocol", "sidecar.path")


class UnusableLogError(Exception):
    """The log is damaged, or asks for more than is known here; the message says which, without paths on a disk.

    ``damaged`` tells the one from the other.
    """

    def __init__(self, reason: str, *, damaged: bool) -> None:
        super().__init__(reason)
        self.damaged = damaged


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that holds rows, with the values that the log gives to its partition columns."""

    partitions: Mapping[str, str | None]
    has_deleted_rows: bool = False


@dataclass
class DeltaState:
    """A table's state while its log is replayed; ``files`` is by the path relative to the table."""

    version: int = -1
    files: dict[tuple[str, str], DataFile] = field(default_factory=dict)
    metadata: dict[str, Any] | None = None
    protocol: dict[str, Any] | None = None

    def apply(self, action: Mapping[str, Any]) -> None:
        """Take one action of the log into account.

        Raises:
            UnusableLogError: it is not what the protocol says.
        """
        for name in ("add", "remove", "metaData", "protocol"):
            if not isinstance(action.get(name, {}), dict):
                raise UnusableLogError(f"an action {name} that is none", damaged=True)
        added, removed = action.get("add"), action.get("remove")
        if isinstance(added, dict):
            self.files[_key(added)] = _data_file(added)
            if len(self.files) > MOST_FILES:
                raise UnusableLogError(f"it names more than {MOST_FILES:,} files", damaged=False)
        elif isinstance(removed, dict):
            self.files.pop(_key(removed), None)
        elif isinstance(action.get("metaData"), dict):
            self.metadata = action["metaData"]
        elif isinstance(action.get("protocol"), dict):
            self.protocol = action["protocol"]


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    version: int
    parts: tuple[TableFile, ...]


def replay(files: Sequence[TableFile]) -> DeltaState:
    """The newest state that the log ``files`` of one table tell.

    Raises:
        UnusableLogError: files are missing or damaged, or the table uses what is not known here.
        LakefsReproError: a remote file could not be read.
    """
    if sum(file.size for file in files) > LARGEST_LOG:
        raise UnusableLogError(f"it has more than {LARGEST_LOG >> 30} GiB", damaged=False)
    sidecars = {_name(file): file for file in files if file.path.split("/")[-2] == SIDECARS}
    own = [file for file in files if file.path.split("/")[-2] != SIDECARS]
    commits = {int(match[1]): file for file in own if (match := _COMMIT.fullmatch(_name(file)))}
    checkpoint = _newest_checkpoint(own)
    state = DeltaState()
    first = 0
    if checkpoint is not None:
        for part in checkpoint.parts:
            for action in _checkpointed(part, sidecars):
                state.apply(action)
        state.version, first = checkpoint.version, checkpoint.version + 1
    for version in range(first, max(commits, default=-1) + 1):
        if version not in commits:
            reason = f"the commit of version {version} is missing, and no whole checkpoint stands for it"
            raise UnusableLogError(reason, damaged=True)
        for action in _committed(commits[version]):
            state.apply(action)
        state.version = version
    _refuse_unknown(state)
    return state


def _name(file: TableFile) -> str:
    return file.path.rpartition("/")[2]


def _newest_checkpoint(files: Sequence[TableFile]) -> _Checkpoint | None:
    found: dict[tuple[int, int], dict[int, TableFile]] = {}
    for file in files:
        match = _CHECKPOINT.fullmatch(_name(file))
        second = _V2_CHECKPOINT.fullmatch(_name(file))
        if match:
            version, part, parts = int(match[1]), int(match[2] or 1), int(match[3] or 1)
            found.setdefault((version, parts), {})[part] = file
        elif second:
            # Several of one version say the same.
            found.setdefault((int(second[1]), 1), {}).setdefault(1, file)
    complete = [key for key, parts in found.items() if len(parts) == key[1] and 1 <= min(parts) <= max(parts) <= key[1]]
    if not complete:
        return None
    newest = max(complete, key=lambda key: (key[0], -key[1]))
    return _Checkpoint(newest[0], tuple(found[newest][part] for part in range(1, newest[1] + 1)))


def _committed(file: TableFile) -> Iterator[Mapping[str, Any]]:
    with file.open() as stream:
        number = 0
        while line := stream.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise UnusableLogError(
                    f"{_name(file)}, line {number} is longer than {LONGEST_LINE >> 20} MiB", damaged=True
                )
            if not line.strip():
                continue
            try:
                action = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UnusableLogError(f"{_name(file)}, line {number} is not JSON", damaged=True) from error
            if not isinstance(action, dict):
                raise UnusableLogError(f"{_name(file)}, line {number} is no action", damaged=True)
            yield action


def _checkpointed(file: TableFile, sidecars: Mapping[str, TableFile]) -> Iterator[Mapping[str, Any]]:
    """The actions of one file of a checkpoint, and of the files beside it (``_sidecars/``) that it names."""
    actions = _committed(file) if file.path.endswith(".json") else _rows(file)
    for action in actions:
        named = action.get("sidecar")
        if named is None:
            yield action
            continue
        name = str(named.get("path") if isinstance(named, dict) else "").rpartition("/")[2]
        if name not in sidecars:
            raise UnusableLogError(f"{_name(file)} names {printable(name)}, which is not there", damaged=True)
        yield from _rows(sidecars[name])


def _rows(file: TableFile) -> Iterator[Mapping[str, Any]]:
    pa, pq = lazy.pyarrow(), lazy.parquet()
    try:
        with file.open() as stream, pq.ParquetFile(stream) as parquet:
            if parquet.metadata.num_rows > 4 * MOST_FILES:
                raise UnusableLogError(f"{_name(file)} has too many rows", damaged=False)
            if not {"add", "sidecar"}.intersection(parquet.schema_arrow.names):
                raise UnusableLogError(f"{_name(file)} is no checkpoint", damaged=True)
            for batch in parquet.iter_batches(batch_size=4096, columns=list(_COLUMNS)):
                for row in batch.to_pylist():
                    yield {name: _from_arrow(value) for name, value in row.items() if value is not None}
    except (pa.ArrowException, OSError) as error:
        raise UnusableLogError(f"{_name(file)} is not a whole Parquet file", damaged=True) from error


def _from_arrow(action: Any) -> Any:
    """Maps come from Arrow as lists of pairs."""
    if isinstance(action, dict):
        return {
            name: dict(value) if name in ("partitionValues", "configuration") and value is not None else value
            for name, value in action.items()
        }
    return action


def printable(text: str) -> str:
    """A text of a log as a terminal may see it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200])


def _key(action: Mapping[str, Any]) -> tuple[str, str]:
    """A logical file: its path, and which of its rows are deleted."""
    return _path(action.get("path")), _deletions(action.get("deletionVector"))


def _path(text: Any) -> str:
    if not isinstance(text, str) or not text:
        raise UnusableLogError("a file without a path", damaged=True)
    path = _decoded(text)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) or path.startswith("/"):
        raise UnusableLogError("it names files outside of the table's folder", damaged=False)
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise UnusableLogError("a path that is none", damaged=True)
    return path


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return ""


def _deletions(vector: Any) -> str:
    if vector is None:
        return ""
    if not isinstance(vector, dict):
        raise UnusableLogError("a deletion vector that is none", damaged=True)
    return f"{vector.get('storageType')}{vector.get('pathOrInlineDv')}@{vector.get('offset')}"


def _data_file(added: Mapping[str, Any]) -> DataFile:
    values = added.get("partitionValues") or {}
    if not isinstance(values, dict) or not all(isinstance(v, str | None) for v in values.values()):
        raise UnusableLogError("partition values that are no texts", damaged=True)
    # An empty text stands for null, too.
    partitions = {str(name): value or None for name, value in values.items()}
    return DataFile(partitions, added.get("deletionVector") is not None)


def _refuse_unknown(state: DeltaState) -> None:
    if state.version < 0 or state.protocol is None or state.metadata is None:
        raise UnusableLogError("it has no protocol or no schema", damaged=True)
    reader = state.protocol.get("minReaderVersion")
    features = state.protocol.get("readerFeatures") or []
    if not isinstance(reader, int) or not isinstance(features, list):
        raise UnusableLogError("it has no protocol or no schema", damaged=True)
    unknown = sorted(str(feature) for feature in features if feature not in _HARMLESS)
    if reader > _KNOWN_READER or unknown:
        what = printable(", ".join(unknown)) or f"reader version {reader}"
        raise UnusableLogError(f"it uses {what}, which is not known here", damaged=False)
    settings = state.metadata.get("configuration") or {}
    if isinstance(settings, dict) and settings.get("delta.columnMapping.mode", "none") != "none":
        raise UnusableLogError("its columns have other names in the files (column mapping)", damaged=False)
