"""What an answer says of the rows of its request. Pure functions: bytes in, outcome out; nothing is guessed."""

from __future__ import annotations

import contextlib
import csv
import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import orjson

from sinkkit import Delivered, Outcome, Reject, Rejected, Retry, RetryLater
from sinkkit.destinations.http_api.answer_settings import Answer, Errors, Results, Rules
from sinkkit.destinations.http_api.places import MISSING, find
from sinkkit.destinations.http_api.settings import Statuses
from sinkkit.destinations.http_api.statuses import Meaning, meaning_of
from sinkkit.errors import CallFailed, Halt

Verdict: TypeAlias = Delivered | Rejected | Retry

SHOWN = 300
"""Characters of an answer that a message repeats."""

DELIVERED, AGAIN = Delivered(), Retry()

NO_ERROR: Sequence[Any] = (None, False, "", [], {})
"""What stands where an error would, and is none."""


def outcome_of(
    body: bytes, rows: Sequence[Mapping[str, Any]], answer: Answer, statuses: Statuses, after: float | None = None
) -> Outcome:
    """What the answer *body* says of *rows*, in the order in which they were sent; *after*: seconds that it asks to wait before more.

    Raises:
        Reject: If it refuses all of them.
        RetryLater: If it asks for all of them again.
        Halt: If it says that any other request would fail, too.
        CallFailed: If it cannot be read, or speaks of other rows than were sent: nothing is known of any row then.
    """
    said = read(body, answer.format)
    whole = whole_of(said, answer, statuses, after)
    verdicts: dict[int, Verdict] = {}
    if answer.results is not None:
        verdicts = by_result(said, rows, answer.results, statuses, whole_list=answer.errors is None)
    if answer.errors is not None:
        _add(verdicts, by_error(said, rows, answer.errors, statuses))
        missing = [index for index in range(len(rows)) if index not in verdicts]
        if missing and answer.results is not None:
            raise CallFailed(f"the answer has neither a result nor an error for row {missing[0]} of {len(rows)}{_shown(said)}", hint=UNKNOWN)
    elif answer.results is None and whole.receipt is not None and len(rows) == 1:
        verdicts = {0: whole}
    results = [verdicts.get(index, DELIVERED) for index in range(len(rows))]
    _check_count(said, answer, results)
    outcome = Outcome.reported(results)
    return outcome if after is None or not outcome.retry else attrs.evolve(outcome, retry_after=after)


def whole_of(said: Any, answer: Answer, statuses: Statuses, after: float | None) -> Delivered:
    """What *said* says of all rows, where that is good; raises as ``outcome_of`` does where it is not."""
    if answer.halt_at and among(find(said, answer.halt_at), answer.halt_values):
        raise Halt(message_of(said, answer))
    whole = judged(said, answer, statuses)
    if isinstance(whole, Rejected):
        raise Reject(whole.reason)
    if isinstance(whole, Retry):
        raise RetryLater(message_of(said, answer), after=after)
    return whole


def refuse_as_a_whole(body: bytes, answer: Answer, statuses: Statuses, after: float | None) -> None:
    """Raise what an answer that failed, and names no row, says of all; where it says nothing that can be read, its status has to do."""
    with contextlib.suppress(CallFailed):
        whole_of(read(body, answer.format), answer, statuses, after)


UNKNOWN = "nothing was assumed about these rows; compare the settings under answer with what the API says of its answers"


def read(body: bytes, form: str) -> Any:
    """An answer as data.

    Raises:
        CallFailed: If it is not what *form* says.
    """
    try:
        if form == "csv":
            return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
        if form == "jsonl":
            return [orjson.loads(line) for line in body.splitlines() if line.strip()]
        return orjson.loads(body)
    except (ValueError, csv.Error) as error:
        text = body[:SHOWN].decode(errors="replace")
        what = "is empty" if not body else f"is not {form.upper()} ({error}): {text!r}"
        raise CallFailed(f"the answer {what}", hint=UNKNOWN) from None


