"""What is left to send, in memory: uncut rows of each job, and batches that wait for another call.

A table without threads, clock or I/O; the dispatcher holds the lock and the journal keeps the truth.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import attrs

from sinkkit.delivery.choosing.chooser import Chooser, Facts, Segment
from sinkkit.journal.keys import key_of
from sinkkit.journal.moves import Cut, Move, NewBatch, Pick, Return, Settle, Start
from sinkkit.journal.ranges import compact, is_run, numbers_of, to_text
from sinkkit.journal.records import BatchRecord, JobRecord
from sinkkit.journal.states import State


@attrs.define(eq=False, slots=True)
class Flight:
    """A batch and what this run knows of it.

    Attributes:
        id: The batch's id in the journal.
        job: The file its rows rest in.
        rows: Its row numbers there, in order.
        attempts: Calls made for its rows so far, the one now running included.
        ambiguous: Whether an earlier call may have arrived.
        since: Its state in the journal before the call.
        failures: Calls that failed in this run and count against the budget.
        failing_since: When a call for these rows first failed in this run, on the run's clock; None: none did.
        note: What a call asked to be remembered.
        running: Whether the destination is working on it, as its last call said.
    """

    id: int
    job: JobRecord
    rows: Sequence[int]
    _key: str | None
    attempts: int
    ambiguous: bool = False
    since: State = State.PLANNED
    failures: int = 0
    failing_since: float | None = None
    note: str | None = None
    running: bool = False

    @property
    def key(self) -> str:
        """Its idempotency key."""
        return self.its_key()

    def its_key(self) -> str:
        """Its idempotency key, made when it is first asked for: few functions do."""
        if self._key is None:
            self._key = key_of(self.job.load_id, self.job.name, self.rows)
        return self._key


def rows_of(record: BatchRecord | NewBatch) -> Sequence[int]:
    """The row numbers of a batch of the journal."""
    return numbers_of(record.first_row, record.row_count, record.ranges)


def flight_of(record: BatchRecord, job: JobRecord) -> Flight:
    """An open batch of the journal."""
    return Flight(record.id, job, rows_of(record), record.key, record.attempts, record.ambiguous, record.state, note=record.note, running=record.note is not None)


@attrs.define
class Plan:
    """Hands out work: batches that are due first, then new ones cut from the jobs in order.

    Args:
        batch_size: Rows a batch; 0 makes one batch of each job.
        next_id: The first batch id that is free.
        in_order: Let no batch overtake one that waits.
        chooser: Chooses the rows of batches where they are not simply the next ones.

    Attributes:
        running: Batches that wait and that the destination is working on.
        has_jobs: Whether there ever was one.
    """

    batch_size: int
    next_id: int
    in_order: bool = False
    chooser: Chooser | None = None
    _jobs: deque[JobRecord] = attrs.field(factory=deque, init=False)
    _frontier: int = attrs.field(default=0, init=False)
    _waiting: list[tuple[tuple[float, ...], int, Flight, float]] = attrs.field(factory=list, init=False)
    _picked: dict[int, int] = attrs.field(factory=dict, init=False)
    running: int = attrs.field(default=0, init=False)
    has_jobs: bool = attrs.field(default=False, init=False)
    _ties: count[int] = attrs.field(factory=count, init=False)

    def add_jobs(self, jobs: Iterable[JobRecord]) -> None:
        """Put the uncut rows of *jobs* behind those that are there."""
        self._jobs.extend(job for job in jobs if job.frontier < job.row_count)
        if self._jobs:
            self._frontier = self._jobs[0].frontier

    def wait(self, flight: Flight, until: float) -> None:
        """Hand *flight* out again, not before *until* on the run's clock."""
        place = (flight.job.id, flight.rows[0]) if self.in_order else (until,)
        heapq.heappush(self._waiting, (place, next(self._ties), flight, until))
        if flight.running:
            self.running += 1
            self.has_jobs = True

    @property
    def empty(self) -> bool:
        """Whether nothing is left to hand out, now or later; but for what waits for a batch that is in flight or on hold."""
        if self._waiting:
            return False
        return not self._jobs if self.chooser is None else self.wanted is None and self.chooser.next_batch() is None

    def due(self, now: float) -> Flight | None:
        """The next batch that waited and need not wait any more."""
        if self._waiting and self._waiting[0][3] <= now:
            flight = heapq.heappop(self._waiting)[2]
            self.running -= flight.running
            return flight
        return None

    def next_due(self) -> float | None:
        """When the next waiting batch is due; None if none waits."""
        return self._waiting[0][3] if self._waiting else None

    @property
    def may_cut(self) -> bool:
        """Whether new batches may be cut now."""
        if self.in_order and self._waiting:
            return False
        return bool(self._jobs) if self.chooser is None else (self.wanted is not None or self.chooser.next_batch() is not None)

    @property
    def wanted(self) -> Segment | None:
        """Rows that should become known before more batches are cut."""
        return None if self.chooser is None else self.chooser.wanted

    def learn(self, segment: Segment, facts: Facts) -> None:
        """Make rows known that were ``wanted``."""
        if self.chooser is not None:
            self.chooser.learn(segment, facts)

    def next_size(self) -> int:
        """Rows of the next new batch."""
        if self.chooser is not None:
            batch = self.chooser.next_batch()
            return 0 if batch is None else len(batch[1])
        job = self._jobs[0]
        return min(self.batch_size or job.row_count, job.row_count - self._frontier)

    def cut(self, most: int, run: int, *, claimed: bool = True) -> tuple[Sequence[Cut | Pick], list[Flight]]:
        """Up to *most* new batches, of as many jobs as that takes, and the moves that say so, and whether they are *claimed* with it."""
        if self.chooser is not None:
            return self._pick(self.chooser, most, run, claimed=claimed)
        cuts: list[Cut] = []
        flights: list[Flight] = []
        while self._jobs and len(flights) < most:
            cut, new = self._cut_first(most - len(flights), run, claimed=claimed)
            cuts.append(cut)
            flights += new
        return cuts, flights

    def _cut_first(self, most: int, run: int, *, claimed: bool) -> tuple[Cut, list[Flight]]:
        """Up to *most* new batches of the first job, which leaves the line when it is cut up."""
        job, since = self._jobs[0], self._frontier
        size = self.batch_size or job.row_count
        frontier = min(job.row_count, since + size * most)
        starts = range(since, frontier, size)
        cut = Cut(job.id, since, frontier, run, self.next_id, size, claimed)
        flights = [Flight(number, job, range(first, min(first + size, frontier)), None, 1) for number, first in enumerate(starts, self.next_id)]
        self.next_id += len(flights)
        self._frontier = frontier
        if frontier == job.row_count:
            self._jobs.popleft()
            self._frontier = self._jobs[0].frontier if self._jobs else 0
        return cut, flights

    def _pick(self, chooser: Chooser, most: int, run: int, *, claimed: bool) -> tuple[list[Pick], list[Flight]]:
        picks: list[Pick] = []
        flights: list[Flight] = []
        while len(flights) < most and chooser.next_batch() is not None:
            job, rows = chooser.cut()
            flight = Flight(self._take_id(), job, compact(rows), None, 1)
            since = self._picked.get(job.id, job.frontier)
            self._picked[job.id] = since + len(rows)
            picks.append(Pick(job.id, since, run, record_of(flight, None), claimed))
            flights.append(flight)
        return picks, flights

    def settled(self, flight: Flight, moves: Sequence[Move] | None = None) -> None:
        """Note which rows of *flight* came to their end: all of them, unless *moves* say otherwise."""
        if self.chooser is None:
            return
        rows: Iterable[int] = flight.rows
        if moves is not None:
            ends = [move for move in moves if isinstance(move, Settle) and move.batch == flight.id]
            children = [child for move in ends for child in move.children]
            again = {row for child in children for row in rows_of(child)}
            rows = [row for row in flight.rows if row not in again] if ends else ()
        self.chooser.release(flight.job.id, rows)

    def _take_id(self) -> int:
        taken = self.next_id
        self.next_id += 1
        return taken

    def child(self, parent: Flight, rows: Sequence[int], *, not_before: float | None = None) -> tuple[NewBatch, Flight]:
        """A batch of some of *parent*'s rows with a key of its own; *not_before* in seconds since the epoch."""
        flight = attrs.evolve(parent, id=self._take_id(), rows=compact(rows), key=None, since=State.PLANNED, note=None, running=False)
        return record_of(flight, not_before), flight


