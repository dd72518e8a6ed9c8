"""A starting contract, for tables whose columns nobody has told yet."""

from __future__ import annotations

from typing import Final

from lakefs_repro.advice.answers import Answers

__all__ = ["GLOBS", "contract_path", "starting_contract"]

GLOBS: Final = {"csv": "**/*.csv*", "jsonl": "**/*.jsonl*", "parquet": "**/*.parquet"}
"""The formats that a starting contract is written for, and the files that it takes for the table.

In other formats the first ingest infers what can be inferred.
"""

_TEXT: Final = """\
# What users of {dataset} may count on: each ingest is held to it, and refused when it does not keep it.
# A start, to be filled in: so far it demands readable files, and rows. docs/reference/contracts.md of lakefs-repro has
# every key. Without this file (and its line in lakefs-repro.yaml) the first ingest infers columns and types, and later
# ones are held to those.
apiVersion: v3.1.0
kind: DataContract
id: {dataset}
version: 1.0.0
status: active
schema:
  - name: {table}
    physicalName: "{glob}"
    # A table file that no physicalName matches is refused. Name the columns that somebody relies on, for example:
    # properties:
    #   - {{name: id, logicalType: integer, primaryKey: true}}
    #   - {{name: at, logicalType: timestamp, required: true}}
    #   - {{name: amount, logicalType: number, logicalTypeOptions: {{minimum: 0}}}}
{personal}    quality:
      - {{metric: rowCount, mustBeGreaterThan: 0}}   # an empty delivery is an accident
    customProperties:
      - {{property: additionalColumns, value: allowed}}   # remove it once the columns are named
"""
_PERSONAL: Final = """\
    #   - {name: email, logicalType: string, pii: true}   # personal: no value of it in statistics or reports
"""


def contract_path(dataset: str) -> str:
    """Where a dataset's contract lies in the project."""
    return f"contracts/{dataset}.yaml"


def starting_contract(dataset: str, answers: Answers) -> str | None:
    """The contract as YAML, or None where none is better than a hollow one."""
    glob = GLOBS.get(answers.data_format)
    if glob is None:
        return None
    personal = _PERSONAL if "gdpr" in answers.compliance else ""
    return _TEXT.format(dataset=dataset, table=dataset.replace("-", "_"), glob=glob, personal=personal)
