"""What is to be ingested: files on this machine, under the paths that they will have in the dataset."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakefs_repro.errors import InvalidError, NotFoundError
from lakefs_repro.model.paths import check_repository_path, match_glob

# Never data: our own state, version control, and what desktop systems drop into folders.
ALWAYS_EXCLUDED: Final = (".lakefs-repro", ".git", ".DS_Store", "Thumbs.db")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A regular file and its path relative to the dataset."""

    path: str
    local: Path
    size: int


@dataclass(frozen=True, slots=True)
class Scan:
    """The files found, by the bytes of their path, and how many were left out."""

    files: tuple[SourceFile, ...]
    excluded: int


def scan(sources: Iterable[Path], *, exclude: Iterable[str] = (), under: str = "", prefix: str = "") -> Scan:
    """Find the files of one folder, or take the given files.

    Args:
        sources: a folder, whose files get their paths relative to it, or files, which get their names.
        exclude: globs, matched against the path in the dataset; :data:`ALWAYS_EXCLUDED` are left out anyway.
        under: a folder in the dataset to put everything under, such as ``month=4``.
        prefix: the dataset's prefix in the repository, which shares the room that a path has.

    Raises:
        NotFoundError: a source is not there.
        InvalidError: nothing was found, two files get the same path, a name can't be kept, or something is neither a
            file nor a folder. Links to files are read through; links to folders are refused, because they can lead
            round in circles or out of the source.
    """
    patterns = (*ALWAYS_EXCLUDED, *exclude)
    found: dict[str, SourceFile] = {}
    excluded = 0
    for path, local in _walk(sources, under.strip("/")):
        if any(match_glob(path, pattern) for pattern in patterns):
            excluded += 1
            continue
        file = _file(path, local, prefix)
        if path in found:
            raise InvalidError(
                f"{found[path].local} and {local} would both become {path}.",
                hint="ingest their folder instead, or one at a time with --under",
                kind="duplicate-path",
            )
        found[path] = file
    if not found:
        raise InvalidError(
            "There is nothing to ingest: " + ", ".join(str(s) for s in sources) + " holds no files.",
            hint=f"{excluded} were left out by --exclude" if excluded else "name a folder with files",
            kind="empty-source",
        )
    return Scan(tuple(sorted(found.values(), key=lambda f: f.path.encode())), excluded)


def _walk(sources: Iterable[Path], under: str) -> Iterator[tuple[str, Path]]:
    paths = list(sources)
    folders = [path for path in paths if path.is_dir()]
    if folders and len(paths) > 1:
        raise InvalidError(
            f"One folder at a time, please: {', '.join(map(str, paths))}.",
            hint="ingest the folder above them, or one after another with --mode append",
            kind="several-folders",
        )
    prefix = f"{under}/" if under else ""
    if not folders:
        for path in paths:
            if not path.exists():
                raise NotFoundError(f"{path} is not there.", hint="check the path", kind="source-not-found")
            yield prefix + path.name, path
        return
    root = folders[0]
    for relative, local in _tree(root, ""):
        yield prefix + relative, local


def _tree(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError as error:
        raise NotFoundError(f"{folder} can't be read: {error.strerror}.", kind="unreadable-file") from error
    for entry in entries:
        path = prefix + entry.name
        if entry.name in ALWAYS_EXCLUDED:
            yield path, Path(entry.path)
        elif entry.is_dir(follow_symlinks=False):
            yield from _tree(Path(entry.path), path + "/")
        else:
            yield path, Path(entry.path)


def _file(path: str, local: Path, prefix: str) -> SourceFile:
    check_repository_path(path, prefix=prefix)
    try:
        info = local.stat()
    except OSError as error:
        raise NotFoundError(f"{local} can't be read: {error.strerror}.", kind="unreadable-file") from error
    if stat.S_ISDIR(info.st_mode):
        raise InvalidError(
            f"{local} is a link to a folder, which is not followed.",
            hint=f"replace it by what it links to, or leave it out with --exclude '{path}'",
            kind="folder-link",
        )
    if not stat.S_ISREG(info.st_mode):
        raise InvalidError(
            f"{local} is neither a file nor a folder.",
            hint=f"leave it out with --exclude '{path}'",
            kind="special-file",
        )
    return SourceFile(path, local, info.st_size)
