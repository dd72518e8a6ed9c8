"""Which files make up one table, and the glob that finds them, judged by folders, names and columns."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from lakefs_repro.model import contract_glob
from lakefs_repro.tables.files import is_gzipped, partition_values, plain_folder, stem, table_format, table_suffix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ENOUGH_IN_COMMON = 0.5


@dataclass(frozen=True)
class Group:
    """The files (by number) of one table, its name, and the glob for ``physicalName``."""

    name: str
    glob: str
    numbers: tuple[int, ...]


@dataclass
class _Cluster:
    columns: frozenset[str]
    numbers: list[int]


def group_files(
    dataset: str,
    paths: Sequence[str],
    columns: Mapping[int, Sequence[str]],
    roots: Mapping[int, str] = MappingProxyType({}),
) -> list[Group]:
    """Sort files into tables.

    Files of one folder (its ``key=value`` levels aside) and format with the same columns are one table,
    found by the folder. Where one folder holds several tables, a common beginning of the file names tells
    them apart, or else each file is a table.

    Args:
        dataset: the name of the only table, where there is but one.
        paths: dataset-relative paths; a file is known by its place here.
        columns: of the files that could be read.
        roots: of the files of Delta tables, the table's folder: they are one table wherever they lie in it.
    """
    folders: dict[tuple[str, str], list[int]] = {}
    tables: dict[str, list[int]] = {}
    for number in columns:
        if number in roots:
            tables.setdefault(roots[number], []).append(number)
            continue
        folders.setdefault((plain_folder(paths[number]), table_suffix(paths[number])), []).append(number)
    drafts: list[tuple[str, str, list[int]]] = []
    for (folder, _), numbers in folders.items():
        clusters = _clusters(paths, columns, numbers)
        if len(clusters) == 1:
            name = folder.rpartition("/")[2] or dataset
            drafts.append((name, _folder_glob(paths, numbers), numbers))
        else:
            drafts += [draft for cluster in clusters for draft in _told_apart(paths, cluster, numbers)]
    for root, numbers in tables.items():
        glob = "/".join(filter(None, [contract_glob.escape(root), "**", f"*{_suffix_glob(paths, numbers)}"]))
        drafts.append((root.rpartition("/")[2] or dataset, glob, numbers))
    return _named(dataset, sorted(drafts, key=lambda draft: _generality(draft[1])))


def _clusters(paths: Sequence[str], columns: Mapping[int, Sequence[str]], numbers: Sequence[int]) -> list[_Cluster]:
    clusters: list[_Cluster] = []
    for number in numbers:
        own = frozenset(columns[number])
        grows = table_format(paths[number]) == "jsonl" or bool(partition_values(paths[number]))
        home = next((cluster for cluster in clusters if _same_table(cluster.columns, own, grows=grows)), None)
        if home is None:
            clusters.append(_Cluster(own, [number]))
        else:
            home.columns |= own
            home.numbers.append(number)
    return clusters


def _same_table(left: frozenset[str], right: frozenset[str], *, grows: bool) -> bool:
    """Equal columns; in partitions and JSON, where columns come and go, half of them in common."""
    if left == right or not grows:
        return left == right
    if not left or not right:
        return True
    return len(left & right) >= _ENOUGH_IN_COMMON * min(len(left), len(right))


def _folder_glob(paths: Sequence[str], numbers: Sequence[int], prefix: str = "") -> str:
    patterns = {_folder_pattern(paths[number]) for number in numbers}
    suffix = _suffix_glob(paths, numbers)
    if len(patterns) == 1:
        folder = patterns.pop()
    else:
        common = plain_folder(paths[numbers[0]])
        starts = all(paths[number].startswith(common) for number in numbers)
        folder = "/".join(filter(None, [contract_glob.escape(common) if starts else "", "**"]))
    return f"{folder}/{contract_glob.escape(prefix)}*{suffix}".lstrip("/")


def _folder_pattern(path: str) -> str:
    folders = []
    for folder in path.split("/")[:-1]:
        key, equals, _ = folder.partition("=")
        folders.append(f"{contract_glob.escape(key)}=*" if key and equals else contract_glob.escape(folder))
    return "/".join(folders)


def _suffix_glob(paths: Sequence[str], numbers: Sequence[int]) -> str:
    endings = {_ending(paths[number]) for number in numbers}
    if len(endings) == 1:
        return endings.pop()
    suffixes = {ending.partition(".gz")[0] for ending in endings}
    return f"{suffixes.pop()}*" if len(suffixes) == 1 else ""


def _ending(path: str) -> str:
    """The suffix as it is spelled, ``.gz`` included."""
    name = path.rpartition("/")[2]
    length = len(table_suffix(path)) + (3 if is_gzipped(path) else 0)
    return contract_glob.escape(name[-length:])


def _told_apart(paths: Sequence[str], cluster: _Cluster, everyone: Sequence[int]) -> list[tuple[str, str, list[int]]]:
    numbers = cluster.numbers
    stems = [stem(paths[number]) for number in numbers]
    prefix = _common_beginning(stems).rstrip("0123456789")
    if len(numbers) > 1 and prefix:
        glob = _folder_glob(paths, numbers, prefix)
        others = set(everyone).difference(numbers)
        if not any(contract_glob.matches(glob, paths[number]) for number in others):
            return [(prefix, glob, numbers)]
    return [(own, contract_glob.escape(paths[number]), [number]) for own, number in zip(stems, numbers, strict=True)]


def _common_beginning(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    length = next((place for place, letter in enumerate(first) if last[place] != letter), len(first))
    return first[:length]


def _generality(glob: str) -> tuple[bool, bool, int]:
    return ("**" in glob, not contract_glob.is_literal(glob), -glob.count("/"))


def _named(dataset: str, drafts: list[tuple[str, str, list[int]]]) -> list[Group]:
    if len(drafts) == 1:
        _, glob, numbers = drafts[0]
        return [Group(dataset, glob, tuple(numbers))]
    groups, taken = [], set()
    for name, glob, numbers in drafts:
        bare = name.strip("-_. ").rstrip("0123456789").rstrip("-_. ") if len(numbers) > 1 else name
        wanted = unique = bare or name or dataset
        count = 1
        while unique.casefold() in taken:
            count += 1
            unique = f"{wanted}-{count}"
        taken.add(unique.casefold())
        groups.append(Group(unique, glob, tuple(numbers)))
    return groups
