"""A load against a simulated server on a virtual clock: the real dispatcher, plan, rules and journal; no threads, no waiting."""

from __future__ import annotations

import heapq
import random
import tempfile
from itertools import count
from pathlib import Path

import attrs

from sinkkit.declaration.options import Options
from sinkkit.delivery.decide import Judge, Tally
from sinkkit.delivery.dispatcher import Dispatcher
from sinkkit.delivery.grants import NOTHING, Answered, Finished
from sinkkit.delivery.limits.adaptive.window import Window
from sinkkit.delivery.limits.circuit import Circuit
from sinkkit.delivery.limits.gate import Gate
from sinkkit.delivery.plan import Plan
from sinkkit.delivery.verdict import PLAIN, Fate, Verdict
from sinkkit.errors import CallFailed
from sinkkit.journal.records import JobRecord, PackageRecord, PackageState
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.rows import Retry

LOAD = "load"


@attrs.define
class VirtualClock:
    """A clock that the simulation sets."""

    at: float = 0.0

    def now(self):
        return self.at

    def wall(self):
        return 1_767_225_600.0 + self.at


@attrs.define
class Server:
    """What a destination does with calls; seconds, calls and shares.

    Attributes:
        latency: A call takes so long when the server is at ease.
        a_row: And so much longer for each row.
        jitter: The deviation of the logarithm of what each call takes.
        refuses_above: Calls beyond that many at once are refused with ``status``, after ``refusal`` seconds.
        counts_refused: Whether calls about to be refused are among those that are too many for the next one.
        serves: Calls beyond that many at once wait in line.
        knee: Beyond that many calls at once, each further one makes all of them slower by the share ``slope``.
        per_second: Calls beyond that many in a second are refused; with ``retry_after``, if it is above 0.
        down: From when to when connections are refused.
        slower: From when on calls take so many times as long: (when, times).
        unlucky: The share of calls that fail with ``status`` for no reason.
        poison: The batch of that number is refused at once, whenever it is sent.
        client: Each call takes so long on the caller's only processor, half of it before it arrives and half after its answer.
    """

    latency: float = 0.05
    a_row: float = 0.0
    jitter: float = 0.0
    refuses_above: int | None = None
    refusal: float = 0.005
    counts_refused: bool = False
    status: int = 429
    serves: int | None = None
    knee: int | None = None
    slope: float = 0.0
    per_second: int | None = None
    retry_after: float = 0.0
    down: tuple[float, float] = (0.0, 0.0)
    slower: tuple[float, float] = (0.0, 1.0)
    unlucky: float = 0.0
    poison: int | None = None
    client: float = 0.0
    chance: random.Random = attrs.field(factory=random.Random)
    running: int = 0
    _free: list[float] = attrs.field(factory=list)
    _second: tuple[int, int] = (0, 0)

    def answer(self, batch, rows, now):
        """What a call of that batch, with *rows* rows, that starts *now* comes to: (seconds, verdict); counts it as running if it is let in."""
        if batch == self.poison:
            return self.refusal, failed(Fate.ABSENT, self.status)
        if self.down[0] <= now < self.down[1]:
            return self.refusal, failed(Fate.ABSENT, None)
        if self.per_second is not None and not self._in_rate(now):
            return self.refusal, failed(Fate.ABSENT, self.status, self.retry_after or None)
        if self.refuses_above is not None and self.running >= self.refuses_above:
            self.running += self.counts_refused
            return self.refusal, failed(Fate.ABSENT, self.status)
        self.running += 1
        seconds = (self.latency + self.a_row * rows) * self.chance.lognormvariate(0.0, self.jitter)
        if now >= self.slower[0]:
            seconds *= self.slower[1]
        if self.knee is not None:
            seconds *= 1 + self.slope * max(0, self.running - self.knee)
        if self.unlucky and self.chance.random() < self.unlucky:
            return seconds, failed(Fate.ABSENT, self.status)
        return self._queued(seconds, now), PLAIN

    def _queued(self, seconds, now):
        if self.serves is None:
            return seconds
        free = heapq.heappop(self._free) if len(self._free) >= self.serves else now
        end = max(free, now) + seconds
        heapq.heappush(self._free, end)
        return end - now

    def _in_rate(self, now):
        second, seen = self._second
        self._second = (int(now), seen + 1 if second == int(now) else 1)
        return self._second[1] <= self.per_second


def failed(fate, status, after=None):
    """The verdict on a call that has to be made again."""
    return Verdict(fate=fate, error=CallFailed("no"), reason="no", status=status, after=after)


@attrs.define
class Seen:
    """What a simulated load did.

    Attributes:
        seconds: It took.
        mean: Calls running on average.
        peak: The most.
        failures: Calls that came to nothing.
        above: The longest time without a break in which calls were started beyond those that the server takes.
        halted: Why it ended early, if it did.
        windows: The window over time: (when, calls).
        starts: When calls started.
    """

    seconds: float = 0.0
    mean: float = 0.0
    peak: int = 0
    failures: int = 0
    above: float = 0.0
    delivered: int = 0
    halted: object = None
    windows: list = attrs.field(factory=list)
    starts: list = attrs.field(factory=list)


