"""The contracts that we publish work, and the reference names every rule and key."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from lakefs_repro.model.contract import _VALUES, Contract, ContractProperty, ContractTable
from lakefs_repro.model.contract_check import ARGUMENTS, Check
from lakefs_repro.model.contract_types import ALLOWED, LOGICAL_TYPES, NOT_CHECKED
from lakefs_repro.tables.queries import _ROW_MAKERS
from lakefs_repro.tables.relation import NULL_MARKERS

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "policies" / "contracts").glob("*.yaml"))
REFERENCE = (ROOT / "docs" / "reference" / "contracts.md").read_text("utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_loads_and_gives_its_reasons(path):
    text = path.read_text("utf-8")
    assert text.startswith("# ")
    assert Contract.load(Contract.load(text, source=path.name).dump()) == Contract.load(text)


def load(name):
    return Contract.load((ROOT / "policies" / "contracts" / f"{name}.yaml").read_bytes())


def test_flights(data):
    header = "year,day,dep_time,carrier,flight,tailnum\n"
    data.passes(load("flights"), data.write("month=1/a.csv", header + "2013,1,517,UA,1545,N14228\n2013,1,NA,AA,1,NA\n"))
    report = data.validate(load("flights"), data.write("month=1/a.csv", header + "13,32,2460,United,,N1\n"))
    assert {v.rule for v in report.violations} == {"range", "pattern", "required", "sql"}
    assert data.only(load("flights"), data.write("month=2/a.csv", header)).rule == "row-count"


def test_customers(data):
    good = {"customer_id": [1, 2], "email": ["a@b", None], "segment": ["consumer", None]}
    data.passes(load("customers"), data.parquet("c.parquet", good))
    bad = {"customer_id": [1, 1], "email": ["a", "b"], "segment": ["x", "consumer"]}
    report = data.validate(load("customers"), data.parquet("c.parquet", bad))
    assert {(v.rule, v.column) for v in report.violations} == {
        ("unique", "customer_id"),
        ("pattern", "email"),
        ("allowed-values", "segment"),
    }


def test_events(data):
    users = data.write("users.csv", "id,country\n1,NA\n2,DE\n")
    lines = [f'{{"id": "e{n}", "at": "2024-05-01T10:00:00Z", "user": 1, "country": "DE", "new": 1}}' for n in range(9)]
    good = "\n".join([*lines, '{"id": "x", "at": "2024-05-01T10:00:00+02:00", "country": null}'])
    new = data.write("day=2024-05-01/a.jsonl.gz", gzip.compress(good.encode()))
    data.passes(load("events"), new, data.write("raw/x.csv", ""), rest=[users])
    bad = '{"id": "x", "at": "1970-01-01T00:00:00Z", "user": 77, "country": "deu"}'
    again = data.write("day=2024-05-01/b.jsonl.gz", gzip.compress(bad.encode()))
    report = data.validate(load("events"), again, rest=[users, new])
    assert [(v.rule, v.severity) for v in report.violations] == [
        ("range", "error"),
        ("unique", "error"),
        ("sql", "error"),
        ("pattern", "warning"),
    ]
    assert "77" not in report.render()


def test_yaml_in_the_reference_is_what_a_contract_accepts():
    blocks = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)
    assert len(blocks) == 3
    Contract.load(blocks[0])


def test_the_reference_names_every_key_rule_and_default():
    keys = {
        field.alias
        for model in (Contract, ContractTable, ContractProperty, Check)
        for field in model.model_fields.values()
    }
    keys = {key for key in keys if key and not key.startswith("transform")}
    options = {option for allowed in ALLOWED.values() for option in allowed if option != "defaultTimezone"}
    for word in {*keys, *options, *NOT_CHECKED, *ARGUMENTS, *LOGICAL_TYPES, *NULL_MARKERS, *_VALUES, *_ROW_MAKERS}:
        assert f"`{word}`" in REFERENCE or f"`{word}:" in REFERENCE or f".{word}`" in REFERENCE, word
    source = "".join(path.read_text("utf-8") for path in (ROOT / "lakefs_repro" / "tables").glob("*.py"))
    named = set(
        re.findall(r"^\| `([a-z-]+)` \| ", REFERENCE.partition("## Rules")[2].partition("## Checks")[0], re.MULTILINE)
    )
    assert len(named) == 17
    assert all(f'"{rule}"' in source for rule in named)
