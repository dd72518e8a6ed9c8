"""All rules, in the order in which reasons of equal weight are told."""

from __future__ import annotations

from typing import Final

from lakefs_repro.advice.rules_dvc import DVC
from lakefs_repro.advice.rules_ours import WITH_ENGINE, WITH_LAKEFS
from lakefs_repro.advice.rules_tables import DELTA, ICEBERG

__all__ = ["RULES"]

RULES: Final = (*WITH_LAKEFS, *WITH_ENGINE, *DVC, *DELTA, *ICEBERG)
