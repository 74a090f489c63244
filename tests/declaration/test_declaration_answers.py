"""What a function says back: numbers, outcomes, and answers that are none."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

import pytest

import sinkkit
from sinkkit import Delivered, Outcome, Rejected, Retry
from sinkkit.errors import CallFailed, DeliveryFailed

ROWS = [{"n": number} for number in range(4)]


def run(function, **settings):
    """A run of four rows in one batch; pipeline and report."""
    pipeline = sinkkit.pipeline("p", destination=sinkkit.destination(function, **settings)(), progress="off")
    return pipeline, pipeline.run(ROWS, table_name="t")


def answering(answer):
    """A destination that gives *answer*."""
    return lambda items, table: answer


def test_numbers_are_summed():
    """Of all batches and of any kind of number."""
    factory = sinkkit.destination(name="crm", batch_size=1)(
        lambda items, table: {"sent": 1, "cost": 0.5, "share": Fraction(1, 4)}
    )

    info = sinkkit.pipeline("p", destination=factory, progress="off").run(ROWS)

    assert info.metrics == {"sent": 4, "cost": 2.0, "share": 1.0}


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ("ok", "a str"),
        (4, "4"),
        (True, "True"),
        ([None] * 4, "a list"),
        ({"sent": "4"}, "'sent' is a str"),
        ({"sent": True}, "'sent' is True"),
        ({"sent": math.nan}, "'sent' is nan"),
        ({1: 4}, "1 is 4"),
        ({"errors": [1]}, "'errors' is a list"),
        (Outcome(rejected=[2]), "Outcome(rejected=...) is a list"),
        (Outcome(metrics={"x": object()}), "'x' is a object"),
        (Outcome(rejected={4: "no such row"}), "row 4"),
        (Outcome(retry={-1}), "row -1"),
        (Outcome(rejected={1: "x"}, retry={1}), "row 1"),
        (Outcome.reported([Delivered()] * 3), "3 results for a batch of 4"),
    ],
)
def test_a_wrong_answer_leaves_the_batch_unknown(answer, what):
    """Nothing is guessed: the run halts, names what was returned, and the rows count as unknown."""
    with pytest.raises(DeliveryFailed) as failed:
        run(answering(answer), name="crm")

    counts = failed.value.info.tables["t"]
    assert [counts.unknown, counts.delivered, counts.rejected, counts.pending] == [4, 0, 0, 0]
    assert isinstance(failed.value.__cause__, CallFailed)
    assert what in str(failed.value.__cause__)
    assert failed.value.__cause__.hint


def test_after_a_wrong_answer_the_mended_function_gets_the_rows_again():
    """The next run sends them under the same key, and counts them as sent again."""
    keys = []

    def crm(items, table, batch: sinkkit.Batch):
        keys.append((batch.key, batch.attempt))
        return "ok" if len(keys) == 1 else None

    pipeline = sinkkit.pipeline("p", destination=sinkkit.destination(crm), progress="off")
    with pytest.raises(DeliveryFailed):
        pipeline.run(ROWS, table_name="t")
    info = pipeline.resume()

    assert [keys[0][0] == keys[1][0], keys[1][1]] == [True, 2]
    assert [info.tables["t"].delivered, info.tables["t"].resent] == [4, 4]


def test_a_wrapper_that_forgets_to_await_is_found_out():
    """A coroutine that nobody ran sent nothing, and is no success."""

    async def send(items, table): ...

    def stream(items, table):
        yield items

    for function in (send, stream):

        @functools.wraps(function)
        def crm(items, table, call=function):
            return call(items, table)

        with pytest.raises(DeliveryFailed) as failed:
            sinkkit.pipeline(
                "p",
                destination=sinkkit.destination(name="crm")(lambda items, t, call=crm: call(items, t)),
                progress="off",
                dev_mode=True,
            ).run(ROWS)
        assert "was never run" in str(failed.value.__cause__)


def test_every_row_can_be_reported():
    """Delivered with a receipt, rejected with a reason, and sent again."""
    calls = []

    def crm(items, table):
        calls.append([row["n"] for row in items])
        return Outcome.reported([Delivered("id-0"), Rejected("bad"), Retry(after=0), Delivered()]) if len(calls) == 1 else None

    pipeline, info = run(crm, name="crm")

    [letter] = pipeline.rejected()
    assert calls == [[0, 1, 2, 3], [2]]
    assert [info.total.delivered, info.total.rejected] == [3, 1]
    assert [letter.row, letter.reason, letter.index, letter.table] == [{"n": 1}, "bad", 1, "t"]