def speaks_of_rows(body: bytes, answer: Answer) -> bool:
    """Whether an answer has one of the lists that speak of rows.

    Raises:
        CallFailed: If it cannot be read.
    """
    said = read(body, answer.format)
    return any(rules is not None and isinstance(find(said, rules.at), list) for rules in (answer.results, answer.errors))


def judged(said: Any, rules: Rules, statuses: Statuses) -> Verdict:
    """Whether *said*, one result or a whole answer, is good or bad.

    Raises:
        CallFailed: If it does not say what *rules* look for.
    """
    meaning, status = Meaning.DELIVERED, 0
    if rules.status_at:
        status = _status_at(said, rules.status_at)
        meaning = meaning_of(status, statuses)
    if rules.ok_at and meaning is Meaning.DELIVERED:
        ok = find(said, rules.ok_at)
        if ok is MISSING:
            raise CallFailed(f"there is nothing at {rules.ok_at!r} of a result{_shown(said)}", hint=UNKNOWN)
        if not among(ok, rules.ok_values):
            meaning = Meaning.REFUSED
    if meaning is Meaning.DELIVERED and any(error is not MISSING and error not in NO_ERROR for error in (find(said, place) for place in rules.error_places)):
        meaning = Meaning.REFUSED
    if meaning is Meaning.DELIVERED:
        receipt = find(said, rules.receipt_at) if rules.receipt_at else None
        return DELIVERED if receipt is None or receipt is MISSING else Delivered(str(receipt))
    if meaning is Meaning.RETRY or (rules.retry_at and among(find(said, rules.retry_at), rules.retry_values)):
        return AGAIN
    return Rejected((f"HTTP {status}: " if status else "") + message_of(said, rules))


def _status_at(said: Any, place: str) -> int:
    status = find(said, place)
    if type(status) is int:
        return status
    if not isinstance(status, str) or not (status.isascii() and status.isdigit()):
        raise CallFailed(f"there is no status code at {place!r} of a result{_shown(said)}", hint=UNKNOWN)
    return int(status)


def among(value: Any, values: Sequence[Any]) -> bool:
    """Whether *value* is one of *values*; ``True`` is not 1 here."""
    return any(value == one and isinstance(value, bool) is isinstance(one, bool) for one in values)


def message_of(said: Any, rules: Rules) -> str:
    """The destination's own words: what stands at the places for it, else the beginning of all it said."""
    places = [*rules.message_at, *rules.error_places]
    found = (find(said, place) for place in places)
    return next((text for one in found if one is not MISSING and one not in NO_ERROR and (text := _text(one))), _text(said))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value)[:SHOWN].decode(errors="ignore")


def _shown(said: Any) -> str:
    return f": {_text(said)[:SHOWN]}"


def by_result(said: Any, rows: Sequence[Mapping[str, Any]], rules: Results, statuses: Statuses, *, whole_list: bool) -> dict[int, Verdict]:
    """Verdicts by the index of the row, from one result for each; *whole_list*: none may be missing."""
    results = _list_at(said, rules.at, "results", may_lack=not whole_list)
    if rules.match == "order":
        if len(results) != len(rows):
            raise CallFailed(f"the answer has {len(results)} results for {len(rows)} rows", hint=UNKNOWN)
        return {index: judged(result, rules, statuses) for index, result in enumerate(results)}
    verdicts: dict[int, Verdict] = {}
    for index, result in _by_id(results, rows, rules.id_at, rules.row_id):
        verdicts[index] = judged(result, rules, statuses)
    missing = [index for index in range(len(rows)) if index not in verdicts]
    if missing and whole_list:
        raise CallFailed(f"the answer has no result for row {missing[0]} of {len(rows)}, and {len(results)} results", hint=UNKNOWN)
    return verdicts


def by_error(said: Any, rows: Sequence[Mapping[str, Any]], rules: Errors, statuses: Statuses) -> dict[int, Verdict]:
    """Verdicts by the index of the row, of those that errors name."""
    errors = _list_at(said, rules.at, "errors", may_lack=True)
    pairs = _by_id(errors, rows, rules.id_at, rules.row_id, several=True) if rules.match == "id" else _by_index(errors, len(rows), rules)
    verdicts: dict[int, list[Verdict]] = defaultdict(list)
    for index, error in pairs:
        verdicts[index].append(_failed(error, rules, statuses))
    return {index: several[0] if len(several) == 1 else _worst(several) for index, several in verdicts.items()}


