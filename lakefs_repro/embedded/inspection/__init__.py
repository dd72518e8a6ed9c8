"""Looking an engine's folder over, and tidying it up: what an engine itself never does while it serves."""

from lakefs_repro.embedded.inspection.check import check
from lakefs_repro.embedded.inspection.findings import Inspection, Trouble, Waste
from lakefs_repro.embedded.inspection.tidy import Tidied, tidy

__all__ = ["Inspection", "Tidied", "Trouble", "Waste", "check", "tidy"]
