"""Coroutines as tasks of their own: contexts, what they leave running, what they stop and cancel."""

from __future__ import annotations

import asyncio
import contextvars
import logging

import httpx
import pytest

import sinkkit
from sinkkit.clock import SystemClock
from sinkkit.errors import CallFailed

SECONDS = 30.0
LETTER = contextvars.ContextVar("letter", default="none")


def test_each_call_has_a_context_of_its_own(make):
    """What a call sets in its context is seen by what it starts, not by other calls, and nothing comes in from outside."""
    seen = []
    LETTER.set("outside")

    @sinkkit.destination(batch_size=1, workers=4)
    async def sink(items):
        seen.append(LETTER.get())
        LETTER.set(str(items[0]["value"]))
        await asyncio.sleep(0.001)
        inner = await asyncio.create_task(asyncio.to_thread(LETTER.get))
        assert inner == str(items[0]["value"])

    make(sink, clock=SystemClock()).run(range(40), table_name="t")

    assert seen == ["none"] * 40


def test_what_a_function_leaves_running_may_end(make):
    """Tasks that outlive their call get a little time at the end, and are cancelled after that, before the client is closed."""
    ended, cancelled, open_still, kept = [], [], [], []

    @sinkkit.destination(batch_size=1, workers=4)
    async def sink(items, http: httpx.AsyncClient):
        async def later():
            await asyncio.sleep(0.05)
            ended.append(items[0]["value"])

        async def endless():
            try:
                await asyncio.Event().wait()
            finally:
                open_still.append(not http.is_closed)
                cancelled.append(items[0]["value"])

        kept.extend([asyncio.create_task(later()), asyncio.create_task(endless())])

    make(sink).run(range(6), table_name="t")

    assert sorted(ended) == list(range(6))
    assert sorted(cancelled) == list(range(6))
    assert open_still == [True] * 6


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ValueError])
def test_a_task_nobody_waits_for_ends_nothing(make, caplog, error):
    """What a task in the background raises is told by asyncio's log and does not stop the calls."""
    caplog.set_level(logging.ERROR, "asyncio")

    @sinkkit.destination(batch_size=1, workers=2)
    async def sink(items):
        async def failing():
            raise error("in the background")

        task = asyncio.create_task(failing())
        await asyncio.wait([task])
        assert type(task.exception()) is error

    assert make(sink).run(range(6), table_name="t").total.delivered == 6


def test_a_function_that_stops_the_loop_does_not_stop_the_run(make):
    """The loop is not the function's to stop: it goes on."""

    @sinkkit.destination(batch_size=1, workers=2)
    async def sink(items):
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)

    assert make(sink).run(range(6), table_name="t").total.delivered == 6


@pytest.mark.parametrize("waits", [True, False])
def test_a_call_that_cancels_itself_may_have_arrived(make, waits):
    """A call that cancels its own task is ambiguous, wherever that takes effect: it is sent again under its key."""
    keys = []

    @sinkkit.destination(batch_size=1, workers=1)
    async def sink(items, batch: sinkkit.Batch):
        keys.append(batch.key)
        if len(keys) == 1:
            asyncio.current_task().cancel()
            if waits:
                await asyncio.sleep(0)

    info = make(sink).run([1], table_name="t")

    assert (keys, info.total.resent) == ([keys[0]] * 2, 1)


def test_a_function_that_cancels_a_running_call_makes_it_ambiguous(make):
    """A call whose slot is cancelled from outside is cancelled with it; both go on, and the batch is sent again."""
    keys = []

    @sinkkit.destination(batch_size=1, workers=1)
    async def sink(items, batch: sinkkit.Batch):
        keys.append(batch.key)
        if len(keys) == 2:
            for task in asyncio.all_tasks():
                task.cancel()
            await asyncio.sleep(0)

    info = make(sink).run(range(3), table_name="t")

    assert (keys, info.total.resent) == ([keys[0], keys[1], keys[1], keys[3]], 1)


def test_a_function_that_cancels_idle_slots_ends_the_run(make):
    """Cancelling tasks that are not the function's own ends the run with an error that says so; another run delivers the rest."""
    others = []

    @sinkkit.destination(batch_size=1, workers=2)
    async def sink(items):
        others.append(asyncio.Event())
        if len(others) == 2:
            others[0].set()
        elif len(others) == 1:
            await asyncio.wait_for(others[0].wait(), SECONDS)
            for _ in range(10):
                await asyncio.sleep(0)
            for task in asyncio.all_tasks():
                task.cancel()

    pipeline = make(sink, clock=SystemClock())
    with pytest.raises(CallFailed, match="was cancelled"):
        pipeline.run(range(2), table_name="t")

    assert pipeline.resume().total.delivered == 2


def test_a_client_that_cannot_be_closed_is_told(make):
    """An error at the very end is named; what the calls came to is known, and nothing is sent again."""
    calls = []

    @sinkkit.destination
    async def sink(items, http: httpx.AsyncClient):
        calls.append(items)
        closing = http.aclose

        async def broken():
            await closing()
            raise RuntimeError("no goodbye")

        http.aclose = broken

    pipeline = make(sink)
    with pytest.raises(CallFailed, match=r"could not be closed: RuntimeError: no goodbye"):
        pipeline.run(range(3), table_name="t")

    assert pipeline.resume().total.delivered == 3
    assert len(calls) == 1
