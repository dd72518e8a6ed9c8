"""What the plan and the files are made for: names, the chosen approach, the day."""

from __future__ import annotations

from dataclasses import dataclass

from lakefs_repro.advice.answers import Answers
from lakefs_repro.advice.approaches import BY_NAME, OURS, Approach, ApproachName
from lakefs_repro.advice.cost import Estimate
from lakefs_repro.advice.recommend import Recommendation

__all__ = ["Project"]


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that a plan says or a file holds follows from this, so that the same project gives the same text.

    Attributes:
        chosen: the approach that is set up; the recommended one unless somebody decided otherwise.
        datasets: their names, at least one.
        today: the date, as it is to be written.
        tool: name and version of this program.
        endpoint: the lakeFS server's address, where one was named.
        contracts: the paths of contract files, by dataset; a dataset without one is not in it.
    """

    answers: Answers
    recommendation: Recommendation
    estimate: Estimate
    chosen: ApproachName
    datasets: tuple[str, ...]
    repository: str
    today: str
    tool: str
    endpoint: str = ""
    contracts: tuple[tuple[str, str], ...] = ()

    @property
    def approach(self) -> Approach:
        """The chosen approach."""
        return BY_NAME[self.chosen]

    @property
    def ours(self) -> bool:
        """Whether this toolkit carries it out."""
        return self.chosen in OURS

    @property
    def dataset(self) -> str:
        """The one that examples speak of."""
        return self.datasets[0]
