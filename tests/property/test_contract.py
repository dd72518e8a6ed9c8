"""Contracts survive being written and read, whatever names and texts they hold."""

from __future__ import annotations

import contextlib

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.contract import Contract
from lakefs_repro.model.contract_glob import escape, matches

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
names = texts.filter(bool)
tricky = st.sampled_from(
    ["no", "yes", "null", "~", "1", "012", "1e3", "0x1F", "12:30", "2013-01-01", "<<", "=", ".inf", "1_0"]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    tricky,
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | tricky, inner, max_size=3),
    max_leaves=8,
)
custom = st.lists(
    st.fixed_dictionaries({"property": names.map(lambda name: f"x-{name}"), "value": json_values}), max_size=2
)
numbers = st.integers(-1000, 1000) | st.floats(-1000, 1000)
checks = st.one_of(
    st.fixed_dictionaries(
        {"metric": st.just("nullValues"), "mustBeLessThan": numbers},
        optional={"scope": st.sampled_from(["new", "partition", "all"])},
    ),
    st.fixed_dictionaries({"type": st.just("sql"), "query": names, "mustBe": st.booleans() | numbers}),
    st.fixed_dictionaries(
        {
            "metric": st.just("invalidValues"),
            "arguments": st.fixed_dictionaries({"validValues": st.lists(scalars, min_size=1, max_size=4)}),
            "mustBe": st.just(0),
        }
    ),
    st.fixed_dictionaries({"type": st.just("text"), "description": texts}),
)
properties = st.lists(
    st.fixed_dictionaries(
        {"name": names | tricky},
        optional={
            "logicalType": st.sampled_from(["string", "integer", "number", "date", "boolean"]),
            "required": st.booleans(),
            "pii": st.booleans(),
            "description": texts,
            "examples": st.lists(json_values, max_size=2),
            "quality": st.lists(checks, max_size=2),
        },
    ),
    max_size=4,
    unique_by=lambda column: column["name"],
)
contracts = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["v3.0.0", "v3.0.2", "v3.1.0"]),
        "kind": st.just("DataContract"),
        "id": names | tricky,
        "version": names | tricky,
        "status": names,
        "schema": st.lists(
            st.fixed_dictionaries({"name": names, "properties": properties}, optional={"customProperties": custom}),
            max_size=1,
        ),
    },
    optional={
        "description": json_values,
        "team": json_values,
        "customProperties": custom,
        "tags": st.lists(texts, max_size=2),
    },
)


def _shuffled(data, order):
    if isinstance(data, dict):
        keys = list(data)
        order.shuffle(keys)
        return {key: _shuffled(data[key], order) for key in keys}
    return [_shuffled(item, order) for item in data] if isinstance(data, list) else data


@settings(max_examples=150, deadline=None)
@given(contracts, st.randoms(use_true_random=False))
def test_what_is_dumped_loads_as_it_was_and_key_order_does_not_matter(data, order):
    contract = Contract.load(yaml.safe_dump(data))
    again = Contract.load(contract.dump())
    assert again == contract
    assert again.hash == contract.hash
    assert again.dump() == contract.dump()
    shuffled = Contract.load(yaml.safe_dump(_shuffled(data, order), sort_keys=False))
    assert shuffled.hash == contract.hash


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300))
def test_any_text_is_a_contract_or_refused(text):
    with contextlib.suppress(InvalidError):
        Contract.load(text)


@settings(deadline=None)
@given(texts)
def test_an_escaped_path_matches_itself_alone(path):
    assert matches(escape(path), path) or "**" in path.split("/")
    assert not matches(escape(path), path + "!")
