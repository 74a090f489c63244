"""`sinkkit demo` as a user runs it, and the judgement behind it held against records that break the claims."""

from __future__ import annotations

import attrs
import pytest

from sinkkit.cli.demo.verdict import Call, Run, judge

GIVEN = {number: {"id": number} for number in range(1, 5)}
RUN = Run(before_kill=3, workers=1, pause=1.0)


def call(number, *ids, status=200, processed=True, key=None, arrived=None):
    """A request as the server records it."""
    rows = [GIVEN[one] for one in ids]
    when = float(number * 2) if arrived is None else arrived
    return Call(number=number, arrived=when, status=status, processed=processed, key=key or f"k{ids[0]}", rows=rows)


GOOD = [
    call(0, 1, status=None),
    call(1, 1),
    call(2, 2, status=429, processed=False),
    call(3, 2),
    call(4, 3),
    call(5, 4),
]


def broken(record):
    """The claims that do not hold."""
    return [claim.text for claim in judge(record, GIVEN, RUN) if not claim.holds]


def test_the_demo_keeps_its_promises(sinkkit_command, tmp_path):
    """The demo ends with status 0, every claim counted and true, in an empty folder, and leaves nothing there."""
    before = sorted(tmp_path.iterdir())
    done = sinkkit_command("demo", "--json", TMPDIR=str(tmp_path), DESTINATION__CRM__BATCH_SIZE="1")
    claims = {claim["text"]: claim["counted"] for claim in done.document["claims"]}

    assert done.status == 0, done.err
    assert done.document["holds"] is True
    assert claims["contacts lost"] == "0"
    assert claims["different contacts received"] == "5,000 of 5,000"
    assert "@sinkkit.destination" in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_a_good_record_holds():
    """A record with a lost answer repeated under its key and a pause kept to breaks no claim."""
    assert broken(GOOD) == []


@pytest.mark.parametrize(
    ("record", "claim"),
    [
        (GOOD[:-1], "contacts lost"),
        ([*GOOD[:-1], attrs.evolve(GOOD[-1], rows=[{"id": 4, "name": "?"}])], "contacts altered on the way"),
        ([*GOOD[:1], attrs.evolve(GOOD[1], key="other"), *GOOD[2:]], "of those, sent again under another key"),
        ([GOOD[0], GOOD[1], call(2, 1), *GOOD[2:]], "received twice for any other reason"),
        ([*GOOD, call(6, 2), call(7, 3)], "received twice: in flight at the kill (at most 1 batches)"),
        ([*GOOD, call(8, 4, arrived=4.9)], "calls begun while the server had asked for a pause"),
    ],
)
def test_a_broken_promise_is_found(record, claim):
    """Rows lost, altered, repeated without need or renamed, and a pause not kept, are each found in the record."""
    assert claim in broken(record)
