"""Loads for people: where one came from, what became of it and when; and those that were handed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs

import sinkkit
from sinkkit.cli.answer import Answer
from sinkkit.cli.output import counted, table
from sinkkit.journal.records import Counts
from sinkkit.runs.accounts.lineage import Load

COUNTS = tuple(field.name for field in attrs.fields(Counts))


def lineage(attached: sinkkit.Pipeline, load_id: str) -> Answer:
    """What is known of one load of a pipeline.

    Raises:
        ConfigError: If it is not known.
    """
    found = attached.packages.load(load_id)
    return Answer(document={"load": found.asdict()}, shown=tuple(_described(found)))


def _described(load: Load) -> Iterator[Any]:
    yield f"load package {load.load_id} of pipeline {load.pipeline_name}: {load.state.replace('_', ' ')}"
    facts = [
        ("source", load.source or "not kept"),
        ("run id", load.run_id),
        ("destination", load.destination_name),
        ("schema", load.schema_hash and f"version {load.schema_version}, {load.schema_hash}"),
        ("extracted by pipeline", load.imported_from),
        ("extracted", _at(load.extracted_at)),
        ("sealed", _at(load.sealed_at) + _took(load.extract_seconds)),
        ("imported", _at(load.imported_at)),
        ("first call", _at(load.first_call_at)),
        ("completed", _at(load.completed_at) + _took(load.delivery_seconds)),
        ("dropped", _at(load.dropped_at)),
        ("handed over", _at(load.handed_over_at) + (f", in {load.handed_over_to}" if load.handed_over_to else "")),
    ]
    yield from (f"  {what}: {said}" for what, said in facts if said)
    if load.replay:
        yield "  its rows are rejected ones that were sent again"
    if load.tables:
        yield table(("table", *COUNTS), [(name, *attrs.astuple(counts)) for name, counts in load.tables.items()])
    if load.handed_over:
        yield table(("table", "rows handed over"), load.handed_over.items())


def _at(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _took(seconds: float | None) -> str:
    return "" if seconds is None else f", after {seconds:,.2f} s"


def handed_over(gone: Sequence[Load]) -> Iterator[Any]:
    """The loads that were handed over, if any: how many rows, where and when."""
    if gone:
        rows = sum(sum(load.handed_over.values()) for load in gone)
        yield f"handed over: {counted(rows, 'row')} in {counted(len(gone), 'load package')}"
        yield table(
            ("load package", "rows", "when", "in"),
            [(load.load_id, sum(load.handed_over.values()), _at(load.handed_over_at), load.handed_over_to) for load in gone],
        )
        yield ""
