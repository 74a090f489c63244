"""Choosing an observer, and several as one."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import warnings

import pytest

from sinkkit.errors import ConfigError
from sinkkit.events import ignore
from sinkkit.observers import choose, combine
from sinkkit.observers.log import LogRecords
from sinkkit.observers.plain import PlainLines
from sinkkit.observers.progress import LiveBar
from sinkkit.testing import FakeClock

CHOOSE = """
import sys
from sinkkit.clock import SystemClock
from sinkkit.observers import choose
print(type(choose("auto", SystemClock())).__name__)
"""
PLAIN = """
import sys
from sinkkit.clock import SystemClock
from sinkkit.observers import choose
choose("plain", SystemClock())
print(*[name for name in ("rich", "logging", "asyncio") if name in sys.modules])
"""


@pytest.mark.parametrize(("progress", "kind"), [("bar", LiveBar), ("plain", PlainLines), ("log", LogRecords), ("auto", PlainLines)])
def test_names_choose_observers(progress, kind):
    """Each name has its observer; without a terminal, auto means plain lines."""
    assert isinstance(choose(progress, FakeClock()), kind)


def test_off_and_functions_are_what_they_are():
    """Off ignores everything, and a function is used as it is."""
    assert choose("off", FakeClock()) is ignore
    assert choose(print, FakeClock()) is print


@pytest.mark.parametrize("progress", ["loud", None, 3])
def test_unknown_names_are_refused(progress):
    """Anything else is a mistake, and the error says what there is."""
    with pytest.raises(ConfigError, match='"auto", "bar", "plain", "log" or "off"'):
        choose(progress, FakeClock())


@pytest.mark.parametrize(("term", "kind"), [("xterm", "LiveBar"), ("dumb", "PlainLines")])
def test_auto_is_a_bar_on_a_terminal(term, kind):
    """On a terminal that can move its cursor, auto is the bar."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", CHOOSE], env={**os.environ, "TERM": term}, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True
        )
    finally:
        os.close(ours)
        os.close(theirs)

    assert done.stdout.strip() == kind


def test_nothing_is_imported_that_was_not_chosen():
    """Importing the room loads neither rich nor logging; plain lines need neither."""
    done = subprocess.run([sys.executable, "-c", PLAIN], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_combined_observers_all_hear(events):
    """Each observer gets each event, in order."""
    first, second = [], []
    observe = combine([first.append, second.append])
    for event in events.values():
        observe(event)

    assert first == second == list(events.values())


def test_a_failing_observer_is_detached_and_reported_once(events):
    """An observer that raises is warned of once, gets no more events, and the others go on."""
    heard, calls = [], []

    def broken(event):
        calls.append(event)
        raise OSError("terminal gone")

    observe = combine([broken, heard.append])
    with pytest.warns(RuntimeWarning, match="OSError: terminal gone") as reported:
        list(map(observe, events.values()))

    assert heard == list(events.values())
    assert (len(calls), len(reported)) == (1, 1)


def test_a_failing_observer_stops_nothing_where_warnings_are_errors(events, capsys):
    """Even then the delivery goes on, and the failure is written to standard error."""
    heard = []
    observe = combine([lambda _: 1 / 0, heard.append])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        observe(events["started"])

    assert heard == [events["started"]]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_stream_that_is_closed_is_such_a_failure(events):
    """Lines that cannot be written any more cost the lines, not the run."""
    stream = io.StringIO()
    stream.close()
    observe = combine([PlainLines(FakeClock(), stream=stream)])
    with pytest.warns(RuntimeWarning, match="gets no more events"):
        observe(events["started"])
