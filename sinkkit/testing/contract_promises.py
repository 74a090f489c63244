"""What a destination has to keep while nothing goes wrong, each promise as a function that says how it is broken.

Each takes the author's hooks and an empty folder, and returns why it cannot be checked, or None: the promise is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sinkkit.testing.contract_hooks import Hooks, PromiseBroken
from sinkkit.testing.contract_run import SMALL_BATCH, as_declared, run
from sinkkit.testing.contract_seen import Seen, few, must_deliver

ROWS = 4 * SMALL_BATCH
"""Rows of most checks: some full calls."""

MORE_ROWS = 7 * SMALL_BATCH + 4
"""Rows where the last call is not full, and has as many rows as no half of a full one."""

LARGEST = 10_000
"""Rows of the largest call that is tried; destinations with more a call are tried with this many."""

AT_ONCE = 8
CALLS_AT_ONCE = 60
"""Workers, and calls, of the check that runs them side by side."""

SWITCH_SECONDS = 1e-5
"""How often threads take turns in that check: so often that what they share without care gets mixed up."""

LATENCY_SECONDS = 0.005
"""How long the API takes for each answer there, so that calls overlap."""


def rows_arrive_once(hooks: Hooks, folder: Path) -> str | None:
    """Every row arrives, and none twice."""
    result = run(hooks, folder / "once", MORE_ROWS)
    if hooks.http and not result.requests:
        raise PromiseBroken(
            f"the destination made no request to the API of the contract; the run reported {result.info.total.delivered} rows delivered\n"
            "  likely: it has another URL: destination(self, api) gives it api.url; for what speaks no HTTP, set http = False and override received()"
        ) from result.cause
    must_deliver(result, MORE_ROWS, "with nothing going wrong")
    if result.twice:
        raise PromiseBroken(
            f"with nothing going wrong, {len(result.twice)} rows arrived more than once: rows {few(result.twice)}\n"
            "  likely: the function sends its rows twice, or sends rows of an earlier call again"
        )
    if result.info.total.rejected:
        letter = result.letters[0]
        raise PromiseBroken(
            f"the destination rejected {result.info.total.rejected} rows that nobody refused, the first: row {letter.index}: {letter.reason}\n"
            "  likely: the function takes a good answer for a refusal; or row() gives rows that it cannot take"
        )
    return None


def values_arrive_as_given(hooks: Hooks, folder: Path) -> str | None:
    """The values of the rows arrive as they were given."""
    result = run(hooks, folder / "values", SMALL_BATCH)
    for number, row in zip(result.numbers, result.rows, strict=True):
        wanted = hooks.arrived(hooks.row(number))
        if row != wanted:
            raise PromiseBroken(
                f"row {number} did not arrive as it was given: {_difference(wanted, row)}\n"
                "  likely: the function changes or leaves out values; if it means to, say so in arrived(self, row)"
            )
    return None


def _difference(wanted: Any, found: Any) -> str:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        names = [name for name in {**wanted, **found} if (name in wanted) != (name in found) or wanted[name] != found[name]]
        name = names[0]
        return f"{name!r} is {_shown(found, name)}, not {_shown(wanted, name)}"
    return f"{found!r}, not {wanted!r}"


def _shown(row: Mapping[str, Any], name: str) -> str:
    return repr(row[name]) if name in row else "missing"


def an_empty_run_sends_nothing(hooks: Hooks, folder: Path) -> str | None:
    """A run without rows makes no call."""
    result = run(hooks, folder / "empty", 0)
    if result.requests or result.rows:
        made = f"{result.requests[0].method} {result.requests[0].path}" if result.requests else f"{result.rows[0]!r} arrived"
        raise PromiseBroken(
            f"a run without rows sent something: {made}\n  likely: it is sent where the destination is made or configured, not where it gets rows"
        )
    return None


def one_row_arrives(hooks: Hooks, folder: Path) -> str | None:
    """A single row arrives."""
    must_deliver(run(hooks, folder / "one", 1), 1, "with a single row")
    return None


def a_full_call_arrives(hooks: Hooks, folder: Path) -> str | None:
    """As many rows as the destination takes in a call arrive together."""
    size = as_declared(hooks, folder / "declared").options.batch_size
    count = min(size, LARGEST) or SMALL_BATCH
    result = run(hooks, folder / "full", count, batch_size=min(size, LARGEST))
    must_deliver(result, count, f"with {count} rows in one call")
    return None


def concurrent_calls_are_safe(hooks: Hooks, folder: Path) -> str | None:
    """Calls that run side by side do not get in each other's way."""
    count = CALLS_AT_ONCE * (min(as_declared(hooks, folder / "declared").options.batch_size, SMALL_BATCH) or SMALL_BATCH)
    with often_switching():
        result = run(hooks, folder / "at once", count, latency=LATENCY_SECONDS, workers=AT_ONCE)
    when, likely = f"with {AT_ONCE} calls at once", "  likely: calls share what one of them changes: a global, an attribute, a list, a client that is not made for threads"
    if result.failure is not None or result.missing(count) or result.twice:
        what = result.failure.message if result.failure else f"rows {few(result.missing(count))} never arrived, rows {few(result.twice)} more than once"
        raise PromiseBroken(f"{when}: {what}\n{likely}") from result.cause
    mixed = _mixed(result)
    if mixed is not None:
        raise PromiseBroken(f"{when}, one request had rows of several calls: rows {mixed}\n{likely}")
    return None


def _mixed(result: Seen) -> str | None:
    """The rows of a request that had those of more than one call, where calls are cut at whole multiples of their size."""
    size = result.options.batch_size or SMALL_BATCH
    if result.options.order_by is not None or result.options.batch_bytes is not None:
        return None
    return next((few(sent.numbers) for sent in result.sent if len({number // size for number in sent.numbers}) > 1), None)


@contextmanager
def often_switching() -> Iterator[None]:
    """Let threads take turns more often than usual while the block runs."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
