"""What the policies of a destination do to whole runs: refusals, doubts, budgets and wrong answers."""

from __future__ import annotations

import httpx
import pytest

import sinkkit
from sinkkit import Halt, Outcome, Reject, Retry, RetryLater
from sinkkit.errors import CallFailed, DeliveryFailed
from sinkkit.events import DestinationPaused, RetryScheduled, RunHalting
from sinkkit.faults import Point
from sinkkit.testing import FailAt


def failing(pipeline, rows=None):
    """Run or resume a pipeline that must fail; the error."""
    with pytest.raises(DeliveryFailed) as failed:
        pipeline.resume() if rows is None else pipeline.run(rows, table_name="t")
    return failed.value


def total(error):
    """Delivered, rejected, pending, unknown and resent rows of a failed run."""
    counts = error.info.total
    return [counts.delivered, counts.rejected, counts.pending, counts.unknown, counts.resent]


def test_bisecting_finds_the_guilty_rows(make):
    """Halving a refused batch again and again leaves the bad rows alone, as dead letters, and delivers all others once."""
    got = []

    @sinkkit.destination(batch_size=16, workers=1, on_reject="bisect")
    def sink(items):
        bad = [row["value"] for row in items if row["value"] in {3, 4, 11, 30}]
        if bad:
            raise Reject(f"bad: {bad[0]}")
        got.extend(row["value"] for row in items)

    pipeline = make(sink)
    info = pipeline.run(range(40), table_name="t")
    letters = [(letter.row["value"], letter.reason, letter.index) for letter in pipeline.rejected()]

    assert sorted(letters) == [(n, f"bad: {n}", n) for n in (3, 4, 11, 30)]
    assert sorted(got) == [n for n in range(40) if n not in {3, 4, 11, 30}]
    assert (info.total.delivered, info.total.rejected, info.total.resent) == (36, 4, 0)


def test_too_large_is_halved_without_a_charge(make):
    """A server that takes 3 rows at a time gets all rows, although only one attempt is allowed; one that takes none ends the run."""
    got = []

    @sinkkit.destination(batch_size=20, retry=Retry(attempts=1))
    def sink(items):
        if len(items) > 3:
            request = httpx.Request("POST", "http://crm.test")
            raise httpx.HTTPStatusError("413", request=request, response=httpx.Response(413, request=request))
        got.extend(row["value"] for row in items)

    assert make(sink).run(range(50), table_name="t").total.delivered == 50
    assert sorted(got) == list(range(50))


def test_a_halted_batch_is_tried_again_once_a_run(make):
    """With `halt`, the refused batch stays planned and is the only thing that each further run tries until it is mended."""
    calls, broken = [], [True]

    @sinkkit.destination(batch_size=2, workers=1)
    def sink(items):
        calls.append(items[0]["value"])
        if items[0]["value"] == 2 and broken:
            raise Reject("no such list")

    pipeline = make(sink)
    first, second = failing(pipeline, range(6)), failing(pipeline)
    broken.clear()
    last = pipeline.resume()

    assert [total(first), total(second)] == [[2, 0, 4, 0, 0]] * 2
    assert isinstance(first.__cause__, Reject)
    assert calls == [0, 2, 2, 2, 4]
    assert last.total.delivered == 6


def test_halt_stops_the_rest(make):
    """`Halt` sends nothing more; nothing of the batch arrived, so nothing is in doubt."""
    calls = []

    @sinkkit.destination(batch_size=1, workers=1)
    def sink(items):
        calls.append(items)
        raise Halt("closed for today")

    assert total(failing(make(sink), range(5))) == [0, 0, 5, 0, 0]
    assert len(calls) == 1


@pytest.mark.parametrize(("error", "pending", "unknown"), [(RetryLater("x"), 1, 0), (TimeoutError("x"), 0, 1)])
def test_the_budget_is_per_run(make, clock, error, pending, unknown):
    """Attempts are counted anew in each run; waits grow with full jitter; what may have arrived is in doubt afterwards."""
    calls = []

    @sinkkit.destination(batch_size=1, workers=1, retry=Retry(attempts=4, first_wait=1, longest_wait=3))
    def sink(items, batch: sinkkit.Batch):
        calls.append((batch.key, batch.attempt))
        raise error

    events = []
    pipeline = make(sink, observe=events.append)
    ends = [failing(pipeline, [1]), failing(pipeline)]
    waits = [event.wait for event in events if isinstance(event, RetryScheduled)]

    assert [total(end)[2:4] for end in ends] == [[pending, unknown]] * 2
    assert calls == [(calls[0][0], attempt) for attempt in range(1, 9)]
    assert [(end.info.calls, end.info.retries) for end in ends] == [(4, 3), (4, 4)]
    assert [wait for wait, most in zip(waits, [1, 2, 3] * 2, strict=True) if not 0 <= wait <= most] == []
    assert [event.reason for event in events if isinstance(event, RunHalting)] != []


