"""The circuit: as a value, in simulated loads, and in runs against a server that goes down and comes back."""

from __future__ import annotations

from threading import Lock

import httpx
import pytest
from simulated import failed, simulate

import sinkkit
from sinkkit import Retry, RetryLater
from sinkkit.delivery.limits.circuit import FAILURES_IN_A_ROW, Circuit
from sinkkit.delivery.verdict import PLAIN, Fate, Verdict
from sinkkit.errors import DeliveryFailed
from sinkkit.events import DestinationPaused, RunHalting
from sinkkit.testing import MisbehavingApi

NO_CONNECTION, LOST = failed(Fate.ABSENT, None), failed(Fate.AMBIGUOUS, None)
REFUSED = Verdict(fate=Fate.REFUSED, status=400)


def circuit(**retry):
    """A circuit that waits as many seconds as the number of the call that is to ask."""
    return Circuit(Retry(**retry), wait=lambda _, number: float(number))


def opened(**retry):
    """A circuit that has just opened, at second 100."""
    made = circuit(**retry)
    for call in range(FAILURES_IN_A_ROW):
        made.ended(call, NO_CONNECTION, [], 100.0)
    return made


@pytest.mark.parametrize("verdict", [NO_CONNECTION, LOST, failed(Fate.AMBIGUOUS, 502), failed(Fate.ABSENT, 503), failed(Fate.ABSENT, 429)])
def test_it_opens_when_everything_fails(verdict):
    """Ten failures in a row, whatever their kind, open it; the first wait is the first of its schedule."""
    made = circuit()
    follows = [made.ended(call, verdict, [], 0.0) for call in range(FAILURES_IN_A_ROW)]

    assert follows[:-1] == [None] * (FAILURES_IN_A_ROW - 1)
    assert (follows[-1].seconds, follows[-1].failures, follows[-1].gives_up) == (1.0, FAILURES_IN_A_ROW, False)
    assert (made.closed, made.may_start) == (False, True)


@pytest.mark.parametrize("answer", [PLAIN, REFUSED, failed(Fate.ABSENT, 409), Verdict(fate=Fate.TOO_LARGE), Verdict(fate=Fate.NOT_THERE)])
def test_an_answer_in_between_keeps_it_closed(answer):
    """Anything that shows that the destination works, a refusal too, starts the count anew."""
    made = circuit()
    for call in range(5 * FAILURES_IN_A_ROW):
        made.ended(call, answer if call % FAILURES_IN_A_ROW == 9 else LOST, [], 0.0)

    assert made.closed


@pytest.mark.parametrize("verdict", [failed(Fate.ABSENT, 429, 30.0), Verdict(fate=Fate.ABSENT, status=429, soon=0.1)])
def test_a_pause_asked_for_and_one_call_too_many_are_no_failures(verdict):
    """Who says when to come again is not down; nor is who refuses a call beyond the adaptive window."""
    made = circuit()

    assert [made.ended(call, verdict, [], 0.0) for call in range(50)] == [None] * 50
    assert made.closed


def test_it_waits_for_the_calls_that_are_running():
    """A server that refuses at once and serves slowly is not down: the calls that ran when the streak began have the last word."""
    made = circuit()
    follows = [made.ended(call, NO_CONNECTION, [100, 101, call + 1], 0.0) for call in range(40)]
    late = [made.ended(100, LOST, [101], 0.0), made.ended(101, LOST, [], 0.0)]

    assert follows == [None] * 40
    assert (late[0], late[1].failures) == (None, 42)


def test_one_call_asks_at_a_time():
    """Once the wait is over one call may start; until it has ended no other; one that does not take place gives its place back."""
    made = opened()
    made.start(50)
    asking = made.may_start
    made.cancel(50)
    free = made.may_start
    made.start(51)

    assert (asking, free, made.may_start) == (False, True, False)
    assert made.ended(7, LOST, [51], 101.0) is None  # one that ran before it opened
    assert not made.may_start


def test_an_answer_closes_it():
    """The first answer ends it, also that of a call which had started before, and failures count from none again."""
    for call in (50, 3):
        made = opened()
        made.start(50)
        made.ended(call, PLAIN, [], 101.0)

        assert (made.closed, made.may_start, made.failures) == (True, True, 0)


def test_waits_grow_and_it_gives_up_after_as_many_calls_as_a_batch_gets():
    """Each call that asks in vain makes the next wait longer; the last of `attempts` ends the run."""
    made = opened(attempts=3)
    follows = []
    for call in range(50, 53):
        made.start(call)
        follows.append(made.ended(call, LOST, [], 100.0))

    assert [(one.seconds, one.gives_up) for one in follows] == [(2.0, False), (3.0, False), (4.0, True)]


