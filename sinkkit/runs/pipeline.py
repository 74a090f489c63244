"""The pipeline: what users call to extract, deliver, resume and look."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

from sinkkit.clock import Clock, SystemClock
from sinkkit.declaration.destination import Destination, as_destination
from sinkkit.declaration.opening import Ready, make_ready
from sinkkit.errors import ConfigError, PipelineLocked
from sinkkit.events import Observer
from sinkkit.faults import Faults, idle
from sinkkit.journal.records import PackageState
from sinkkit.observers import choose, combine
from sinkkit.package.reader import Package
from sinkkit.runs.dead_letters import RejectedRows
from sinkkit.runs.delivering import clean_up, shape_of
from sinkkit.runs.earlier import OnPending, check_on_pending, check_run_id, finish_earlier
from sinkkit.runs.extraction import Shape, Storage, TableArguments, extract
from sinkkit.runs.location import empty, locate
from sinkkit.runs.normalization import normalize
from sinkkit.runs.report import LoadInfo
from sinkkit.runs.session import Session, Surroundings, opened
from sinkkit.runs.state import OPEN, PendingPackage, PipelineState, read_state
from sinkkit.runs.tuning import DRAIN_SECONDS, MAX_FILE_BYTES, MAX_FILE_ROWS, seconds, setting, whole
from sinkkit.schema.items import ItemsKind


def pipeline(  # noqa: PLR0917  # the order of these arguments is the public API's
    name: str,
    destination: Any = None,
    dataset_name: str | None = None,
    pipelines_dir: str | os.PathLike[str] | None = None,
    dev_mode: bool = False,
    progress: str | Observer = "auto",
    *,
    keep_packages: int | None = None,
    max_file_rows: int | None = None,
    max_file_bytes: int | None = None,
    drain: float | None = None,
) -> Pipeline:
    """A pipeline: a name under which rows are extracted, delivered and resumed.

    Args:
        name: Its name; its state lies in a folder of that name.
        destination: Where rows go: a decorated function, a configured destination, a dotted path, or a name from config.
        dataset_name: A name for the data as a whole, for destinations that group tables.
        pipelines_dir: The folder with the state of all pipelines; default ``$SINKKIT_PIPELINES_DIR`` or ``~/.sinkkit/pipelines``.
        dev_mode: Start from empty state.
        progress: ``auto``, ``bar``, ``plain``, ``log``, ``off``, or a function that gets each event.
        keep_packages: How many finished load packages stay on disk; default 0.
        max_file_rows: Rows of a file of a package, at most.
        max_file_bytes: Bytes at which a file of a package is followed by another.
        drain: Seconds that running calls get after SIGINT or SIGTERM; default 25.

    Raises:
        ConfigError: If a name or setting is impossible. Nothing is imported or read for the destination yet.
    """
    return Pipeline(
        name,
        destination=None if destination is None else as_destination(destination),
        dataset_name=dataset_name,
        pipelines_dir=setting(name, "pipelines_dir", pipelines_dir, None),
        dev_mode=dev_mode,
        observe=combine([choose(progress, SystemClock())]),  # type: ignore[arg-type]  # choose() refuses what it does not know
        keep_packages=whole(name, "keep_packages", keep_packages, 0, least=0),
        max_file_rows=whole(name, "max_file_rows", max_file_rows, MAX_FILE_ROWS, least=1),
        max_file_bytes=whole(name, "max_file_bytes", max_file_bytes, MAX_FILE_BYTES, least=1),
        drain=seconds(name, "drain", drain, DRAIN_SECONDS),
    )


def attach(
    name: str, pipelines_dir: str | os.PathLike[str] | None = None, *, destination: Any = None, progress: str | Observer = "auto"
) -> Pipeline:
    """The pipeline *name*, which must exist.

    Raises:
        ConfigError: If it has no state.
    """
    attached = pipeline(name, destination, pipelines_dir=pipelines_dir, progress=progress)
    attached.state()
    return attached


class Pipeline:
    """Made by ``sinkkit.pipeline``. One process runs it at a time; reading needs no ownership."""

    def __init__(
        self,
        name: str,
        *,
        destination: Destination | None,
        dataset_name: str | None,
        pipelines_dir: Any,
        dev_mode: bool,
        observe: Observer,
        keep_packages: int,
        max_file_rows: int,
        max_file_bytes: int,
        drain: float,
        clock: Clock | None = None,
        faults: Faults = idle,
    ) -> None:
        self.name = name
        self.destination = destination
        self.dataset_name = dataset_name
        self.keep_packages = keep_packages
        self.max_file_rows = max_file_rows
        self.max_file_bytes = max_file_bytes
        self.drain = drain
        self.clock = clock or SystemClock()
        self.faults = faults
        self._observe = observe
        self._location = locate(name, pipelines_dir)
        self._wipe = dev_mode
        self._pid = os.getpid()

    @property
    def folder(self) -> str:
        """Where its state is."""
        return str(self._location.folder)

    def run(
        self,
        data: Any = None,
        *,
        table_name: str | None = None,
        columns: Any = None,
        primary_key: Any = None,
        write_disposition: str | None = None,
        destination: Any = None,
        run_id: str | None = None,
        on_pending: OnPending = "finish",
    ) -> LoadInfo:
        """Deliver what earlier runs left pending, then extract and deliver *data*.

        Args:
            data: Rows, or anything that gives rows; None: only finish what is pending.
            table_name: The table of the rows.
            columns: Column name to hints, such as ``{"id": {"data_type": "bigint"}}``.
            primary_key: One column name or several.
            write_disposition: ``append``, ``replace`` or ``merge``.
            destination: Another destination than the pipeline's.
            run_id: A name for this run: pending packages of that name are finished and nothing is extracted; a name that was
                completed sends nothing and returns its report.
            on_pending: What happens to rows of earlier runs: ``finish`` delivers them and, without a *run_id*, leaves *data* for
                the next run; ``continue`` delivers them and goes on; ``fail`` raises before anything is sent.

        Returns:
            The report; all rows are delivered or kept as rejected.

        Raises:
            DeliveryFailed: If rows stay pending or unknown.
            SourceError: If the data cannot be read or kept; nothing of it was sent.
            ConfigError: If settings are missing or impossible; nothing was extracted or sent.
            PendingPackages: With ``on_pending="fail"``.
            PipelineLocked: If another process runs this pipeline.
        """
        check_on_pending(on_pending)
        check_run_id(run_id)
        table = TableArguments(
            table_name=table_name, columns=columns, primary_key=primary_key, write_disposition=write_disposition
        )
        ready = self._ready(destination)
        with self._session(ready, None if data is None else run_id) as session:
            done = _completed(session, run_id)
            if done is not None:
                return done
            if not finish_earlier(session, run_id=run_id, on_pending=on_pending, has_data=data is not None):
                return session.info()
            if data is not None:
                self._extract(session, data, table, shape_of(ready), PackageState.NORMALIZED)
                new = [record for record in session.pending() if record.load_id not in session.load_ids]
                session.deliver(new)
            return session.info()

    def extract(
        self,
        data: Any,
        *,
        table_name: str | None = None,
        columns: Any = None,
        primary_key: Any = None,
        write_disposition: str | None = None,
        run_id: str | None = None,
    ) -> LoadInfo:
        """Take *data* into a load package and send nothing; no destination, setting or secret is needed.

        A *run_id* that was completed, or of which packages are pending, extracts nothing and returns its report.

        Raises:
            SourceError: If the data cannot be read or kept; nothing of it stays.
        """
        table = TableArguments(
            table_name=table_name, columns=columns, primary_key=primary_key, write_disposition=write_disposition
        )
        check_run_id(run_id)
        with self._session(None, run_id) as session:
            done = _completed(session, run_id)
            if done is not None:
                return done
            named = [record.load_id for record in session.open_packages() if run_id is not None and record.run_name == run_id]
            if named:
                session.load_ids += named
                return session.info()
            self._extract(session, data, table, self._known_shape(), PackageState.EXTRACTED)
            return session.info()

    def normalize(self) -> LoadInfo:
        """Bring extracted packages into the form the destination wants, as far as that is known without importing it."""
        with self._session(None, None) as session:
            for record in session.pending():
                if record.state is PackageState.EXTRACTED:
                    package = Package.open(session.storage.location.folder / record.folder)
                    normalize(record, package, self._known_shape(), session.storage, session.runtime)
                session.load_ids.append(record.load_id)
            return session.info()

    def load(self, destination: Any = None, workers: int | None = None) -> LoadInfo:
        """Deliver every package that is pending.

        Args:
            destination: Another destination than the pipeline's.
            workers: Calls at once, instead of the destination's setting.

        Raises:
            DeliveryFailed: If rows stay pending or unknown.
        """
        with self._session(self._ready(destination, workers), None) as session:
            session.deliver(session.pending())
            return session.info()

    def resume(self) -> LoadInfo:
        """Deliver what is pending and extract nothing; as ``load``."""
        return self.load()

    @property
    def pending(self) -> tuple[PendingPackage, ...]:
        """Load packages that are not finished, oldest first."""
        from sinkkit.runs.state import pending_of, reading

        with reading(self._location, self.clock) as journal:
            return () if journal is None else pending_of(journal)

    def rejected(self, table_name: str | None = None) -> RejectedRows:
        """Dead letters, of all tables or one, oldest first."""
        from sinkkit.runs.state import reading

        with reading(self._location, self.clock) as journal:
            return RejectedRows([] if journal is None else list(journal.rejected(table_name)))

    def state(self) -> PipelineState:
        """How the pipeline stands: its owner, what is pending, its runs.

        Raises:
            ConfigError: If it was never run.
        """
        return read_state(self._location, self.clock)

    def drop(self, load_id: str | None = None, force: bool = False) -> tuple[str, ...]:
        """Give up pending load packages, one or all, with their files.

        Args:
            load_id: The package; None: all that are pending.
            force: Also those whose rows are not settled, which are then never sent.

        Returns:
            The load ids of those dropped.

        Raises:
            PendingPackages: If rows are not settled and *force* was not given.
            ConfigError: If there is no such package.
        """
        with self._session(None, None) as session:
            journal = session.runtime.journal
            found = [record for record in journal.packages() if record.state in OPEN and load_id in {None, record.load_id}]
            if load_id is not None and not found:
                raise ConfigError(f"pipeline {self.name!r} has no pending load package {load_id!r}", hint="see pipeline.pending")
            if not force:
                session.refuse_unsettled(found)
            session.status = "dropped"
            session.load_ids += [record.load_id for record in found]
            for record in found:
                journal.drop(record.load_id, self.clock.wall())
            clean_up(self._location.folder, self.keep_packages, session.runtime)
            return tuple(record.load_id for record in found)

    def _extract(self, session: Session, data: Any, table: TableArguments, shape: Shape, state: PackageState) -> None:
        load_id = extract(data, table, shape, session.storage, session.runtime, run_name=session.run_name, state=state)
        if load_id is not None and session.ready is None:
            session.load_ids.append(load_id)

    def _known_shape(self) -> Shape:
        """What is known of the destination without importing anything, else defaults."""
        if self.destination is None:
            return Shape()
        options, declared = self.destination.known_options, self.destination.known
        whole_files = options.batch_size == 0 or (declared is not None and declared.signature.items is ItemsKind.PATH)
        return Shape(loader_file_format=options.loader_file_format, exact_files=whole_files)

    def _ready(self, destination: Any, workers: int | None = None) -> Ready:
        chosen = self.destination if destination is None else as_destination(destination)
        if chosen is None:
            raise ConfigError(
                f"pipeline {self.name!r} has no destination",
                hint="give one to sinkkit.pipeline(..., destination=...) or to run()",
            )
        return make_ready(chosen if workers is None else chosen.configured(None, {"workers": workers}), self.name)

    def _session(self, ready: Ready | None, run_id: str | None) -> AbstractContextManager[Session]:
        if os.getpid() != self._pid:
            raise PipelineLocked(
                f"pipeline {self.name!r} was made in process {self._pid} and is used in its fork {os.getpid()}",
                hint="call sinkkit.pipeline(...) in the process that uses it",
            )
        options = ready.options if ready is not None else (self.destination.known_options if self.destination else None)
        storage = Storage(
            location=self._location,
            pipeline_name=self.name,
            max_file_rows=self.max_file_rows,
            max_file_bytes=self.max_file_bytes,
            durability="full" if options is None else options.durability,
        )
        around = Surroundings(
            clock=self.clock, observe=self._observe, faults=self.faults, drain=self.drain, keep_packages=self.keep_packages
        )
        return opened(storage, around, ready=ready, run_name=run_id, before=self._start_empty)

    def _start_empty(self) -> None:
        """With ``dev_mode``, forget everything, once."""
        if self._wipe:
            self._wipe = False
            empty(self._location)

    def __repr__(self) -> str:
        return f"Pipeline({self.name!r}, destination={self.destination!r})"


def _completed(session: Session, run_id: str | None) -> LoadInfo | None:
    """The report of the run named *run_id*, if it was completed."""
    from sinkkit.runs.history import completed_run

    return None if run_id is None else completed_run(session, run_id)
