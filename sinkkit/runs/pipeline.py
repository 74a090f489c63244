"""The pipeline: what users call to extract, deliver, resume and look."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from sinkkit.clock import Clock, SystemClock
from sinkkit.declaration.destination import Destination, as_destination
from sinkkit.declaration.opening import Ready, make_ready
from sinkkit.errors import ConfigError
from sinkkit.events import Observer
from sinkkit.faults import Faults, idle
from sinkkit.runs.accounts.lineage import loads_table
from sinkkit.runs.accounts.report import LoadInfo, loads_of
from sinkkit.runs.accounts.state import PendingPackage, PipelineState, pending_of, read_state, reading, rejected_records
from sinkkit.runs.earlier import OnPending, check_on_pending, check_run_id
from sinkkit.runs.extracting.extraction import Storage, TableArguments
from sinkkit.runs.extracting.shape import known_shape
from sinkkit.runs.extracting.taking import Intake, take_and_deliver, take_only
from sinkkit.runs.location import empty, locate
from sinkkit.runs.owner import refuse_fork
from sinkkit.runs.packages.packages import Packages
from sinkkit.runs.rejected.dead_letters import RejectedRows
from sinkkit.runs.session import Session, Surroundings, opened

if TYPE_CHECKING:
    from datetime import date, timedelta

    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

    from sinkkit.runs.accounts.pruning import Pruned
    from sinkkit.runs.rejected.edited import EditedRows
    from sinkkit.runs.rejected.resolving import HeldBatch


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
        merge_key: Any = None,
        schema_contract: Any = None,
        destination: Any = None,
        run_id: str | None = None,
        on_pending: OnPending = "finish",
        mapping: Any = None,
        limit: int | None = None,
    ) -> LoadInfo:
        """Deliver what earlier runs left pending, then extract and deliver *data*.

        Args:
            data: Rows, or anything that gives rows; None: only finish what is pending.
            table_name: The table of the rows.
            columns: Column name to hints, such as ``{"id": {"data_type": "bigint"}}``.
            primary_key: One column name or several.
            write_disposition: ``append``, ``replace`` or ``merge``.
            merge_key: One column name or several.
            schema_contract: What becomes of what is new: ``evolve``, ``freeze``, ``discard_row`` or ``discard_value``; or one each for
                ``tables``, ``columns`` and ``data_type``.
            destination: Another destination than the pipeline's.
            run_id: A name for this run: pending packages of that name are finished and nothing is extracted; a name that was
                completed sends nothing and returns its report.
            on_pending: What happens to rows of earlier runs: ``finish`` delivers them and, without a *run_id*, leaves *data* for
                the next run; ``continue`` delivers them and goes on; ``fail`` raises before anything is sent.
            mapping: What fields rows get, before they are kept; default: what the destination says; ``{}``: rows stay as they are.
            limit: Take only so many rows of *data*, which is read no further than one row beyond, and leave the rest.

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
        check_run_id(run_id, limit)
        table = TableArguments(table_name, columns, primary_key, write_disposition, merge_key, schema_contract)
        intake = Intake.of(table, mapping, limit)
        ready = self._ready(destination)
        with self._session(ready, None if data is None else run_id) as session:
            return take_and_deliver(session, data, intake, run_id, on_pending)

    def extract(
        self,
        data: Any,
        *,
        table_name: str | None = None,
        columns: Any = None,
        primary_key: Any = None,
        write_disposition: str | None = None,
        merge_key: Any = None,
        schema_contract: Any = None,
        run_id: str | None = None,
        mapping: Any = None,
        limit: int | None = None,
    ) -> LoadInfo:
        """Take *data*, or its first *limit* rows, into a load package and send nothing; no destination, setting or secret is needed.

        A *run_id* that was completed, or of which packages are pending, extracts nothing.

        Raises:
            SourceError: If the data cannot be read or kept; nothing of it stays.
        """
        table = TableArguments(table_name, columns, primary_key, write_disposition, merge_key, schema_contract)
        intake = Intake.of(table, mapping, limit)
        check_run_id(run_id, limit)
        with self._session(None, run_id) as session:
            return take_only(session, data, intake, run_id, known_shape(self.destination).raw)

    def normalize(self) -> LoadInfo:
        """Bring extracted packages into the form the destination wants, as far as that is known without importing it."""
        from sinkkit.runs.extracting.normalizing import normalize_pending

        with self._session(None, None) as session:
            normalize_pending(session, known_shape(self.destination, self.name))
            return session.info()

    def load(self, destination: Any = None, workers: int | None = None) -> LoadInfo:
        """Deliver every package that is pending, replays too, with so many *workers* if given.

        Raises:
            DeliveryFailed: If rows stay pending or unknown, as those on hold do.
        """
        with self._session(self._ready(destination, workers), None) as session:
            session.deliver(session.deliverable())
            session.report_on(session.on_hold())
            return session.info()

    def resume(self) -> LoadInfo:
        """Deliver what is pending and extract nothing; as ``load``."""
        return self.load()

    def loads(self) -> pa.Table:
        """Every load that the journal knows, oldest first, as an Arrow table: source, run, counts, times; they stay until ``prune``."""
        with reading(self._location, self.clock) as journal:
            return loads_table(() if journal is None else loads_of(journal, self.name))

    @property
    def packages(self) -> Packages:
        """Its load packages, to look into and to move to another pipeline: ``load``, ``show``, ``export``, ``import_file``."""
        return Packages(self.name, self._location, self.clock, partial(self._session, None, None))

    @property
    def pending(self) -> tuple[PendingPackage, ...]:
        """Load packages that are not finished, oldest first."""
        with reading(self._location, self.clock) as journal:
            return () if journal is None else pending_of(journal)

    def rejected(self, table_name: str | None = None) -> RejectedRows:
        """Dead letters, of all tables or one, oldest first; also those that a replay is sending again, until they are delivered."""
        return RejectedRows(partial(rejected_records, self._location, self.clock, table_name))

    def receipts(self, table_name: str | None = None) -> pa.Table:
        """The destination's own ids of delivered rows, of all tables or one, oldest first; they stay until ``prune``.

        An Arrow table with ``load_id``, ``table``, ``index`` (as of ``RejectedRow``), ``receipt`` and ``delivered_at``.
        """
        from sinkkit.runs.rejected.receipts import receipts_table

        with reading(self._location, self.clock) as journal:
            return receipts_table([] if journal is None else journal.receipts(table_name))

    def replay(
        self,
        table_name: str | None = None,
        *,
        reason: str | None = None,
        ids: str | Sequence[str] | None = None,
        rows: EditedRows | None = None,
        destination: Any = None,
    ) -> LoadInfo:
        """Send rejected rows again; those delivered leave the list, those rejected again stay under their ids.

        Args:
            table_name: Only rows of this table.
            reason: Only rows whose reason contains this text.
            ids: Only these.
            rows: Edited rows, which take the place of those kept: a file of JSON Lines or entries, each ``{"id": ..., "row": {...}}``.
            destination: Another destination than the pipeline's; given, it may be another than the one that refused the rows.

        Returns:
            The report; earlier replays that were not finished are in it, too. With nothing to send, all its counts are 0.

        Raises:
            ConfigError: If an id is unknown or given twice, or settings are impossible; nothing was sent.
            SourceError: If edited rows cannot be read or kept; nothing was sent.
            DeliveryFailed: If rows stay pending or unknown; ``resume`` and the next ``replay`` go on with them.
        """
        from sinkkit.runs.rejected.replay import choice_of, replay

        choice = choice_of(table_name, reason, ids, rows)
        with self._session(self._ready(destination), None) as session:
            replay(session, choice, anywhere=destination is not None)
            return session.info()

    def held(self) -> tuple[HeldBatch, ...]:
        """Batches of unknown fate that wait for ``resolve``, oldest package first."""
        from sinkkit.runs.rejected.resolving import held_batches

        with reading(self._location, self.clock) as journal:
            return () if journal is None else held_batches(journal, self._location)

    def resolve(self, key: str | Sequence[str] | None, arrived: bool) -> tuple[HeldBatch, ...]:
        """Say what became of batches on hold, by their keys or (None) of all.

        If they *arrived*, their rows count as delivered; if not, the next run or ``resume`` sends them under the same keys. A package of
        which nothing is open then is finished by the next run.

        Returns:
            The batches concerned.

        Raises:
            ConfigError: If no batch on hold has such a key; nothing was changed.
        """
        from sinkkit.runs.rejected.resolving import resolve

        with self._session(None, None) as session:
            session.status = "resolved"
            return resolve(session, key, arrived=arrived)

    def prune(
        self,
        before: date | str | None = None,
        *,
        older_than: timedelta | float | str | None = None,
        rejected: bool = False,
        dry_run: bool = False,
    ) -> Pruned:
        """Forget runs, receipts and finished packages that ended *before* a day or moment, or are *older_than* an age; never anything open.

        Args:
            before: A date or datetime, or one as ISO 8601 text; without a zone it is UTC.
            older_than: A timedelta, seconds, or text such as ``30d``; if neither is given, 30 days. What neither can be is a ``ConfigError``.
            rejected: Dead letters too.
            dry_run: Only say what would be removed.
        """
        from sinkkit.runs.accounts.pruning import limit_of, prune, would_prune

        limit = limit_of(before, older_than, self.clock)
        if dry_run:
            with reading(self._location, self.clock) as journal:
                return would_prune(journal, self._location.requests, limit, rejected=rejected)
        with self._session(None, None) as session:
            return prune(session, limit, rejected=rejected)

    def state(self) -> PipelineState:
        """How the pipeline stands: its owner, what is pending, its runs.

        Raises:
            ConfigError: If it was never run.
        """
        return read_state(self._location, self.clock)

    def drop(self, load_id: str | None = None, force: bool = False) -> tuple[str, ...]:
        """Give up pending load packages, one or all, with their files, and return their load ids; rows of a replay go back to the list of rejected rows.

        Args:
            load_id: The package; None: all that are pending.
            force: Also those whose rows are not settled, which are then never sent.

        Raises:
            PendingPackages: If rows are not settled and *force* was not given.
            ConfigError: If there is no such package.
        """
        from sinkkit.runs.packages.dropping import drop

        with self._session(None, None) as session:
            return drop(session, load_id, force=force)

    def _ready(self, destination: Any, workers: int | None = None) -> Ready:
        chosen = self.destination if destination is None else as_destination(destination)
        if chosen is None:
            hint = "give one to sinkkit.pipeline(..., destination=...) or to run()"
            raise ConfigError(f"pipeline {self.name!r} has no destination", hint=hint)
        return make_ready(chosen if workers is None else chosen.configured(None, {"workers": workers}), self.name)

    def _session(self, ready: Ready | None, run_id: str | None) -> AbstractContextManager[Session]:
        refuse_fork(self.name, self._pid)
        options = ready.options if ready is not None else (self.destination.known_options if self.destination else None)
        durability = "full" if options is None else options.durability
        storage = Storage(
            location=self._location, pipeline_name=self.name, durability=durability,
            max_file_rows=self.max_file_rows, max_file_bytes=self.max_file_bytes, dataset=self.dataset_name or "",
        )  # fmt: skip
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
