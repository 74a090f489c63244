"""What the server's record says about the claims: a function over values, so that it can be tested with records that break them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

TOO_MANY = 429
UNAVAILABLE = 503

ON_THE_WAY = 0.5
"""Share of a pause in which calls may still arrive that had left before the answer 429 was read."""


@attrs.frozen(kw_only=True)
class Call:
    """A request as the server recorded it: *status* None means that the connection was dropped; *arrived* is in seconds."""

    number: int
    arrived: float
    status: int | None
    processed: bool
    key: str | None
    rows: Sequence[Mapping[str, Any]]


@attrs.frozen
class Claim:
    """Something the demo says of itself, what was counted, and whether it is true."""

    text: str
    counted: str
    holds: bool


@attrs.frozen(kw_only=True)
class Run:
    """What happened besides: *before_kill* requests had arrived when the first worker was dead; *workers* calls may run at once."""

    before_kill: int
    workers: int
    pause: float


def judge(calls: Sequence[Call], given: Mapping[int, Any], run: Run) -> list[Claim]:
    """Every claim, held against the record; *given* are the contacts by id, as JSON."""
    arrivals = arrivals_of(calls)
    lost = [number for number in given if number not in arrivals]
    strange = [number for number in arrivals if number not in given]
    altered = [number for number, got in arrivals.items() if any(row != given.get(number) for _, row in got)]
    return [
        Claim("different contacts received", f"{len(arrivals):,} of {len(given):,}", len(arrivals) == len(given) and not strange),
        Claim("contacts lost", f"{len(lost):,}", not lost),
        Claim("contacts altered on the way", f"{len(altered):,}", not altered),
        *repetitions(calls, arrivals, run),
        *pauses(calls, run.pause),
    ]


def arrivals_of(calls: Sequence[Call]) -> dict[int, list[tuple[Call, Mapping[str, Any]]]]:
    """Contact number to the calls by which it was taken, in order."""
    found: dict[int, list[tuple[Call, Mapping[str, Any]]]] = {}
    for call in calls:
        for row in call.rows if call.processed else ():
            found.setdefault(int(row["id"]), []).append((call, row))
    return found


def repetitions(calls: Sequence[Call], arrivals: Mapping[int, list[tuple[Call, Mapping[str, Any]]]], run: Run) -> list[Claim]:
    """Of the contacts received more than once: why, and under which key."""
    repeated = {number: [call for call, _ in got] for number, got in arrivals.items() if len(got) > 1}
    lost_answer = {number: took for number, took in repeated.items() if all(call.status is None for call in took[:-1])}
    killed = {n: took for n, took in repeated.items() if n not in lost_answer and took[-1].number >= run.before_kill}
    rest = [number for number in repeated if number not in lost_answer and number not in killed]
    batches = {call.key for took in killed.values() for call in took}
    keys: dict[int, dict[str | None, None]] = {}
    for call in calls:
        for row in call.rows:
            keys.setdefault(int(row["id"]), {})[call.key] = None
    renamed = [number for number in repeated if len(keys[number]) != 1 or None in keys[number]]
    return [
        Claim("received twice: the answer was lost", f"{len(lost_answer):,}", bool(lost_answer)),
        Claim(f"received twice: in flight at the kill (at most {run.workers} batches)", f"{len(killed):,}", len(batches) <= run.workers),
        Claim("received twice for any other reason", f"{len(rest):,}", not rest),
        Claim("of those, sent again under another key", f"{len(renamed):,}", not renamed),
    ]


def pauses(calls: Sequence[Call], pause: float) -> list[Claim]:
    """Whether the server was left alone after each 429."""
    refused = [call for call in calls if call.status == TOO_MANY]
    inside = [
        call.number
        for refusal in refused
        for call in calls
        if refusal.arrived + pause * ON_THE_WAY < call.arrived < refusal.arrived + pause
    ]
    return [
        Claim(f'answers 429 "wait {pause:g} s"', f"{len(refused)}", bool(refused)),
        Claim("calls begun while the server had asked for a pause", f"{len(inside)}", not inside),
    ]