def _worst(several: Sequence[Verdict]) -> Verdict:
    """What several errors say of one row, such as one for each of its fields: refused with every reason, if one refuses it."""
    reasons = dict.fromkeys(verdict.reason for verdict in several if isinstance(verdict, Rejected))
    if reasons:
        return Rejected("; ".join(reasons))
    return next((verdict for verdict in several if isinstance(verdict, Retry)), several[0])


def _failed(error: Any, rules: Errors, statuses: Statuses) -> Verdict:
    """An error is none only if the rules say so."""
    verdict = judged(error, rules, statuses)
    if rules.judges or not isinstance(verdict, Delivered):
        return verdict
    return Retry() if rules.retry_at and among(find(error, rules.retry_at), rules.retry_values) else Rejected(message_of(error, rules))


def _list_at(said: Any, place: str, what: str, *, may_lack: bool = False) -> Sequence[Any]:
    found = find(said, place)
    if may_lack and (found is MISSING or found is None):
        return []
    if not isinstance(found, list):
        raise CallFailed(f"there is no list of {what} at {place or 'the top'!r} of the answer{_shown(said)}", hint=UNKNOWN)
    return found


def _by_id(
    named: Sequence[Any], rows: Sequence[Mapping[str, Any]], id_at: str, row_id: str, *, several: bool = False
) -> list[tuple[int, Any]]:
    """Index of a row and what names it, by the id that both bear; *several*: of one row, more than one thing may be said."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        places[str(find(row, row_id))].append(index)
    by_id: dict[str, list[Any]] = defaultdict(list)
    for one in named:
        for found in _ids(one, id_at, lambda found: str(found) in places):
            by_id[str(found)].append(one)
    pairs: list[tuple[int, Any]] = []
    for text, those in by_id.items():
        indices = places[text]
        if several and len(indices) == 1:
            pairs += [(indices[0], one) for one in those]
            continue
        if len(those) not in (1, len(indices)):
            raise CallFailed(f"the answer names the id {text!r} {len(those)} times, and {len(indices)} rows have it", hint=UNKNOWN)
        pairs += zip(indices, those * len(indices) if len(those) == 1 else those, strict=False)
    return pairs


def _by_index(named: Sequence[Any], rows: int, rules: Errors) -> list[tuple[int, Any]]:
    def known(found: Any) -> bool:
        text = str(found)
        return not isinstance(found, bool) and text.isascii() and text.isdigit() and 0 <= int(text) - rules.first_index < rows

    return [(int(found) - rules.first_index, one) for one in named for found in _ids(one, rules.id_at, known)]


def _ids(one: Any, place: str, known: Callable[[Any], bool]) -> Sequence[Any]:
    """What *one* names, at least one thing, each of which must be *known*."""
    found = find(one, place)
    ids = found if isinstance(found, list) else [found]
    strange = [one for one in ids if one is MISSING or one is None or not known(one)]
    if strange or not ids:
        which = "no row" if not ids or strange[0] is MISSING else f"a row {strange[0]!r} that was not sent"
        raise CallFailed(f"the answer names {which} at {place!r}{_shown(one)}", hint=UNKNOWN)
    return ids


def _add(verdicts: dict[int, Verdict], errors: Mapping[int, Verdict]) -> None:
    for index, verdict in errors.items():
        if isinstance(verdicts.get(index), Delivered) and not isinstance(verdict, Delivered):
            raise CallFailed(f"the answer says of row {index} that it was taken, and names an error of it", hint=UNKNOWN)
        verdicts.setdefault(index, verdict)


def _check_count(said: Any, answer: Answer, results: Sequence[Verdict]) -> None:
    if not answer.count_at:
        return
    told, delivered = find(said, answer.count_at), sum(isinstance(result, Delivered) for result in results)
    if str(told) != str(delivered):
        raise CallFailed(f"the answer counts {told!r} rows at {answer.count_at!r}, and {delivered} were delivered by all else it says", hint=UNKNOWN)
