"""Writing several files into a project: shown first, never over what somebody wrote unless that was agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lakefs_repro.cli.project_file import write_whole
from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation

__all__ = ["Written", "agree_on", "write_all"]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a file: ``kept`` says something else and was not to be replaced."""

    path: str
    state: Literal["written", "unchanged", "kept"]


def agree_on(talk: Conversation, folder: Path, files: Sequence[tuple[str, str]], *, force: bool) -> frozenset[str]:
    """Show what would be written, and have it agreed to where somebody sits there.

    Returns:
        The paths that may be written: those of new files, and of others with ``force`` or when agreed to.

    Raises:
        InvalidError: it was not agreed to (kind ``not-agreed``); nothing was changed.
    """
    talk.say("")
    talk.say("It will write:")
    width = max(len(path) for path, _ in files)
    for path, text in files:
        talk.say(f"  {path:<{width}}  {_outlook(talk, folder / path, text, force=force)}")
    if talk.can_ask and not talk.agrees("Write them?", default=True):
        raise InvalidError("Nothing was changed.", hint="lakefs-repro advise prints the plan alone", kind="not-agreed")
    return frozenset(path for path, text in files if _agreed(talk, folder / path, path, text, force=force))


def write_all(folder: Path, files: Sequence[tuple[str, str]], agreed: frozenset[str]) -> list[Written]:
    """Write each file that was agreed on, whole."""
    return [_write(folder, path, text, agreed=path in agreed) for path, text in files]


def _write(folder: Path, path: str, text: str, *, agreed: bool) -> Written:
    target = folder / path
    if not agreed:
        return Written(path, "unchanged" if _says(target) == text else "kept")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, text, executable=path.endswith(".sh"))
    return Written(path, "written")


def _agreed(talk: Conversation, target: Path, path: str, text: str, *, force: bool) -> bool:
    said = _says(target)
    if said is None:
        return True
    if said == text:
        return False
    return force or (talk.can_ask and talk.agrees(f"{path} says something else. Replace it?", default=False))


def _outlook(talk: Conversation, target: Path, text: str, *, force: bool) -> str:
    said = _says(target)
    if said is None:
        return "new"
    if said == text:
        return "is there already, the same"
    if force:
        return "replaces what is there"
    return (
        "says something else: you will be asked" if talk.can_ask else "says something else: kept (--force replaces it)"
    )


def _says(target: Path) -> str | None:
    """The text of what is there; never equal to a new text when it is no text at all."""
    if not target.exists() and not target.is_symlink():
        return None
    try:
        return target.read_text(encoding="utf-8")
    except (UnicodeDecodeError, IsADirectoryError, FileNotFoundError):
        return "\0"
