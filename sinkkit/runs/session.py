"""What a run holds while it works: the lock, the journal, and the rules about packages of earlier runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from sinkkit.clock import Clock
from sinkkit.declaration.opening import Ready
from sinkkit.delivery.failures import ANSWERED, ASKED
from sinkkit.delivery.limits.limiter import Limits
from sinkkit.delivery.load import Runtime
from sinkkit.errors import DeliveryFailed, PendingPackages, SinkkitError
from sinkkit.events import Observer, RunFinished, RunStarted, Warned
from sinkkit.faults import Faults
from sinkkit.journal.records import PackageRecord, PackageState
from sinkkit.journal.sqlite import SqliteJournal
from sinkkit.runs.accounts.report import LoadInfo, info_of
from sinkkit.runs.accounts.state import OPEN
from sinkkit.runs.collecting import program_left_out
from sinkkit.runs.extracting.extraction import Storage
from sinkkit.runs.loading.delivering import Delivery, clean_up, deliver_package, remove_unregistered
from sinkkit.runs.loading.limits import limiting
from sinkkit.runs.loading.signals import SignalStop, listening
from sinkkit.runs.location import check_journal
from sinkkit.runs.owner import owning
from sinkkit.runs.requests.recording import recording
from sinkkit.settings.redact import Redactor


@attrs.frozen(kw_only=True)
class Surroundings:
    """What a pipeline hands to each of its runs."""

    clock: Clock
    observe: Observer
    faults: Faults
    drain: float
    keep_packages: int


@attrs.define
class Session:
    """One run of a pipeline that this process owns: its packages, its record in the journal, its report."""

    runtime: Runtime
    storage: Storage
    around: Surroundings
    ready: Ready | None
    run_name: str | None
    run: int
    load_ids: list[str] = attrs.field(factory=list)
    data_taken: bool = True
    more_left: bool = False
    limiter: Limits | None = None
    report: LoadInfo | None = None
    """The one with which the run ended well, if it was asked for."""
    status: str = "completed"
    """How the run ends if nothing is raised."""

    def pending(self) -> list[PackageRecord]:
        """Packages of earlier runs that stand in the way of new data, oldest first: no replays, none on hold or settled by hand."""
        return [record for record in self.deliverable() if not record.replay and record.state is not PackageState.RESOLVED]

    def resolved(self) -> list[PackageRecord]:
        """Packages for this run's destination whose last rows were settled by hand, oldest first; nothing of them is left to send."""
        name = None if self.ready is None else self.ready.name
        return [record for record in self.open_packages() if record.state is PackageState.RESOLVED and record.destination in {None, name}]

    def deliverable(self) -> list[PackageRecord]:
        """Packages of which something can be sent or finished now, oldest first: all that are open but for those wholly on hold."""
        return [record for record in self.open_packages() if not self.runtime.journal.held_only(record.load_id)]

    def on_hold(self) -> list[PackageRecord]:
        """Packages of which nothing is open but batches on hold, oldest first."""
        return [record for record in self.open_packages() if self.runtime.journal.held_only(record.load_id)]

    def open_packages(self) -> list[PackageRecord]:
        """Packages that are not finished, oldest first."""
        return [record for record in self.runtime.journal.packages() if record.state in OPEN]

    def deliver(self, records: list[PackageRecord]) -> None:
        """Deliver packages one after another.

        Raises:
            DeliveryFailed: If rows stay pending or unknown; its cause is what halted the run.
            KeyboardInterrupt, SystemExit: If a signal ended the run.
        """
        ready = self.ready
        if ready is None or not records:
            return
        delivery = Delivery(
            ready=ready,
            storage=self.storage,
            run=self.run,
            drain=self.around.drain,
            keep_packages=self.around.keep_packages,
            limiter=self.limiter,
        )
        for record in records:
            self.load_ids.append(record.load_id)
            with listening() as stop:
                halted, complete = deliver_package(record, delivery, attrs.evolve(self.runtime, stop=stop))
                asked = stop.asked()
            if asked is not None:
                raise asked
            if not complete:
                self._fail(halted)

    def report_on(self, records: list[PackageRecord]) -> None:
        """Let the report speak of *records* too.

        Raises:
            DeliveryFailed: If rows of them are pending or unknown, as those on hold are.
        """
        self.load_ids += [record.load_id for record in records if record.load_id not in self.load_ids]
        if not self.info().complete:
            self._fail(None)

    def _fail(self, cause: BaseException | None) -> None:
        info = self.info()
        open_rows = f"{info.total.pending:,} rows pending, {info.total.unknown:,} of unknown fate"
        why = "" if cause is None else f": {_first_line(cause)}"
        hint = getattr(cause, "hint", None) or self._hint()
        error = DeliveryFailed(
            f"pipeline {self.storage.pipeline_name!r} did not deliver everything ({open_rows}){why}", info=info, hint=hint
        )
        raise error from cause

    def _hint(self) -> str:
        """What to do about the rows that this run leaves open."""
        name, held = self.storage.pipeline_name, {record.load_id for record in self.on_hold()}
        waiting = [load_id for load_id in self.load_ids if self._unsettled([load_id])]
        if waiting and held.issuperset(waiting):
            return f"these rows are on hold: find out whether they arrived, then say so with `sinkkit resolve {name}` or pipeline.resolve()"
        return f"mend the cause and run again, or `sinkkit resume {name}`"

    def warn_of_holds(self) -> None:
        """Remind observers of rows on hold, which nothing waits for."""
        rows = self._unsettled([record.load_id for record in self.on_hold()])
        if rows:
            name = self.storage.pipeline_name
            message = f"{rows:,} rows of pipeline {name!r} are on hold, as nobody knows whether they arrived: see `sinkkit resolve {name} --list`"
            self.around.observe(Warned(message=message))

    def masked(self, text: str) -> str:
        """*text* without any secret that this run has read."""
        return (Redactor() if self.ready is None else self.ready.resolver.redactor).text(text)

    def last_info(self) -> LoadInfo:
        """The report once all is done."""
        self.report = self.info()
        return self.report

    def info(self) -> LoadInfo:
        """The report, as things stand."""
        return info_of(
            self.runtime.journal,
            self.storage.pipeline_name,
            self.run,
            load_ids=self.load_ids,
            data_taken=self.data_taken,
            more_left=self.more_left,
            now=self.runtime.clock.wall(),
        )

    def refuse_pending(self, pending: list[PackageRecord]) -> None:
        """Raise ``PendingPackages`` if there are any."""
        if pending:
            raise PendingPackages(
                f"pipeline {self.storage.pipeline_name!r} has load packages that are not finished: {len(pending)}, "
                f"the oldest is {pending[0].load_id}",
                hint="deliver them with pipeline.resume(), or give them up with pipeline.drop(load_id, force=True)",
            )

    def refuse_unsettled(self, records: list[PackageRecord]) -> None:
        """Raise ``PendingPackages`` if rows of *records* are neither delivered nor rejected."""
        unsettled = self._unsettled([record.load_id for record in records])
        if unsettled:
            raise PendingPackages(
                f"{unsettled:,} rows of pipeline {self.storage.pipeline_name!r} are neither delivered nor rejected, "
                f"the oldest in load package {records[0].load_id}",
                hint="deliver them with pipeline.resume(), or give them up with force=True: they are then never sent "
                "(those of a replay go back to the list of rejected rows)",
            )

    def _unsettled(self, load_ids: list[str]) -> int:
        """Rows of packages that are pending or of unknown fate."""
        counts = [count for load_id in load_ids for count in self.runtime.journal.counts(load_id).values()]
        return sum(count.pending + count.unknown for count in counts)


