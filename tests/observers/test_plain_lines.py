"""Plain lines: enough to read in the morning, not enough to fill a log."""

from __future__ import annotations

import io

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.events import DestinationPaused
from sinkkit.observers.phrases import counted, number, one_line, seconds_in_words
from sinkkit.observers.plain import PlainLines
from sinkkit.testing import FakeClock


def told(stream):
    """The lines written, without their times."""
    return [line.partition(" sinkkit: ")[2] for line in stream.getvalue().splitlines()]


def test_a_run_is_told_from_start_to_end(events):
    """Start, progress, trouble, pause, halt and end each have a line; what servers wrote cannot move the cursor."""
    clock, stream = FakeClock(), io.StringIO()
    tell = PlainLines(clock, stream=stream)
    for event in events.values():
        tell(event)
        clock.advance(1)

    assert told(stream) == [
        "nightly → crm: started",
        "nightly → crm: 300 of 1,000 rows (30 %), 100 rows/s, 3 calls running, 7 s left, 10 rows rejected",
        "waiting 30 s: the destination answered 429",
        "halting, no new call starts: 401 Unauthorized",
        "190 rows delivered, 800 pending",
        "warning: rows of an earlier run were finished first",
    ]


def test_progress_names_the_last_trouble(events):
    """A line of progress has the retries with the last reason, and what it waits for."""
    clock, stream = FakeClock(), io.StringIO()
    tell = PlainLines(clock, stream=stream)
    for name in ("started", "load", "retry", "retry", "pause"):
        tell(events[name])
    clock.advance(6)
    tell(events["settled"])

    assert told(stream)[-1] == (
        "nightly → crm: 300 of 1,000 rows (30 %), 0 rows/s, 3 calls running, 10 rows rejected, "
        "2 retries, last: 503 Busy [31m later, waiting 24 s: the destination answered 429"
    )


def test_progress_comes_every_few_seconds(events):
    """However many events there are, progress is a line every five seconds."""
    clock, stream = FakeClock(), io.StringIO()
    tell = PlainLines(clock, stream=stream)
    tell(events["started"])
    for _ in range(1_280):
        tell(events["extracted"])
        clock.advance(1 / 64)

    assert told(stream)[1] == "nightly → crm: extracted 321,000 rows, 64,200 rows/s"
    assert len(told(stream)) == 4


@pytest.mark.parametrize(("seconds", "lines"), [(0.5, 0), (3.0, 3)])
def test_short_runs_stay_quiet(events, seconds, lines):
    """A run within the quiet time writes nothing; a longer one tells of its progress, its halt and its end."""
    clock, stream = FakeClock(), io.StringIO()
    tell = PlainLines(clock, quiet_for=2.0, stream=stream)
    for name in ("started", "load", "settled"):
        tell(events[name])
    clock.advance(seconds)
    for name in ("settled", "halting", "finished"):
        tell(events[name])

    assert len(told(stream)) == lines


def test_warnings_and_long_pauses_are_told_in_the_quiet_time_too(events):
    """What a person should know is not held back, and after a pause the end is told as well."""
    clock, stream = FakeClock(), io.StringIO()
    tell = PlainLines(clock, quiet_for=2.0, stream=stream)
    for name in ("started", "warned", "pause", "finished"):
        tell(events[name])

    assert [line[:8] for line in told(stream)] == ["warning:", "waiting ", "190 rows"]


def test_the_same_pause_is_told_once():
    """Sixteen calls that are told to wait are one line; many short pauses are a line every few seconds."""
    clock, stream = FakeClock(), io.StringIO()
    tell = PlainLines(clock, stream=stream)
    for n in range(16):
        tell(DestinationPaused(destination="crm", seconds=30 + n / 100, reason="429"))
    for _ in range(100):
        clock.advance(1)
        tell(DestinationPaused(destination="crm", seconds=0.5, reason="429"))

    assert told(stream)[0] == "waiting 30 s: 429"
    assert 10 <= len(told(stream)) <= 20


def test_each_run_starts_anew(events):
    """A second run with the same observer tells of its own halt."""
    stream = io.StringIO()
    tell = PlainLines(FakeClock(), stream=stream)
    for event in [events["started"], events["halting"], attrs.evolve(events["halting"], reason="again")] * 2:
        tell(event)

    assert told(stream) == ["nightly → crm: started", "halting, no new call starts: 401 Unauthorized"] * 2


def test_lines_go_to_standard_error(events, capsys):
    """Standard output is left to the program."""
    PlainLines(FakeClock())(events["started"])

    assert capsys.readouterr().out == ""


@given(st.text())
def test_reasons_become_one_printable_line(text):
    """Whatever a server wrote, what is shown is one short printable line."""
    line = one_line(text)

    assert line.isprintable()
    assert len(line) <= 160


def test_numbers_are_put_in_words():
    """Counts and times read as people write them."""
    assert [number(value) for value in (0, 0.25, 9.96, 12.4, 41_200)] == ["0", "0.2", "10.0", "12", "41,200"]
    assert [seconds_in_words(value) for value in (0.5, 30, 125, 12_000)] == ["0.5 s", "30 s", "2 min 05 s", "3 h 20 min"]
    assert [counted(value, "call") for value in (0, 1, 1_000)] == ["0 calls", "1 call", "1,000 calls"]