def test_it_gives_up_at_the_deadline():
    """A wait that would end beyond `deadline` seconds after it opened ends the run."""
    made = opened(attempts=99, deadline=10.0)
    ends = []
    for now in (102.0, 105.0, 108.0):
        made.start(50)
        ends.append(made.ended(50, LOST, [], now).gives_up)

    assert ends == [False, False, True]


@pytest.mark.parametrize("workers", [4, 16, "adaptive"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_outage_is_survived(workers, seed):
    """While the destination is down few calls are made, one at a time, and afterwards everything is delivered."""
    seen = simulate({"down": (1.0, 5.0)}, workers, 2_000, seed=seed, retry=Retry(attempts=8))
    during = [start for start in seen.starts if 1.2 <= start < 5.0]

    assert (seen.halted, seen.delivered) == (None, 200_000)
    assert len(during) <= 8 + FAILURES_IN_A_ROW


@pytest.mark.parametrize("workers", [1, 2, 4, 16, "adaptive"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_destination_that_stays_down_ends_the_run_soon(workers, seed):
    """Down for good, the run halts after few calls, in no more time than the waits of its policy allow, with the destination's error."""
    seen = simulate({"down": (0.0, 1e9)}, workers, 2_000, seed=seed, retry=Retry())

    assert str(seen.halted) == "no"
    assert len(seen.starts) <= 16 * 2 + FAILURES_IN_A_ROW + 5
    assert seen.seconds <= 0.5 + 1 + 2 + 4 + 8 + 16 + 1
    assert seen.delivered == 0


def test_batches_keep_their_attempts(make):
    """Of a hundred batches, only those that ask are called again while the circuit is open: three attempts outlast twelve failures."""
    calls = []

    @sinkkit.destination(batch_size=1, workers=4, retry=Retry(attempts=3))
    def sink(items, batch: sinkkit.Batch):
        calls.append(batch.attempt)
        if len(calls) <= 12:
            raise httpx.ConnectError("refused")

    info = make(sink).run(range(100), table_name="t")

    assert (info.total.delivered, info.calls) == (100, 112)
    assert max(calls) <= 3


def test_a_server_that_comes_back(make, clock):
    """Against a real server that is closed for two minutes: the run waits on its clock, tells so, and delivers every row once."""
    api, events, calls, lock = MisbehavingApi(honours_keys=True), [], [], Lock()
    api.start()

    @sinkkit.destination(batch_size=2, workers=4, retry=Retry(attempts=20, first_wait=4.0))
    def sink(items, batch: sinkkit.Batch):
        with lock:
            calls.append(clock.now())
            if len(calls) == 20:
                api.close()
            if clock.now() > 120:
                api.start()
        httpx.post(api.url, json=items, timeout=5.0, headers={"Idempotency-Key": batch.key}).raise_for_status()

    try:
        info = make(sink, observe=events.append).run(range(200), table_name="t")
    finally:
        api.close()
    pauses = [event for event in events if isinstance(event, DestinationPaused)]

    assert info.total.delivered == 200
    assert sorted(row["value"] for row in api.received) == list(range(200))
    assert "calls in a row failed, the last: " in pauses[0].reason
    assert len(pauses) > 2


def test_a_server_that_does_not_come_back(make):
    """The run halts with the server's own error as its cause; what was not sent is pending, and the next run sends it."""
    with MisbehavingApi() as api:
        events = []

        @sinkkit.destination(batch_size=2, workers=4, retry=Retry(attempts=5, first_wait=4.0))
        def sink(items):
            httpx.post(api.url, json=items, timeout=5.0).raise_for_status()

        pipeline = make(sink, observe=events.append)
        api.close()
        with pytest.raises(DeliveryFailed) as ended:
            pipeline.run(range(200), table_name="t")
        api.start()
        info = pipeline.resume()

    assert isinstance(ended.value.__cause__, httpx.ConnectError)
    assert (ended.value.info.total.pending, ended.value.info.total.unknown) == (200, 0)
    assert ended.value.info.calls <= 4 * 5 + FAILURES_IN_A_ROW
    assert [event.reason for event in events if isinstance(event, RunHalting)] != []
    assert info.total.delivered == 200


def test_a_pause_that_is_asked_for_while_it_is_open_holds(make, clock):
    """A server that comes back with Retry-After gets its pause; after it one call asks, and then all go on."""
    calls = []

    @sinkkit.destination(batch_size=1, workers=2, retry=Retry(attempts=30))
    def sink(items):
        calls.append(clock.now())
        if len(calls) <= 12:
            raise httpx.ConnectError("refused")
        if len(calls) == 13:
            raise RetryLater("warming up", after=500)

    info = make(sink).run(range(60), table_name="t")

    assert info.total.delivered == 60
    assert calls[13] >= calls[12] + 500