@attrs.define
class Simulation:
    """One load of *calls* batches with *options* against *server*."""

    server: Server
    options: Options
    rows: int
    clock: VirtualClock = attrs.field(factory=VirtualClock)
    seen: Seen = attrs.field(factory=Seen)
    steps: list = attrs.field(factory=list)
    ties: object = attrs.field(factory=count)
    arrived: int = 0
    processor_free: float = 0.0
    since: float = 0.0
    above_since: float | None = None

    def run(self):
        """Until nothing is left or the load halts."""
        with tempfile.TemporaryDirectory() as folder:
            journal = SqliteJournal(Path(folder) / "journal.db", clock=self.clock, durability="process")
            dispatcher = self._dispatcher(journal)
            self._loop(dispatcher)
            journal.flush(journal.submit([]))
            self.seen.delivered = sum(count.delivered for count in journal.counts(LOAD).values())
            journal.close()
        self.seen.seconds = self.clock.at
        self.seen.mean /= self.clock.at or 1.0
        self.seen.halted = dispatcher.halted
        return self.seen

    def _dispatcher(self, journal):
        journal.register(
            PackageRecord(load_id=LOAD, folder="f", state=PackageState.NORMALIZED, run_name=None, destination=None, created_at=0.0),
            [JobRecord(id=0, load_id=LOAD, name="a", table="t", row_count=self.rows, first_index=0)],
        )
        plan = Plan(batch_size=self.options.batch_size, next_id=1)
        plan.add_jobs(journal.jobs(LOAD))
        adaptive = self.options.adaptive
        window = None if adaptive is None else Window(adaptive.min, adaptive.max)
        return Dispatcher(
            plan=plan,
            judge=Judge(destination="crm", options=self.options, plan=plan, tally=Tally()),
            options=self.options,
            journal=journal,
            clock=self.clock,
            observe=print,
            run=journal.start_run(None, None, 0.0),
            load_id=LOAD,
            gate=Gate(Circuit(self.options.retry), window),
        )

    def _loop(self, dispatcher):
        asleep = self._fill(dispatcher)
        while self.steps or (asleep is not None and not dispatcher.halting):
            at = self.steps[0][0] if self.steps else float("inf")
            if asleep is not None and asleep < at:
                self._go_to(asleep)
            else:
                self._go_to(at)
                _, _, step, *about = heapq.heappop(self.steps)
                step(dispatcher, *about)
            asleep = self._fill(dispatcher)

    def _fill(self, dispatcher):
        """Let as many workers start as find something to do; when the next one would, if it is a matter of time."""
        while len(self.steps) < self.options.calls_at_once:
            grant = dispatcher.exchange(NOTHING, 1)
            if not grant.flights:
                return None if grant.over or grant.seconds is None else self.clock.at + grant.seconds
            self._start(dispatcher, grant)
        return None

    def _start(self, dispatcher, grant):
        for event in grant.events:
            if type(event).__name__ == "ConcurrencyChanged":
                self.seen.windows.append((self.clock.at, event.calls))
        for flight in grant.flights:
            dispatcher.starting(flight)
            self.seen.starts.append(self.clock.at)
            self._process(dispatcher, self._arrive, flight)

    def _arrive(self, dispatcher, flight):
        before = self.server.running
        seconds, verdict = self.server.answer(flight.id, len(flight.rows), self.clock.at)
        self.arrived += 1
        self._soon(self.clock.at + seconds, self._answer, flight, verdict, self.server.running - before)
        self._count()
        if self.above_since is not None:
            self.seen.above = max(self.seen.above, self.clock.at - self.above_since)

    def _answer(self, dispatcher, flight, verdict, let_in):
        self.server.running -= let_in
        self.arrived -= 1
        self._count()
        self._process(dispatcher, self._end, flight, verdict)

    def _end(self, dispatcher, flight, verdict):
        plain, answered = ((flight,), ()) if verdict is PLAIN else ((), (Answered(flight, verdict),))
        self.seen.failures += verdict is not PLAIN
        self._start(dispatcher, dispatcher.exchange(Finished(plain, answered), 1))

    def _process(self, dispatcher, step, *about):
        """Take *step* when the caller's processor has done half of what a call takes of it."""
        if not self.server.client:
            step(dispatcher, *about)
            return
        takes = self.server.client / 2 * self.server.chance.expovariate(1.0)
        self.processor_free = max(self.processor_free, self.clock.at) + takes
        self._soon(self.processor_free, step, *about)

    def _soon(self, at, step, *about):
        heapq.heappush(self.steps, (at, next(self.ties), step, *about))

    def _go_to(self, at):
        self.seen.mean += len(self.steps) * (at - self.clock.at)
        self.clock.at = at

    def _count(self):
        limit = self.server.refuses_above
        self.seen.peak = max(self.seen.peak, self.arrived)
        if limit is None or self.arrived <= limit:
            self.above_since = None
        elif self.above_since is None:
            self.above_since = self.clock.at


def simulate(server, workers, calls, *, seed, batch_size=100, rows=None, retry=None, **options):
    """What a load of *calls* batches against a server (its settings) does."""
    state = random.getstate()
    random.seed(seed)  # the jitter of waits
    try:
        made = Options(workers=workers, batch_size=batch_size, retry=retry or Retry(attempts=50), **options)
        total = calls * batch_size if rows is None else rows
        return Simulation(Server(**server, chance=random.Random(seed)), made, total).run()
    finally:
        random.setstate(state)
