"""What users call to get a pipeline: a new one, or one that exists."""

from __future__ import annotations

import os
from typing import Any

from sinkkit.clock import SystemClock
from sinkkit.declaration.destination import as_destination
from sinkkit.events import Observer
from sinkkit.observers import choose, combine
from sinkkit.runs.pipeline import Pipeline
from sinkkit.runs.tuning import DRAIN_SECONDS, MAX_FILE_BYTES, MAX_FILE_ROWS, seconds, setting, whole
from sinkkit.settings.providers.registry import one_run


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
    with one_run():
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
