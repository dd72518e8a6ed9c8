"""Random programs against the model: a short, always equal run; ``python -m tests.stateful`` is the long one."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from stateful.machine import machine_on, machine_settings
from stateful.model import OPAQUE, Content
from stateful.side import Server


def _run(*servers: Server, examples: int) -> None:
    machine = machine_on(*servers)
    run_state_machine_as_test(
        machine, settings=machine_settings(derandomize=True, max_examples=examples, stateful_step_count=40)
    )
    assert machine.done["examples"] >= examples
    assert machine.done["steps"] > 10 * examples


def test_the_engine_does_what_the_model_says(fresh_engine):
    _run(Server(fresh_engine), examples=8)


def test_the_engine_and_lakefs_do_what_the_model_says(fresh_engine, lakefs_engine):
    _run(Server(fresh_engine), Server(lakefs_engine), examples=5)


def everything_once(*servers: Server) -> Counter[str]:
    """A program that is not left to chance: what it did, by outcome."""
    kind = machine_on(*servers)

    @settings(max_examples=1, deadline=None, database=None)
    @given(st.just(None))
    def program(_: None) -> None:
        machine = kind()
        one, two, three = (Content(data, OPAQUE, ()) for data in (b"1", b"2", b"x" * 70_000))
        machine.begin({"a": one, "d/x": one, "zz": one})
        machine.put_and_commit("one", "a", two)
        machine.put_and_commit("main", "a", three)
        for strategy in ("", "source-wins"):
            machine.merge("one", "main", strategy, False, False)
        machine.put_and_commit("two", "a", three)
        machine.put_and_commit("two", "d/y", three)
        machine.put_and_commit("main", "zz", two)
        machine.compare("main", "two")
        for strategy in ("", "dest-wins", ""):
            machine.merge("two", "main", strategy, False, False)
        machine.put_and_commit("two", "é/ü", two)
        machine.merge("two", "one", "source-wins", True, False)
        machine.revert("main", "main", 0, False)
        machine.revert("main", "main", 1, False)
        machine.put_and_commit("main", "d/x", two)
        machine.revert("main", "main", 0, False)
        machine.put_and_commit("one", "a b", two)
        machine.cherry_pick("main", "one", None)
        machine.hard_reset("one", "main~1")
        machine.put("one", "d/x", three, False)
        machine.reset("one")
        machine.create_tag("v2", "main")
        machine.delete_tag("v1", True)
        for ref in ("main", "one", "two", "v2"):
            machine.look_back(ref, "a")
        machine.start_anew(True)
        machine.start_anew(False)
        machine.teardown()

    program()
    return kind.done


REACHED = {
    "merge 200": 3, "merge 400": 1, "merge 409": 2, "revert 204": 2, "revert 409": 1, "cherry_pick 201": 1,
    "hard_reset 204": 1, "reset 204": 1, "create_tag 201": 2, "delete_tag 204": 1, "compare three_dot": 1,
    "look back": 4, "killed": 1, "stopped": 1,
}  # fmt: skip


def test_every_outcome_is_reached_on_the_engine(fresh_engine):
    done = everything_once(Server(fresh_engine))
    assert {name: count for name, count in REACHED.items() if done[name] < count} == {}, done


def test_every_outcome_is_reached_on_the_engine_and_on_lakefs(fresh_engine, lakefs_engine):
    done = everything_once(Server(fresh_engine), Server(lakefs_engine))
    assert {name: count for name, count in REACHED.items() if done[name] < count} == {}, done
