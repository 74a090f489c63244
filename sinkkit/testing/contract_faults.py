"""What a destination has to keep where the API fails, each promise as a function that says how it is broken.

Each takes the author's hooks and an empty folder, and returns why it cannot be checked, or None: the promise is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sinkkit.rows import Retry
from sinkkit.runs.rejected.dead_letters import RejectedRow
from sinkkit.testing.answers import Answer, Drop, Fault, Request, TooMany
from sinkkit.testing.contract_hooks import Faulty, Hooks, PromiseBroken, number_of
from sinkkit.testing.contract_promises import ROWS
from sinkkit.testing.contract_run import SMALL_BATCH, as_declared, run
from sinkkit.testing.contract_seen import Seen, few, must_deliver

NOT_HTTP = "this destination does not talk to the API of the contract, which therefore cannot fail for it (http = False)"
NO_KEY = "its requests carry no key: after a lost answer the API cannot tell a repeat from new rows (set idempotency_header, or override key())"
NO_PARTS = "partly() does not say how the API refuses single rows of a request"
NO_PROBE = "the destination has no probe"

TOLERANCE_SECONDS = 0.01
"""How much too early the next call may seem to come, as two clocks are compared."""

REFUSED = (SMALL_BATCH + 2, SMALL_BATCH + 4)
"""The numbers of the rows that the API refuses: two of one call, and not its first."""


def errors_are_not_swallowed(hooks: Hooks, folder: Path) -> str | None:
    """What the API refuses, or fails to do, is never reported as delivered."""
    if not hooks.http:
        return NOT_HTTP
    faults: dict[str, Fault] = {
        "answered 500 to": Answer(500), "answered 400 to": Answer(400), "closed the connection after": Drop.before,
    }  # fmt: skip
    for number, (did, fault) in enumerate(faults.items()):
        result = run(hooks, folder / f"swallowed {number}", SMALL_BATCH, always(fault), retry=Retry(attempts=1))
        delivered = result.info.total.delivered
        if delivered:
            raise PromiseBroken(
                f"the API {did} every request, and the run reported {delivered} rows delivered: they are lost without a word\n"
                "  likely: the function swallows the error: call response.raise_for_status(), and let what the client raises pass"
            )
    return None


def a_refused_batch_becomes_dead_letters(hooks: Hooks, folder: Path) -> str | None:
    """A row for which the API refuses the request comes back with the API's own message, and its neighbours arrive."""
    if not hooks.http:
        return NOT_HTTP
    bad = REFUSED[0]
    message = f"row {bad} is refused by the contract"

    def refuse(_: int, request: Request) -> Fault | None:
        found = bad in [number_of(hooks, row) for row in request.rows]
        return Answer(422, body={"error": message}) if found else None

    result = run(hooks, folder / "refused", ROWS, refuse, on_reject="bisect")
    together = list(range(SMALL_BATCH, 2 * SMALL_BATCH)) if result.options.batch_size == 0 else [bad]
    _judge_letters(result, dict.fromkeys(together, message), "the API answered 422 to requests with one row")
    return None


def refused_rows_become_dead_letters(hooks: Hooks, folder: Path) -> str | None:
    """Rows that the API refuses in an answer that means success for the others come back, each with its message."""
    if not hooks.http:
        return NOT_HTTP
    messages = {number: f"row {number} is refused by the contract" for number in REFUSED}
    played: list[bool] = []

    def refuse(_: int, request: Request) -> Fault | None:
        numbers = [number_of(hooks, row) for row in request.rows]
        refused = {index: messages[number] for index, number in enumerate(numbers) if number in messages}
        answer = hooks.partly(request, refused) if refused else None
        if refused:
            played.append(answer is not None)
        return answer

    result = run(hooks, folder / "partly", ROWS, refuse)
    if played and not all(played):
        return NO_PARTS
    _judge_letters(result, messages, "the API refused two rows of a request and took the others")
    return None


def _judge_letters(result: Seen, wanted: Mapping[int, str], when: str) -> None:
    """Hold the dead letters to *wanted*, number to message; all others are delivered."""
    letters: dict[int, RejectedRow] = {letter.index: letter for letter in result.letters}
    if result.failure is not None:
        raise PromiseBroken(
            f"{when}, and the run halted: {result.failure.message}\n"
            "  likely: the function raises something else than the client's status error or sinkkit.Reject; or makes more than one request a call"
        ) from result.cause
    if sorted(letters) != sorted(wanted):
        raise PromiseBroken(
            f"{when}: refused were rows {few(sorted(wanted))}, and dead letters are rows {few(sorted(letters)) or 'none'}\n"
            "  likely: the function does not look at what the answer says of each row, or counts rows from 1; name them by their index in items"
        )
    for number, message in wanted.items():
        if message not in letters[number].reason:
            raise PromiseBroken(
                f"{when}: the API said {message!r} of row {number}, and its dead letter says {letters[number].reason!r}\n"
                "  likely: the function gives a reason of its own; hand on the API's, people need it to mend the row"
            )
    lost = sorted(set(result.missing(ROWS)) - set(wanted))
    if lost:
        raise PromiseBroken(f"{when}: rows {few(lost)}, which were not refused, never arrived\n  likely: the function stops at the first refused row")


