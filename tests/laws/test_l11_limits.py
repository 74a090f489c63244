"""Law L11: calls at once, calls in a window of time, and pauses that a destination asks for, over a restart too."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Event, Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import World, finish, world

import sinkkit
from sinkkit import RateLimit, RetryLater
from sinkkit.clock import SystemClock
from sinkkit.delivery.limits.limiter import Limiter
from sinkkit.delivery.limits.shared_limits import open_shared
from sinkkit.errors import DeliveryFailed
from sinkkit.faults import Point
from sinkkit.testing import FailAt, FakeClock, MisbehavingApi


@given(workers=st.integers(1, 8), count=st.integers(1, 60))
@settings(max_examples=10)
def test_no_more_calls_at_once_than_workers(workers, count):
    """However many batches there are, no more calls run at once than there are workers."""
    running, most, lock, never = [], [], Lock(), Event()

    @sinkkit.destination(batch_size=1, workers=workers, durability="process")
    def sink(items):
        with lock:
            running.append(1)
            most.append(len(running))
        never.wait(0.001)
        with lock:
            running.pop()

    with world(SystemClock()) as here:
        here.pipeline(sink).run(range(count), table_name="t")

    assert len(most) == count
    assert [at_once for at_once in most if at_once > workers] == []


@given(
    calls=st.none() | st.integers(1, 5),
    rows=st.none() | st.integers(1, 12),
    per=st.sampled_from([0.5, 1.0, 60.0]),
    wishes=st.lists(st.tuples(st.integers(1, 15), st.floats(0, 2), st.floats(0, 1), st.booleans()), max_size=60),
)
def test_every_window_keeps_to_the_limit(calls, rows, per, wishes):
    """In any window of the limit's time no more calls and rows start than allowed; a batch too large goes alone."""
    if calls is None and rows is None:
        calls = 3
    limiter = Limiter(RateLimit(calls=calls, rows=rows, per=per))
    now, starts = 0.0, []
    for size, pause, delay, given_up in wishes:
        now += pause
        while (wait := limiter.reserve(size, now)) is not None:
            assert wait > 0
            now += wait
        if given_up:
            limiter.cancel(size)
            continue
        now += delay
        limiter.start(size, now)
        starts.append((now, size))

    for first, _ in starts:
        window = [size for at, size in starts if first <= at < first + per]
        assert calls is None or len(window) <= calls
        assert rows is None or sum(window) <= rows or len(window) == 1


class SetClock:
    """A process's view of a machine: the monotonic clock of all, and a wall clock that somebody sets while it runs."""

    def __init__(self, machine, set_by):
        self.machine, self.set_by = machine, set_by

    def now(self):
        return self.machine.now()

    def wall(self):
        return self.machine.wall() + self.set_by[0]


@given(
    calls=st.none() | st.integers(1, 5),
    rows=st.none() | st.integers(1, 12),
    per=st.sampled_from([0.5, 1.0, 60.0]),
    wishes=st.lists(
        st.tuples(
            st.integers(0, 2),  # who
            st.integers(1, 15),  # rows
            st.floats(0, 2),  # seconds before
            st.floats(0, 1),  # seconds between the reservation and the start
            st.sampled_from(["start", "start", "start", "start", "give up", "die", "set the clock back", "set the clock on"]),
        ),
        max_size=40,
    ),
)
def test_every_window_of_a_shared_limit_keeps_to_it(calls, rows, per, wishes):
    """With several processes on one file, some of which die, and a wall clock that is set, each window sees no more than allowed over all."""
    if calls is None and rows is None:
        calls = 3
    machine, set_by, starts = FakeClock(), [0.0], []
    limit = RateLimit(calls=calls, rows=rows, per=per, shared="crm")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:

        def process():
            return stack.enter_context(closing(open_shared(limit, Path(folder), SetClock(machine, set_by))))

        limiters = [process() for _ in range(3)]
        for who, size, pause, delay, what in wishes:
            machine.advance(pause)
            until = machine.now() + 20 * per + 60
            while (wait := limiters[who].reserve(size, machine.now())) is not None:
                assert wait > 0
                machine.advance(wait)
                assert machine.now() < until  # a place is found in the end
            if what == "give up":
                limiters[who].cancel(size)
                continue
            if what == "die":
                limiters[who] = process()
                continue
            set_by[0] += {"set the clock back": -3600.0, "set the clock on": 3600.0}.get(what, 0.0)
            machine.advance(delay)
            limiters[who].start(size, machine.now())
            starts.append((machine.now(), size))

    for first, _ in starts:
        window = [size for at, size in starts if first <= at < first + per]
        assert calls is None or len(window) <= calls
        assert rows is None or sum(window) <= rows or len(window) == 1


