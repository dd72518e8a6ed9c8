"""The short form of ``python -m tests.faults.engine_kill``: under load, on every road, killed at random moments."""

from __future__ import annotations

from faults.engine_kill import KillLoop

ROUNDS = 8


def test_what_was_acknowledged_outlives_kills_under_load(tmp_path):
    loop = KillLoop(tmp_path / "root", clients=5, seed=4)
    try:
        for number in range(1, ROUNDS + 1):
            loop.round(everything=number == ROUNDS)
        assert loop.acknowledged > 10 * ROUNDS
        assert sum(len(client.commits) for client in loop.clients) >= ROUNDS
    finally:
        loop.close()
