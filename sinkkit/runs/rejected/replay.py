"""Dead letters come back: rejected rows → a load package that carries them → the same delivery.

Taking them is one commit. Those delivered leave the list in the commit that settles their batch; those rejected again stay, as one letter under the same id.
"""

from __future__ import annotations

import difflib
import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

import attrs

from sinkkit.errors import ConfigError
from sinkkit.events import PackageSealed, RowsExtracted
from sinkkit.faults import Point
from sinkkit.journal.letters import PORTION, Taken
from sinkkit.journal.protocol import Journal
from sinkkit.journal.records import PackageRecord, PackageState, RejectedRecord
from sinkkit.package.reader import Package
from sinkkit.package.writer import PackageWriter
from sinkkit.rows import Row, TableSchema
from sinkkit.runs.extracting.extraction import jobs_of, new_load_id, schemas_of, writer_for
from sinkkit.runs.extracting.shape import shape_of
from sinkkit.runs.loading.delivering import check_binding
from sinkkit.runs.rejected.edited import EditedRows, edited_rows
from sinkkit.runs.session import Session
from sinkkit.schema.encoding.codec import decode, encode
from sinkkit.schema.mapping.reading import Mappings
from sinkkit.schema.shapes import shapes_of

Letter: TypeAlias = tuple[RejectedRecord, Row | None]
"""A dead letter, and the row to send instead of its own."""

MOST_COMPARED = 2_000
"""Ids that an unknown one is compared with, to suggest one."""


@attrs.frozen(kw_only=True)
class Choice:
    """Which dead letters to send again.

    Attributes:
        table: Only those of this table.
        reason: Only those whose reason contains this text, upper and lower case told apart.
        ids: Only these.
        rows: Only those that these edited rows name, and with these rows.
    """

    table: str | None = None
    reason: str | None = None
    ids: Sequence[str] | None = None
    rows: EditedRows | None = None


def choice_of(table: str | None, reason: str | None, ids: Any, rows: EditedRows | None) -> Choice:
    """What the arguments of ``Pipeline.replay`` ask for.

    Raises:
        ConfigError: If they cannot go together, or *ids* are no ids.
    """
    given = [name for name, value in (("reason", reason), ("ids", ids), ("rows", rows)) if value is not None]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)} were given together", hint="name rejected rows in one way: by reason, by ids, or by edited rows")
    ids = [ids] if isinstance(ids, str) else ids
    chosen = None if ids is None else list(dict.fromkeys(ids))
    wrong = [one for one in chosen or () if not isinstance(one, str)]
    if wrong:
        raise ConfigError(f"{wrong[0]!r} is no id of a rejected row", hint="ids are text: see pipeline.rejected()")
    return Choice(table=table, reason=reason, ids=chosen, rows=rows)


def replay(session: Session, choice: Choice, *, anywhere: bool) -> None:
    """Finish earlier replays, then send what *choice* names.

    The rows are taken before anything is sent, so what an earlier replay leaves rejected is not sent twice in one go.

    Args:
        session: The run, with a destination.
        choice: Which rows.
        anywhere: Whether rows may go to another destination than the one that refused them.

    Raises:
        ConfigError: If an id is unknown, or rows are for another destination. Nothing was taken or sent.
        SourceError: If edited rows cannot be read or kept. Nothing was taken or sent.
        DeliveryFailed: If rows stay pending or unknown.
    """
    earlier = [record for record in session.deliverable() if record.replay]
    name = session.ready.name if session.ready else ""
    for record in earlier:
        check_binding(record, name)
    load_id = _take(session, choice, None if anywhere else name)
    taken = [record for record in session.open_packages() if record.load_id == load_id]
    session.deliver(earlier + taken)


def _take(session: Session, choice: Choice, only_from: str | None) -> str | None:
    """A registered package that carries what *choice* names; its load id, or None if there is nothing to send."""
    runtime, storage = session.runtime, session.storage
    if session.ready is None:
        return None
    begun_at = runtime.clock.wall()
    load_id = new_load_id(begun_at)
    taken: dict[str, array[int]] = {}
    shape = attrs.evolve(shape_of(session.ready), mapping=Mappings())
    with writer_for(storage.location.packages, load_id, shape, storage, runtime, json_text=False) as writer:
        for page in _pages(_chosen(runtime.journal, choice, only_from)):
            _write(page, writer, session, taken)
        if not taken:
            return None
        manifest = writer.seal()
    record = PackageRecord(
        load_id=load_id,
        folder=f"{storage.location.packages.name}/{load_id}",
        state=PackageState.NORMALIZED,
        run_name=None,
        destination=None,
        created_at=runtime.clock.wall(),
        replay=True,
        source="rejected rows",
        begun_at=begun_at,
    )
    sent = Package.open(writer.folder) if choice.rows is not None else None
    runtime.journal.register(record, jobs_of(manifest), schemas_of(manifest), _taking(taken, sent))
    runtime.faults(Point.AFTER_REGISTER)
    runtime.observe(PackageSealed(load_id=load_id, rows=manifest.rows))
    return load_id


