"""The chooser that a load needs, with what the journal says of the rows that earlier runs cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from sinkkit.declaration.options import Options
from sinkkit.delivery.choosing.chooser import Chooser, Facts, uncut_rows
from sinkkit.delivery.choosing.lanes import Lanes
from sinkkit.delivery.choosing.sized import Sized
from sinkkit.delivery.plan import Flight
from sinkkit.journal.protocol import Journal
from sinkkit.journal.ranges import numbers_of
from sinkkit.journal.records import JobRecord

ReadFacts: TypeAlias = Callable[[str, Sequence[int], str | None, bool], Facts]
"""Job name, rows, the ordering column or None, and whether sizes count, to the facts of these rows."""


def chooser_for(
    options: Options, read: ReadFacts, journal: Journal, jobs: Sequence[JobRecord], waiting: Sequence[Flight]
) -> Chooser | None:
    """What chooses the rows of batches; None where they are simply the next ones. *waiting* are the batches that earlier runs left open.

    Raises:
        PackageCorrupted: If rows of these cannot be read.
    """
    begun = [job for job in jobs if 0 < job.frontier < job.row_count]
    if options.order_by is None and options.batch_bytes is None and not any(_scattered(journal, job) for job in begun):
        return None
    left = [(job, _uncut(journal, job)) for job in jobs]
    if options.order_by is None:
        return Sized(options.batch_size, options.batch_bytes, left)
    lanes = Lanes(options.batch_size, options.batch_bytes, total=options.workers == 1, jobs=left)
    for flight in waiting:
        lanes.occupy(flight.job, flight.rows, read(flight.job.name, flight.rows, options.order_by, False).keys)
    return lanes


def _scattered(journal: Journal, job: JobRecord) -> bool:
    """Whether other rows of *job* than the first ones were cut: an earlier run chose them by their keys."""
    return any(_last(record) >= job.frontier for record in journal.cut_rows(job.id, job.frontier))


def _last(record: tuple[int, int, str | None]) -> int:
    return numbers_of(*record)[-1]


def _uncut(journal: Journal, job: JobRecord) -> list[range]:
    """The rows of *job* that are in no batch."""
    if job.frontier in {0, job.row_count}:
        return [range(job.frontier, job.row_count)] if job.frontier < job.row_count else []
    return uncut_rows(job.row_count, [numbers_of(*record) for record in journal.cut_rows(job.id)])
