"""What is left to send, in memory: uncut rows of each job, and batches that wait for another call.

A table without threads, clock or I/O; the dispatcher holds the lock and the journal keeps the truth.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import count

import attrs

from sinkkit.delivery.rowsets import compact, from_text, is_run, key_of, to_text
from sinkkit.journal.moves import Cut, NewBatch
from sinkkit.journal.records import BatchRecord, JobRecord
from sinkkit.journal.states import State


@attrs.define(eq=False, slots=True)
class Flight:
    """A batch and what this run knows of it.

    Attributes:
        id: The batch's id in the journal.
        job: The file its rows rest in.
        rows: Its row numbers there, in order.
        key: Its idempotency key.
        attempts: Calls made for its rows so far, the one now running included.
        ambiguous: Whether an earlier call may have arrived.
        since: Its state in the journal before the call.
        failures: Calls that failed in this run and count against the budget.
        failing_since: When a call for these rows first failed in this run, on the run's clock; None: none did.
    """

    id: int
    job: JobRecord
    rows: Sequence[int]
    key: str
    attempts: int
    ambiguous: bool = False
    since: State = State.PLANNED
    failures: int = 0
    failing_since: float | None = None


def flight_of(record: BatchRecord, job: JobRecord) -> Flight:
    """An open batch of the journal."""
    rows = range(record.first_row, record.first_row + record.row_count) if record.ranges is None else from_text(record.ranges)
    return Flight(record.id, job, rows, record.key, record.attempts, record.ambiguous, record.state)


@attrs.define
class Plan:
    """Hands out work: batches that are due first, then new ones cut from the jobs in order.

    Args:
        batch_size: Rows a batch; 0 makes one batch of each job.
        next_id: The first batch id that is free.
        in_order: Let no batch overtake one that waits.
    """

    batch_size: int
    next_id: int
    in_order: bool = False
    _jobs: deque[JobRecord] = attrs.field(factory=deque, init=False)
    _frontier: int = attrs.field(default=0, init=False)
    _waiting: list[tuple[tuple[float, ...], int, Flight, float]] = attrs.field(factory=list, init=False)
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

    @property
    def empty(self) -> bool:
        """Whether nothing is left to hand out, now or later."""
        return not self._jobs and not self._waiting

    def due(self, now: float) -> Flight | None:
        """The next batch that waited and need not wait any more."""
        if self._waiting and self._waiting[0][3] <= now:
            return heapq.heappop(self._waiting)[2]
        return None

    def next_due(self) -> float | None:
        """When the next waiting batch is due; None if none waits."""
        return self._waiting[0][3] if self._waiting else None

    @property
    def may_cut(self) -> bool:
        """Whether new batches may be cut now."""
        return bool(self._jobs) and not (self.in_order and self._waiting)

    def next_size(self) -> int:
        """Rows of the next new batch."""
        job = self._jobs[0]
        return min(self.batch_size or job.row_count, job.row_count - self._frontier)

    def cut(self, most: int, run: int) -> tuple[list[Cut], list[Flight]]:
        """Up to *most* new batches, of as many jobs as that takes, and the moves that say so."""
        cuts: list[Cut] = []
        flights: list[Flight] = []
        while self._jobs and len(flights) < most:
            new = self._cut_first(most - len(flights))
            job, frontier = new[0].job, new[-1].rows[-1] + 1
            batches = [(flight.id, flight.rows[0], len(flight.rows), flight.key) for flight in new]
            cuts.append(Cut(job.id, new[0].rows[0], frontier, run, batches))
            flights += new
        return cuts, flights

    def _cut_first(self, most: int) -> list[Flight]:
        """Up to *most* new batches of the first job, which leaves the line when it is cut up."""
        job, since = self._jobs[0], self._frontier
        size = self.batch_size or job.row_count
        frontier = min(job.row_count, since + size * most)
        flights = [self._new(job, range(first, min(first + size, frontier))) for first in range(since, frontier, size)]
        self._frontier = frontier
        if frontier == job.row_count:
            self._jobs.popleft()
            self._frontier = self._jobs[0].frontier if self._jobs else 0
        return flights

    def _new(self, job: JobRecord, rows: range) -> Flight:
        return Flight(self._take_id(), job, rows, key_of(job.load_id, job.name, rows), 1)

    def _take_id(self) -> int:
        taken = self.next_id
        self.next_id += 1
        return taken

    def child(self, parent: Flight, rows: Sequence[int], *, not_before: float | None = None) -> tuple[NewBatch, Flight]:
        """A batch of some of *parent*'s rows with a key of its own; *not_before* in seconds since the epoch."""
        rows = compact(rows)
        key = key_of(parent.job.load_id, parent.job.name, rows)
        flight = attrs.evolve(parent, id=self._take_id(), rows=rows, key=key, since=State.PLANNED)
        return record_of(flight, not_before), flight


def record_of(flight: Flight, not_before: float | None) -> NewBatch:
    """A planned batch as the journal keeps it."""
    ranges = None if is_run(flight.rows) else to_text(flight.rows)
    return NewBatch(
        flight.id, flight.rows[0], len(flight.rows), ranges, flight.key, flight.attempts, flight.ambiguous, not_before
    )