def _chosen(journal: Journal, choice: Choice, only_from: str | None) -> Iterator[Letter]:
    if choice.rows is not None:
        found = _edited(journal, choice.rows, choice.table)
    elif choice.ids is not None:
        named = (_known(journal, letter, "ids=", choice.table) for letter in choice.ids)
        found = ((record, None) for record in named if record.taken_by is None)
    else:
        found = ((record, None) for record in journal.rejected(choice.table, reason=choice.reason, taken=False))
    for record, row in found:
        if only_from is not None and record.destination not in {None, only_from}:
            raise ConfigError(
                f"rejected row {record.id} was for destination {record.destination!r}, and this replay goes to {only_from!r}",
                hint="say where rows go with replay(destination=...) or `sinkkit replay PIPELINE DESTINATION`, and choose them by table or "
                "id if they are not all for one",
            )
        yield record, row


def _edited(journal: Journal, rows: EditedRows, table: str | None) -> Iterator[Letter]:
    seen: dict[int, str] = {}
    for entry in edited_rows(rows):
        record = _known(journal, entry.id, entry.place, table)
        if record.number in seen:
            raise ConfigError(f"{entry.place} names rejected row {entry.id} a second time, after {seen[record.number]}", hint="keep one of the two")
        if record.taken_by is not None:
            raise ConfigError(
                f"{entry.place} edits rejected row {entry.id}, which load package {record.taken_by} is sending again as it was",
                hint="let it finish with pipeline.resume(), or give it up with pipeline.drop(load_id, force=True)",
            )
        if entry.table not in {None, record.table}:
            raise ConfigError(f"{entry.place} names table {entry.table!r}, and rejected row {entry.id} is of {record.table!r}", hint="leave it as it was")
        seen[record.number] = entry.place
        yield record, entry.row


def _known(journal: Journal, letter: str, place: str, table: str | None) -> RejectedRecord:
    record = journal.rejected_row(letter)
    if record is None or table not in {None, record.table}:
        of = "" if table is None else f" of table {table!r}"
        near = difflib.get_close_matches(letter, [known.id for known in islice(journal.rejected(table), MOST_COMPARED)], n=1)
        raise ConfigError(
            f"{place}: no rejected row{of} has the id {letter!r}; it may have been delivered since",
            hint=f"did you mean {near[0]!r}?" if near else "see pipeline.rejected(), or `sinkkit rejected PIPELINE --export FILE.jsonl`",
        )
    return record


def _pages(letters: Iterator[Letter]) -> Iterator[list[Letter]]:
    while page := list(islice(letters, PORTION)):
        yield page


def _write(page: list[Letter], writer: PackageWriter, session: Session, taken: dict[str, array[int]]) -> None:
    """Add a page of letters to the package, and their numbers to those *taken*, by table and in order."""
    rows = decode([record.row if row is None else b"{}" for record, row in page])
    by_table: dict[str, list[tuple[RejectedRecord, Row]]] = {}
    for (record, edited), kept in zip(page, rows, strict=True):
        by_table.setdefault(record.table, []).append((record, kept if edited is None else edited))
    for table, some in by_table.items():
        newest = max(some, key=lambda entry: entry[0].number)[0]
        writer.write_rows(table, [row for _, row in some], **_hints(session.runtime.journal.schema(newest.load_id, table)))
        taken.setdefault(table, array("q")).extend(record.number for record, _ in some)
        session.runtime.observe(RowsExtracted(table=table, rows=len(some)))


def _hints(schema: str | None) -> Mapping[str, Any]:
    """What is known of a table from the package that its rows come from.

    Rows of a table that replaces another are appended: they belong to what was delivered, and must not take its place.
    """
    if schema is None:
        return {}
    known = TableSchema(json.loads(schema)).said()
    return {**known, "write_disposition": "append" if known["write_disposition"] == "replace" else known["write_disposition"]}


def _taking(taken: Mapping[str, array[int]], sent: Package | None) -> Iterator[Taken]:
    """Each letter's number, its row's index in the package's table, and that row, if *sent* has edited ones."""
    for table, numbers in taken.items():
        rows = iter(()) if sent is None else _sent_rows(sent, table)
        for index, number in enumerate(numbers):
            yield number, index, next(rows, None)


def _sent_rows(package: Package, table: str) -> Iterator[bytes]:
    """The rows of *table* in a sealed package, each as the line that a dead letter keeps."""
    for file in package.manifest.files:
        if file.table == table:
            for first in range(0, file.rows, PORTION):
                rows = package.job(file.name).read(range(first, min(first + PORTION, file.rows)))
                yield from encode(rows, shapes_of(rows), table=table, first_row=file.first_index + first).split(b"\n")[:-1]
