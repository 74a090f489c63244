"""``sinkkit run --dry-run``: the requests that a run would make, or the batches it would hand over, and nothing sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from sinkkit.cli.answer import Answer
from sinkkit.cli.output import counted, plain, printable
from sinkkit.declaration.client.exchanges import SHOWN_BYTES, Shown

if TYPE_CHECKING:
    from sinkkit.runs.requests.rehearsal import Rehearsal, RehearsedBatch

Clean: TypeAlias = Callable[[str], str]
"""Takes secrets out of texts."""

ROWS_SHOWN = 5
"""Rows of a batch that people are shown where no request shows them."""


def rehearsed(found: Rehearsal, pending: int) -> Answer:
    """What is shown of a dry run, where *pending* rows of earlier runs would come first."""
    clean = found.clean
    document = {
        "dry_run": True,
        "destination": found.destination,
        "more": found.more,
        "pending": pending,
        "refused": found.refused,
        "reasons": list(found.reasons),
        "batches": [batch_document(batch, clean) for batch in found.batches],
    }
    lines = [line for number, batch in enumerate(found.batches, 1) for line in batch_lines(number, batch, clean)]
    refused = [f"\n{counted(found.refused, 'row')} would be rejected before anything is sent:", *map(printable, found.reasons)] if found.refused else []
    said = (f"{counted(pending, 'row')} of earlier runs are pending; a run sends them first, and may leave this data for the next one",) if pending else ()
    return Answer(document=document, shown=(f"dry run, nothing is sent; {found.destination}: {calls(found)}", *lines, *refused), said=said)


def calls(found: Rehearsal) -> str:
    """How much of a run is shown."""
    if not found.batches:
        return "there is nothing to send" if found.refused else "there are no rows"
    if not found.more:
        return counted(len(found.batches), "call")
    return f"the first {counted(len(found.batches), 'call') if len(found.batches) > 1 else 'call'}; there are more"


def batch_document(batch: RehearsedBatch, clean: Clean) -> dict[str, Any]:
    """A batch for programs."""
    return {
        "table": batch.table,
        "key": batch.key,
        "rows": batch.row_count,
        "requests": None if batch.requests is None else [request_document(request) for request in batch.requests],
        "items": None if batch.requests is not None else cleaned(as_rows(batch.items), clean),
        "stopped": batch.stopped,
        "rejected": [{"row": index, "reason": reason} for index, reason in sorted(batch.rejected.items())],
    }


def request_document(request: Shown) -> dict[str, Any]:
    """A request for programs."""
    return {
        "method": request.method,
        "url": request.url,
        "headers": [list(pair) for pair in request.headers],
        "body": request.body,
        "body_bytes": request.size,
        "body_cut": request.cut,
    }


def batch_lines(number: int, batch: RehearsedBatch, clean: Clean) -> Iterator[str]:
    """A batch for people."""
    yield f"\n{number}. {batch.table}: {counted(batch.row_count, 'row')}, key {batch.key} (a run makes its own)"
    if batch.requests is None:
        rows = as_rows(batch.items)
        yield "the function has no injected client and is not called; it would get:"
        if not isinstance(rows, list):
            yield printable(clean(str(rows)))
            return
        yield from (printable(clean(json.dumps(plain(row), ensure_ascii=False)))[:SHOWN_BYTES] for row in islice(rows, ROWS_SHOWN))
        if len(rows) > ROWS_SHOWN:
            yield f"... and {counted(len(rows) - ROWS_SHOWN, 'row')} more"
        return
    yield from (printable(f"row {index} of them would be rejected: {reason}") for index, reason in sorted(batch.rejected.items()))
    if not batch.requests and not batch.rejected:
        yield "the function makes no request through its client"
    for request in batch.requests:
        yield from request_lines(request)
    if batch.stopped:
        yield printable(f"here the function stopped, as it may at the answer of a dry run, which is 200 and {{}}: {batch.stopped}")


def request_lines(request: Shown) -> Iterator[str]:
    """A request for people: line, headers, body, as HTTP writes them."""
    yield printable(f"{request.method} {request.url}")
    yield from (printable(f"{name}: {value}") for name, value in request.headers)
    if request.body:
        yield ""
        yield from body_lines(request.body, request.size, cut=request.cut)
    elif request.body is None:
        yield "(the body is not at hand: it is streamed)"


def body_lines(body: str, size: int, *, cut: bool) -> Iterator[str]:
    """A body for people: JSON is laid out; what was cut off is said."""
    text = pretty(body)
    yield printable(text[:SHOWN_BYTES])
    if cut or len(text) > SHOWN_BYTES:
        yield f"... ({size:,} bytes in all)"


def pretty(body: str) -> str:
    """*body* laid out, if it is JSON that was not cut."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body


def as_rows(items: Any) -> Any:
    """Items of any kind as rows, or as what they are."""
    if hasattr(items, "to_pylist"):
        return items.to_pylist()
    if hasattr(items, "to_dicts"):
        return items.to_dicts()
    if hasattr(items, "to_dict"):
        return items.to_dict("records")
    if isinstance(items, list):
        return [attrs.asdict(item) if attrs.has(type(item)) else vars(item) if hasattr(item, "__dict__") else item for item in items]
    return items


def cleaned(value: Any, clean: Clean) -> Any:
    """*value* as JSON can hold it, its texts without secrets."""
    return json.loads(clean(json.dumps(plain(value), ensure_ascii=False)))
