"""Stopping a server together with the process that started it, however that one ends."""

from __future__ import annotations

import os
import signal
import sys
import threading

_STDIN = 0


def end_on_sigterm() -> None:
    """Make SIGTERM end this process as Ctrl-C does, so that what has to be closed and removed is.

    uvicorn raises the signal again once it has stopped, and by default that would kill.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _leave)


def _leave(*_: object) -> None:
    sys.exit(0)


def stop_with_stdin() -> None:
    """From now on, stop this process gently once nobody holds the other end of its standard input."""
    threading.Thread(target=_wait_and_stop, name="stdin", daemon=True).start()


def _wait_and_stop() -> None:
    try:
        while os.read(_STDIN, 4096):
            pass
    except OSError:
        sys.stderr.write("the standard input can't be read: stopping\n")
    os.kill(os.getpid(), signal.SIGTERM)
