"""``doctor --engine``: whether all that an embedded engine has acknowledged is there, and what it no longer needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakefs_repro.cli.agreement import agree
from lakefs_repro.cli.exits import Exit
from lakefs_repro.cli.page import Column
from lakefs_repro.cli.result import Result
from lakefs_repro.cli.server import engine_folder
from lakefs_repro.cli.text import counted, size
from lakefs_repro.embedded.inspection import Inspection, Tidied, check, tidy
from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.embedded.inspection import Waste

__all__ = ["EngineExamined", "examine"]

_SHOWN = 50
_COLUMNS = (Column("check"), Column("what is wrong"))
_REMARKS = (Column("check"), Column("what clients said, and is not so"))


class EngineExamined(Result):
    """What an inspection found, and what a tidying removed."""

    def __init__(self, root: Path, said: Inspection, tidied: Tidied | None = None) -> None:
        self._root, self._said, self._tidied = root, said, tidied
        if not said.ok:
            self.exit = Exit.SAID_NO
            self.next = "lakefs-repro verify --deep VERSION tells which versions it touches; a backup has the bytes"
        elif said.waste.any and tidied is None:
            self.next = "lakefs-repro doctor --engine --repair gives that space back; the engine must be stopped for it"

    def data(self) -> Mapping[str, Any]:
        said = self._said
        return {
            "engine": "embedded",
            "ok": said.ok,
            "root": str(self._root),
            "format": said.format,
            "deep": said.deep,
            "repositories": said.repositories,
            "commits": said.commits,
            "ranges": said.ranges,
            "blocks": said.blocks,
            "bytes": said.bytes,
            "problems": said.counted,
            "troubles": [asdict(trouble) for trouble in said.troubles],
            "warnings": said.remarked,
            "remarks": [asdict(remark) for remark in said.remarks],
            "waste": asdict(said.waste),
            "tidied": asdict(self._tidied) if self._tidied else None,
        }

    def show(self, page: Page) -> None:
        said, waste, tidied = self._said, self._said.waste, self._tidied
        verdict = "sound" if said.ok else f"{counted(said.counted, 'problem')} found"
        page.line(f"The embedded engine's folder: {verdict}", strong=True)
        if said.troubles:
            page.table(_COLUMNS, ((t.check, t.message) for t in said.troubles[:_SHOWN]))
        if said.remarks:
            page.table(_REMARKS, ((r.check, r.message) for r in said.remarks[:_SHOWN]))
        how = "every block read and hashed" if said.deep else "every block's place and size; --deep reads them"
        history = f"{counted(said.commits, 'commit')}, {counted(said.ranges, 'range')}, format {said.format}"
        done = f"{size(tidied.bytes)} given back, {counted(tidied.packs, 'pack')} written anew" if tidied else ""
        page.fields(
            [
                ("looked at", f"{counted(said.blocks, 'block')}, {size(said.bytes)}; {how}"),
                ("metadata", history),
                ("unused", _waste(waste) if waste.any else "nothing"),
                ("tidied", done),
                ("in", str(self._root)),
            ]
        )


def examine(
    talk: Conversation, root: Path | None, *, deep: bool, repair: bool, agreed: bool, dataset: str | None
) -> EngineExamined:
    """Check the folder, and with ``repair`` remove what nothing refers to, once that is agreed to.

    Raises:
        InvalidError: the configuration names no embedded engine, or nobody is there to agree.
        ConflictError: the engine runs, and something is to be removed.
    """
    if dataset:
        raise InvalidError("--dataset does not go with --engine.", kind="contradicting-options")
    folder, _ = engine_folder(root)
    talk.progress.step("looking the engine's folder over")
    said = check(folder, deep=deep)
    if not repair or not said.waste.any or not said.ok:
        return EngineExamined(folder, said)
    plan = f"remove what nothing refers to ({_waste(said.waste)}) from {folder}"
    agree(talk, [plan], agreed=agreed, command="lakefs-repro doctor --engine")
    talk.progress.step("tidying up")
    tidied = tidy(folder)
    return EngineExamined(folder, check(folder, deep=deep), tidied)


def _waste(waste: Waste) -> str:
    parts = counted(waste.ranges + waste.metaranges, "tree part")
    return f"{size(waste.bytes)} in {counted(waste.blocks, 'block')}, {counted(waste.files, 'file')} and {parts}"
