"""What a destination may say to one call, as values: what it proves, and how a function of a user's passes it on."""

from __future__ import annotations

from email.utils import formatdate

import attrs

from sinkkit import Delivered, Halt, Outcome, Reject, Rejected, Retry, RetryLater
from sinkkit.rows import ALL_DELIVERED


@attrs.frozen
class Answer:
    """The part of a response that errors of HTTP libraries carry."""

    status_code: int
    text: str = ""
    headers: dict[str, str] = attrs.field(factory=dict)


class HTTPStatusError(Exception):
    """An error as httpx and requests raise it for a status; sinkkit knows them by their names."""

    def __init__(self, response):
        super().__init__(f"status {response.status_code}")
        self.response = response


@attrs.define(kw_only=True)
class Reply:
    """What became of one call.

    Attributes:
        said: What it proves: answered, refused, too large, absent, ambiguous, stop, bug, not there or unprobed.
        error: What the function raises, if it does.
        outcome: What it returns otherwise.
        reason: The destination's own words for a refusal.
        status: The HTTP status of a refusal.
        after: Seconds without calls that were asked for, from its arrival on.
        until: Until when that was, if it was said as a date; seconds since the epoch.
        rejected: Position to reason.
        retry: Positions to send again.
        receipts: Position to receipt.
        numbers: The number returned under "sent".
        wrote: Whether an earlier request of the same call did something.
    """

    said: str
    error: BaseException | None = None
    outcome: object = ALL_DELIVERED
    reason: str = ""
    status: int | None = None
    after: float | None = None
    until: float | None = None
    rejected: dict[int, str] = attrs.field(factory=dict)
    retry: tuple[int, ...] = ()
    receipts: dict[int, str] = attrs.field(factory=dict)
    numbers: int = 0
    wrote: bool = False

    def __str__(self):
        parts = [self.said, *([repr(self.error)] if self.error else []), *([f"after {self.after:g}"] if self.after else [])]
        named = {"rejected": list(self.rejected), "retry": list(self.retry)}
        return ", ".join([*parts, *(f"{name} {rows}" for name, rows in named.items() if rows)])

    def give(self):
        """Return or raise it, as a function does."""
        if self.error is not None:
            raise self.error
        return self.outcome


def status(code, said, text="", *, after=None, wall=0.0, as_date=False):
    """The error of an HTTP status; *after* goes out as ``Retry-After``, in seconds or as a date, which has no fractions."""
    headers, until = {}, None
    if after is not None and as_date:
        headers = {"Retry-After": formatdate(wall + after, usegmt=True)}
        until = float(int(wall + after))
    elif after is not None:
        headers = {"retry-after": f"{after:g}"}
    reason = f"HTTP {code}" + (f": {text}" if text else "")
    return Reply(said=said, error=HTTPStatusError(Answer(code, text, headers)), reason=reason, status=code, after=after, until=until)


def refusal(chance, text="no"):
    """A definite refusal of a whole request, for *text*."""
    code = chance.choice([400, 404, 410, 422, 501, 505, None])
    if code is None:
        return Reply(said="refused", error=Reject(text), reason=text)
    return status(code, "refused", text)


def no_connection(chance):
    """The request never left."""
    return Reply(said="absent", error=chance.choice([ConnectionRefusedError, name_not_found])("nobody there"))


def name_not_found(text):
    """A name that nobody knows, as it comes wrapped in an error of a library."""
    import socket

    return socket.gaierror(text)


def no_answer(chance):
    """The request left, and nothing came back."""
    return Reply(said="ambiguous", error=chance.choice([TimeoutError, ConnectionResetError, BrokenPipeError])("no answer"))


def server_error(chance, wall):
    """A status that says nothing of what the request did; some bear ``Retry-After``."""
    after = chance.choice([None, None, 4.0])
    return status(chance.choice([408, 500, 502, 504, 507, 520]), "ambiguous", "oops", after=after, wall=wall)


def busy(chance):
    """A status that says that nothing was done, without a time."""
    return status(chance.choice([423, 425, 429, 503]), "absent", "busy")


def busy_until(chance, wall):
    """The same with a time, in one of its two forms."""
    after = chance.choice([0.5, 7.0, 90.0])
    return status(chance.choice([429, 503]), "absent", "busy", after=after, wall=wall, as_date=chance.random() < 0.5)


def later(chance):
    """The function says that nothing arrived."""
    after = chance.choice([None, 0, 3.0, 40])
    return Reply(said="absent", error=RetryLater("not now", after=after), after=after)


def stop(chance):
    """Something that somebody has to mend before anything more is sent."""
    code = chance.choice([401, 403, 407, 302, None])
    return Reply(said="stop", error=Halt("wrong key")) if code is None else status(code, "stop", "who are you?")


def bug(chance):
    """An error of the function's own."""
    return Reply(said="bug", error=chance.choice([ZeroDivisionError, KeyError, SystemExit, GeneratorExit])("a bug"))


def answered(chance, rows, rejected, retry):
    """What a function returns for *rows* rows: as little as it may, or more."""
    named = {"rejected": rejected, "retry": retry}
    receipts, numbers, after = {}, 0, chance.choice([None, None, 2.0]) if retry else None
    if chance.random() < 0.3:
        receipts = {i: f"id-{chance.randrange(10**9)}" for i in range(rows) if i not in rejected and i not in retry and chance.random() < 0.9}
    if chance.random() < 0.3:
        numbers = chance.randint(1, 9)
    if chance.random() < 0.3:
        outcome = attrs.evolve(reported(rows, rejected, retry, receipts, after), metrics={"sent": numbers} if numbers else {})
    elif rejected or retry or receipts or numbers:
        outcome = Outcome(rejected, retry, receipts, metrics={"sent": numbers} if numbers else {}, retry_after=after)
    else:
        outcome = ALL_DELIVERED
    return Reply(said="answered", outcome=outcome, receipts=receipts, numbers=numbers, **{**named, "retry": tuple(retry)})


def reported(rows, rejected, retry, receipts, after):
    """The same with every row named."""
    entries = [Delivered(receipts.get(i)) for i in range(rows)]
    for i in retry:
        entries[i] = Retry(after=after)
    for i, reason in rejected.items():
        entries[i] = Rejected(reason)
    return Outcome.reported(entries)


def wrong_length(chance, rows):
    """An answer with a row too many or too few."""
    return Reply(said="bug", outcome=Outcome.reported([Delivered()] * (rows + chance.choice([-1, 1]))))


def garbage(chance, rows):
    """An answer that names rows that are not there, one of them twice, or is none at all."""
    wrong = [Outcome({rows: "no such row"}), Outcome({0: "both"}, {0}), "done", Outcome(retry_after=-1), Outcome(receipts={-1: "x"})]
    return Reply(said="bug", outcome=chance.choice(wrong))
