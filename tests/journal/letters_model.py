"""What the journal should say of dead letters, replays and holds: a plain model in which every row is followed by itself."""

from __future__ import annotations

import attrs

from sinkkit.journal.records import JobRecord
from sinkkit.journal.states import State

OPEN = (State.PLANNED, State.IN_FLIGHT, State.UNKNOWN, State.HELD)


@attrs.define
class ModelLetter:
    """A dead letter as it should be; *taken* is a package and an index in its table."""

    load_id: str
    table: str
    index: int
    row: bytes
    reason: str
    attempts: int
    at: float
    taken: tuple[str, int] | None = None


@attrs.define
class ModelBatch:
    """A batch as it should be: the indices of its rows in the table."""

    load_id: str
    job: int
    table: str
    indices: list[int]
    state: State
    attempts: int = 1


@attrs.define
class ModelPackage:
    """A package as it should be: for each table [extracted, cut], and for each row what became of it."""

    replay: bool
    created: float
    rows: dict[str, int]
    cut: dict[str, int]
    jobs: dict[str, list[JobRecord]] = attrs.field(factory=dict)
    fates: dict[tuple[str, int], str] = attrs.field(factory=dict)
    ended: float | None = None
    left: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    """After its end: pending and unknown rows by table."""
    resolved: bool = False


def texts(numbers):
    """Row numbers as the journal keeps those of a batch with gaps; None for those without."""
    return None if numbers[-1] - numbers[0] + 1 == len(numbers) else ",".join(map(str, numbers))


@attrs.define
class Model:
    """All that is known; a receipt is (load id, table, index, text, time)."""

    packages: dict[str, ModelPackage] = attrs.field(factory=dict)
    batches: dict[int, ModelBatch] = attrs.field(factory=dict)
    letters: dict[str, ModelLetter] = attrs.field(factory=dict)
    receipts: list[tuple[str, str, int, str, float]] = attrs.field(factory=list)

    def among(self, *states):
        return [number for number, batch in self.batches.items() if batch.state in states]

    def has(self, *states):
        return bool(self.among(*states))

    def still_open(self):
        return [load_id for load_id, package in self.packages.items() if package.ended is None]

    def uncut(self):
        """Every job of an open package that is not cut up, with its package's load id."""
        return [
            (load_id, job)
            for load_id in self.still_open()
            for jobs in self.packages[load_id].jobs.values()
            for job in jobs
            if self.packages[load_id].cut[str(job.id)] < job.row_count
        ]

    def settled(self, batch, done, rejected, receipts, at):
        replay = self.packages[batch.load_id].replay
        for index, text in receipts:
            letter = self.letter_of(batch, index) if replay else None
            place = (letter.load_id, letter.table, letter.index) if letter else (batch.load_id, batch.table, index)
            self.receipts.append((*place, text, at))
        for record in rejected:
            self.packages[batch.load_id].fates[batch.table, record.index] = "rejected"
            if replay:
                letter = self.letter_of(batch, record.index)
                letter.reason, letter.attempts, letter.at, letter.taken = record.reason, letter.attempts + record.attempts, at, None
            else:
                self.letters[record.id] = ModelLetter(record.load_id, record.table, record.index, record.row, record.reason, record.attempts, at)
        self.delivered(batch, done)

    def letter_of(self, batch, index):
        return next(letter for letter in self.letters.values() if letter.table == batch.table and letter.taken == (batch.load_id, index))

    def delivered(self, batch, indices):
        for index in indices:
            self.packages[batch.load_id].fates[batch.table, index] = "delivered"
            if self.packages[batch.load_id].replay:
                gone = self.letter_of(batch, index)
                self.letters = {name: letter for name, letter in self.letters.items() if letter is not gone}

    def is_settled(self, load_id):
        package = self.packages[load_id]
        cut = all(package.cut[str(job.id)] == job.row_count for jobs in package.jobs.values() for job in jobs)
        return cut and not any(batch.load_id == load_id and batch.state in OPEN for batch in self.batches.values())

    def end(self, load_id, at):
        package = self.packages[load_id]
        package.left = {table: self.open_rows(load_id, table) for table in package.rows}
        package.ended = at
        self.batches = {number: batch for number, batch in self.batches.items() if batch.load_id != load_id}

    def open_rows(self, load_id, table):
        """Rows pending, and rows of unknown fate."""
        package = self.packages[load_id]
        own = [batch for batch in self.batches.values() if (batch.load_id, batch.table) == (load_id, table)]
        uncut = sum(job.row_count - package.cut[str(job.id)] for job in package.jobs[table])
        pending = uncut + sum(len(batch.indices) for batch in own if batch.state is State.PLANNED)
        return pending, sum(len(batch.indices) for batch in own if batch.state in {State.IN_FLIGHT, State.UNKNOWN, State.HELD})

    def drop(self, load_id, at):
        """Give a package up."""
        for batch in self.batches.values():
            if batch.load_id == load_id and batch.state in OPEN and self.packages[load_id].replay:
                for index in batch.indices:
                    self.letter_of(batch, index).attempts += batch.attempts
        for letter in self.letters.values():
            if letter.taken and letter.taken[0] == load_id:
                letter.taken = None
        self.end(load_id, at)

    def prune(self, before, *, rejected):
        """Forget what is old."""
        still = self.still_open()
        self.receipts = [entry for entry in self.receipts if entry[0] in still or entry[4] >= before]
        if rejected:
            self.letters = {name: letter for name, letter in self.letters.items() if letter.at >= before or letter.taken is not None}
        named = [letter.load_id for letter in self.letters.values()]
        self.packages = {load_id: p for load_id, p in self.packages.items() if p.ended is None or p.ended >= before or load_id in named}
