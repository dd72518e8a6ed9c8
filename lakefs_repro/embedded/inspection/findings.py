"""What an inspection finds."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_TROUBLES = 1000


@dataclass(frozen=True)
class Trouble:
    """Something that is not as it must be, or as a client said: which check found it, and what it is."""

    check: str
    message: str


@dataclass
class Waste:
    """What nothing refers to; ``bytes`` are those on disk that a tidying would give back."""

    metaranges: int = 0
    ranges: int = 0
    blocks: int = 0
    files: int = 0
    bytes: int = 0

    @property
    def any(self) -> bool:
        return bool(self.metaranges or self.ranges or self.blocks or self.files)


@dataclass
class Inspection:
    """The result of :func:`lakefs_repro.embedded.inspection.check`.

    Attributes:
        repositories, commits, ranges, blocks: how much was looked at.
        bytes: what the blocks hold; with ``deep`` all of it was read.
        troubles: what is wrong, at most :data:`MAX_TROUBLES`; ``counted`` says how much there is in all.
        remarks: what clients claimed and what is not so, which the engine never promised: as many at most;
            ``remarked`` says how much there is in all.
        waste: what nothing refers to any more.
    """

    deep: bool
    format: int = 0
    repositories: int = 0
    commits: int = 0
    ranges: int = 0
    blocks: int = 0
    bytes: int = 0
    counted: int = 0
    remarked: int = 0
    troubles: list[Trouble] = field(default_factory=list)
    remarks: list[Trouble] = field(default_factory=list)
    waste: Waste = field(default_factory=Waste)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; waste and remarks are not wrong."""
        return not self.counted

    def found(self, check: str, message: str) -> None:
        """Note something that is wrong."""
        self.counted += 1
        if len(self.troubles) < MAX_TROUBLES:
            self.troubles.append(Trouble(check, message))

    def remark(self, check: str, message: str) -> None:
        """Note something that a client claimed, and that is not so."""
        self.remarked += 1
        if len(self.remarks) < MAX_TROUBLES:
            self.remarks.append(Trouble(check, message))
