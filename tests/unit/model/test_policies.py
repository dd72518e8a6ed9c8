"""The example policies are valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakefs_repro.model.contract import Contract

FOLDER = Path(__file__).resolve().parents[3] / "policies" / "contracts"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda p: p.name)
def test_an_example_contract_can_be_loaded(path):
    contract = Contract.load(path.read_text(encoding="utf-8"), source=path.name)
    assert contract.id == path.stem
    assert contract.tables


def test_there_are_examples():
    assert list(FOLDER.glob("*.yaml"))
