"""The journal against a plain model: whatever moves are made, it tells the same; a move that does not fit changes nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from registered import register

from sinkkit.clock import SystemClock
from sinkkit.errors import JournalError
from sinkkit.journal.moves import Cut, NewBatch, Postpone, Return, Settle, SettlePlain, Split, Start
from sinkkit.journal.records import RejectedRecord
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.journal.states import MOVES, OPEN, State, sources_of

ROWS = 60
WAITING = (State.PLANNED, State.UNKNOWN)


@attrs.define
class Model:
    """A batch as it should be."""

    rows: int
    state: State
    attempts: int = 0
    calls: int = 0
    ambiguous: bool = False
    resent: int = 0
    delivered: int = 0
    rejected: int = 0


def letter(number):
    """A dead letter."""
    return RejectedRecord(
        id=str(number), load_id="load", table="t", index=number, row=b"{}", reason="r", error=None, status=None, attempts=1, rejected_at=1.0
    )


class Journals(RuleBasedStateMachine):
    """Moves are made on a journal and on a dictionary; both must agree after each, also when the journal is opened again."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.batches: dict[int, Model] = {}
        self.frontier = self.letters = self.calls_before = 0
        self.run = 0
        self.open()
        register(self.journal, rows=(ROWS,))

    def open(self):
        self.journal = SqliteJournal(Path(self.folder.name) / "journal.db", clock=SystemClock(), durability="process")
        self.run = self.journal.start_run(None, None, 1.0)

    def teardown(self):
        self.journal.close()
        self.folder.cleanup()

    def write(self, *moves):
        self.journal.flush(self.journal.submit(moves))

    def some(self, data, *states):
        """A batch in one of *states*."""
        return data.draw(st.sampled_from([number for number, batch in self.batches.items() if batch.state in states]))

    def some_together(self, data, *states):
        """The first and the last of batches that follow each other and are in the same one of *states*."""
        first = last = self.some(data, *states)
        while last + 1 in self.batches and self.batches[last + 1].state is self.batches[first].state and data.draw(st.booleans()):
            last += 1
        return first, last

    def has(self, *states):
        return any(batch.state in states for batch in self.batches.values())

    @precondition(lambda self: self.frontier < ROWS)
    @rule(counts=st.lists(st.integers(1, 6), min_size=1, max_size=3), size=st.integers(1, 4), claimed=st.booleans())
    def cut(self, counts, size, claimed):
        """New batches, in flight at once or planned; the journal keeps those that are cut together as one row."""
        for count in counts:
            since, first = self.frontier, len(self.batches) + 1
            self.frontier = min(ROWS, since + count * size)
            if self.frontier > since:
                for start in range(since, self.frontier, size):
                    model = Model(min(size, self.frontier - start), State.IN_FLIGHT, 1, 1) if claimed else Model(min(size, self.frontier - start), State.PLANNED)
                    self.batches[len(self.batches) + 1] = model
                self.write(Cut(1, since, self.frontier, self.run, first, size, claimed))

    @precondition(lambda self: self.has(*WAITING))
    @rule(data=st.data())
    def start(self, data):
        """A batch that waited is called again, or several together."""
        first, last = self.some_together(data, *WAITING)
        self.write(Start(first, last, self.batches[first].state, self.run))
        for number in range(first, last + 1):
            batch = self.batches[number]
            batch.resent += batch.state is State.UNKNOWN
            batch.attempts, batch.calls, batch.state = batch.attempts + 1, batch.calls + 1, State.IN_FLIGHT

    @precondition(lambda self: self.has(State.IN_FLIGHT))
    @rule(data=st.data())
    def give_back(self, data):
        """A batch that was claimed is not called."""
        number = self.some(data, State.IN_FLIGHT)
        batch = self.batches[number]
        target = State.UNKNOWN if batch.ambiguous and batch.resent else State.PLANNED
        self.write(Return(number, number, target))
        batch.resent -= target is State.UNKNOWN
        batch.attempts, batch.calls, batch.state = batch.attempts - 1, batch.calls - 1, target

    @precondition(lambda self: self.has(State.IN_FLIGHT))
    @rule(data=st.data())
    def settle_plain(self, data):
        """Every row of a batch, or of several that follow each other, was delivered."""
        first, last = self.some_together(data, State.IN_FLIGHT)
        self.write(SettlePlain(first, last))
        for number in range(first, last + 1):
            self.batches[number].state, self.batches[number].delivered = State.SETTLED, self.batches[number].rows

    @precondition(lambda self: self.has(*sources_of(State.SETTLED)))
    @rule(data=st.data())
    def settle(self, data):
        """Some rows were delivered, some rejected, some are to be sent again."""
        number = self.some(data, *sources_of(State.SETTLED))
        batch = self.batches[number]
        rejected = data.draw(st.integers(0, batch.rows))
        again = data.draw(st.integers(0, batch.rows - rejected))
        letters = [letter(self.letters + n) for n in range(rejected)]
        child = NewBatch(len(self.batches) + 1, 0, again, None, "child", batch.attempts) if again else None
        self.write(Settle(number, batch.rows - rejected - again, letters, child=child))
        self.letters += rejected
        batch.state, batch.delivered, batch.rejected = State.SETTLED, batch.rows - rejected - again, rejected
        if again:
            self.batches[len(self.batches) + 1] = Model(again, State.PLANNED, batch.attempts, 0, batch.ambiguous, batch.resent)
            self.batches[len(self.batches)].ambiguous = False

    @precondition(lambda self: self.has(State.IN_FLIGHT, State.UNKNOWN, State.HELD))
    @rule(data=st.data(), place=st.sampled_from([State.PLANNED, State.UNKNOWN, State.HELD]))
    def postpone(self, data, place):
        """A batch waits, if it may go there; otherwise the journal refuses, and is opened again."""
        number = self.some(data, State.IN_FLIGHT, State.UNKNOWN, State.HELD)
        batch = self.batches[number]
        if place not in MOVES[batch.state]:
            self.refused(Postpone(number, place, 5.0))
            return
        self.write(Postpone(number, place, 5.0))
        batch.state, batch.ambiguous = place, batch.ambiguous or place is not State.PLANNED

    @precondition(lambda self: self.has(State.IN_FLIGHT))
    @rule(data=st.data())
    def split(self, data):
        """A batch becomes two halves, unless it is a single row or was ever ambiguous."""
        number = self.some(data, State.IN_FLIGHT)
        batch = self.batches[number]
        sizes = [batch.rows // 2, batch.rows - batch.rows // 2]
        first = len(self.batches) + 1
        halves = [NewBatch(first + n, 0, size, None, "half", batch.attempts) for n, size in enumerate(sizes)]
        if batch.ambiguous:
            self.refused(Split(number, halves))
            return
        self.write(Split(number, halves))
        batch.state = State.SPLIT
        self.batches.update({first + n: Model(size, State.PLANNED, batch.attempts) for n, size in enumerate(sizes)})

    @rule(data=st.data())
    def wrong(self, data):
        """Moves that do not fit, or do not add up, are refused whole."""
        settled = [number for number, batch in self.batches.items() if batch.state not in OPEN]
        flying = [number for number, batch in self.batches.items() if batch.state is State.IN_FLIGHT]
        moves = [Cut(1, self.frontier + 1, ROWS, self.run, 99, 1), Start(99, 99, State.PLANNED, self.run), SettlePlain(99, 99)]
        moves += [SettlePlain(number, number) for number in settled] + [Postpone(number, State.PLANNED) for number in settled]
        moves += [Settle(number, self.batches[number].rows + 1) for number in flying]
        moves += [Settle(number, 0) for number in flying]
        self.refused(data.draw(st.sampled_from(moves)))

    def refused(self, move):
        """The journal refuses *move* and is of no use until it is opened again; nothing of the commit is kept."""
        with pytest.raises(JournalError, match="did not find what it expected"):
            self.write(Return(1, 0, State.PLANNED), move)
        self.crash()

    @rule()
    def crash(self):
        """The process ends and another goes on: what was in flight is unknown, and calls stay with the run that made them."""
        self.journal.close()
        self.open()
        found = self.journal.recover("load", self.run)
        for batch in self.batches.values():
            if batch.state is State.IN_FLIGHT:
                batch.state, batch.ambiguous = State.UNKNOWN, True
        self.calls_before = sum(batch.calls for batch in self.batches.values())
        expected = [(number, batch.rows, batch.state, batch.attempts, batch.ambiguous) for number, batch in self.batches.items() if batch.state in OPEN]

        assert sorted((record.id, record.row_count, record.state, record.attempts, record.ambiguous) for record in found) == expected
        assert self.journal.next_batch_id() == len(self.batches) + 1

    @invariant()
    def accounts_agree(self):
        """The counts are those of the model, and add up."""
        counts = self.journal.counts("load")["t"]
        batches = self.batches.values()
        unknown = sum(batch.rows for batch in batches if batch.state in {State.IN_FLIGHT, State.UNKNOWN, State.HELD})
        resent = sum(
            batch.delivered + batch.rejected if batch.state is State.SETTLED else batch.rows
            for batch in batches
            if batch.resent > 0 and batch.state is not State.SPLIT
        )

        assert counts.extracted == counts.delivered + counts.rejected + counts.pending + counts.unknown == ROWS
        assert (counts.delivered, counts.rejected) == (sum(b.delivered for b in batches), sum(b.rejected for b in batches))
        assert (counts.unknown, counts.resent) == (unknown, resent)
        assert len(list(self.journal.rejected())) == counts.rejected

    @invariant()
    def calls_agree(self):
        """Every call that was made and not taken back is one of some run."""
        assert sum(run.calls for run in self.journal.runs()) == sum(batch.calls for batch in self.batches.values())


TestJournals = Journals.TestCase
TestJournals.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_folding_keeps_all_sums(journal):
    """A finished package keeps its counts, and its runs their calls and numbers, when its batches are folded away."""
    (job,) = register(journal)
    journal.flush(journal.submit([Cut(job.id, 0, 100, 1, 1, 10)]))
    journal.flush(journal.submit([SettlePlain(1, 8), Settle(9, 10, metrics={"sent": 10}), Settle(10, 9, [letter(99)], metrics={"sent": 9, "bad": 1})]))
    before, run = journal.counts("load"), journal.run(1)
    journal.complete("load", 2.0)

    assert journal.counts("load") == before
    assert journal.run(1) == run
    assert (run.calls, run.retries, run.metrics) == (10, 0, {"sent": 19, "bad": 1})
    assert (journal.jobs("load"), journal.recover("load", 1)) == ([], [])


def test_what_is_open_cannot_be_completed(journal):
    """A package with rows that are not settled is not completed, neither uncut nor in flight nor on hold."""
    (job,) = register(journal)
    for moves in ([], [Cut(job.id, 0, 100, 1, 1, 100)], [Postpone(1, State.HELD)]):
        journal.flush(journal.submit(moves))
        with pytest.raises(JournalError, match="not settled"):
            journal.complete("load", 2.0)

    assert journal.held_only("load")
    assert journal.counts("load")["t"].unknown == 100


def test_a_package_is_bound_once(journal):
    """A package belongs to the destination of its first claim for ever."""
    register(journal)
    journal.bind("load", "crm")
    journal.bind("load", "crm")
    with pytest.raises(JournalError, match="load"):
        journal.bind("load", "erp")

    assert [package.destination for package in journal.packages()] == ["crm"]
