"""The adaptive window as a value: what grows it, what makes it smaller, what it leaves alone."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit import Adaptive
from sinkkit.declaration.options import Options
from sinkkit.delivery.limits.adaptive.sign import Sign, sign_of
from sinkkit.delivery.limits.adaptive.window import PATIENCE_ROUNDS, Window
from sinkkit.delivery.verdict import Fate, Verdict
from sinkkit.errors import ConfigError
from sinkkit.events import ConcurrencyChanged
from sinkkit.testing import MisbehavingApi, TooMany

WELL, PUSHED_BACK, SILENT = Sign.WELL, Sign.PUSHED_BACK, Sign.SILENT


class Calls:
    """A window and the calls made under it, one wave after another."""

    def __init__(self, least=1, most=100):
        self.window = Window(least, most)
        self.now = 0.0
        self.numbers = count()

    def wave(self, *, refuse_above=1_000, seconds=0.05, rows=100, calls=None):
        """As many calls as may start, or *calls*; those beyond *refuse_above* are pushed back. The window afterwards."""
        started = [next(self.numbers) for _ in range(self.window.room() if calls is None else calls)]
        for call in started:
            self.window.start(call, self.now)
        self.now += seconds
        for position, call in enumerate(started):
            self.window.end(call, rows, PUSHED_BACK if position >= refuse_above else WELL, self.now)
        return self.window.limit

    def waves(self, number, **more):
        """The window after each of so many waves."""
        return [self.wave(**more) for _ in range(number)]


def steady(limit):
    """Calls whose window has grown to *limit*, its most, and is known to work; a round is a wave."""
    calls = Calls(least=min(limit, 8), most=limit)
    calls.waves(12)
    calls.window.least = 1
    return calls


def test_it_trebles_and_then_doubles_until_it_is_pushed_back():
    """From four calls on, each wave is three times as large, from twelve on twice, up to the most."""
    assert Calls(most=80).waves(6) == [12, 24, 48, 80, 80, 80]


def test_calls_of_the_larger_window_have_to_answer_before_it_grows_again():
    """Late answers of calls that began when few might run say nothing of the many that run now."""
    calls = Calls()
    window = calls.window
    for call in range(4):
        window.start(call, 0.0)
    for call in range(4):
        window.end(call, 100, WELL, 0.05)
        window.start(4 + 2 * call, 0.05)
        window.start(5 + 2 * call, 0.05)
    assert window.limit == 12

    for call in reversed(range(4, 12)):
        window.end(call, 100, WELL, 0.1)

    assert window.limit == 18  # those that began while it was 4 and 6 allow no more than three times as many


def test_it_grows_by_the_calls_that_are_answered_not_by_those_under_way():
    """Forty calls under way of which one is answered every 10 ms, in 50 ms: five are worked on, and more would only wait."""
    window = Window(40, 100)
    for call in range(40):
        window.start(call, 0.01 * call)

    for call in range(30):
        window.end(call, 100, WELL, 0.01 * call + 0.05)
        window.start(40 + call, 0.01 * call + 0.05)

    assert window.limit == 40


def test_the_first_answers_tell_whether_a_refusal_came_at_once():
    """Before a round has ended, too: the window falls just below the number that was refused, and the batch goes out again soon."""
    window = Window(1, 100)
    for call in range(4):
        window.start(call, 0.0)
    for call in range(4):
        window.end(call, 100, WELL, 0.05)
    for call in range(4, 12):
        window.start(call, 0.05)

    soon = window.end(11, 100, PUSHED_BACK, 0.052)

    assert window.limit == 6
    assert soon == pytest.approx(0.05)


def test_after_a_push_back_it_stays_below_that_number_and_grows_by_one():
    """A number of calls that was too large is left alone for some rounds; then it is tried once, and left alone for longer."""
    calls = Calls()
    limits = calls.waves(60, refuse_above=12)

    assert limits[:3] == [12, 24, 10]
    assert limits[3:5] == [11, 12]
    tried = [number for number, limit in enumerate(limits) if limit > 12]
    assert len(tried) > 2
    assert tried[1] - tried[0] > PATIENCE_ROUNDS
    assert tried[2] - tried[1] > tried[1] - tried[0]
    assert max(limits[3:]) == 13


def test_a_burst_of_refusals_is_one_decrease():
    """However many calls of a wave are pushed back, the window falls once for it."""
    calls = steady(20)

    assert calls.wave(refuse_above=0) == 18


def test_repeated_push_back_leaves_what_was_served():
    """Where calls of the next round are pushed back too, the window becomes as large as the share that was not; a half at least."""
    calls = steady(40)

    assert calls.waves(2, refuse_above=25) == [36, 25]
    assert calls.waves(3, refuse_above=0) == [12, 6, 6]


def test_it_comes_back_quickly_after_an_outage():
    """While nothing works the window falls to one call; afterwards it grows as at the start."""
    calls = steady(40)
    calls.waves(80, refuse_above=0)

    assert calls.window.limit == 1
    assert calls.waves(6) == [1, 3, 9, 27, 40, 40]


def test_a_call_that_was_alone_says_nothing_of_numbers():
    """A single call that is pushed back makes the window a little smaller, and does not become a number to keep below."""
    calls = Calls()
    calls.wave(calls=1, refuse_above=0)

    assert (calls.window.limit, calls.window.refused_at) == (3, float("inf"))
    assert calls.waves(3) == [9, 27, 54]


def test_it_grows_only_if_it_was_used():
    """A window of which little is used grows no further than to three times of that."""
    calls = Calls()

    assert calls.waves(20, calls=2) == [6] * 20


def test_slower_calls_make_it_fall_and_a_server_that_is_slow_by_itself_gets_it_back():
    """Where calls are slower, one round with fewer shows why; if these are as slow, the window is what it was."""
    calls = steady(20)

    assert calls.wave(seconds=0.15) == 10
    assert calls.waves(3, seconds=0.15) == [20, 20, 20]


def test_calls_that_began_beside_too_many_may_be_slow():
    """A fall is not followed by another one because the calls after it were slowed down by those that were too many; the next round counts again."""
    calls = Calls()
    calls.waves(3, refuse_above=12)

    assert calls.window.limit == 10
    assert calls.wave(seconds=0.1) == 10
    assert calls.wave(seconds=0.1) < 10


def test_behind_a_queue_it_stays_smaller():
    """Where fewer calls are faster, they stay fewer."""
    calls = steady(20)

    assert calls.waves(2, seconds=0.1) == [10, 20]  # it was no queue
    assert calls.wave(seconds=0.2) == 10
    assert calls.wave(seconds=0.1) == 10  # it is one


def test_a_short_last_batch_confuses_nothing():
    """Calls are compared with those of about as many rows: a few short ones neither look fast nor make others look slow."""
    calls = steady(20)
    before = calls.window.limit
    calls.waves(3, seconds=0.002, rows=3)

    assert calls.waves(3) >= [before] * 3


def test_calls_of_many_sizes_are_compared_each_with_its_like():
    """Where large and small batches take turns, the window grows all the same."""
    calls = Calls(most=40)
    for _ in range(20):
        calls.wave(seconds=0.5, rows=1_000)
        calls.wave(seconds=0.01, rows=10)

    assert calls.window.limit == 40


def test_calls_that_do_not_take_place_give_their_room_back():
    """A call that was handed out and is not made leaves the window as it was."""
    calls = Calls()
    calls.window.start(7, 0.0)
    calls.window.cancel(7)

    assert (calls.window.room(), calls.window.limit) == (4, 4)


def test_one_too_many_is_told():
    """A refused call for which there is no room any more is told how soon there will be; one that would fit is not."""
    calls = steady(10)
    for call in range(1_000, 1_010):
        calls.window.start(call, calls.now)
    told = [calls.window.end(call, 100, PUSHED_BACK, calls.now + 0.05) for call in range(1_000, 1_010)]

    assert calls.window.limit == 9
    assert [seconds is not None for seconds in told] == [False] * 9 + [True]
    assert told[9] == pytest.approx(0.05)


@pytest.mark.parametrize(("verdict", "sign"), [
    (Verdict(fate=Fate.ANSWERED), WELL),
    (Verdict(fate=Fate.ABSENT, status=429), PUSHED_BACK),
    (Verdict(fate=Fate.ABSENT, status=503), PUSHED_BACK),
    (Verdict(fate=Fate.ABSENT), PUSHED_BACK),
    (Verdict(fate=Fate.AMBIGUOUS), PUSHED_BACK),
    (Verdict(fate=Fate.AMBIGUOUS, status=504), PUSHED_BACK),
    (Verdict(fate=Fate.AMBIGUOUS, status=500), SILENT),
    (Verdict(fate=Fate.ABSENT, status=409), SILENT),
    (Verdict(fate=Fate.REFUSED, status=400), SILENT),
    (Verdict(fate=Fate.TOO_LARGE, status=413), SILENT),
    (Verdict(fate=Fate.BUG), SILENT),
])  # fmt: skip
def test_what_a_call_tells_of_the_load(verdict, sign):
    """No place, no connection and no answer in time push back; refusals, defects and calls that are worked on already say nothing."""
    assert sign_of(verdict) is sign


@given(
    least=st.integers(1, 9),
    more=st.integers(1, 40),
    steps=st.lists(st.tuples(st.sampled_from(["start", "end", "cancel"]), st.sampled_from(list(Sign)), st.integers(0, 300), st.floats(0, 9)), max_size=200),
)
def test_the_window_keeps_its_bounds(least, more, steps):
    """Whatever calls do, in any order, the window stays between its bounds and never lets more calls run than it says at their start."""
    window, numbers, running, now = Window(least, least + more), count(), [], 0.0
    for step, sign, rows, seconds in steps:
        now += seconds
        if step == "start" and window.room():
            running.append(next(numbers))
            window.start(running[-1], now)
            assert len(running) <= window.limit
        elif step == "end" and running:
            window.end(running.pop(rows % len(running)), rows, sign, now)
        elif step == "cancel" and running:
            window.cancel(running.pop())
        assert least <= window.limit <= least + more
        assert window.room() == max(0, window.limit - len(running))


def test_how_it_is_asked_for():
    """`"adaptive"`, `Adaptive(min, max)` and bounds that leave no choice; anything else is refused with what to write."""
    assert Options(workers="adaptive").adaptive == Adaptive(1, 100)
    assert Options(workers=Adaptive(2, 30)).calls_at_once == 30
    assert (Options(workers=Adaptive(7, 7)).workers, Options(workers=Adaptive(7, 7)).adaptive) == (7, None)
    for wrong in ("many", 0, True, 2.5):
        with pytest.raises(ConfigError, match="workers=") as refused:
            Options(workers=wrong)
        assert "Adaptive(min=1, max=100)" in refused.value.hint
    for bounds in ((0, 4), (5, 4), (1, True), (1.5, 4)):
        with pytest.raises(ConfigError, match="Adaptive"):
            Adaptive(*bounds)


@pytest.mark.parametrize(("text", "expected"), [
    ('workers = "adaptive"', Adaptive()), ("workers = { min = 2, max = 30 }", Adaptive(2, 30)), ("workers = { max = 8 }", Adaptive(1, 8)), ("workers = 3", 3),
])  # fmt: skip
def test_config_may_ask_for_it(tmp_path, text, expected):
    """In config, `workers` is a number, the text `adaptive`, or a table of bounds."""
    from sinkkit.declaration.destination import as_destination
    from sinkkit.declaration.opening import make_ready

    (tmp_path / ".sinkkit").mkdir()
    (tmp_path / ".sinkkit" / "config.toml").write_text(f"[destination.crm]\n{text}\n")

    @sinkkit.destination
    def crm(items):
        """Deliver everything."""

    assert make_ready(as_destination(crm), "p").options.workers == expected


def test_a_real_server_gets_no_more_than_it_takes_for_long(make):
    """Over HTTP and with threads: every row arrives once, refusals are few, the window is told to observers, and each claim is one batch."""
    from sinkkit.clock import SystemClock

    with MisbehavingApi(lambda *_: TooMany() if api.in_flight > 6 else None, latency=0.01) as api:
        import httpx

        @sinkkit.destination(batch_size=5, workers="adaptive")
        def sink(items, http: httpx.Client):
            http.post(api.url, json=items).raise_for_status()

        events = []
        info = make(sink, clock=SystemClock(), observe=events.append).run(range(1_500), table_name="t")

    assert info.total.delivered == 1_500
    assert sorted(row["value"] for row in api.received) == list(range(1_500))
    assert [event for event in events if isinstance(event, ConcurrencyChanged)] != []
    assert len([request for request in api.requests if request.status == 429]) < 100


@pytest.mark.parametrize("order_by", [None, "key"])
def test_coroutines_and_ordered_keys_are_adaptive_too(make, order_by):
    """On an event loop, with and without order, the window grows beyond its start and every row arrives once."""
    import asyncio

    from sinkkit.clock import SystemClock

    got, running, most = [], [], []

    @sinkkit.destination(batch_size=2, workers="adaptive", order_by=order_by)
    async def sink(items):
        running.append(1)
        most.append(len(running))
        await asyncio.sleep(0.01)
        running.pop()
        got.extend(row["id"] for row in items)

    info = make(sink, clock=SystemClock()).run([{"id": n, "key": n % 90} for n in range(600)], table_name="t")

    assert (info.total.delivered, sorted(got)) == (600, list(range(600)))
    assert max(most) > 4
