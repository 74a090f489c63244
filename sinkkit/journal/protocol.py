"""What the rest of sinkkit asks of a journal; SQLite is one, further ones keep the same promises.

Promises: a commit is durable before ``flush`` returns; moves are applied in the order in which they
were submitted, those of one submission together or not at all; a move that finds the journal in
another state than it names changes nothing and raises ``JournalError``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from sinkkit.journal.letters import Taken
from sinkkit.journal.moves import Move
from sinkkit.journal.pruning import Counted
from sinkkit.journal.records import (
    BatchRecord,
    Counts,
    HeldRecord,
    JobCounts,
    JobRecord,
    LoadRecord,
    NewSchema,
    PackageRecord,
    RejectedRecord,
    RunRecord,
    SchemaVersion,
)


class Journal(Protocol):
    """Facts about packages, batches, rows and runs of one pipeline."""

    def submit(self, moves: Sequence[Move]) -> int:
        """Queue *moves* for the next commit and return its ticket; cheap, never waits for the disk."""

    def flush(self, ticket: int) -> None:
        """Return once everything submitted up to *ticket* is durable."""

    def register(
        self,
        package: PackageRecord,
        jobs: Sequence[JobRecord],
        schemas: Mapping[str, str] | None = None,
        taking: Iterable[Taken] = (),
        *,
        rejected: Iterable[RejectedRecord] = (),
        schema: NewSchema | None = None,
    ) -> None:
        """Make a sealed package known: its rows count from now on, the dead letters that a replay carries are taken by it alone, new ones are listed.

        *schema* is what is known of tables from now on. Rows of jobs that are refused are rejected at once; *rejected* has their letters.
        """

    def replace(
        self,
        load_id: str,
        folder: str,
        jobs: Sequence[JobRecord],
        schemas: Mapping[str, str] | None = None,
        *,
        rejected: Iterable[RejectedRecord] = (),
        schema: NewSchema | None = None,
    ) -> None:
        """Point an extracted package at a normalized set of files, with other tables if given."""

    def bind(self, load_id: str, destination: str, at: float | None = None) -> None:
        """Bind a package to a destination's name at its first claim, which comes after *at*, in seconds since the epoch; durable with that claim."""

    def packages(self) -> list[PackageRecord]:
        """Every package, oldest first."""

    def loads(self, load_ids: Sequence[str] | None = None) -> list[LoadRecord]:
        """All that is known of every load, oldest first, or of those with these ids, in their order."""

    def unstarted(self, load_id: str) -> bool:
        """Whether a package may be handed over: it is open, no batch of it was cut, and it is no replay and none has taken dead letters of it."""

    def hand_over(self, load_id: str, target: str, at: float, letters: Iterable[bytes] = ()) -> None:
        """End a package of which nothing was sent: it is in the file *target*, *letters* are its dead letters, and none of it counts here any more."""

    def exported(self, load_id: str, at: float) -> None:
        """Note that the file of a package that was handed over is complete."""

    def handed_letters(self, load_id: str) -> list[bytes]:
        """The dead letters that went with a package that was handed over."""

    def jobs(self, load_id: str) -> list[JobRecord]:
        """The jobs of a package, in the order of their rows."""

    def begun(self, load_id: str) -> bool:
        """Whether any row of a package, but for those that its contract refuses, was cut into a batch."""

    def recover(self, load_id: str, run: int) -> list[BatchRecord]:
        """Turn what was in flight when the last owner died into unknown; return all open batches, with which *run* goes on."""

    def cut_rows(self, job: int, beyond: int = 0) -> list[tuple[int, int, str | None]]:
        """First row, number of rows and ranges of each batch of *job*, whatever became of it, that may hold rows from number *beyond* on."""

    def next_batch_id(self) -> int:
        """An id that no batch has had in any open package."""

    def complete(self, load_id: str, at: float) -> None:
        """Fold a settled package's batches into counts."""

    def drop(self, load_id: str, at: float) -> None:
        """Give a package up: its open rows stay counted as pending or unknown in the fold, the letters of a replay are free again."""

    def counts(self, load_id: str) -> dict[str, Counts]:
        """Where the rows of each table of a package are."""

    def job_counts(self, load_id: str) -> list[JobCounts]:
        """Where the rows of each job of a package are; none if it is finished."""

    def held_only(self, load_id: str) -> bool:
        """Whether nothing of a package is open but batches on hold."""

    def held(self) -> list[HeldRecord]:
        """Every batch on hold, in the order of the rows."""

    def resolve(self, batches: Sequence[int], *, arrived: bool) -> None:
        """Settle batches on hold as delivered, or plan them anew under their keys; all of them or none."""

    def start_run(self, name: str | None, destination: str | None, at: float) -> int:
        """Note that a run began, durable with whatever it notes next; returns its id."""

    def end_run(self, run: int, status: str, load_ids: Sequence[str], at: float) -> None:
        """Note how a run ended."""

    def run(self, run: int) -> RunRecord:
        """A run with the calls, retries and numbers of all its batches."""

    def runs(self) -> list[RunRecord]:
        """Every run, oldest first."""

    def pause_of(self, destination: str) -> tuple[float, str] | None:
        """Until when (seconds since the epoch) and why no call to *destination* may start."""

    def rejected(self, table: str | None = None, *, reason: str | None = None, taken: bool = True) -> Iterator[RejectedRecord]:
        """Dead letters, oldest first; with *reason*, those whose reason contains it; without *taken*, those that no replay is sending."""

    def rejected_row(self, letter: str) -> RejectedRecord | None:
        """The dead letter with this id."""

    def rejected_count(self) -> int:
        """How many dead letters there are."""

    def known_schema(self, dataset: str) -> SchemaVersion | None:
        """What is known of the tables of *dataset* (empty if there is none) from the loads that were registered; None before the first."""

    def schema_of_load(self, load_id: str) -> SchemaVersion | None:
        """What was known of the tables once the load *load_id* was there; None if it was not normalized yet."""

    def schema_versions(self) -> list[SchemaVersion]:
        """Every version of what is known of tables, oldest first."""

    def schema(self, load_id: str, table: str) -> str | None:
        """The text of a table's schema as it was registered with a package, while rows of it are open or dead letters."""

    def receipts(self, table: str | None = None) -> Iterator[Mapping[str, Any]]:
        """The destination's own ids of delivered rows."""

    def prune(self, before: float, *, rejected: bool, run: int | None) -> Counted:
        """Forget what is older than *before* (seconds since the epoch) and not open; with *run* None, only say what that would be."""

    def shrink(self) -> int:
        """Give free room back to the disk where that pays; returns how many bytes."""

    def close(self) -> None:
        """Release the file."""
