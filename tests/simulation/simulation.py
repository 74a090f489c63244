"""One seed, from its first row to its last: processes that deliver, end before their time, and are started again."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from pathlib import Path
from random import Random

import attrs
from crew import Crew
from drawn import case_of, redrawn
from final import check_end, check_in_flight, check_run
from replies import Reply
from seen import Seen
from simulated_api import SimulatedApi
from virtual_time import Hub, KilledError, StuckError, VirtualClock
from watched_journal import WatchedJournal
from written import Written

from sinkkit.clock import SystemClock
from sinkkit.delivery.call import Caller
from sinkkit.delivery.choosing.chooser import Facts
from sinkkit.delivery.limits.limiter import Limiter
from sinkkit.delivery.load import Load, Runtime, dispatcher_for, worker_for
from sinkkit.errors import JournalError
from sinkkit.events import ignore
from sinkkit.faults import idle
from sinkkit.journal.moves import Settle
from sinkkit.journal.records import Counts, JobRecord, PackageRecord, PackageState
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.journal.states import State
from sinkkit.testing.clock import START

MOST_RUNS = 400
"""More runs than that, and something will never be settled."""

MEMORY = Path("/dev/shm")  # where Linux has files that never reach a disk: what survives a kill is the same there
MISFIT = "it does not fit"
NAME, LOAD_ID = "api", "load"


def untouched(value):
    """Change nothing."""
    return value


@attrs.frozen(kw_only=True)
class Defect:
    """A defect made on purpose, to see whether the oracle sees it: each field changes one thing on its way.

    Attributes:
        moves: What the journal is told.
        batch: What the function is told.
        reply: What the function says.
        workers: How many workers there are.
        dispatcher: What decides; given before the first call of a run.
        journal: The journal's file, given after a commit.
        lazy: Whether tickets count as durable that are not.
    """

    moves: object = untouched
    batch: object = untouched
    reply: object = untouched
    workers: object = untouched
    dispatcher: object = untouched
    journal: object = untouched
    lazy: bool = False


@attrs.define(eq=False)
class Simulation:
    """The state of one seed.

    Attributes:
        options: The settings of the run that is under way.
        ending: How its process ended before its time: killed, or left by those who would not wait any longer.
    """

    case: object
    defect: Defect
    folder: Path
    seen: Seen
    chance: Random = attrs.field(init=False)
    hub: Hub = attrs.field(init=False)
    api: SimulatedApi = attrs.field(init=False)
    written: Written = attrs.field(init=False)
    journal: WatchedJournal = attrs.field(init=False)
    options: object = attrs.field(init=False)
    first_ids: dict[str, int] = attrs.field(factory=dict, init=False)
    crew: Crew = attrs.field(init=False)
    runs: int = attrs.field(default=0, init=False)
    kills: int = attrs.field(default=0, init=False)
    ending: str | None = attrs.field(default=None, init=False)
    _steps_left: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self):
        case = self.case
        self.chance = Random(f"machine {case.seed}")
        self.hub = Hub(Random(f"order {case.seed}"))
        self.written = Written(self.seen)
        self.options = case.options
        self.api = SimulatedApi(case, self.hub, self.seen, self, Random(f"faults {case.seed}"))

    def run(self):
        """Deliver everything, in as many runs as it takes; what was wrong is in ``seen.wrong`` afterwards."""
        try:
            self._run()
        except JournalError as error:
            self.seen.accuse(f"the journal broke: {error}")

    def _run(self):
        self._register()
        while not self._counts().settled and self.runs < MOST_RUNS and not self.seen.wrong:
            self._one_run()
        if self.seen.wrong:
            return
        if not self._counts().settled:
            self.seen.accuse(f"not settled after {MOST_RUNS} runs: {self._counts()}")
            return
        self.hub.settle_down()
        check_end(self)

    def point(self):
        """A place where a kill may come."""
        if self.hub.dying:
            raise KilledError
        self._steps_left -= 1
        if self._steps_left == 0 and self.hub.alive:
            self.ending = "killed"
            self.hub.dying = True
            if self.hub.current is not None:
                raise KilledError

    def _register(self):
        self._open(self.folder / "0" / "journal.db")
        jobs = [
            JobRecord(id=0, load_id=LOAD_ID, name=f"{table}.{number}", table=table, row_count=rows, first_index=sum(files[:number]))
            for table, files in self.case.tables.items()
            for number, rows in enumerate(files)
        ]
        record = PackageRecord(
            load_id=LOAD_ID, folder="packages/1", state=PackageState.NORMALIZED, run_name=None, destination=None, created_at=START
        )
        self.journal.register(record, jobs)
        self.journal.bind(LOAD_ID, NAME)
        self.first_ids = {job.name: self.seen.first_of_table[job.table] + job.first_index for job in jobs}
        self.written.jobs = {job.id: job for job in self.journal.jobs(LOAD_ID)}
        self.written.first_ids = {number: self.first_ids[job.name] for number, job in self.written.jobs.items()}

    def _open(self, path):
        real = SqliteJournal(path, clock=SystemClock(), durability="process")
        self.journal = WatchedJournal(
            journal=real,
            hub=self.hub,
            point=self.point,
            defect=self.defect,
            written=self.written,
            check=self._check_accounts,
            seconds=self.case.commit,
        )

    def _counts(self):
        return sum(self.journal.counts(LOAD_ID).values(), Counts())

    def _check_accounts(self):
        """Law L5, from the journal alone."""
        for table, counts in self.journal.journal.counts(LOAD_ID).items():
            extracted = sum(self.case.tables[table])
            if not extracted == counts.extracted == counts.delivered + counts.rejected + counts.pending + counts.unknown:
                self.seen.accuse(f"{table} has {extracted} rows, and the journal says {counts}")

    def _one_run(self):
        self.runs += 1
        self.seen.note(f"=== run {self.runs} at {self.hub.now:.3f}: {self.options}")
        clock = VirtualClock(self.hub, self.hub.now - self.chance.choice([0.0, 5.0, 1e6]))
        run = self.journal.start_run(None, NAME, clock.wall())
        self.seen.begin_process(run, self.options)
        runtime = Runtime(
            clock=clock, journal=self.journal, observe=ignore, faults=self.chance.choice([idle, lambda _: self.point()]), stop=None
        )
        load = self._load(run, clock)
        dispatcher = self.defect.dispatcher(dispatcher_for(load, runtime))
        self._start(load, runtime, dispatcher)
        try:
            self.hub.run()
        except StuckError:
            self.seen.accuse("the run never ends")
            return
        if self.ending == "killed":
            self._restart()
        else:
            self._end(run, dispatcher)
        self.options = redrawn(self.options, self.chance)
        self.hub.now += self.chance.choice([0.0, 0.1, 5.0])

    def _load(self, run, clock):
        caller = Caller(
            sink=self.api,
            read=self._read,
            pipeline_name="p",
            clock=clock,
            idempotent=self.options.idempotency_header is not None,
            wrote=self.api.wrote,
            clean_text=str,
            clean_error=untouched,
        )
        limit = self.options.rate_limit
        return Load(
            load_id=LOAD_ID,
            run=run,
            destination=NAME,
            options=self.options,
            caller=caller,
            look=self._look,
            keep=lambda flight, position: json.dumps(self._read(flight.job.name, [flight.rows[position]])[0]).encode(),
            limiter=None if limit is None else Limiter(limit),
            drain=0.0,
            fit=None if self.case.misfits is None else self._fit,
        )

    def _fit(self, flight):
        """Rows that are not to be sent; looking at them takes a while, in which a kill may come."""
        self.point()
        ids = self._ids(flight.job.name, flight.rows)
        return {at: MISFIT for at, row in enumerate(ids) if row in self.case.misfits}

    def _read(self, job, rows):
        return [{"id": row} for row in self._ids(job, rows)]

    def _ids(self, job, rows):
        return [self.first_ids[job] + row for row in rows]

    def _look(self, job, rows, column, sized):
        ids = self._ids(job, rows)
        keys = None if column is None else [self.case.customers[row] for row in ids]
        return Facts(keys, [self.case.sizes[row] for row in ids] if sized else None)

    def _start(self, load, runtime, dispatcher):
        """Start the workers, and decide how the process will end."""
        count = self.defect.workers(self.options.calls_at_once)
        workers = [worker_for(load, runtime, dispatcher) for _ in range(count)]
        self.crew = Crew(self.hub, self.api, self.journal, self.chance, workers)
        self.ending, self._steps_left = None, -1
        for number, worker in enumerate(workers):
            self.hub.spawn(self.crew.work(worker), 0.0 if number == 0 else self.chance.choice([0.0, 0.001, self.case.latency]))
        counted = dispatcher.changes

        def tell_waiters():
            nonlocal counted
            if dispatcher.changes != counted:
                counted = dispatcher.changes
                self.hub.notify()

        self.hub.after_each = tell_waiters
        if self.kills < self.case.kills and not self.api.calm:
            self.kills += 1
            if self.chance.random() < 0.8:
                self._steps_left = 1 + int(self.chance.expovariate(1 / self.case.patience))
            else:
                self._leave_later(dispatcher)

    def _leave_later(self, dispatcher):
        """Somebody stops the run, and waits a while for the calls that run."""
        asked = self.hub.now + self.chance.expovariate(1 / (self.case.latency * self.case.patience + 0.01))

        def leave():
            if self.hub.alive:
                self.ending = "left"
                dispatcher.halt(None)
                lost = dispatcher.abandon()
                self.seen.process_ended([(flight.key, self._ids(flight.job.name, flight.rows)) for flight in lost], durable_until=float("inf"))
                self.hub.dying = True

        self.hub.at(asked, lambda: dispatcher.halt(KeyboardInterrupt("stop")))
        self.hub.at(asked + self.chance.choice([0.0, 0.1, 25.0]), leave)

    def _restart(self):
        """The process was killed: what was on its way to the file may have got there; go on from a copy of the file as it is."""
        self.journal.commit(self.chance.randint(0, self.journal.waiting))
        old = self.journal.journal
        found = old._rows("SELECT id, batch_count, attempts FROM batches WHERE state = ?", (State.IN_FLIGHT,))
        numbers = [(first + n, attempt) for first, count, attempt in found for n in range(count)]
        batches = [self._key_and_rows(number) for number, _ in numbers]
        attempts = [(key, attempt) for (key, _), (_, attempt) in zip(batches, numbers, strict=True)]
        check_in_flight(self, attempts, self.crew.workers[0].may_claim_many)
        self.seen.process_ended(batches, durable_until=self.written.durable_until - START)
        folder = self.folder / str(self.runs)
        folder.mkdir()
        for name in ("journal.db", "journal.db-wal"):
            shutil.copyfile(old.path.with_name(name), folder / name)
        old.close()
        self._open(folder / "journal.db")

    def _key_and_rows(self, number):
        batch = self.written.batches[number]
        return batch.key, batch.rows

    def _end(self, run, dispatcher):
        """The process ended by itself."""
        self.journal.flush_all()
        if dispatcher.broken is not None and not isinstance(dispatcher.broken, KilledError):
            self.seen.accuse(f"a worker broke: {dispatcher.broken!r}")
        elif not dispatcher.halting and not self._counts().settled:
            held = self.journal.held()
            if not held:
                self.seen.accuse(f"a run ended without a reason and left rows open: {self._counts()}")
            self._resolve([record.batch.id for record in held])
        self.journal.end_run(run, "ended", [LOAD_ID], self.hub.now + START)
        check_run(self, run)

    def _resolve(self, held):
        """Somebody looks what became of the batches on hold, once nothing is on its way any more."""
        self.hub.settle_down()
        for number in held:
            key, rows = self._key_and_rows(number)
            self.seen.fates[key].unclear = False
            arrived = all(key in self.seen.accepted.get(row, []) for row in rows)
            self.journal.resolve([number], arrived=arrived)
            if arrived:
                self.seen.last_reply[key] = Reply(said="answered")
                self.written.move(Settle(number, len(rows)))


def simulate(seed, *, defect=None, trace=None):
    """Everything that happens with *seed*; ``seen.wrong`` of what is returned says what must not have."""
    state = random.getstate()
    random.seed(seed)
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    case = case_of(seed)
    first, firsts = 0, {}
    for table, files in case.tables.items():
        firsts[table] = first
        first += sum(files)
    simulation = Simulation(case, defect or Defect(), folder, Seen(case, firsts, trace=trace))
    try:
        simulation.run()
    finally:
        simulation.journal.journal.close()
        shutil.rmtree(folder)
        random.setstate(state)
    return simulation