def test_pauses_are_told(make, clock):
    """A pause is an event, holds for all workers, and the batch that met it keeps its budget."""
    calls, events = [], []

    @sinkkit.destination(batch_size=1, workers=1, retry=Retry(attempts=1))
    def sink(items):
        calls.append(clock.now())
        if len(calls) <= 5:
            raise RetryLater("slow down", after=100)

    assert make(sink, observe=events.append).run([1, 2], table_name="t").total.delivered == 2
    assert [event.seconds for event in events if isinstance(event, DestinationPaused)] == [100] * 5
    assert calls[5] >= 500


@pytest.mark.parametrize("setting", [2, "20%"])
def test_max_rejected_ends_the_run(make, setting):
    """More dead letters than allowed end the run with a cause that says so; the letters are kept."""

    @sinkkit.destination(batch_size=1, workers=1, max_rejected=setting)
    def sink(items):
        if items[0]["value"] >= 3:
            return Outcome(rejected={0: "bad"})
        return None

    pipeline = make(sink)
    error = failing(pipeline, range(10))

    assert "max_rejected" in str(error)
    assert total(error)[:3] == [3, 3, 4]
    assert len(list(pipeline.rejected())) == 3


@pytest.mark.parametrize(("policy", "size", "calls_made"), [("keep", 5, 3), ("bisect", 1, 20)])
def test_a_wrong_request_does_not_fill_the_dead_letters(make, policy, size, calls_made):
    """Where everything is refused from the start, the run ends before much is rejected."""

    @sinkkit.destination(batch_size=size, workers=1, on_reject=policy)
    def sink(items):
        raise Reject("unknown field")

    error = failing(make(sink), range(200))

    assert error.info.calls == calls_made
    assert error.info.total.rejected == calls_made * size


