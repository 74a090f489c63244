"""The threads around the decisions: slots, timeouts, stuck claims, order, coroutines."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from threading import Event, Lock

import httpx
import pytest

import sinkkit
from sinkkit import Retry, RetryLater
from sinkkit.clock import SystemClock
from sinkkit.delivery.engine import HUNG_GRACE_SECONDS
from sinkkit.errors import CallFailed, DeliveryFailed
from sinkkit.events import CallsSettled
from sinkkit.journal.states import State
from sinkkit.testing import MisbehavingApi

SECONDS = 20.0
IN_FLIGHT, SETTLED = int(State.IN_FLIGHT), int(State.SETTLED)


def states(folder):
    """How many batches the journal has in each state, as another process sees it."""
    db = sqlite3.connect(f"file:{folder / 'p' / 'journal.db'}?mode=ro", uri=True)
    try:
        return dict(db.execute("SELECT state, sum(batch_count) FROM batches GROUP BY state").fetchall())
    finally:
        db.close()


def test_fast_calls_are_settled_while_a_slow_one_runs(make, tmp_path):
    """When a call in the middle of fast ones takes long, those before it are settled and those behind it are not held up by it."""
    go_on, seen, lock = Event(), [], Lock()

    @sinkkit.destination(batch_size=1, workers=2)
    def sink(items):
        with lock:
            seen.append(items[0]["value"])
            slow = len(seen) == 300
        if slow:
            assert go_on.wait(SECONDS)

    pipeline = make(sink, clock=SystemClock())
    thread = threading.Thread(target=pipeline.run, args=(range(2_000),), kwargs={"table_name": "t"})
    thread.start()
    try:
        until = time.monotonic() + SECONDS
        while len(seen) < 2_000 or states(tmp_path) != {IN_FLIGHT: 1, SETTLED: 1_999}:
            assert time.monotonic() < until, states(tmp_path)
            Event().wait(0.01)
    finally:
        go_on.set()
        thread.join()

    assert sorted(seen) == list(range(2_000))


def test_a_late_answer_settles(make):
    """A call that outlives its timeout keeps its slot; the others go on, and its late answer counts."""
    late, calls, lock = Event(), [], Lock()

    @sinkkit.destination(batch_size=1, workers=2, timeout=0.05)
    def sink(items):
        with lock:
            calls.append(items[0]["value"])
        if items[0]["value"] == 0:
            assert late.wait(SECONDS)
        elif items[0]["value"] == 29:
            late.set()
        else:
            Event().wait(0.01)

    info = make(sink, clock=SystemClock()).run(range(30), table_name="t")

    assert sorted(calls) == list(range(30))
    assert (info.total.delivered, info.retries) == (30, 0)


def test_when_all_slots_hang_the_run_ends(make):
    """Calls that never return end the run with their batches unknown; a late answer after that changes nothing."""
    never, calls, lock = Event(), [], Lock()

    @sinkkit.destination(batch_size=1, workers=2, timeout=0.05)
    def sink(items):
        with lock:
            calls.append(items[0]["value"])
            hangs = len(calls) <= 2
        if hangs:
            never.wait(SECONDS)

    pipeline = make(sink, clock=SystemClock())
    with pytest.raises(DeliveryFailed, match=r"still running after their timeout of 0\.05 s") as failed:
        pipeline.run(range(6), table_name="t")
    counts = failed.value.info.total
    never.set()

    assert isinstance(failed.value.__cause__, CallFailed)
    assert (counts.unknown, counts.pending, counts.delivered) == (2, 4, 0)
    assert HUNG_GRACE_SECONDS < failed.value.info.elapsed < SECONDS / 2
    info = pipeline.resume()
    assert (info.total.delivered, info.total.resent) == (6, 2)


def test_a_hung_call_does_not_end_a_run_that_waits_for_a_retry(make):
    """While a batch waits for its next attempt and slots are free, one hung call is no reason to give up."""
    late, settled, calls = Event(), Event(), []

    @sinkkit.destination(batch_size=1, workers=2, timeout=0.05, retry=Retry(first_wait=3.0, attempts=9))
    def sink(items):
        calls.append(items[0]["value"])
        if items[0]["value"] == 0:
            assert late.wait(SECONDS)
        elif len(calls) == 2:
            raise RetryLater("busy", after=HUNG_GRACE_SECONDS + 0.6)
        else:
            late.set()
            assert settled.wait(SECONDS)

    def observe(event):
        if isinstance(event, CallsSettled) and event.delivered:
            settled.set()

    info = make(sink, clock=SystemClock(), observe=observe).run(range(2), table_name="t")

    assert info.total.delivered == 2


def test_one_worker_is_one_thread_in_order(make, clock):
    """With one worker, every call is made from one thread, in order, also where calls fail and are retried."""
    calls = []

    @sinkkit.destination(batch_size=2, workers=1, retry=Retry(attempts=9))
    def sink(items, batch: sinkkit.Batch):
        calls.append((threading.get_ident(), items[0]["value"]))
        if len(calls) % 3 == 0:
            raise RetryLater("busy", after=5 if len(calls) % 2 else None)
        if len(calls) % 5 == 0:
            raise TimeoutError

    make(sink, max_file_rows=7).run(range(40), table_name="t")
    order = [value for _, value in calls]

    assert order == sorted(order)
    assert len(list(dict.fromkeys(thread for thread, _ in calls))) == 1


@pytest.mark.parametrize("workers", [1, 4])
def test_coroutines_deliver(make, workers):
    """A coroutine function is called as any other; what it raises means the same."""
    got, calls = [], []

    @sinkkit.destination(batch_size=3, workers=workers)
    async def sink(items):
        await asyncio.sleep(0)
        calls.append(items)
        if len(calls) == 2:
            raise RetryLater("busy")
        got.extend(row["value"] for row in items)

    info = make(sink).run(range(20), table_name="t")

    assert sorted(got) == list(range(20))
    assert (info.total.delivered, info.retries) == (20, 1)


def test_coroutines_deliver_inside_a_running_loop(make):
    """A run inside a running event loop, as in a notebook, delivers with the injected client too."""
    with MisbehavingApi() as api:

        @sinkkit.destination(batch_size=5, workers=3)
        async def sink(items, http: httpx.AsyncClient):
            (await http.post(api.url, json=items)).raise_for_status()

        async def notebook():
            return make(sink).run(range(20), table_name="t")

        info = asyncio.run(notebook())

    assert info.total.delivered == 20
    assert sorted(row["value"] for row in api.received) == list(range(20))


def test_a_coroutine_that_takes_too_long_is_ambiguous(make):
    """A coroutine is cancelled at its timeout; its batch is sent again under the same key."""
    keys = []

    @sinkkit.destination(batch_size=1, workers=1, timeout=0.05)
    async def sink(items, batch: sinkkit.Batch):
        keys.append(batch.key)
        if len(keys) == 1:
            await asyncio.sleep(SECONDS)

    info = make(sink).run([1], table_name="t")

    assert (keys, info.total.resent) == ([keys[0]] * 2, 1)


def test_what_breaks_outside_a_call_ends_the_run(make):
    """An error in our own thread does not leave the run hanging: it ends, and the next one goes on."""
    from sinkkit.faults import Point
    from sinkkit.testing import FailAt

    @sinkkit.destination(batch_size=1, workers=3)
    def sink(items):
        """Deliver everything."""

    with pytest.raises(MemoryError):
        make(sink, faults=FailAt(Point.AFTER_CLAIM, 2, MemoryError())).run(range(9), table_name="t")

    assert make(sink).resume().total.delivered == 9


def test_the_same_run_can_be_made_from_any_thread(make):
    """Outside the main thread no signal handler is touched, and the run works."""
    infos = []

    @sinkkit.destination
    def sink(items):
        """Deliver everything."""

    thread = threading.Thread(target=lambda: infos.append(make(sink).run(range(30), table_name="t")))
    thread.start()
    thread.join(SECONDS)

    assert [info.total.delivered for info in infos] == [30]
