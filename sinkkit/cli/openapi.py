"""``sinkkit check DESTINATION --openapi FILE``: whether the requests that it would make fit what the API says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

import sinkkit
from sinkkit.cli.answer import NOT_EVERYTHING, Answer
from sinkkit.cli.arguments import source_of
from sinkkit.cli.output import counted
from sinkkit.declaration.opening import Ready, make_ready
from sinkkit.destinations.http_api.settings import RestSettings
from sinkkit.destinations.openapi.check import Checked, Surroundings, check_requests
from sinkkit.destinations.openapi.document import load
from sinkkit.errors import ConfigError
from sinkkit.settings.credentials import ApiKey
from sinkkit.sources.pages import RowsPage
from sinkkit.sources.quota import Quota
from sinkkit.sources.reading import read

SAMPLE_ROWS = 20
"""Rows of a sample that requests are made of."""


def with_document(answer: Answer, target: sinkkit.Destination, pipeline: str, file: str, rows: str | None) -> Answer:
    """*answer*, that of a destination that can start, with what an OpenAPI document says of its requests.

    Args:
        answer: What the check of its settings came to.
        target: The destination.
        pipeline: The pipeline whose settings count.
        file: The document's path.
        rows: A SOURCE of rows that stand for all; None: a row whose fields may have any value.

    Raises:
        ConfigError: If the document cannot be read, or the destination makes its requests in code.
        SourceError: If there is no such SOURCE.
    """
    sample = [] if rows is None else rows_of(rows)
    ready = make_ready(target, pipeline)
    checked = check_requests(load(Path(file)), rest_settings(ready), around(ready), sample)
    document = {"file": file, "fits": list(checked.operations), "notes": list(checked.notes), "findings": [attrs.asdict(one) for one in checked.findings]}
    status = NOT_EVERYTHING if checked.findings else answer.status
    lines = [*(f"{file} has {name}" for name in checked.operations), *(f"note: {note}" for note in checked.notes)]
    shown, said = (*answer.shown, *lines), (*answer.said, *told(checked, file))
    return attrs.evolve(answer, status=status, document={**answer.document, "openapi": document}, shown=shown, said=said)


def told(checked: Checked, file: str) -> Iterator[str]:
    """What does not fit, as lines."""
    if checked.findings:
        yield f"error: {counted(len(checked.findings), 'thing')} in the requests of this destination {'does' if len(checked.findings) == 1 else 'do'} not fit {file}"
    for number, finding in enumerate(checked.findings, 1):
        yield f"  {number}. {finding.operation}: {finding.told}" + (f"\n     hint: {finding.hint}" if finding.hint else "")


def rest_settings(ready: Ready) -> RestSettings:
    """The settings of a ``rest`` destination.

    Raises:
        ConfigError: If it is another one.
    """
    found = [value for value in ready.values.values() if isinstance(value, RestSettings)]
    if not found:
        raise ConfigError(
            f"destination {ready.name!r} makes its requests in code, and --openapi checks those of sinkkit.destinations.rest",
            hint="sinkkit run --dry-run shows the requests that a function would make",
        )
    return found[0]


def around(ready: Ready) -> Surroundings:
    """What the client of the destination adds to each request."""
    plan = ready.client
    if plan is None:
        return Surroundings()
    key = plan.login.credentials if plan.login is not None and isinstance(plan.login.credentials, ApiKey) else None
    headers, params = (key.headers(), key.params()) if key is not None else ({}, {})
    given = plan.arguments
    names = [name for name in (ready.options.idempotency_header, plan.id_header) if name]
    every = {**given["headers"], **headers, **dict.fromkeys(names, "")}
    return Surroundings(
        base_url=str(given.get("base_url", "")),
        headers={name.lower(): value for name, value in every.items()},
        params={**given.get("params", {}), **params},
    )


def rows_of(source: str) -> list[Mapping[str, Any]]:
    """The first rows of a SOURCE.

    Raises:
        SourceError: If it cannot be read.
    """
    pages = read(source_of(source, None), quota=Quota(SAMPLE_ROWS))
    return [row for page in pages for row in (page.rows if isinstance(page, RowsPage) else page.data.to_pylist())]
