"""The step ``normalize`` of a pipeline: every package that was only extracted is brought into the form its destination wants."""

from __future__ import annotations

from sinkkit.journal.records import PackageState
from sinkkit.package.reader import Package
from sinkkit.runs.extracting.normalization import normalize
from sinkkit.runs.extracting.shape import Shape
from sinkkit.runs.session import Session


def normalize_pending(session: Session, shape: Shape) -> None:
    """Bring every pending package of the pipeline that was only extracted into *shape*; what is raised is that of ``normalize``."""
    for record in session.pending():
        if record.state is PackageState.EXTRACTED:
            package = Package.open(session.storage.location.folder / record.folder)
            normalize(record, package, shape, session.storage, session.runtime)
        session.load_ids.append(record.load_id)
