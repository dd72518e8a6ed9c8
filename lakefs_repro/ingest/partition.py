"""An ingest of one partition: where it lies in the dataset, and which files it replaces. All others stay, unread."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from lakefs_repro.errors import InvalidError
from lakefs_repro.ingest.scan import Scan
from lakefs_repro.model.manifest import build, iter_entries
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.model.paths import check_repository_path, partition_of, table_root
from lakefs_repro.model.ref import Partition, parse_partition
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, read_line, sidecar_of

_NAMED: Final = 3
_DELTA_LOG: Final = "_delta_log/"


@dataclass(frozen=True, slots=True)
class Scope:
    """One partition of a dataset.

    Attributes:
        table: the folder of the table that it is a partition of; "" where partitions lie at the dataset's top.
        pairs: its keys and values, in the order of the folders.
        folder: where new files of it go: ``flights/year=2024/month=3``.
        selector: its own folders alone: ``year=2024/month=3``.
    """

    table: str
    pairs: Partition
    folder: str
    selector: str

    def holds(self, path: str) -> bool:
        """Whether a path of the dataset lies in it."""
        return table_root(path) == self.table and partition_of(path)[: len(self.pairs)] == self.pairs

    def place(self, found: Scan, dataset: str) -> Scan:
        """The same files where they belong: under the partition's folder, unless all of them lie there already.

        Raises:
            InvalidError: some files lie in the partition and others do not, or in another one.
        """
        for begins in (f"{self.folder}/", f"{self.selector}/"):
            inside = [file for file in found.files if file.path.startswith(begins)]
            if inside and len(inside) < len(found.files):
                raise self._outside([f.path for f in found.files if not f.path.startswith(begins)])
            if inside:
                add = self.folder.removesuffix(begins.rstrip("/"))
                break
        else:
            keys = {key for key, _ in self.pairs}
            others = [f.path for f in found.files if any(key in keys for key, _ in partition_of(f.path))]
            if others:
                raise self._outside(others)
            add = f"{self.folder}/"
        placed = tuple(replace(file, path=add + file.path) for file in found.files)
        for file in placed:
            check_repository_path(file.path, prefix=dataset_prefix(dataset))
        return Scan(placed, found.excluded)

    def digest_in(self, ctx: Context, line: Line) -> str:
        """The partition's own digest where a line stands."""
        if line.annotation is None:
            return build(()).root
        entries = iter_entries(line.annotation.digest, sidecar_of(ctx, line).chunk)
        return build((entry for entry in entries if self.holds(entry.path)), presorted=True).root

    def _outside(self, paths: list[str]) -> InvalidError:
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        return InvalidError(
            f"{', '.join(paths[:_NAMED])}{more} of the source would not lie in the partition {self.folder}.",
            hint=f"name the folder that holds {self.selector} alone, or leave the others out with --exclude",
            kind="outside-partition",
        )


def scope_of(ctx: Context, dataset: str, partition: str, *, under: str = "") -> Scope:
    """The partition that ``year=2024/month=3`` means in a dataset, in the order of the folders that it has.

    Args:
        ctx: the repository.
        dataset: its name.
        partition: ``KEY=VALUE`` folders, outermost first where the dataset has no partitions yet.
        under: the folder of the table, where partitions don't lie at the dataset's top.

    Raises:
        InvalidError: it is malformed (``invalid-partition``), or the dataset has other partitions
            (``no-such-partition``), or is a Delta table (``partition-of-delta``).
    """
    above = [segment for segment in under.split("/") if segment]
    outer = next((place for place, segment in enumerate(above) if "=" in segment), len(above))
    table, segments = "/".join(above[:outer]), [*above[outer:], *partition.split("/")]
    wanted = _parsed(segments)
    raw = dict(zip((key for key, _ in wanted), segments, strict=True))
    line = read_line(ctx, dataset)
    layout = _Layout(table, dict(wanted))
    if line.annotation is not None:
        for entry in iter_entries(line.annotation.digest, sidecar_of(ctx, line).chunk):
            layout.see(entry.path)
    ordered = layout.ordered()
    selector = "/".join(raw[key] for key, _ in ordered)
    if len(layout.folders) == 1:
        (selector,) = layout.folders
    return Scope(table, ordered, f"{table}/{selector}" if table else selector, selector)