@given(calls=st.integers(1, 6), workers=st.sampled_from([1, 3, 8]), count=st.integers(1, 30))
def test_a_run_keeps_to_the_rate(calls, workers, count):
    """In a run, no window of the period sees more calls start than the limit says."""
    starts, lock = [], Lock()
    with world() as here:

        @sinkkit.destination(batch_size=1, workers=workers, rate_limit=RateLimit(calls=calls, per=10), durability="process")
        def sink(items):
            with lock:
                starts.append(here.clock.now())

        here.pipeline(sink).run(range(count), table_name="t")

    starts.sort()
    assert len(starts) == count
    assert [(first, later) for first, later in zip(starts, starts[calls:], strict=False) if later - first < 10] == []


def test_the_rate_holds_in_real_time():
    """With real threads and a real clock, calls are spread out; half a window is left for threads that are slow to get from their start to the function's own clock."""
    starts, lock = [], Lock()

    @sinkkit.destination(batch_size=5, workers=4, rate_limit=RateLimit(calls=4, per=0.4))
    def sink(items):
        with lock:
            starts.append(time.monotonic())

    with world(SystemClock()) as here:
        here.pipeline(sink).run(range(60), table_name="t")

    starts.sort()
    assert len(starts) == 12
    assert [round(later - first, 4) for first, later in zip(starts, starts[4:], strict=False) if later - first < 0.2] == []


def test_runs_in_many_processes_keep_to_a_shared_rate(tmp_path):
    """Four processes, one of them killed in the middle and run again, start no more calls in any window than the limit they share allows.

    A call starts after its run has said that it does, and before its function is called: between these moments lies the start that the
    limit notes. So however long a busy machine lets a process wait, a window is too full only if the limit let too much through.
    """
    calls, per, processes, rows = 5, 0.25, 4, 12
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    with MisbehavingApi() as api:
        surroundings = {**os.environ, "DESTINATION__CRM__HTTP__BASE_URL": api.url, "LIMIT": f"{calls} {per}", "ROWS": str(rows)}

        def begin(number):
            command = [sys.executable, str(tmp_path / "program.py"), str(number)]
            return subprocess.Popen(command, stdout=subprocess.PIPE, env=surroundings, cwd=tmp_path, text=True)

        running = [begin(number) for number in range(processes)]
        lines = [running[0].stdout.readline() for _ in range(3)]
        running[0].kill()
        lines += running[0].communicate()[0].splitlines()
        running[0] = begin(0)
        for process in running:
            lines += process.communicate()[0].splitlines()

    assert [process.returncode for process in running] == [0] * processes
    said, called = (sorted(int(line.split()[place]) for line in lines) for place in (0, 1))
    assert len(said) >= processes * rows
    assert [(one, later) for one, later in zip(said, called[calls:], strict=False) if later - one < per * 1e9] == []
    arrived = sorted(request.rows[0]["id"] for request in api.requests)
    assert list(dict.fromkeys(arrived)) == sorted(number * 1000 + row for number in range(processes) for row in range(rows))