ANSWERS = {
    "a wrong length": lambda: Outcome.reported([sinkkit.Delivered()]),
    "a row there is not": lambda: Outcome(rejected={7: "x"}),
    "something else": lambda: "ok",
    "a response": lambda: httpx.Response(200),
    "a boolean": lambda: True,
    "an entry that is none": lambda: Outcome.reported(["delivered", "delivered"]),
    "numbers that are none": lambda: {"sent": "two"},
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_wrong_answer_leaves_the_batch_unknown(make, name):
    """Nothing is guessed from an answer that cannot be right: the batch is unknown, the run halts and says what was answered."""

    @sinkkit.destination(batch_size=2, workers=1)
    def sink(items):
        return ANSWERS[name]()

    error = failing(make(sink), range(6))

    assert total(error) == [0, 0, 4, 2, 0]
    assert isinstance(error.__cause__, CallFailed)
    assert error.hint


@pytest.mark.parametrize("odd", ["\ud800 half a pair", "nul \0 byte", "x" * 100_000])
def test_odd_texts_do_not_break_the_journal(make, odd):
    """Reasons and receipts may hold anything; what UTF-8 cannot hold is escaped."""

    @sinkkit.destination(batch_size=2, workers=1)
    def sink(items):
        return Outcome(rejected={0: odd}, receipts={1: odd})

    pipeline = make(sink)

    assert pipeline.run(range(4), table_name="t").total.rejected == 2
    assert [letter.reason for letter in pipeline.rejected()] == [odd.replace("\ud800", "\\ud800")] * 2


def crashed(make, destination, rows):
    """A pipeline whose process died after its first call; only one batch was in flight."""
    with pytest.raises(sinkkit.errors.SinkkitError):
        make(destination, faults=FailAt(Point.AFTER_CALL)).run(rows, table_name="t")
    return make(destination)


def test_resend_after_a_crash(make):
    """By default what was in flight is sent again, under its key, as the next attempt, and the report says so."""
    calls = []

    @sinkkit.destination(batch_size=2, workers=1)
    def sink(items, batch: sinkkit.Batch):
        calls.append((batch.key, batch.attempt, list(batch.rows)))

    info = crashed(make, sink, range(4)).resume()

    assert calls[1] == (calls[0][0], 2, [0, 1])
    assert (len(calls), info.total.delivered, info.total.resent) == (3, 4, 2)


@pytest.mark.parametrize(("found", "again", "letters"), [(None, 1, []), (Outcome(), 0, []), (Outcome(rejected={1: "bad"}), 0, [1])])
def test_probe_after_a_crash(make, found, again, letters):
    """With `probe`, the destination is asked: what arrived is settled as it says, what did not is sent under the same key."""
    calls, asked = [], []

    @sinkkit.destination(batch_size=2, workers=1, on_unknown="probe")
    def sink(items, batch: sinkkit.Batch):
        calls.append(batch.key)

    @sink.probe
    def arrived(batch):
        asked.append((batch.key, [row["value"] for row in batch.items]))
        return found

    pipeline = crashed(make, sink, range(4))
    info = pipeline.resume()

    assert asked == [(calls[0], [0, 1])]
    assert calls.count(calls[0]) == 1 + again
    assert [letter.row["value"] for letter in pipeline.rejected()] == letters
    assert (info.total.delivered, info.total.resent) == (4 - len(letters), 0)


def test_probe_inside_a_run(make):
    """A lost answer is asked after too, and what did not arrive is sent again without being called resent."""
    calls, asked = [], []

    @sinkkit.destination(batch_size=1, workers=2, on_unknown="probe")
    def sink(items, batch: sinkkit.Batch):
        calls.append(batch.key)
        if len(calls) == 1:
            raise TimeoutError

    @sink.probe
    def arrived(batch):
        asked.append(batch.key)

    info = make(sink).run([1, 2, 3], table_name="t")

    assert asked == [calls[0]]
    assert calls.count(calls[0]) == 2
    assert (info.total.delivered, info.total.resent, info.calls, info.retries) == (3, 0, 4, 1)


def test_a_probe_that_fails_sends_nothing(make):
    """While the probe cannot say, the batch stays unknown, and is not sent."""
    calls = []

    @sinkkit.destination(batch_size=2, workers=1, on_unknown="probe")
    def sink(items):
        calls.append(items)

    @sink.probe
    def arrived(batch):
        raise ConnectionError("search is down")

    error = failing(crashed(make, sink, range(4)))

    assert (total(error), len(calls)) == ([0, 0, 2, 2, 0], 1)
    assert isinstance(error.__cause__, ConnectionError)


def test_hold_after_a_crash_and_inside_a_run(make):
    """With `hold`, what is in doubt waits for a person while the rest is delivered; new data is not held up."""
    calls = []

    @sinkkit.destination(batch_size=1, workers=1, on_unknown="hold")
    def sink(items):
        calls.append(items[0]["value"])
        if items[0]["value"] == 2 and len(calls) < 5:
            raise TimeoutError

    pipeline = crashed(make, sink, range(4))
    error = failing(pipeline)
    info = pipeline.run([10], table_name="t")

    assert total(error) == [2, 0, 0, 2, 0]
    assert calls == [0, 1, 2, 3, 10]
    assert (info.data_taken, info.total.delivered) == (True, 1)
    assert [package.total.unknown for package in pipeline.pending] == [2]


def test_a_refusal_after_a_success_says_what_the_function_says(make):
    """An API that answers 200 and refuses in its body: the function's `Reject` is believed, although a request succeeded."""
    from sinkkit.testing import Answer, MisbehavingApi

    with MisbehavingApi([Answer(200, body={"errors": ["no such list"]})]) as api:

        @sinkkit.destination(batch_size=2, on_reject="keep")
        def sink(items, http: httpx.Client):
            answer = http.post(api.url, json=items).json()
            if answer.get("errors"):
                raise Reject(answer["errors"][0])

        pipeline = make(sink)
        info = pipeline.run([1, 2], table_name="t")

    assert (info.calls, info.total.rejected) == (1, 2)
    assert [letter.reason for letter in pipeline.rejected()] == ["no such list"] * 2