def a_failed_call_is_tried_again(hooks: Hooks, folder: Path) -> str | None:
    """What did not arrive is sent again until it does, once."""
    if not hooks.http:
        return NOT_HTTP
    result = run(hooks, folder / "again", ROWS, first(Answer(503), Drop.before))
    when = "after an answer 503 and a lost connection"
    must_deliver(result, ROWS, when)
    if result.twice:
        raise PromiseBroken(
            f"{when}, though nothing had arrived, rows arrived more than once: rows {few(result.twice)}\n"
            "  likely: the function tries again by itself beside sinkkit, or sends a call's rows in several requests"
        )
    return None


def a_lost_answer_is_repeated_under_its_key(hooks: Hooks, folder: Path) -> str | None:
    """Where the API did the work and its answer was lost, the same rows go again, under the same key, and no others."""
    if not hooks.http:
        return NOT_HTTP
    result = run(hooks, folder / "lost", ROWS, first(Drop.after, Answer(500, processed=True)))
    must_deliver(result, ROWS, "after lost answers")
    return same_keys(result, "after lost answers")


def same_keys(result: Seen, when: str) -> str | None:
    """Hold repeated rows to one key; returns why that cannot be checked.

    Raises:
        PromiseBroken: If a row was sent under two keys, or one key came with different rows.
    """
    keys: dict[int, list[str | None]] = {}
    rows: dict[str, list[int]] = {}
    for sent in result.sent:
        if sent.key is not None and rows.setdefault(sent.key, list(sent.numbers)) != list(sent.numbers):
            raise PromiseBroken(
                f"{when}, key {sent.key!r} came with rows {few(rows[sent.key])} and with rows {few(sent.numbers)}: an API that honours keys drops the second\n"
                "  likely: the key does not depend on the rows; send batch.key"
            )
        for number in sent.numbers:
            keys.setdefault(number, []).append(sent.key)
    several = [number for number, used in sorted(keys.items()) if len(set(used)) > 1]
    if several:
        used = keys[several[0]]
        raise PromiseBroken(
            f"{when}, rows {few(several)} were sent again under another key ({used[0]!r}, then {used[-1]!r}): an API that honours keys takes them twice\n"
            "  likely: the function makes a key of its own, or tries again by itself; send batch.key, or set idempotency_header and use the injected client"
        )
    return NO_KEY if all(key is None for used in keys.values() for key in used) else None


def retry_after_is_obeyed(hooks: Hooks, folder: Path) -> str | None:
    """No request comes before the time has passed that the API asked for."""
    if not hooks.http:
        return NOT_HTTP
    seconds = hooks.pause_seconds
    result = run(hooks, folder / "pause", ROWS, first(TooMany(retry_after=seconds)))
    must_deliver(result, ROWS, "after an answer 429")
    waited = result.sent[1].at - result.sent[0].at
    if waited < seconds - TOLERANCE_SECONDS:
        raise PromiseBroken(
            f"the API answered 429 with Retry-After: {seconds:g}, and the next request came after {waited:.2f} s\n"
            "  likely: the function tries again by itself, or makes an error of its own out of the client's: let it pass, or raise RetryLater(why, after=seconds)"
        )
    return None


def an_expired_login_stops_the_run(hooks: Hooks, folder: Path) -> str | None:
    """An answer 401 ends the run at once: no dead letters, no further calls."""
    if not hooks.http:
        return NOT_HTTP
    result = run(hooks, folder / "login", ROWS, always(Answer(401)), on_reject="keep")
    calls, rejected = result.info.calls, result.info.total.rejected
    if calls != 1 or rejected or result.info.total.delivered:
        raise PromiseBroken(
            f"the API answered 401 to every request, and the run made {calls} calls, with {rejected} dead letters and "
            f"{result.info.total.delivered} rows reported delivered\n"
            "  likely: the function makes Reject or RetryLater out of every error: let the client's error pass, or raise sinkkit.Halt"
        )
    return None


def a_probe_tells_what_arrived(hooks: Hooks, folder: Path) -> str | None:
    """The probe says of a batch that arrived that it did, and of one that did not that it did not."""
    if not hooks.http:
        return NOT_HTTP
    if not as_declared(hooks, folder / "declared").destination.declared.can_probe:
        return NO_PROBE
    hint = "  likely: the probe looks for something else than what was sent; or answer(self, api, request) does not answer it as the API would"
    result = run(hooks, folder / "arrived", ROWS, first(Drop.after), on_unknown="probe")
    if result.failure is not None:
        raise PromiseBroken(f"the probe was asked for rows that had arrived, and the run halted: {result.failure.message}\n{hint}") from result.cause
    if result.twice:
        raise PromiseBroken(f"rows {few(result.twice)} had arrived, the probe said that they had not, and they arrived twice\n{hint}")
    result = run(hooks, folder / "not arrived", ROWS, first(Drop.before), on_unknown="probe")
    lost = result.missing(ROWS)
    if lost:
        raise PromiseBroken(f"rows {few(lost)} had not arrived, the probe said that they had, and they are lost\n{hint}")
    return None


def always(fault: Fault) -> Faulty:
    """Every request meets *fault*."""
    return lambda _number, _request: fault


def first(*faults: Fault) -> Faulty:
    """The first requests meet *faults*, in order; then all is well."""
    return lambda number, _request: faults[number] if number < len(faults) else None