PROGRAM = """
import os, sys, time
import httpx, sinkkit
from sinkkit.events import CallsStarted

number, (calls, per) = int(sys.argv[1]), os.environ["LIMIT"].split()
said = []


def watch(event):
    if isinstance(event, CallsStarted):
        said.append(time.monotonic_ns())


limit = sinkkit.RateLimit(calls=int(calls), per=float(per), shared="crm")


@sinkkit.destination(batch_size=1, workers=1, rate_limit=limit, idempotency_header="Idempotency-Key")
def crm(items, http: httpx.Client):
    print(said[-1], time.monotonic_ns(), flush=True)
    http.post("/rows", json=items).raise_for_status()


rows = [{"id": number * 1000 + row} for row in range(int(os.environ["ROWS"]))]
sinkkit.pipeline(f"p{number}", destination=crm, progress=watch).run(rows, table_name="t", run_id="once")
"""


@given(after=st.sampled_from([1.0, 30.0, 3600.0]), workers=st.sampled_from([1, 4]), count=st.integers(2, 12), nth=st.integers(0, 5))
def test_no_call_starts_while_the_destination_wants_none(after, workers, count, nth):
    """After `Retry-After: n` no call of any worker starts for n seconds."""
    calls, asked, lock = [], [], Lock()
    with world() as here:

        @sinkkit.destination(batch_size=1, workers=workers, durability="process")
        def sink(items):
            with lock:
                calls.append(here.clock.now())
                number = len(calls) - 1
            if number == nth:
                asked.append(here.clock.now())
                raise RetryLater("too many", after=after)

        here.pipeline(sink).run(range(count), table_name="t")

    until = [at + after for at in asked]
    assert [at for at in calls for end in until if end - after < at < end] == []
    assert len(calls) == count + len(asked)


@pytest.mark.parametrize("point", [Point.AFTER_SETTLE, Point.BEFORE_CLAIM])
def test_a_pause_outlives_the_process(tmp_path, point):
    """A pause that was asked for before a crash is kept to by the next run, on another monotonic clock."""
    calls = []
    first = World(tmp_path, FakeClock())

    @sinkkit.destination(batch_size=1, workers=1)
    def sink(items):
        calls.append(first.clock.wall())
        if len(calls) == 1:
            raise RetryLater("too many", after=500)

    with suppress(Exception):
        first.pipeline(sink, faults=FailAt(point, 1 if point is Point.AFTER_SETTLE else 3)).run([1, 2, 3], table_name="t")
    assert len(calls) == 1
    began = first.clock.wall()
    first.clock = FakeClock(now=12345.0, wall=began)
    first.pipeline(sink).resume()

    assert len(calls) == 4
    assert [at for at in calls[1:] if at < calls[0] + 500] == []


def test_a_pause_beyond_the_deadline_halts_at_once():
    """A destination that asks for more time than the deadline allows ends the run; the next run still keeps to the pause."""
    calls = []
    with world() as here:

        @sinkkit.destination(batch_size=1, workers=1, retry=sinkkit.Retry(deadline=60))
        def sink(items):
            calls.append(here.clock.wall())
            if len(calls) == 1:
                raise RetryLater("too many", after=61)

        infos = finish(lambda: here.pipeline(sink).run([1, 2], table_name="t"), lambda _: here.pipeline(sink).resume())

        assert [(info.calls, info.total.pending) for info in infos] == [(1, 2), (2, 0)]
        assert calls[1] >= calls[0] + 61


def test_short_pauses_end_at_the_deadline_too():
    """Pauses that are asked for again and again charge no attempt, and still end with the deadline."""
    calls = []
    with world() as here:

        @sinkkit.destination(batch_size=1, workers=1, retry=sinkkit.Retry(attempts=2, deadline=60))
        def sink(items):
            calls.append(here.clock.now())
            raise RetryLater("too many", after=10)

        with pytest.raises(DeliveryFailed, match="too many") as failed:
            here.pipeline(sink).run([1], table_name="t")

        assert len(calls) == 7
        assert failed.value.info.total.pending == 1
