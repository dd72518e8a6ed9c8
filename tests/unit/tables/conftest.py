"""A folder of table files, and a contract written in few words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from lakefs_repro.model.contract import Contract
from lakefs_repro.tables import TableFile, infer_contract, read_arrow, statistics, validate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lakefs_repro.model.table_report import ValidationReport, Violation


def contract(*properties: dict[str, Any], quality: Sequence[dict[str, Any]] = (), **table: Any) -> Contract:
    """A contract of one table, ``t``, from plain ODCS entries."""
    return Contract.model_validate(
        {"id": "d", "schema": [{"name": "t", "properties": list(properties), "quality": list(quality), **table}]}
    )


@dataclass
class Data:
    """Files under a folder; written by dataset-relative path."""

    root: Path

    def write(self, path: str, content: str | bytes = "") -> TableFile:
        local = self.root / "data" / path
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(content.encode() if isinstance(content, str) else content)
        return TableFile(path, local)

    def parquet(self, path: str, data: Any) -> TableFile:
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = self.write(path)
        pq.write_table(data if isinstance(data, pa.Table) else pa.table(data), file.local)
        return file

    def validate(
        self, promised: Contract, *new: TableFile, rest: Sequence[TableFile] = (), **options: Any
    ) -> ValidationReport:
        return validate(promised, new, rest=lambda: rest, spill_dir=self.root / "spill", **options)

    def only(self, promised: Contract, *new: TableFile, rest: Sequence[TableFile] = (), **options: Any) -> Violation:
        report = self.validate(promised, *new, rest=rest, **options)
        assert len(report.violations) == 1, report.render() or "no violation"
        return report.violations[0]

    def passes(self, promised: Contract, *new: TableFile, rest: Sequence[TableFile] = (), **options: Any) -> None:
        report = self.validate(promised, *new, rest=rest, **options)
        assert report.ok, report.render()
        assert not report.violations, report.render()

    def infer(self, *files: TableFile, **options: Any) -> Contract:
        return infer_contract("d", files, spill_dir=self.root / "spill", **options)

    def read(self, *files: TableFile, **options: Any) -> Any:
        return read_arrow(files, spill_dir=self.root / "spill", **options)

    def statistics(self, promised: Contract, *files: TableFile) -> Any:
        return statistics(promised, files, spill_dir=self.root / "spill")


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path)


@pytest.fixture
def make_contract() -> Any:
    return contract
