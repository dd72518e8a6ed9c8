"""Random programs against the model: a short, always equal run; ``python -m tests.stateful`` is the long one."""

from __future__ import annotations

from hypothesis.stateful import run_state_machine_as_test

from stateful.machine import machine_on, machine_settings
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
