"""lakefs-repro: any model reproducible from its exact training data, on top of lakeFS."""

from __future__ import annotations

__version__ = "0.1.0"
