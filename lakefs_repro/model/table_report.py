"""What a validation found: violations, and the facts about the files that it read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lakefs_repro.model.table import FileStatistics, TableSchema, TableStatistics, merge_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Severity = Literal["error", "warning"]

MAX_EXAMPLES = 5
MAX_VIOLATIONS = 1000
"""Violations that a report holds; further ones are counted only."""
FILES_SHOWN = 5
"""Files of one broken promise that ``render`` names before it sums up the rest."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise of the contract that a file breaks.

    ``file`` and ``column`` are empty where the rule is about a whole table. ``examples`` hold values of
    rows: they may be printed, and are left out of ``to_json`` so that nothing stores them.
    """

    table: str
    file: str
    column: str
    rule: str
    rows: int
    examples: tuple[str, ...]
    message: str
    severity: Severity = "error"

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "file": self.file,
            "column": self.column,
            "rule": self.rule,
            "rows": self.rows,
            "message": self.message,
            "severity": self.severity,
        }


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """The outcome of holding files to a contract.

    ``statistics`` and ``schemas`` describe the new files; ``omitted`` counts violations beyond
    ``MAX_VIOLATIONS``.
    """

    violations: tuple[Violation, ...] = ()
    statistics: tuple[FileStatistics, ...] = ()
    schemas: tuple[TableSchema, ...] = ()
    omitted: int = 0

    @classmethod
    def of(
        cls,
        violations: Sequence[Violation],
        statistics: Sequence[FileStatistics] = (),
        schemas: Sequence[TableSchema] = (),
    ) -> ValidationReport:
        """A bounded report: errors before warnings, at most ``MAX_VIOLATIONS`` of them."""
        ordered = sorted(violations, key=lambda violation: violation.severity != "error")
        omitted = max(0, len(ordered) - MAX_VIOLATIONS)
        return cls(tuple(ordered[:MAX_VIOLATIONS]), tuple(statistics), tuple(schemas), omitted)

    @property
    def ok(self) -> bool:
        """Whether no violation of severity ``error`` was found."""
        return all(violation.severity != "error" for violation in self.violations)

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.statistics)

    def totals(self) -> tuple[TableStatistics, ...]:
        """The statistics of the new files, summed up by table."""
        return merge_statistics(self.statistics)

    def to_json(self) -> dict[str, Any]:
        """The report without examples: safe to keep."""
        return {
            "ok": self.ok,
            "violations": [violation.to_json() for violation in self.violations],
            "omitted": self.omitted,
            "statistics": [table.to_json() for table in self.totals()],
            "schemas": [schema.to_json() for schema in self.schemas],
        }

    def render(self) -> str:
        """The violations as plain text for people, examples included; empty when there are none."""
        lines = [line for group in self._groups() for line in _render_group(group)]
        if self.omitted:
            lines.append(f"and {self.omitted:,} more violations")
        return "\n".join(lines)

    def _groups(self) -> list[list[Violation]]:
        groups: dict[tuple[str, str, str, str], list[Violation]] = {}
        for violation in self.violations:
            key = (violation.table, violation.column, violation.rule, violation.severity)
            groups.setdefault(key, []).append(violation)
        return list(groups.values())


def _render_group(group: Sequence[Violation]) -> Iterator[str]:
    for violation in group[:FILES_SHOWN]:
        yield from _render_one(violation)
    rest = group[FILES_SHOWN:]
    if rest:
        where = f"column {_quote(rest[0].column)}, " if rest[0].column else ""
        rows = sum(violation.rows for violation in rest)
        yield f"  … {where}rule {rest[0].rule}: {_count(len(rest), 'more file')}, {_count(rows, 'row')}"


def _render_one(violation: Violation) -> Iterator[str]:
    subject = _quote(violation.file) if violation.file else f"table {violation.table}"
    if violation.column:
        subject += f", column {_quote(violation.column)}"
    warning = "warning: " if violation.severity == "warning" else ""
    yield f"{warning}{subject}: {violation.message} [{violation.rule}]"
    if violation.rows:
        # The parts of a composite key are parted by commas already.
        between = "; " if any(", " in example for example in violation.examples) else ", "
        shown = between.join(_quote(example) for example in violation.examples)
        yield f"    {_count(violation.rows, 'row')}" + (f", such as {shown}" if shown else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _quote(text: str) -> str:
    """``text`` on one line and without anything that a terminal would obey."""
    plain = text.isprintable() and text == text.strip() and text
    return text if plain else repr(text)
