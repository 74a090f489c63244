"""A limit that runs share: one window, one pause, whatever process they are in."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import sinkkit
from sinkkit import RateLimit, RetryLater
from sinkkit.clock import SystemClock
from sinkkit.delivery.limits.limiter import MARGIN
from sinkkit.delivery.limits.shared_limits import STALE_SECONDS, open_shared
from sinkkit.delivery.limits.shared_window import HELD_SECONDS
from sinkkit.errors import ConfigError, DeliveryFailed, JournalError
from sinkkit.events import DestinationPaused
from sinkkit.testing import FakeClock


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """The folder of shared limits for this test."""
    monkeypatch.setenv("SINKKIT_LIMITS_DIR", str(tmp_path / "limits"))
    return tmp_path / "limits"


@contextmanager
def sharing(folder, clock, *each, **numbers):
    """One limiter for each set of numbers, all of the name "crm"."""
    opened = [open_shared(RateLimit(shared="crm", **(own or numbers)), folder, clock) for own in each]
    try:
        yield opened
    finally:
        for limiter in opened:
            limiter.close()


def about(seconds):
    """A time but for the rounding."""
    return pytest.approx(seconds, abs=0.001)


def take(limiter, clock, rows=1):
    """Wait for a place as a run does, and start a call at once; the time of the start."""
    while (wait := limiter.reserve(rows, clock.now())) is not None:
        clock.advance(wait)
    limiter.start(rows, clock.now())
    return clock.now()


def test_all_who_name_a_limit_share_its_window(tmp_path):
    """What one has started leaves the other less room, and both learn the very moment when there is some again."""
    clock = FakeClock()
    with sharing(tmp_path, clock, {}, {}, calls=3, per=10) as (one, other):
        starts = [take(limiter, clock) for limiter in (one, other, one)]

        assert starts == [0, 0, 0]
        assert [one.reserve(1, clock.now()), other.reserve(1, clock.now())] == [about(10 + MARGIN)] * 2
        assert take(other, clock) == about(10 + MARGIN)


def test_rows_are_shared_too(tmp_path):
    """Rows count over all; a batch larger than the window goes alone into an empty one."""
    clock = FakeClock()
    with sharing(tmp_path, clock, {}, {}, rows=10, per=10) as (one, other):
        take(one, clock, 6)
        clock.advance(4)
        take(other, clock, 4)

        assert one.reserve(1, clock.now()) == about(6 + MARGIN)
        assert other.reserve(7, clock.now()) == about(10 + MARGIN)
        assert take(other, clock, 50) == about(14 + MARGIN)
        assert take(one, clock, 1) == about(24 + 2 * MARGIN)


def test_a_place_that_is_given_back_is_free_at_once(tmp_path):
    """A reservation counts for others until its call is given up; they look again soon, as nobody tells them."""
    clock = FakeClock()
    with sharing(tmp_path, clock, {}, {}, calls=1, per=3600) as (one, other):
        assert one.reserve(1, clock.now()) is None
        assert 0 < other.reserve(1, clock.now()) < 1
        one.cancel(1)
        clock.advance(1)

        assert other.reserve(1, clock.now()) is None


def test_what_a_killed_process_reserved_ages_out(tmp_path):
    """A reservation whose process died before its call counts for a window and a while, and no longer."""
    clock = FakeClock()
    with sharing(tmp_path, clock, {}, {}, calls=1, per=5) as (dead, other):
        assert dead.reserve(1, clock.now()) is None

        assert 5 + HELD_SECONDS <= take(other, clock) < 5 + HELD_SECONDS + 1


def test_a_place_reserved_long_ago_is_not_used(tmp_path):
    """A call that was held up for long gives its place back before others take it for that of a dead process."""
    clock = FakeClock()
    with sharing(tmp_path, clock, {}, calls=1, per=5) as (one,):
        assert one.reserve(1, clock.now()) is None
        assert one.may_start(clock.now())
        clock.advance(STALE_SECONDS + 1)
        assert not one.may_start(clock.now())
        one.cancel(1)

        assert one.reserve(1, clock.now()) is None
        assert one.may_start(clock.now())


def test_a_pause_holds_for_all(tmp_path):
    """Whoever is asked to wait makes the others wait; each of them hears of it once, and a later run still keeps to it."""
    clock = FakeClock()
    with sharing(tmp_path, clock, {}, {}, calls=5, per=1) as (one, other):
        assert other.reserve(1, clock.now()) is None
        one.pause(60)

        assert not other.may_start(clock.now())
        assert other.reserve(1, clock.now()) == 60
        assert [other.heard(), other.heard(), one.heard()] == [60, None, None]
    clock.advance(59)
    with sharing(tmp_path, clock, {}, calls=5, per=1) as (later,):
        assert later.reserve(1, clock.now()) == about(1)
        clock.advance(1.001)

        assert later.reserve(1, clock.now()) is None
        assert later.may_start(clock.now())


def test_the_stricter_numbers_hold(tmp_path):
    """Where runs give one name to different numbers, all keep to all of them until the last run that has them ends."""
    clock = FakeClock()
    with sharing(tmp_path, clock, {"calls": 5, "per": 1}) as (loose,):
        with sharing(tmp_path, clock, {"calls": 2, "per": 10}) as (strict,):
            assert [take(strict, clock), take(loose, clock)] == [0, 0]
            assert take(loose, clock) == about(10 + MARGIN)
        began = clock.now()

        assert [take(loose, clock) - began for _ in range(5)] == [0, 0, 0, 0, about(1 + MARGIN)]
        with sharing(tmp_path, clock, {"calls": 2, "per": 10}) as (again,):
            assert take(again, clock) == about(clock.now())
            assert clock.now() >= began + 10


def test_the_numbers_of_a_killed_run_do_not_hold_for_ever(tmp_path):
    """Nobody says that it has ended; after a minute the others go by their own numbers."""
    clock = FakeClock()
    with sharing(tmp_path, clock, {"calls": 5, "per": 1}, {"calls": 1, "per": 3600}) as (loose, killed):
        take(killed, clock)

        assert 60 <= take(loose, clock) < 62


def test_who_waits_longest_gets_through(tmp_path):
    """A batch that needs an empty window is not kept waiting for ever by small ones that others start."""
    clock = FakeClock()
    with sharing(tmp_path, clock, {}, {}, rows=10, per=10) as (busy, patient):
        small, large, again = [], None, 0.0
        while large is None and clock.now() < 100:
            if busy.reserve(2, clock.now()) is None:
                busy.start(2, clock.now())
                small.append(clock.now())
            if clock.now() >= again:
                wait = patient.reserve(25, clock.now())
                again = clock.now() + (wait or 0)
                large = clock.now() if wait is None else None
            clock.advance(0.5)

    assert len(small) >= 5
    assert large is not None
    assert large < 4 * 10


def test_old_starts_are_forgotten(tmp_path):
    """The file does not grow with the calls that were made."""
    clock = FakeClock()
    with sharing(tmp_path, clock, {}, calls=3, per=1) as (one,):
        for _ in range(100):
            take(one, clock)
        with closing(sqlite3.connect(tmp_path / "crm.db")) as db:
            assert db.execute("SELECT count(*) FROM starts").fetchone()[0] <= 6
            assert db.execute("SELECT count(*) FROM reserved").fetchone() == (0,)


def test_a_file_that_fails_in_the_middle_halts_the_run(limits):
    """What was delivered is known, nothing more is sent, and once the file is removed the next run sends the rest, each row once."""
    delivered = []

    @sinkkit.destination(batch_size=1, workers=2, rate_limit=RateLimit(calls=100, per=1, shared="crm"))
    def sink(items):
        delivered.extend(row["value"] for row in items)
        if len(delivered) == 3:
            with closing(sqlite3.connect(limits / "crm.db")) as db:
                db.execute("DROP TABLE reserved")

    pipeline = sinkkit.pipeline("p", destination=sink)
    with pytest.raises(DeliveryFailed) as failed:
        pipeline.run(list(range(10)), table_name="t")

    assert isinstance(failed.value.__cause__, JournalError)
    assert "remove the file" in failed.value.__cause__.hint
    assert failed.value.info.total.unknown == 0
    assert failed.value.info.total.delivered == len(delivered) < 10
    (limits / "crm.db").unlink()
    assert pipeline.resume().total.delivered == 10
    assert sorted(delivered) == list(range(10))


def test_a_run_keeps_to_a_pause_that_another_was_asked_for(limits):
    """`Retry-After` for one pipeline holds for all that share its limit, and observers are told why nothing happens."""
    clock, events, times = SystemClock(), [], []

    @sinkkit.destination(name="crm", batch_size=1, workers=1, rate_limit=RateLimit(calls=100, shared="crm"))
    def sink(items):
        times.append(clock.now())
        if len(times) == 1:
            raise RetryLater("slow down", after=0.3)

    with pytest.raises(DeliveryFailed):
        sinkkit.pipeline("one", destination=sink(retry=sinkkit.Retry(deadline=0.1))).run([1], table_name="t")
    sinkkit.pipeline("other", destination=sink, progress=events.append).run([2], table_name="t")

    told = [event for event in events if isinstance(event, DestinationPaused)]
    assert times[1] - times[0] >= 0.3
    assert [(event.destination, event.reason) for event in told] == [("crm", "another run that shares the rate limit was asked to wait")]
    assert 0 < told[0].seconds <= 0.3


def test_config_names_a_shared_limit(tmp_path, limits):
    """The name stands in the table of the limit, and the file bears it."""
    folder = tmp_path / ".sinkkit"
    folder.mkdir()
    (folder / "config.toml").write_text('[destination.sink.rate_limit]\ncalls = 50\nper = 1\nshared = "crm-api"\n', encoding="utf-8")

    @sinkkit.destination
    def sink(items):
        pass

    sinkkit.pipeline("p", destination=sink).run([1, 2, 3], table_name="t")

    assert [path.name for path in limits.iterdir()] == ["crm-api.db"]


@pytest.mark.parametrize("name", ["", ".", "../crm", "a/b", "crm api", "x" * 101, 7, "crm\n"])
def test_names_that_are_no_file_names_are_refused(name):
    """A shared limit's name becomes a file's name: anything else is refused where it is written."""
    with pytest.raises(ConfigError, match="is not a name"):
        RateLimit(calls=1, shared=name)


def test_limits_are_kept_at_home_unless_told_otherwise():
    """Without a folder of its own the file is under the home folder, for all pipelines, wherever their state is."""

    @sinkkit.destination(rate_limit=RateLimit(calls=9, shared="crm"))
    def sink(items):
        pass

    sinkkit.pipeline("p", destination=sink, pipelines_dir="elsewhere").run([1], table_name="t")

    assert [path.name for path in (Path.home() / ".sinkkit" / "limits").iterdir()] == ["crm.db"]
