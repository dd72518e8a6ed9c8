import io
import threading
import time

import pytest
from rich.console import Console

from lakefs_repro.cli.progress import Bars, Lines, Notes, open_watch


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_off_terminal_only_notes_are_heard():
    err = io.StringIO()
    watch = open_watch(err, quiet=False, debug=False)
    watch.step("upload", total=10, unit="B")
    watch.advance(5)
    watch.note("another ingest is ahead\x1b[31m")
    watch.close()
    assert err.getvalue() == "note: another ingest is ahead\\x1b[31m\n"


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_quiet_is_silent(stream):
    err = stream()
    watch = open_watch(err, quiet=True, debug=False)
    watch.step("upload")
    watch.note("hello")
    watch.close()
    assert err.getvalue() == ""


def test_debug_tells_steps_with_their_size():
    err = io.StringIO()
    watch = open_watch(err, quiet=False, debug=True)
    watch.step("scan")
    watch.step("hash", total=1500, unit="B")
    watch.step("read", total=2_000_000, unit="bytes")
    watch.step("probe", total=2, unit="files")
    watch.advance()
    watch.close()
    told = [line.split("s  ", 1)[1] for line in err.getvalue().splitlines()]
    assert told == ["scan", "hash (1.5 kB)", "read (2.0 MB)", "probe (2 files)"]


def test_the_right_kind_for_each_stream():
    assert isinstance(open_watch(Terminal(), quiet=False, debug=False), Bars)
    assert isinstance(open_watch(Terminal(), quiet=False, debug=True), Lines)
    assert isinstance(open_watch(io.StringIO(), quiet=False, debug=False), Notes)


def shown(patience: float, painting_s: float = 0.0) -> tuple[str, Bars]:
    err = Terminal()
    bars = Bars(Console(file=err, force_terminal=True, width=100, color_system=None), patience_s=patience)
    bars.step("hash", total=2_000_000, unit="B")
    threads = [threading.Thread(target=lambda: [bars.advance(1000) for _ in range(250)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(painting_s)  # it is painted ten times a second
    bars.step("merge")
    bars.note("[bold]not markup[/bold]")
    bars.close()
    return err.getvalue(), bars


def test_bars_count_bytes_from_any_thread():
    text, _ = shown(patience=0.0, painting_s=0.4)
    assert "hashing" in text
    assert "of 2.0 MB" in text
    assert "note: [bold]not markup[/bold]" in text


def test_short_work_shows_nothing_but_notes():
    text, _ = shown(patience=60.0)
    assert text == "note: [bold]not markup[/bold]\n"
