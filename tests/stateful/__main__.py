"""The long run: ``python -m tests.stateful --minutes 30 --server``, from the root of the checkout.

Seed after seed until the time is over. It says what was really run, and for a difference the seed, the shortest
program that shows it, and Hypothesis' blob that repeats it; it then exits with 1.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test
from support import engines

from stateful.machine import machine_on, machine_settings
from stateful.side import Server

_ENOUGH_FAILURES = 3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.stateful", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--server", action="store_true", help="run the same programs on a real lakeFS, too")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--examples", type=int, default=10, help="programs for each seed")
    parser.add_argument("--steps", type=int, default=50, help="rules in a program, at most")
    return parser.parse_args()


def _run(chosen: argparse.Namespace, servers: list[Server]) -> int:
    settings = machine_settings(max_examples=chosen.examples, stateful_step_count=chosen.steps)
    begun, done, failed, number = time.monotonic(), Counter[str](), [], chosen.seed
    while time.monotonic() - begun < 60 * chosen.minutes and len(failed) < _ENOUGH_FAILURES:
        machine = machine_on(*servers)
        try:
            run_state_machine_as_test(seeded(number)(machine), settings=settings)
        except Exception:
            failed.append(number)
            print(f"\nseed {number} FAILED\n{traceback.format_exc()}", flush=True)
        done += machine.done
        number += 1
        if (number - chosen.seed) % 10 == 0:
            print(_summary(done, number - chosen.seed, time.monotonic() - begun), flush=True)
    print(_summary(done, number - chosen.seed, time.monotonic() - begun))
    for name, count in sorted(done.items()):
        print(f"  {name}: {count}")
    print(f"failing seeds: {failed or 'none'}")
    return 1 if failed else 0


def _summary(done: Counter[str], seeds: int, seconds: float) -> str:
    return (
        f"{seconds / 60:.1f} minutes: {seeds} seeds, {done['examples']} programs, {done['steps']} operations, "
        f"{done['stopped']} restarts, {done['killed']} kills"
    )


def main() -> int:
    """Run, and say what came of it."""
    chosen = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers and folders are tidied up then
    if chosen.server and not engines.there_is_a_real_server():
        print(engines.real_server_words())
        return 2
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lakefs-repro-stateful-")))
        servers = [Server(stack.enter_context(engines.embedded(folder / "engine")))]
        if chosen.server:
            print(f"beside: {engines.real_server_words()}")
            (folder / "lakefs").mkdir()
            servers.append(Server(stack.enter_context(engines.real_lakefs(folder / "lakefs"))))
        return _run(chosen, servers)


if __name__ == "__main__":
    sys.exit(main())