def _first_line(error: BaseException) -> str:
    text = error.message if isinstance(error, SinkkitError) else str(error)
    line = f"{type(error).__name__}: {' '.join(text.split())}" if text else type(error).__name__
    answered = next((note for note in getattr(error, "__notes__", ()) if note.startswith((ANSWERED, ASKED))), "")
    return f"{line}; {answered}" if answered else line


@contextmanager
def opened(
    storage: Storage, around: Surroundings, *, ready: Ready | None, run_name: str | None, before: Callable[[], Any] | None = None
) -> Iterator[Session]:
    """Own the pipeline and open its journal while the block runs; the run is kept in the journal, however it ends.

    Args:
        storage: Where the pipeline's state is.
        around: Clock, observer, crash points, limits in time.
        ready: The destination, if rows may be sent.
        run_name: The run's name, if it has one.
        before: Called once the pipeline is owned, before anything is opened.

    Raises:
        PipelineLocked: If another process owns it.
        JournalError: If its state cannot be used.
    """
    with owning(storage.location.lock, around.clock), program_left_out():
        if before is not None:
            before()
        check_journal(storage.location)
        journal = SqliteJournal(storage.location.journal, clock=around.clock, durability=storage.durability)
        try:
            with limiting(ready, around.clock) as limiter, _run(journal, storage, around, ready, run_name) as session:
                session.limiter = limiter
                with recording(ready, storage.location.requests, session.run, around.observe) as session.ready:
                    yield session
        finally:
            journal.close()


@contextmanager
def _run(
    journal: SqliteJournal, storage: Storage, around: Surroundings, ready: Ready | None, run_name: str | None
) -> Iterator[Session]:
    runtime = Runtime(clock=around.clock, journal=journal, observe=around.observe, faults=around.faults, stop=SignalStop())
    packages = journal.packages()
    remove_unregistered(storage, packages)
    clean_up(storage.location.folder, around.keep_packages, packages)
    destination = None if ready is None else ready.name
    run = journal.start_run(run_name, destination, around.clock.wall())
    session = Session(runtime, storage, around, ready, run_name, run)
    around.observe(RunStarted(pipeline=storage.pipeline_name, destination=destination))
    status = "failed"
    try:
        yield session
        status = session.status
    except (KeyboardInterrupt, SystemExit):
        status = "interrupted"
        raise
    except SinkkitError as error:
        _redact(error, Redactor() if ready is None else ready.resolver.redactor)
        raise
    finally:
        _end(session, status)


def _redact(error: SinkkitError, redactor: Redactor) -> None:
    """Mask every secret in an error of ours; where a user's own error that it is chained to holds one, a stand-in takes its place."""
    error.args = tuple(redactor.text(arg) if isinstance(arg, str) else arg for arg in error.args)
    error.hint = None if error.hint is None else redactor.text(error.hint)
    cause, context = error.__cause__, error.__context__
    error.__cause__ = None if cause is None else redactor.error(cause)
    error.__context__ = error.__cause__ if context is cause else (None if context is None else redactor.error(context))


def _end(session: Session, status: str) -> None:
    """Keep how the run ended; where the journal itself has failed, the next run will see this one as still running."""
    runtime = session.runtime
    try:
        runtime.journal.end_run(session.run, status, session.load_ids, runtime.clock.wall())
        summary = str(session.report or session.info()).splitlines()[0]
    except SinkkitError as error:
        summary = f"{session.storage.pipeline_name}: the journal failed: {error.message}"
    runtime.observe(RunFinished(pipeline=session.storage.pipeline_name, ok=status not in {"failed", "interrupted"}, summary=summary))