def _parsed(segments: list[str]) -> Partition:
    text = "/".join(segments)
    try:
        pairs = parse_partition(text)
    except InvalidError as error:
        raise InvalidError(
            f"The partition {text!r} can't be read: every folder of it is KEY=VALUE.",
            hint="write for example year=2024, or year=2024/month=3",
            kind="invalid-partition",
        ) from error
    if len(dict(pairs)) < len(pairs):
        raise InvalidError(f"The partition {text!r} names a key twice.", kind="invalid-partition")
    return pairs


@dataclass
class _Layout:
    """How the partitions of one table lie, as a dataset's files tell; ``there`` and ``folders`` of the wanted one."""

    table: str
    wanted: dict[str, str]
    tables: set[str] = field(default_factory=set)
    keys: set[tuple[str, ...]] = field(default_factory=set)
    there: set[Partition] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)

    def see(self, path: str) -> None:
        """Take in one file."""
        if path.startswith(f"{self.table}/{_DELTA_LOG}" if self.table else _DELTA_LOG):
            raise InvalidError(
                f"{self.table or 'The dataset'} is a Delta table, whose log names its files: replacing some would "
                "break it.",
                hint="let Delta change it on a branch: lakefs-repro branch open",
                kind="partition-of-delta",
            )
        pairs, root = partition_of(path), table_root(path)
        if not pairs:
            return
        self.tables.add(root)
        if root == self.table:
            self.keys.add(tuple(key for key, _ in pairs))
            outer = pairs[: len(self.wanted)]
            if dict(outer) == self.wanted:
                self.there.add(outer)
                self.folders.add(_folders(path, root, len(outer)))

    def ordered(self) -> Partition:
        """The wanted pairs in the order of the dataset's folders.

        Raises:
            InvalidError: it has no such partitions.
        """
        count = len(self.wanted)
        if len(self.there) > 1:
            raise InvalidError(
                f"The partition lies in folders of different order: {', '.join(sorted(self.folders)[:_NAMED])}.",
                hint="ingest the whole dataset with one order of its keys",
                kind="no-such-partition",
            )
        if self.there:
            return next(iter(self.there))
        if not self.tables:
            return tuple(self.wanted.items())
        if self.table not in self.tables:
            raise _other_table(self.table, self.tables)
        fitting = [keys[:count] for keys in sorted(self.keys) if set(keys[:count]) == set(self.wanted)]
        if not fitting:
            raise _other_keys(self.wanted, self.keys)
        return tuple((key, self.wanted[key]) for key in fitting[0])


def _folders(path: str, root: str, count: int) -> str:
    """The folders of a path from below its table to its innermost wanted partition."""
    rest = path.removeprefix(f"{root}/" if root else "").split("/")[:-1]
    for length in range(count, len(rest) + 1):
        if len(partition_of("/".join(rest[:length]) + "/x")) == count:
            return "/".join(rest[:length])
    return "/".join(rest)


def _other_table(table: str, tables: set[str]) -> InvalidError:
    named = sorted(tables)[:_NAMED]
    where = ", ".join(one or "its top" for one in named)
    return InvalidError(
        f"The dataset's partitions lie under {where}, not {f'under {table}' if table else 'at its top'}.",
        hint=f"say --under {named[0]}" if named[0] else "leave --under out",
        kind="no-such-partition",
    )


def _other_keys(wanted: dict[str, str], layouts: set[tuple[str, ...]]) -> InvalidError:
    named = ", ".join("/".join(f"{key}=…" for key in keys) for keys in sorted(layouts)[:_NAMED])
    asked = "/".join(f"{key}={value}" for key, value in wanted.items())
    return InvalidError(
        f"{asked} is no partition of the dataset, whose partitions are {named}.",
        hint="name its keys from the outermost on; a partition of a new kind comes with an ingest of the whole dataset",
        kind="no-such-partition",
    )
