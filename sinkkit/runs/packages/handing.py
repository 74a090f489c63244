"""Load packages move to another pipeline: into a file here, out of it there, and never delivered by both.

What makes that hold, whenever a process is killed:

1. The file is written beside its name, without its seal; no import takes a file without its seal.
2. One commit of the journal ends the package here, under the file's name. From now on it is not pending here and cannot be loaded.
3. The seal is written, and the file gets its name.

Killed before 2, the package is pending here and there is no file that can be imported. Killed after 2, it is not pending anywhere; the
same export, given again, writes the file anew. Its files stay here until they are pruned, so that this can be done for a file that was lost, too.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sinkkit.errors import ConfigError, PackageCorrupted, SinkkitError
from sinkkit.events import PackageSealed
from sinkkit.faults import Point
from sinkkit.journal.records import PackageRecord, PackageState, RejectedRecord
from sinkkit.package.archive import ArchiveWriter, Facts, moving, packing_of
from sinkkit.package.folder import part_of, remove, seal
from sinkkit.package.manifest import Manifest
from sinkkit.package.reader import Package
from sinkkit.package.unpacking import opened
from sinkkit.runs.accounts.lineage import Load
from sinkkit.runs.accounts.report import loads_of
from sinkkit.runs.accounts.state import OPEN
from sinkkit.runs.extracting.evolving import Evolver
from sinkkit.runs.extracting.extraction import jobs_of, schemas_of
from sinkkit.runs.extracting.shape import Shape, shape_in
from sinkkit.runs.packages.inspecting import only_pending
from sinkkit.runs.session import Session

ONCE = "a package goes to one pipeline, in one file"


def export_package(session: Session, load_id: str | None, to: str | os.PathLike[str]) -> Load:
    """Hand one load package over, in the file *to*; one that was handed over in that file already is written to it again.

    Args:
        session: The run that owns the pipeline.
        load_id: The package; None: the only one that is pending.
        to: The file; its ending says how it is packed.

    Raises:
        ConfigError: If it is not known which package is meant, if it was begun or finished, was handed over in another file, or if the
            file is there already. Nothing was changed.
        PackageCorrupted: If the package is not what was written. Nothing was changed.
        SinkkitError: If the file cannot be written. If the package was handed over already, it says so: export it again.
    """
    session.status = "exported"
    target = Path(os.path.abspath(Path(to).expanduser()))  # noqa: PTH100  # resolve() would follow links, and the name given is kept
    packing_of(target)
    record = _which(session, load_id, target)
    session.load_ids.append(record.load_id)
    if record.state is PackageState.HANDED_OVER:
        if not _there(record, target):
            package = Package.open(session.storage.location.folder / record.folder)
            _write(session, record, package, target, session.runtime.journal.handed_letters(record.load_id))
    elif record.state in {PackageState.COMPLETED, PackageState.DROPPED}:
        raise ConfigError(f"load package {record.load_id} is {record.state}: there is nothing left to hand over", hint=ONCE)
    else:
        _check_unstarted(session, record)
        if target.exists():
            raise ConfigError(f"{str(target)!r} is there already", hint="give another file, or move that one away")
        package = Package.open(session.storage.location.folder / record.folder)
        _write(session, record, package, target, _letters(session, record))
    session.runtime.journal.exported(record.load_id, session.runtime.clock.wall())
    return loads_of(session.runtime.journal, session.storage.pipeline_name, [record.load_id])[0]


def _which(session: Session, load_id: str | None, target: Path) -> PackageRecord:
    name = session.storage.pipeline_name
    records = session.runtime.journal.packages()
    if load_id is not None:
        found = next((record for record in records if record.load_id == load_id), None)
        if found is None:
            raise ConfigError(f"pipeline {name!r} has no load package {load_id!r}", hint=f"see `sinkkit status {name}`")
        return found
    unfinished = [record for record in records if record.handed_to == str(target) and record.exported_at is None]
    pending = unfinished[-1:] or [record for record in records if record.state in OPEN and not record.replay]
    pending = pending or [record for record in records if record.handed_to == str(target)][-1:]
    chosen = only_pending([record.load_id for record in pending], name)
    return next(record for record in pending if record.load_id == chosen)


def _check_unstarted(session: Session, record: PackageRecord) -> None:
    what, hint = f"load package {record.load_id}", f"finish it here with `sinkkit resume {session.storage.pipeline_name}`"
    if record.replay:
        raise ConfigError(f"{what} has rejected rows of this pipeline, and stays with it", hint=hint)
    if record.state is PackageState.RESOLVED or not session.runtime.journal.unstarted(record.load_id):
        raise ConfigError(f"{what} was begun: rows of it were sent, or may have been", hint=hint)


def _there(record: PackageRecord, target: Path) -> bool:
    """Whether the file of a package that was handed over is there; one that is damaged is to be written again.

    Raises:
        ConfigError: If it was handed over in another file, or if the file is another package's.
    """
    if record.handed_to != str(target):
        when = datetime.fromtimestamp(record.completed_at or 0, UTC)
        raise ConfigError(
            f"load package {record.load_id} was handed over in {record.handed_to} ({when:%Y-%m-%d %H:%M:%S} UTC)",
            hint=f"{ONCE}: export it to {record.handed_to} again if that file is lost, and move it from there",
        )
    if not target.exists():
        return False
    try:
        with opened(target) as archive:
            if archive.facts.load_id != record.load_id:
                raise ConfigError(f"{str(target)!r} has load package {archive.facts.load_id}", hint="move that file away, then export again")
            archive.verify()
    except PackageCorrupted:
        return False
    return True


def _letters(session: Session, record: PackageRecord) -> list[bytes]:
    """The dead letters of a package, each as a line of JSON."""
    found = [letter for letter in session.runtime.journal.rejected() if letter.load_id == record.load_id]
    return [json.dumps({**{name: getattr(letter, name) for name in LETTER_FIELDS}, "row": letter.row.decode()}).encode() for letter in found]


LETTER_FIELDS = ("id", "table", "index", "reason", "error", "status", "attempts", "rejected_at")


def _write(session: Session, record: PackageRecord, package: Package, target: Path, letters: list[bytes]) -> None:
    runtime, anew = session.runtime, record.state is not PackageState.HANDED_OVER
    at = record.completed_at if record.completed_at is not None else runtime.clock.wall()
    facts = Facts(
        load_id=record.load_id,
        pipeline_name=session.storage.pipeline_name,
        run_name=record.run_name,
        destination=record.destination,
        state=PackageState.EXTRACTED if shape_in(package.manifest.shape) == Shape() else PackageState.NORMALIZED,
        source=record.source,
        begun_at=record.begun_at,
        sealed_at=record.created_at,
        handed_over_at=at,
        rows=package.manifest.rows,
        letters=len(letters),
    )
    with ArchiveWriter(target, record.load_id) as writer:
        writer.package(facts, package, letters)
        if anew:
            runtime.faults(Point.BEFORE_HANDOVER)
            runtime.journal.hand_over(record.load_id, str(target), at, letters)
            runtime.faults(Point.AFTER_HANDOVER)
        try:
            writer.seal()
        except SinkkitError as error:
            raise SinkkitError(
                f"{error.message}; load package {record.load_id} is handed over already, and there is no file to import",
                hint=f"mend the cause, then export it again to {target}",
            ) from error
    runtime.faults(Point.AFTER_EXPORT)


def import_package(session: Session, path: str | os.PathLike[str]) -> Load:
    """Take over the load package in the file *path*; it is pending here then, under its own load id.

    Raises:
        ConfigError: If there is no such file, or its package is known here.
        PackageCorrupted: If the file is not what was exported. Nothing was taken.
        SinkkitError: If it cannot be read, or the package cannot be written. Nothing was taken.
    """
    session.status = "imported"
    source = Path(path).expanduser()
    if not source.is_file():
        raise ConfigError(f"{str(path)!r} is no file", hint="give the file that `sinkkit package export` has written")
    packages = session.storage.location.packages
    with opened(source) as archive:
        facts = archive.facts
        _refuse_known(session, facts)
        part = part_of(packages, facts.load_id)
        with moving(part, "write"):
            part.mkdir(parents=True)
        try:
            manifest, lines = archive.unpack(part)
            letters = [_letter(facts.load_id, line) for line in lines]
            session.runtime.faults(Point.BEFORE_SEAL)
            with moving(part, "write"):
                seal(part, packages / facts.load_id, durable=True)
        except BaseException:
            remove(part)
            raise
    session.runtime.faults(Point.AFTER_SEAL)
    _register(session, facts, manifest, letters)
    session.load_ids.append(facts.load_id)
    return loads_of(session.runtime.journal, session.storage.pipeline_name, [facts.load_id])[0]


def _refuse_known(session: Session, facts: Facts) -> None:
    known = loads_of(session.runtime.journal, session.storage.pipeline_name, [facts.load_id])
    if known:
        stands = {
            PackageState.HANDED_OVER: "was handed over by it",
            PackageState.COMPLETED: "was delivered by it",
            PackageState.DROPPED: "was dropped by it",
        }.get(PackageState(known[0].state), "is pending in it")
        raise ConfigError(
            f"load package {facts.load_id} is known to pipeline {session.storage.pipeline_name!r}: it {stands}",
            hint="nothing is left to import, or, to take a package back, import it into a pipeline of another name",
        )


def _register(session: Session, facts: Facts, manifest: Manifest, letters: list[RejectedRecord]) -> None:
    runtime, packages = session.runtime, session.storage.location.packages
    record = PackageRecord(
        load_id=facts.load_id,
        folder=f"{packages.name}/{facts.load_id}",
        state=PackageState(facts.state),
        run_name=facts.run_name,
        destination=facts.destination,
        created_at=facts.sealed_at,
        source=facts.source,
        begun_at=facts.begun_at,
        imported_from=facts.pipeline_name,
        imported_at=runtime.clock.wall(),
    )
    schema = None
    if record.state is PackageState.NORMALIZED:
        evolver = Evolver.of(runtime.journal, session.storage.dataset, shape_in(manifest.shape))
        schema = evolver.schema(manifest.tables, runtime.clock.wall())
    runtime.journal.register(record, jobs_of(manifest), schemas_of(manifest), rejected=letters, schema=schema)
    runtime.faults(Point.AFTER_REGISTER)
    runtime.observe(PackageSealed(load_id=facts.load_id, rows=manifest.rows))


def _letter(load_id: str, line: bytes) -> RejectedRecord:
    values: dict[str, Any] = json.loads(line)
    return RejectedRecord(**{**values, "load_id": load_id, "row": values["row"].encode()})