def record_of(flight: Flight, not_before: float | None) -> NewBatch:
    """A planned batch as the journal keeps it."""
    ranges = None if is_run(flight.rows) else to_text(flight.rows)
    return NewBatch(
        flight.id, flight.rows[0], len(flight.rows), ranges, flight.key, flight.attempts, flight.ambiguous, not_before
    )


def runs_of(flights: Sequence[Flight]) -> list[tuple[int, int]]:
    """The ids of *flights* as pairs of first and last of those that follow each other; one statement settles such a run."""
    if not flights:
        return []
    found: list[tuple[int, int]] = []
    for number in sorted(flight.id for flight in flights):
        if found and found[-1][1] + 1 == number:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def by_state(flights: Sequence[Flight]) -> Iterator[tuple[State, int, int]]:
    """Those of *flights* that were planned and those of unknown fate: the state, first and last id of each run."""
    for state in (State.PLANNED, State.UNKNOWN):
        for first, last in runs_of([flight for flight in flights if flight.since is state]):
            yield state, first, last


def starts_of(flights: Sequence[Flight], run: int) -> list[Move]:
    """The moves that put *flights* in flight."""
    return [Start(first, last, state, run) for state, first, last in by_state(flights)]


def returns_of(flights: Sequence[Flight]) -> list[Move]:
    """The moves that put *flights*, which were not called, back to where they were before."""
    return [Return(first, last, state) for state, first, last in by_state(flights)]
