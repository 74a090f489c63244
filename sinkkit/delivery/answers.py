"""Whether what a function said of its rows can be true of its batch; nothing is guessed."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import attrs

from sinkkit.delivery.failures import wrong_wait
from sinkkit.errors import CallFailed
from sinkkit.rows import Outcome


def checked(outcome: Outcome, rows: int, *, whole_file: bool = False) -> Outcome:
    """*outcome*, if it can be one of a batch of *rows* rows, which are a *whole_file* or not; its indices as plain ones.

    Raises:
        CallFailed: If it names rows that the batch does not have, one of them twice, or not all where it claims to.
    """
    if not isinstance(outcome, Outcome):
        raise CallFailed(f"the destination answered with {type(outcome).__name__}", hint="answer with sinkkit.Outcome")
    if outcome.length is not None and outcome.length != rows:
        raise CallFailed(
            f"the function reported {outcome.length} results for a batch of {rows} rows",
            hint="give one result a row, in the order of items; nothing was assumed about these rows",
        )
    outcome = _plain_indices(outcome)
    _check_rows(outcome, rows)
    if whole_file and (outcome.unsent or 0 < len(outcome.retry) < rows):
        raise CallFailed(
            f"the function asked to send some of the {rows} rows of a file again, and files are sent whole",
            hint="ask for all of them, or set batch_size to a number of rows",
        )
    wrong = wrong_wait(outcome.retry_after)
    if wrong is not None:
        raise CallFailed(f"the function's outcome has retry_after={outcome.retry_after!r}, which {wrong}", hint="give seconds, 0 or more")
    return outcome


def _plain_indices(outcome: Outcome) -> Outcome:
    """*outcome* with indices such as numpy's as Python's own."""
    named = [*outcome.rejected, *outcome.retry, *outcome.receipts, *(index for group in outcome.unsent for index in group)]
    if all(type(index) is int for index in named):
        return outcome

    def plain(index: Any) -> Any:
        return index if isinstance(index, bool) or not isinstance(index, Integral) else int(index)

    return attrs.evolve(
        outcome,
        rejected={plain(index): reason for index, reason in outcome.rejected.items()},
        retry={plain(index) for index in outcome.retry},
        unsent=tuple(frozenset(plain(index) for index in group) for group in outcome.unsent),
        receipts={plain(index): receipt for index, receipt in outcome.receipts.items()},
    )


def _check_rows(outcome: Outcome, rows: int) -> None:
    unsent = [index for group in outcome.unsent for index in group]
    for name, indices in (("rejected", outcome.rejected), ("retry", outcome.retry), ("receipts", outcome.receipts), ("unsent", unsent)):
        for index in indices:
            if type(index) is not int or not 0 <= index < rows:
                raise CallFailed(
                    f"the function's outcome names row {index!r} as {name}, and the batch has rows 0 to {rows - 1}",
                    hint="name rows by their index in items; nothing was assumed about these rows",
                )
    both = sorted(outcome.retry & outcome.rejected.keys())
    if both:
        raise CallFailed(f"the function's outcome names row {both[0]} as rejected and as retry", hint="name each row once")
    twice = [index for index in unsent if unsent.count(index) > 1 or index in outcome.rejected or index in outcome.retry or index in outcome.receipts]
    if twice:
        raise CallFailed(f"the function's outcome names row {twice[0]} as unsent, and once more", hint="name each row once")
    if any(not 0 < len(group) < rows for group in outcome.unsent):
        raise CallFailed(
            "the function's outcome has an unsent group that is empty, or the whole batch",
            hint="send at least one row a call, and group only the others; to send nothing now, raise RetryLater",
        )
