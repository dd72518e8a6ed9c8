"""The ``quality`` section of a contract: what is measured, and what the number must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from lakefs_repro.model.contract_base import Json, Node, Scope, own_property

if TYPE_CHECKING:
    from collections.abc import Callable

Metric = Literal["rowCount", "nullValues", "missingValues", "invalidValues", "duplicateValues"]
Number = int | float

OPERATORS = {
    "must_be": "mustBe",
    "must_not_be": "mustNotBe",
    "must_be_greater_than": "mustBeGreaterThan",
    "must_be_greater_or_equal_to": "mustBeGreaterOrEqualTo",
    "must_be_less_than": "mustBeLessThan",
    "must_be_less_or_equal_to": "mustBeLessOrEqualTo",
    "must_be_between": "mustBeBetween",
    "must_not_be_between": "mustNotBeBetween",
}
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "rowCount": (),
    "nullValues": (),
    "missingValues": ("missingValues",),
    "invalidValues": ("validValues", "pattern"),
    "duplicateValues": ("properties",),
}
# Names that ODCS 3.0 used under `rule`, which 3.1 replaced by `metric`.
_OLD_RULES: dict[str, Metric] = {
    "rowCount": "rowCount",
    "nullCheck": "nullValues",
    "nullValues": "nullValues",
    "missingValues": "missingValues",
    "invalidValues": "invalidValues",
    "duplicateCount": "duplicateValues",
    "duplicateValues": "duplicateValues",
}
_WARNINGS = ("warning", "warn", "info")


class Arguments(Node):
    """What a metric needs to know."""

    valid_values: tuple[str | bool | int | float | None, ...] | None = Field(default=None, min_length=1)
    pattern: str | None = Field(default=None, max_length=1000)
    missing_values: tuple[str | bool | int | float | None, ...] | None = Field(default=None, min_length=1)
    properties: tuple[str, ...] | None = Field(default=None, min_length=1)


class Check(Node):
    """One entry of ``quality``: a metric or a query, and one operator that its value must satisfy."""

    id: str | None = None
    name: str | None = None
    description: str | None = None
    type: Literal["library", "sql", "text", "custom"] = "library"
    metric: Metric | None = None
    rule: str | None = None
    arguments: Arguments | None = None
    query: str | None = Field(default=None, min_length=1, max_length=20_000)
    engine: str | None = None
    implementation: Json = None
    must_be: bool | int | float | None = None
    must_not_be: bool | int | float | None = None
    must_be_greater_than: Number | None = None
    must_be_greater_or_equal_to: Number | None = None
    must_be_less_than: Number | None = None
    must_be_less_or_equal_to: Number | None = None
    must_be_between: tuple[Number, Number] | None = None
    must_not_be_between: tuple[Number, Number] | None = None
    unit: Literal["rows", "percent"] | None = None
    scope: Scope | None = None
    severity: str | None = None
    dimension: str | None = None
    method: str | None = None
    business_impact: str | None = None
    schedule: str | None = None
    scheduler: str | None = None
    tags: Json = None
    authoritative_definitions: Json = None
    custom_properties: Json = None

    @field_validator("must_be_between", "must_not_be_between")
    @classmethod
    def _ordered(cls, bounds: tuple[Number, Number] | None) -> tuple[Number, Number] | None:
        if bounds is not None and bounds[0] > bounds[1]:
            raise ValueError("the smaller bound comes first")
        return bounds

    @model_validator(mode="after")
    def _complete(self) -> Check:
        if not self.executable:
            return self
        if self.type == "sql" and self.query is None:
            raise ValueError("a check of type sql needs a query")
        if self.type == "library":
            self._complete_metric()
        if len(self._operators()) != 1:
            raise ValueError(f"exactly one operator is needed: {', '.join(OPERATORS.values())}")
        return self

    def _complete_metric(self) -> None:
        metric = self.measure
        if metric is None:
            raise ValueError(f"metric is missing: one of {', '.join(ARGUMENTS)}")
        given = self.arguments.to_data() if self.arguments else {}
        allowed = ARGUMENTS[metric]
        for name in given:
            if name not in allowed:
                wanted = ", ".join(allowed) or "none"
                raise ValueError(f"{metric} takes no argument {name} (allowed: {wanted})")
        if allowed and not given and metric != "duplicateValues":
            raise ValueError(f"{metric} needs arguments: {' or '.join(allowed)}")

    @property
    def executable(self) -> bool:
        """Whether this package runs the check; ``text`` and ``custom`` are kept for people and other tools."""
        return self.type in ("library", "sql")

    @property
    def measure(self) -> Metric | None:
        """What is measured: ``metric``, or the ``rule`` of ODCS 3.0 by its present name."""
        return self.metric or _OLD_RULES.get(self.rule or "")

    @property
    def effective_scope(self) -> Scope | None:
        return self.scope or own_property(self.custom_properties, "scope")

    @property
    def warns_only(self) -> bool:
        return (self.severity or "").lower() in _WARNINGS

    @property
    def tolerates_none(self) -> bool:
        """Whether the operator means "not a single one", so that each counted row is a fault by itself."""
        return (
            (self.must_be is not None and self.must_be == 0)
            or (self.must_be_less_or_equal_to == 0)
            or (self.must_be_less_than is not None and 0 < self.must_be_less_than <= 1 and self.unit != "percent")
        )

    def _operators(self) -> list[str]:
        return [name for name in OPERATORS if getattr(self, name) is not None]

    def holds(self, value: float) -> bool:
        """Whether ``value`` is what the operator asks for."""
        (name,) = self._operators()
        bound = getattr(self, name)
        outcomes: dict[str, Callable[[], bool]] = {
            "must_be": lambda: bool(value == bound),
            "must_not_be": lambda: bool(value != bound),
            "must_be_greater_than": lambda: bool(value > bound),
            "must_be_greater_or_equal_to": lambda: bool(value >= bound),
            "must_be_less_than": lambda: bool(value < bound),
            "must_be_less_or_equal_to": lambda: bool(value <= bound),
            "must_be_between": lambda: bool(bound[0] <= value <= bound[1]),
            "must_not_be_between": lambda: not bound[0] <= value <= bound[1],
        }
        return outcomes[name]()

    def demand(self) -> str:
        """The operator in words, as ``must be between 1 and 5``."""
        (name,) = self._operators()
        bound = getattr(self, name)
        words = {
            "must_be_greater_or_equal_to": "must be at least",
            "must_be_less_or_equal_to": "must be at most",
        }.get(name, name.replace("_", " "))
        percent = " %" if self.unit == "percent" else ""
        if isinstance(bound, tuple):
            return f"{words} {bound[0]:,} and {bound[1]:,}{percent}"
        return f"{words} {str(bound).lower() if isinstance(bound, bool) else format(bound, ',')}{percent}"
