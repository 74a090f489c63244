"""The live bar: what a person sees on the terminal."""

from __future__ import annotations

import io
import sys

from rich.console import Console

from sinkkit.observers.progress import LiveBar, picture
from sinkkit.observers.tally import Tally
from sinkkit.testing import FakeClock


def seen(events, *, width=100, seconds=1.0):
    """The picture after some events, a second apart, as lines of text."""
    clock = FakeClock()
    tally = Tally(clock)
    for event in events:
        tally.count(event)
        clock.advance(seconds)
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(picture(tally.view()))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_picture_says_what_happens(events):
    """Who delivers where, the share done, rows, speed, calls at once, time left, trouble, and what it waits for."""
    names = ["started", "load", "settled", "retry", "pause"]
    lines = seen([events[name] for name in names])

    assert lines[0].startswith("nightly → crm ━")
    assert lines[0].endswith(" 30 %")
    assert lines[1:] == [
        "  300 of 1,000 rows · 67 rows/s · 3 calls running · 40 s left",
        "  10 rows rejected · 1 retry, last: 503 Busy [31m later",
        "  waiting 29 s: the destination answered 429",
    ]


def test_extracting_is_shown_without_a_bar(events):
    """Nobody knows how many rows a source has."""
    assert seen([events["started"], events["extracted"]]) == ["nightly → crm", "  extracted 1,000 rows · 500 rows/s"]


def test_halting_is_shown(events):
    """Once halting, it says how many calls are still running and guesses no time."""
    lines = seen([events[name] for name in ("started", "load", "settled", "halting")])

    assert lines[-1] == "  halting: waiting for 3 calls to end"
    assert "left" not in lines[1]


def test_lines_are_cut_at_the_edge(events):
    """On a narrow terminal the picture keeps its height."""
    assert len(seen(events.values(), width=30)) == 4


def test_one_line_is_left(events):
    """At the end the picture is gone; the last line is the summary, and standard error is what it was."""
    before = (sys.stdout, sys.stderr)
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    bar = LiveBar(FakeClock(), console)
    for event in events.values():
        bar(event)
    bar(events["started"])
    bar(events["finished"])
    written = console.file.getvalue()

    assert written.endswith("✗ 190 rows delivered, 800 pending\n")
    assert "! rows of an earlier run were finished first\n" in written
    assert "! halting, no new call starts: 401 Unauthorized\n" in written
    assert (sys.stdout, sys.stderr) == before


def test_the_cursor_stays_visible(events):
    """A process killed at any time leaves a terminal that shows its cursor."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    bar = LiveBar(FakeClock(), console)
    bar(events["started"])
    written = console.file.getvalue()
    bar(events["finished"])

    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
