"""One run of a destination under test, against an API that misbehaves as told, in a place of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from sinkkit.declaration.destination import Destination, as_destination
from sinkkit.declaration.opening import make_ready
from sinkkit.declaration.options import Options
from sinkkit.errors import DeliveryFailed
from sinkkit.events import ignore
from sinkkit.faults import Faults, idle
from sinkkit.rows import Retry
from sinkkit.runs.accounts.report import LoadInfo
from sinkkit.runs.pipeline import Pipeline
from sinkkit.settings.providers.registry import registered
from sinkkit.testing.answers import Fault, Request
from sinkkit.testing.api import MisbehavingApi
from sinkkit.testing.contract_hooks import Faulty, Hooks
from sinkkit.testing.contract_seen import Seen, seen

PIPELINE = "contract"
"""The pipeline's name in every run of the contract."""

SMALL_BATCH = 5
"""Rows a call, so that a few rows make several calls; a destination that takes fewer keeps its own number."""

DECLARED = object()
"""As ``batch_size``: what the author set."""

FILE_ROWS, FILE_BYTES = 100_000, 1 << 26
"""Where a file of a load package ends, unless whole files are sent."""

RETRY = Retry(attempts=4, first_wait=0.02, longest_wait=0.1)
"""Quick, as the API of a test has no load to be spared."""

@attrs.frozen
class Subject:
    """The destination that a check runs, with the settings in force."""

    destination: Destination
    options: Options


def configured(hooks: Hooks, api: Any, settings: Mapping[str, Any]) -> Subject:
    """The author's destination with the *settings* that a check needs, over calm ones.

    Raises:
        ConfigError: If its own settings are missing or impossible.
    """
    destination = pointed_at(as_destination(hooks.destination(api)).resolved(PIPELINE), api.url)
    with nothing_from_outside():
        return _configured(destination, settings)


def _configured(destination: Destination, settings: Mapping[str, Any]) -> Subject:
    size = make_ready(destination, PIPELINE).options.batch_size
    calm: dict[str, Any] = {
        "workers": 1, "batch_size": min(size, SMALL_BATCH), "rate_limit": None, "max_rejected": None, "retry": RETRY,
        "on_reject": "halt", "on_unknown": "resend", "durability": "process",
    }  # fmt: skip
    wanted = {**calm, **settings}
    if wanted["batch_size"] is DECLARED:
        wanted["batch_size"] = size
    if size == 0 and wanted["on_reject"] == "bisect":  # a file is not halved
        wanted["on_reject"] = "keep"
    subject = destination.configured(None, wanted)
    return Subject(subject, make_ready(subject, PIPELINE).options)


@contextmanager
def nothing_from_outside() -> Iterator[None]:
    """While the block runs no config file, variable or other place gives settings: a test must not reach the real system by mistake."""
    before = list(registered)
    registered.clear()
    try:
        yield
    finally:
        registered[:] = before


def pointed_at(destination: Destination, url: str) -> Destination:
    """*destination* with an injected client, if it has one, that talks to *url*, unless the author says where else."""
    if "http" not in destination.declared.setting_names:
        return destination
    return destination.configured(None, {"http": {"base_url": url, "trust_env": False, **destination.settings.get("http", {})}})


def pipeline_of(subject: Subject, place: Path, faults: Faults = idle) -> Pipeline:
    """A quiet pipeline with its state in *place*; where whole files are sent, each holds as many rows as a small batch."""
    return Pipeline(
        PIPELINE,
        destination=subject.destination,
        dataset_name=None,
        pipelines_dir=place / "pipelines",
        dev_mode=False,
        observe=ignore,
        keep_packages=0,
        max_file_rows=FILE_ROWS if subject.options.batch_size else SMALL_BATCH,
        max_file_bytes=FILE_BYTES,
        drain=5.0,
        faults=faults,
    )


@contextmanager
def stage(hooks: Hooks, place: Path, faulty: Faulty | None, latency: float = 0.0) -> Iterator[MisbehavingApi]:
    """A place for one or more runs: an empty folder, and an API whose requests with rows meet what *faulty* says."""
    place.mkdir(parents=True)
    hooks.folder = place
    carrying = 0

    def policy(_: int, request: Request) -> Fault | None:
        nonlocal carrying
        fault = None
        if hooks.delivers(request):
            fault = None if faulty is None else faulty(carrying, request)
            carrying += 1
        return hooks.answer(api, request) if fault is None else fault

    api = MisbehavingApi(policy, latency=latency, read_rows=hooks.rows_in)
    with api:
        yield api


def run(hooks: Hooks, place: Path, count: int, faulty: Faulty | None = None, *, latency: float = 0.0, **settings: Any) -> Seen:
    """Send *count* rows with the author's destination.

    Args:
        hooks: What the author says of it.
        place: A folder that is not there yet, for all that the run leaves behind.
        count: How many rows.
        faulty: What happens to requests with rows.
        latency: Seconds that each request takes.
        settings: Settings of the decorator that are not those of every check.

    Raises:
        ConfigError: If the destination's settings, or the author's hooks, do not work.
    """
    with stage(hooks, place, faulty, latency) as api:
        subject = configured(hooks, api, settings)
        pipeline = pipeline_of(subject, place)
        return seen(hooks, api, subject.options, pipeline, finished(pipeline.run, rows(hooks, count), table_name=hooks.table_name))


def as_declared(hooks: Hooks, place: Path) -> Subject:
    """The destination as the author set it, as far as checks have to know; nothing is sent. *place* is not there yet."""
    with stage(hooks, place, None) as api:
        return configured(hooks, api, {"batch_size": DECLARED})


def rows(hooks: Hooks, count: int) -> list[Mapping[str, Any]]:
    """The rows from number 0 on, *count* of them."""
    return [hooks.row(number) for number in range(count)]


def finished(work: Callable[..., LoadInfo], *args: Any, **named: Any) -> LoadInfo | DeliveryFailed:
    """What *work*, which delivers rows, returned; or what it raised because rows stayed open."""
    with nothing_from_outside():
        try:
            return work(*args, **named)
        except DeliveryFailed as error:
            return error
