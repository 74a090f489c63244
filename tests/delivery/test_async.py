"""Coroutines are judged as functions in threads are: the same scenarios, once as each, come to the same."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError as FutureCancelledError

import pytest

import sinkkit
from sinkkit import Delivered, Halt, Outcome, Reject, Rejected, Retry, RetryLater
from sinkkit.errors import DeliveryFailed
from sinkkit.events import DestinationPaused, RetryScheduled, RunHalting
from sinkkit.faults import Point
from sinkkit.testing import FailAt


def as_function(act):
    """A sink for threads that does what *act* says."""

    def sink(items, batch: sinkkit.Batch):
        return act([row["value"] for row in items], batch)

    return sink


def as_coroutine(act):
    """The same for an event loop."""

    async def sink(items, batch: sinkkit.Batch):
        await asyncio.sleep(0)
        return act([row["value"] for row in items], batch)

    return sink


def as_plain_coroutine(act):
    """A coroutine that never waits for anything."""

    async def sink(items, batch: sinkkit.Batch):
        return act([row["value"] for row in items], batch)

    return sink


FORMS = [as_function, as_coroutine, as_plain_coroutine]


def once(error):
    """Raises *error* in the second call, once."""
    calls = []

    def act(values, batch):
        calls.append(values)
        if len(calls) == 2:
            raise error

    return act


def always(error):
    """Raises *error* in each call."""

    def act(values, batch):
        raise error

    return act


def refusing(*bad):
    """Refuses whole batches that hold one of *bad*."""

    def act(values, batch):
        if any(value in bad for value in values):
            raise Reject(f"bad: {[value for value in values if value in bad]}")

    return act


def answering(answer):
    """Gives back *answer*, or what it says for the values and the batch."""
    return lambda values, batch: answer(values, batch) if callable(answer) else answer


def mixed(values, batch):
    """An outcome with a bit of everything, and with nothing on the second attempt."""
    if batch.attempt > 1:
        return None
    return Outcome(rejected={1: "no e-mail"}, retry={2}, receipts={0: f"id-{values[0]}"}, metrics={"sent": 1})


def each(values, batch):
    """Every row by name."""
    return Outcome.reported([Delivered(f"r{v}") if v % 2 else Rejected("even") for v in values])


SCENARIOS = {
    "delivers": (lambda: answering(None), {}, [8, 0, 0, 0, 0]),
    "numbers are summed": (lambda: answering({"sent": 2}), {}, [8, 0, 0, 0, 0]),
    "outcomes by row": (lambda: answering(mixed), {"batch_size": 4}, [6, 2, 0, 0, 0]),
    "every row reported": (lambda: answering(each), {}, [4, 4, 0, 0, 0]),
    "a wrong length": (lambda: answering(Outcome.reported([Delivered()])), {}, [0, 0, 6, 2, 0]),
    "an answer that is none": (lambda: answering("ok"), {}, [0, 0, 6, 2, 0]),
    "an outcome of rows that are not there": (lambda: answering(Outcome(rejected={7: "x"})), {}, [0, 0, 6, 2, 0]),
    "try later": (lambda: once(RetryLater("busy", after=30)), {}, [8, 0, 0, 0, 0]),
    "try later, always": (lambda: always(RetryLater("busy")), {"retry": Retry(attempts=3)}, [0, 0, 8, 0, 0]),
    "refused": (lambda: refusing(3), {}, [2, 0, 6, 0, 0]),
    "refused and kept": (lambda: refusing(3), {"on_reject": "keep"}, [6, 2, 0, 0, 0]),
    "refused and halved": (lambda: refusing(3), {"on_reject": "bisect", "batch_size": 8}, [7, 1, 0, 0, 0]),
    "too many refused": (lambda: refusing(0, 1, 2, 3), {"on_reject": "keep", "max_rejected": 3}, [0, 4, 4, 0, 0]),
    "halt": (lambda: once(Halt("closed")), {}, [2, 0, 6, 0, 0]),
    "a bug": (lambda: once(ValueError("oops")), {}, [2, 0, 4, 2, 0]),
    "SystemExit": (lambda: once(SystemExit(3)), {}, [2, 0, 4, 2, 0]),
    "KeyboardInterrupt": (lambda: once(KeyboardInterrupt()), {}, [2, 0, 4, 2, 0]),
    "a timeout": (lambda: once(TimeoutError("slow")), {}, [8, 0, 0, 0, 2]),
    "a timeout, held": (lambda: once(TimeoutError("slow")), {"on_unknown": "hold"}, [6, 0, 0, 2, 0]),
    "cancelled by asyncio": (lambda: once(asyncio.CancelledError()), {}, [8, 0, 0, 0, 2]),
    "cancelled by an executor": (lambda: once(FutureCancelledError()), {}, [8, 0, 0, 0, 2]),
    "a lost connection": (lambda: once(ConnectionResetError()), {"retry": Retry(attempts=1)}, [2, 0, 4, 2, 0]),
    "never connected": (lambda: once(ConnectionRefusedError()), {}, [8, 0, 0, 0, 0]),
    "a limit": (lambda: answering(None), {"rate_limit": "2/s"}, [8, 0, 0, 0, 0]),
    "a group": (lambda: once(ExceptionGroup("two", [ValueError(), KeyError()])), {}, [2, 0, 4, 2, 0]),
}


def told(make, sink, options):
    """Runs *sink* over eight rows with one worker; all that there is to know afterwards."""
    events = []
    pipeline = make(sinkkit.destination(**{"batch_size": 2, "workers": 1, **options})(sink), observe=events.append)
    cause = None
    try:
        info = pipeline.run(range(8), table_name="t")
    except DeliveryFailed as failed:
        info, cause = failed.info, failed.__cause__
    total = info.total
    return {
        "total": [total.delivered, total.rejected, total.pending, total.unknown, total.resent],
        "cause": (type(cause), str(cause)),
        "calls": (info.calls, info.retries, dict(info.metrics)),
        "letters": [(letter.index, letter.row, letter.reason, letter.error) for letter in pipeline.rejected()],
        "events": [(type(event).__name__, event.reason) for event in events if isinstance(event, DestinationPaused | RetryScheduled | RunHalting)],
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_coroutine_is_judged_as_a_function_is(make, tmp_path, name, form):
    """Whatever a coroutine answers or raises comes to the same as in a thread: counts, dead letters, causes, events."""
    act, options, expected = SCENARIOS[name]

    found = told(make, form(act()), options)

    assert found["total"] == expected
    if form is not as_function:
        (tmp_path / "p").rename(tmp_path / "earlier")
        assert found == told(make, as_function(act()), options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("workers", [1, 4])
def test_retries_keep_their_key(make, form, workers):
    """Batches of unknown fate go out again as they were, under their key, beside any number of others."""
    calls = []

    def act(values, batch):
        calls.append((values[0], batch.key, batch.attempt))
        if batch.attempt == 1 and values[0] % 4 == 0:
            raise TimeoutError

    info = make(sinkkit.destination(batch_size=2, workers=workers)(form(act))).run(range(40), table_name="t")
    keys = {}
    for value, key, _ in calls:
        keys.setdefault(value, []).append(key)

    assert (info.total.delivered, info.total.resent, info.retries) == (40, 20, 10)
    assert [len(found) for _, found in sorted(keys.items())] == [2, 1] * 10
    assert [found for found in keys.values() if found != [found[0]] * len(found)] == []


@pytest.mark.parametrize("form", FORMS)
def test_one_worker_keeps_the_order(make, form):
    """With one worker, calls follow each other in order, also where some fail and are retried."""
    order = []

    def act(values, batch):
        order.append(values[0])
        if len(order) % 3 == 0:
            raise RetryLater("busy", after=5 if len(order) % 2 else None)

    make(sinkkit.destination(batch_size=2, workers=1, retry=Retry(attempts=9))(form(act)), max_file_rows=7).run(range(40), table_name="t")

    assert order == sorted(order)


@pytest.mark.parametrize("form", FORMS)
def test_rows_of_a_key_do_not_overtake_each_other(make, form):
    """With `order_by`, rows of one key succeed in their order beside other keys, also where calls fail and are retried."""
    got, calls = {}, []

    def act(values, batch):
        calls.append(values)
        if len(calls) % 4 == 0:
            raise RetryLater("busy")
        for value in values:
            got.setdefault(value % 7, []).append(value)

    rows = [{"key": n % 7, "value": n} for n in range(100)]
    info = make(sinkkit.destination(batch_size=3, workers=5, order_by="key", retry=Retry(attempts=99))(form(act))).run(rows, table_name="t")

    assert info.total.delivered == 100
    assert got == {key: list(range(key, 100, 7)) for key in range(7)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("point", [Point.BEFORE_CLAIM, Point.AFTER_CLAIM, Point.AFTER_CALL, Point.AFTER_SETTLE])
@pytest.mark.parametrize("error", [MemoryError, SystemExit])
def test_what_breaks_outside_a_call_ends_the_run(make, form, point, error):
    """An error of ours between the calls does not leave the run hanging: it ends with it, and the next one delivers the rest."""
    rows = []
    sink = sinkkit.destination(batch_size=1, workers=3)(form(lambda values, batch: rows.extend(values)))

    with pytest.raises(error):
        make(sink, faults=FailAt(point, 2, error())).run(range(9), table_name="t")
    info = make(sink).resume()

    assert info.total.delivered == 9
    assert sorted(dict.fromkeys(rows)) == list(range(9))
    assert len(rows) <= 9 + info.total.resent


def probe(batch):
    """Half of what is in doubt arrived."""
    return Outcome(receipts={0: "found"}) if batch.items[0]["value"] % 4 == 0 else None


async def slow_probe(batch):
    """The same as a coroutine."""
    await asyncio.sleep(0)
    return probe(batch)


def broken_probe(batch):
    """Cannot say."""
    raise ValueError("no such page")


async def slow_broken_probe(batch):
    """Cannot say either."""
    await asyncio.sleep(0)
    raise ValueError("no such page")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (probe, [8, 0, 0, 0, 0]),
        (slow_probe, [8, 0, 0, 0, 0]),
        (broken_probe, [0, 0, 6, 2, 0]),
        (slow_broken_probe, [0, 0, 6, 2, 0]),
    ],
)
def test_probes_may_be_functions_or_coroutines(make, form, asked, expected):
    """A probe of either kind answers for a sink of either kind; one that fails leaves its batch unknown."""
    sent = []

    def act(values, batch):
        sent.append(values[0])
        if batch.attempt == 1:
            raise TimeoutError

    sink = sinkkit.destination(batch_size=2, workers=1, on_unknown="probe")(form(act))
    sink.probe(asked)

    assert counts(make(sink)) == expected
    assert sent == ([0, 2, 2, 4, 6, 6] if expected[0] else [0])


def counts(pipeline):
    """The counts of a run over eight rows, whether it fails or not."""
    try:
        total = pipeline.run(range(8), table_name="t").total
    except DeliveryFailed as failed:
        total = failed.info.total
    return [total.delivered, total.rejected, total.pending, total.unknown, total.resent]
