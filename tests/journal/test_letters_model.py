"""Dead letters, replays, holds and pruning against a plain dictionary: rows are followed one by one, through every move and a reopening at any time."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from letters_model import Model, ModelBatch, ModelLetter, ModelPackage, texts

from sinkkit.clock import SystemClock
from sinkkit.errors import JournalError
from sinkkit.journal.moves import Cut, NewBatch, Postpone, Return, Settle, SettlePlain, Start
from sinkkit.journal.records import JobRecord, PackageRecord, PackageState, RejectedRecord
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.journal.states import State

WAITING = (State.PLANNED, State.UNKNOWN)


class Letters(RuleBasedStateMachine):
    """Every rule makes a move on a journal and on the model; the invariants compare all that can be read."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.model = Model()
        self.now = 0.0
        self.open()

    def open(self):
        self.journal = SqliteJournal(Path(self.folder.name) / "journal.db", clock=SystemClock(), durability="process")
        self.run = self.journal.start_run(None, None, self.now)

    def teardown(self):
        self.journal.close()
        self.folder.cleanup()

    def tick(self):
        self.now += 1.0
        return self.now

    def write(self, *moves):
        self.journal.flush(self.journal.submit(moves))

    def some(self, data, *states):
        """A batch in one of *states*."""
        return data.draw(st.sampled_from(self.model.among(*states)))

    def refused(self, work):
        """*work* is refused and changes nothing, whether the journal is of use afterwards or has to be opened again."""
        before = self.everything()
        with pytest.raises(JournalError):
            work()
        self.crash()
        after = self.everything()
        assert before[1:] == after[1:]

    def everything(self):
        """All that the journal says, in flight and unknown as one."""
        counts = {load_id: self.journal.counts(load_id) for load_id in self.model.packages}
        return self.run, counts, list(self.journal.rejected()), list(self.journal.receipts()), self.journal.held(), self.journal.packages()

    def register(self, load_id, rows, *, replay=False, taking=()):
        package = PackageRecord(
            load_id=load_id, folder=load_id, state=PackageState.NORMALIZED, run_name=None, destination="crm", created_at=self.tick(), replay=replay
        )
        jobs, model = [], ModelPackage(replay, self.now, {table: count for table, count in rows.items() if count}, {})
        for table, count in rows.items():
            for first in range(0, count, 4):  # jobs of at most four rows
                size = min(4, count - first)
                jobs.append(JobRecord(id=0, load_id=load_id, name=f"{table}.{first}", table=table, row_count=size, first_index=first))
        self.journal.register(package, jobs, dict.fromkeys(model.rows, "{}"), taking)
        for job in self.journal.jobs(load_id):
            model.jobs.setdefault(job.table, []).append(job)
            model.cut[f"{job.id}"] = 0
        self.model.packages[load_id] = model

    @initialize()
    def refused_rows(self):
        """There are dead letters from the start: every row of a package was refused, batch by batch."""
        self.register("first", {"a": 6, "b": 3})
        while self.model.uncut():
            self.cut_job(*self.model.uncut()[0], 3)
        for number in self.model.among(State.IN_FLIGHT):
            self.settle_as(number, dict.fromkeys(self.model.batches[number].indices, "rejected"))

    @precondition(lambda self: len(self.model.still_open()) < 4)
    @rule(a=st.integers(0, 7), b=st.integers(0, 5))
    def new_package(self, a, b):
        """Rows come in."""
        if a + b:
            self.register(f"load{self.now}", {"a": a, "b": b})

    @precondition(lambda self: any(letter.taken is None for letter in self.model.letters.values()))
    @rule(data=st.data(), edited=st.booleans())
    def take(self, data, edited):
        """Some letters are taken into a replay, in the order of the list or another, with other rows or their own."""
        free = {record.id: record for record in self.journal.rejected(taken=False)}
        chosen = data.draw(st.permutations(sorted(free)).flatmap(lambda ids: st.integers(1, len(ids)).map(lambda n: ids[:n])))
        load_id = f"replay{self.now}"
        taking, rows = [], {}
        for letter in chosen:
            table = self.model.letters[letter].table
            index = rows.get(table, 0)
            rows[table] = index + 1
            row = f"edited in {load_id}".encode() if edited else None
            taking.append((free[letter].number, index, row))
        self.register(load_id, rows, replay=True, taking=iter(taking))
        for letter, (_, index, row) in zip(chosen, taking, strict=True):
            self.model.letters[letter].taken = (load_id, index)
            self.model.letters[letter].row = row or self.model.letters[letter].row

    @precondition(lambda self: self.model.letters)
    @rule(data=st.data())
    def take_wrongly(self, data):
        """A letter that is taken or not there, and a package with other rows than those taken, are refused whole."""
        record = data.draw(st.sampled_from(list(self.journal.rejected())))
        number = 10_000 if record.taken_by is None and data.draw(st.booleans()) else record.number
        rows = {record.table: 2 if number == record.number and record.taken_by is None else 1}
        count = len(self.model.packages)
        self.refused(lambda: self.register(f"wrong{self.now}", rows, replay=True, taking=[(number, 0, b"wrong")]))
        assert len(self.model.packages) == count

    @precondition(lambda self: self.model.uncut())
    @rule(data=st.data(), size=st.integers(1, 3))
    def cut(self, data, size):
        """New batches of a job, in flight at once."""
        self.cut_job(*data.draw(st.sampled_from(self.model.uncut())), size)

    def cut_job(self, load_id, job, size):
        since = self.model.packages[load_id].cut[str(job.id)]
        until = min(job.row_count, since + 2 * size)
        number = new = max([self.journal.next_batch_id(), *(n + 1 for n in self.model.batches)])
        for first in range(since, until, size):
            rows = min(size, until - first)
            indices = [job.first_index + row for row in range(first, first + rows)]
            self.model.batches[number] = ModelBatch(load_id, job.id, job.table, indices, State.IN_FLIGHT)
            number += 1
        self.write(Cut(job.id, since, until, self.run, new, size))
        self.model.packages[load_id].cut[str(job.id)] = until

    @precondition(lambda self: self.model.has(*WAITING))
    @rule(data=st.data())
    def start(self, data):
        """A batch that waited is called."""
        number = self.some(data, *WAITING)
        self.write(Start(number, number, self.model.batches[number].state, self.run))
        self.model.batches[number].state, self.model.batches[number].attempts = State.IN_FLIGHT, self.model.batches[number].attempts + 1

    @precondition(lambda self: self.model.has(State.IN_FLIGHT))
    @rule(data=st.data())
    def settle_plain(self, data):
        """Every row of a run of batches was delivered."""
        first = last = self.some(data, State.IN_FLIGHT)
        while last + 1 in self.model.batches and self.model.batches[last + 1].state is State.IN_FLIGHT:
            last += 1
        self.write(SettlePlain(first, last))
        for number in range(first, last + 1):
            self.model.delivered(self.model.batches[number], self.model.batches[number].indices)
            self.model.batches[number].state = State.SETTLED

    @precondition(lambda self: self.model.has(State.IN_FLIGHT, State.UNKNOWN))
    @rule(data=st.data())
    def settle(self, data):
        """Some rows were delivered, with receipts or without, some rejected, some are to be sent again."""
        number = self.some(data, State.IN_FLIGHT, State.UNKNOWN)
        self.settle_as(number, {index: data.draw(st.sampled_from(["delivered", "receipt", "rejected", "again"])) for index in self.model.batches[number].indices})

    def settle_as(self, number, fates):
        batch, at = self.model.batches[number], self.tick()
        rejected = [self.refusal(batch, index, at) for index, fate in fates.items() if fate == "rejected"]
        receipts = [(index, f"r{index}@{at}") for index, fate in fates.items() if fate == "receipt"]
        again = [index for index, fate in fates.items() if fate == "again"]
        child = None
        if again:
            first_index = next(job.first_index for job in self.model.packages[batch.load_id].jobs[batch.table] if job.id == batch.job)
            rows = [index - first_index for index in again]
            child = NewBatch(max([self.journal.next_batch_id(), *(n + 1 for n in self.model.batches)]), rows[0], len(rows), texts(rows), f"child{at}", batch.attempts)
        done = [index for index, fate in fates.items() if fate in {"delivered", "receipt"}]
        self.write(Settle(number, len(done), rejected, receipts, {}, child, at))
        self.model.settled(batch, done, rejected, receipts, at)
        batch.state = State.SETTLED
        if child is not None:
            self.model.batches[child.id] = attrs.evolve(batch, indices=again, state=State.PLANNED)

    def refusal(self, batch, index, at):
        return RejectedRecord(
            id=f"{batch.load_id}/{batch.table}/{index}", load_id=batch.load_id, table=batch.table, index=index,
            row=f"row {index}".encode(), reason=f"no {at}", error=None, status=None, attempts=batch.attempts, rejected_at=at,
        )  # fmt: skip

    @precondition(lambda self: self.model.has(State.IN_FLIGHT, State.UNKNOWN))
    @rule(data=st.data(), place=st.sampled_from([State.PLANNED, State.UNKNOWN, State.HELD]))
    def postpone(self, data, place):
        """A batch waits for another call, or for somebody."""
        number = self.some(data, State.IN_FLIGHT, State.UNKNOWN)
        self.write(Postpone(number, place, 5.0, at=self.tick()))
        self.model.batches[number].state = place

    @precondition(lambda self: self.model.has(State.IN_FLIGHT))
    @rule(data=st.data())
    def give_back(self, data):
        """A batch that was claimed is not called."""
        number = self.some(data, State.IN_FLIGHT)
        self.write(Return(number, number, State.PLANNED))
        self.model.batches[number].state, self.model.batches[number].attempts = State.PLANNED, self.model.batches[number].attempts - 1

    @precondition(lambda self: self.model.has(State.HELD))
    @rule(data=st.data(), arrived=st.booleans(), every=st.booleans())
    def resolve(self, data, arrived, every):
        """Somebody says what became of one batch on hold, or of all."""
        numbers = [number for number, batch in self.model.batches.items() if batch.state is State.HELD] if every else [self.some(data, State.HELD)]
        self.journal.resolve(numbers, arrived=arrived)
        for number in numbers:
            batch = self.model.batches[number]
            batch.state = State.SETTLED if arrived else State.PLANNED
            if arrived:
                self.model.delivered(batch, batch.indices)
        for load_id in {self.model.batches[number].load_id for number in numbers}:
            self.model.packages[load_id].resolved = arrived and self.model.is_settled(load_id)

    @rule(data=st.data(), arrived=st.booleans())
    def resolve_wrongly(self, data, arrived):
        """What is not on hold is not resolved, and nothing that is asked for with it."""
        others = [number for number, batch in self.model.batches.items() if batch.state is not State.HELD]
        held = [number for number, batch in self.model.batches.items() if batch.state is State.HELD]
        self.refused(lambda: self.journal.resolve([*held, data.draw(st.sampled_from([*others, 99_999]))], arrived=arrived))

    @rule(data=st.data())
    def wrong(self, data):
        """A settlement that does not add up, or of what is settled, is refused."""
        flying = [Settle(number, len(batch.indices) + 1) for number, batch in self.model.batches.items() if batch.state is State.IN_FLIGHT]
        settled = [SettlePlain(number, number) for number, batch in self.model.batches.items() if batch.state is State.SETTLED]
        foreign = [
            Settle(number, len(batch.indices) - 1, [attrs.evolve(self.refusal(batch, 77, 1.0), index=77)])
            for number, batch in self.model.batches.items()
            if batch.state is State.IN_FLIGHT and self.model.packages[batch.load_id].replay
        ]
        move = data.draw(st.sampled_from([SettlePlain(99_999, 99_999), *flying, *settled, *foreign]))
        self.refused(lambda: self.write(move))

    @precondition(lambda self: self.model.still_open())
    @rule(data=st.data())
    def complete(self, data):
        """A package that is settled is folded; another one is not."""
        load_id = data.draw(st.sampled_from(self.model.still_open()))
        if not self.model.is_settled(load_id):
            self.refused(lambda: self.journal.complete(load_id, self.now))
            return
        self.journal.complete(load_id, self.tick())
        self.model.end(load_id, self.now)

    @precondition(lambda self: len(self.model.still_open()) > 1)
    @rule(data=st.data())
    def drop(self, data):
        """A package is given up; the letters of a replay are free again, with the calls made for them."""
        load_id = data.draw(st.sampled_from(self.model.still_open()))
        self.journal.drop(load_id, self.tick())
        self.model.drop(load_id, self.now)

    @rule(age=st.sampled_from([0, 5, 20, 60]))
    def prune(self, age):
        """What is old is forgotten; nothing that is open, and no package of which there are letters."""
        before, rejected = self.now - age, age in {5, 20}
        would = self.journal.prune(before, rejected=rejected, run=None)
        did = self.journal.prune(before, rejected=rejected, run=self.run)
        assert attrs.evolve(would, runs=0) == attrs.evolve(did, runs=0)
        assert would.runs - did.runs in {0, 1}  # the run that prunes is not spared by the one that only asks
        self.model.prune(before, rejected=rejected)
        self.journal.shrink()

    @rule()
    def crash(self):
        """The process ends and another goes on: what was in flight is unknown."""
        self.journal.close()
        self.open()
        for load_id in self.model.still_open():
            self.journal.recover(load_id, self.run)
        for batch in self.model.batches.values():
            if batch.state is State.IN_FLIGHT:
                batch.state = State.UNKNOWN

    @invariant()
    def accounts_agree(self):
        """Each package, open or finished, has each of its rows in one place."""
        for load_id, package in self.model.packages.items():
            found = self.journal.counts(load_id)
            assert list(found) == list(package.rows)
            for table, extracted in package.rows.items():
                pending, unknown = package.left[table] if package.ended is not None else self.model.open_rows(load_id, table)
                fates = [fate for (of, _), fate in package.fates.items() if of == table]
                one = found[table]
                assert (one.extracted, one.pending, one.unknown) == (extracted, pending, unknown)
                assert (one.delivered, one.rejected) == (fates.count("delivered"), fates.count("rejected"))
                assert one.extracted == one.delivered + one.rejected + one.pending + one.unknown

    @invariant()
    def letters_agree(self):
        """The list holds exactly the letters of the model, each under its id with all that is known of it."""
        found = {
            record.id: ModelLetter(record.load_id, record.table, record.index, record.row, record.reason, record.attempts, record.rejected_at, None)
            for record in self.journal.rejected()
        }
        assert found == {name: attrs.evolve(letter, taken=None) for name, letter in self.model.letters.items()}
        assert self.journal.rejected_count() == len(self.model.letters)
        taken = {name: letter.taken[0] for name, letter in self.model.letters.items() if letter.taken}
        assert {record.id: record.taken_by for record in self.journal.rejected() if record.taken_by} == taken
        assert [record.id for record in self.journal.rejected(taken=False)] == [record.id for record in self.journal.rejected() if record.id not in taken]

    @invariant()
    def receipts_agree(self):
        """Receipts stand beside the rows as they first stood, in the order in which they came."""
        found = [(one["load_id"], one["table"], one["index"], one["receipt"], one["delivered_at"]) for one in self.journal.receipts()]
        assert found == self.model.receipts

    @invariant()
    def packages_agree(self):
        """The journal knows the packages of the model, and which of them are replays, resolved or finished."""
        known = {record.load_id: (record.replay, record.completed_at, record.state is PackageState.RESOLVED) for record in self.journal.packages()}
        expected = {name: (package.replay, package.ended, package.resolved and package.ended is None) for name, package in self.model.packages.items()}
        held = [record.batch.id for record in self.journal.held()]

        assert known == expected
        assert sorted(held) == [number for number, batch in sorted(self.model.batches.items()) if batch.state is State.HELD]


TestLetters = Letters.TestCase
TestLetters.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
