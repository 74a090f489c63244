"""The event loop under coroutines: many at once on few threads, timeouts, hung and blocking calls, requests, pauses."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest

import sinkkit
from sinkkit import Retry, RetryLater
from sinkkit.clock import SystemClock
from sinkkit.delivery.engine import HUNG_GRACE_SECONDS
from sinkkit.errors import CallFailed, DeliveryFailed
from sinkkit.events import CallsSettled
from sinkkit.testing import Answer, MisbehavingApi

SECONDS = 30.0


def test_five_hundred_calls_are_no_five_hundred_threads(make):
    """500 calls wait at the same time, on one loop and a few threads beside it."""
    waiting, most, go_on = [], [], []
    before = threading.active_count()

    @sinkkit.destination(batch_size=1, workers=500)
    async def sink(items):
        if not go_on:
            go_on.append(asyncio.Event())
        waiting.append(items[0]["value"])
        if len(waiting) == 500:
            most.append(threading.active_count() - before)
            go_on[0].set()
        await asyncio.wait_for(go_on[0].wait(), SECONDS)

    info = make(sink, clock=SystemClock()).run(range(1_000), table_name="t")

    assert info.total.delivered == 1_000
    assert sorted(waiting) == list(range(1_000))
    assert len(most) == 1
    assert most[0] <= 4


def test_no_more_calls_than_workers(make):
    """However many slots there are, calls at once never exceed `workers`."""
    running, most = [], []

    @sinkkit.destination(batch_size=1, workers=5)
    async def sink(items):
        running.append(items)
        most.append(len(running))
        for _ in range(20):
            await asyncio.sleep(0.001)
        running.pop()

    make(sink, clock=SystemClock()).run(range(60), table_name="t")

    assert max(most) == 5


def test_a_late_answer_settles(make):
    """A coroutine that does not give in to its timeout keeps its slot; others go on, and its late answer counts."""
    calls, late = [], []

    @sinkkit.destination(batch_size=1, workers=2, timeout=0.05)
    async def sink(items):
        late.append(asyncio.Event())
        calls.append(items[0]["value"])
        if items[0]["value"] == 0:
            try:
                await late[0].wait()
            except asyncio.CancelledError:
                await asyncio.wait_for(late[0].wait(), SECONDS)
        elif items[0]["value"] == 29:
            late[0].set()
        else:
            await asyncio.sleep(0.01)

    info = make(sink, clock=SystemClock()).run(range(30), table_name="t")

    assert sorted(calls) == list(range(30))
    assert (info.total.delivered, info.retries) == (30, 0)


def test_when_all_slots_hang_the_run_ends(make):
    """Coroutines that cannot be cancelled end the run with their batches unknown; they may end later, in peace."""
    never, calls, release, ended = [], [], [], threading.Event()

    @sinkkit.destination(batch_size=1, workers=2, timeout=0.05)
    async def sink(items):
        never.append(asyncio.Event())
        calls.append(items[0]["value"])
        if len(calls) > 2:
            return
        loop = asyncio.get_running_loop()
        while not never[0].is_set():
            try:
                await never[0].wait()
            except asyncio.CancelledError:
                release.append(lambda: loop.call_soon_threadsafe(never[0].set))
        ended.set()

    pipeline = make(sink, clock=SystemClock())
    with pytest.raises(DeliveryFailed, match=r"still running after their timeout of 0\.05 s") as failed:
        pipeline.run(range(6), table_name="t")
    counts = failed.value.info.total
    release[0]()

    assert isinstance(failed.value.__cause__, CallFailed)
    assert (counts.unknown, counts.pending, counts.delivered) == (2, 4, 0)
    assert HUNG_GRACE_SECONDS < failed.value.info.elapsed < SECONDS / 2
    assert ended.wait(SECONDS)
    assert pipeline.resume().total.delivered == 6


@pytest.mark.parametrize("workers", [1, 8])
def test_a_coroutine_that_blocks_the_loop_ends_the_run(make, workers):
    """Where a coroutine never lets the loop go on, no free slot helps: the run ends as if all calls hung."""
    never, calls = threading.Event(), []

    @sinkkit.destination(batch_size=1, workers=workers, timeout=0.05)
    async def sink(items):
        calls.append(items[0]["value"])
        if len(calls) == 2:
            never.wait(SECONDS)

    pipeline = make(sink, clock=SystemClock())
    with pytest.raises(DeliveryFailed, match="still running after their timeout") as failed:
        pipeline.run(range(6), table_name="t")
    never.set()

    assert failed.value.info.total.unknown >= 1
    assert failed.value.info.elapsed < SECONDS / 2
    assert pipeline.resume().total.delivered == 6


def test_a_blocked_loop_is_only_slow(make):
    """A coroutine that blocks the loop for a while delays the others, and that is all."""

    @sinkkit.destination(batch_size=1, workers=8)
    async def sink(items):
        await asyncio.sleep(0.001)
        threading.Event().wait(0.02)

    assert make(sink, clock=SystemClock()).run(range(20), table_name="t").total.delivered == 20


def test_requests_know_the_batch_of_their_call(make):
    """Side by side, each request bears the key of its own batch, further ones derived keys, also from tasks of the function."""
    keys = {}
    with MisbehavingApi(latency=0.01) as api:

        @sinkkit.destination(batch_size=2, workers=20, idempotency_header="Idempotency-Key")
        async def sink(items, http: httpx.AsyncClient, batch: sinkkit.Batch):
            keys[items[0]["value"]] = batch.key
            await http.post(api.url, json=items[:1])
            async with asyncio.TaskGroup() as group:
                group.create_task(http.post(api.url, json=items[1:]))

        make(sink, clock=SystemClock()).run(range(80), table_name="t")

    sent = {request.rows[0]["value"]: request.headers["idempotency-key"] for request in api.requests}
    assert sent == {n: keys[n] if n % 2 == 0 else f"{keys[n - 1]}-2" for n in range(80)}


def test_a_failure_after_a_request_that_succeeded_is_ambiguous(make):
    """A definite refusal is ambiguous where an earlier request of the same call has changed the destination."""
    with MisbehavingApi([None, Answer(422)]) as api:

        @sinkkit.destination(batch_size=1, workers=3, retry=Retry(attempts=1))
        async def sink(items, http: httpx.AsyncClient):
            for _ in range(2):
                (await http.post(api.url, json=items)).raise_for_status()

        with pytest.raises(DeliveryFailed) as failed:
            make(sink, clock=SystemClock()).run([1], table_name="t")

    assert failed.value.info.total.unknown == 1


def test_a_probe_that_blocks_does_not_block_the_loop(make):
    """A probe that is no coroutine runs beside the loop, where it may wait for what only the loop brings about."""
    came, probed, asked = threading.Event(), [], []

    @sinkkit.destination(batch_size=1, workers=2, on_unknown="probe", retry=Retry(first_wait=0))
    async def sink(items):
        if items[0]["value"] == 0:
            asked.append((asyncio.get_running_loop(), asyncio.Event()))
            raise TimeoutError
        await asyncio.wait_for(asked[0][1].wait(), SECONDS)
        came.set()

    @sink.probe
    def arrived(batch):
        probed.append(threading.current_thread().name)
        loop, answer = asked[0]
        loop.call_soon_threadsafe(answer.set)
        assert came.wait(SECONDS)
        return sinkkit.Outcome()

    assert make(sink, clock=SystemClock()).run(range(2), table_name="t").total.delivered == 2
    assert probed == ["sinkkit-beside-loop"]


def test_fast_calls_are_settled_while_a_slow_one_runs(make):
    """Calls that ended are settled while another takes its time, though one claim held them all."""
    settled, go_on = [], []

    @sinkkit.destination(batch_size=1, workers=2)
    async def sink(items):
        if not go_on:
            go_on.append((asyncio.get_running_loop(), asyncio.Event()))
        if items[0]["value"] == 300:
            await asyncio.wait_for(go_on[0][1].wait(), SECONDS)

    def observe(event):
        if isinstance(event, CallsSettled):
            settled.append(event.delivered)
            if sum(settled) == 1_999:
                loop, answer = go_on[0]
                loop.call_soon_threadsafe(answer.set)

    info = make(sink, clock=SystemClock(), observe=observe).run(range(2_000), table_name="t")

    assert info.total.delivered == 2_000


def test_hundreds_of_slots_wait_out_a_pause(make):
    """While the destination wants no calls all slots wait; afterwards they go on, and each row is delivered once."""
    got, calls = [], []

    @sinkkit.destination(batch_size=1, workers=300)
    async def sink(items):
        calls.append(items)
        await asyncio.sleep(0.02)
        if len(calls) in {350, 700}:
            raise RetryLater("busy", after=0.1)
        got.append(items[0]["value"])

    info = make(sink, clock=SystemClock()).run(range(1_000), table_name="t")

    assert info.total.delivered == 1_000
    assert sorted(dict.fromkeys(got)) == list(range(1_000))


def test_nothing_of_the_loop_is_left(make):
    """After a run, its threads are gone."""
    before = sorted(thread.name for thread in threading.enumerate())

    @sinkkit.destination(batch_size=1)
    async def sink(items, http: httpx.AsyncClient):
        await asyncio.sleep(0)

    make(sink).run(range(9), table_name="t")

    assert sorted(thread.name for thread in threading.enumerate()) == before
