"""What a misbehaving API may do to a request, as values, and the policies that choose among them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from threading import Lock
from typing import Any, TypeAlias

import attrs

from sinkkit.errors import ConfigError

SUCCESS = range(200, 300)
"""The statuses that say a request was done (RFC 9110, 15.3)."""


@attrs.frozen
class Answer:
    """This answer, whatever was asked.

    Attributes:
        status: The status code.
        headers: Further headers.
        body: Bytes or text, sent as they are; anything else is sent as JSON; None: a short JSON text that names the status.
        processed: Whether the rows count as received; None: they do if the status is 2xx. An answer 500 with
            ``processed=True`` is a destination that did the work and failed to say so.
    """

    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: Any = None
    processed: bool | None = attrs.field(default=None, kw_only=True)

    @property
    def processes(self) -> bool:
        """Whether the rows of the request count as received."""
        return self.status in SUCCESS if self.processed is None else self.processed

    def content(self) -> bytes:
        """The body as it is sent."""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        if self.body is not None:
            return json.dumps(self.body).encode()
        return b'{"ok":true}' if self.status in SUCCESS else json.dumps({"error": phrase(self.status)}).encode()


class Drop(Enum):
    """The connection is closed without an answer: *before* the rows were processed, or *after*."""

    before = "before"
    after = "after"


@attrs.frozen
class TooMany:
    """Refused for now, nothing processed.

    Attributes:
        retry_after: The value of ``Retry-After``: seconds, or an HTTP date as text; None: no such header.
        status: The status code, 429 unless given.
    """

    retry_after: float | str | None = None
    status: int = 429

    def answer(self) -> Answer:
        """The answer this means."""
        if self.retry_after is None:
            return Answer(self.status, processed=False)
        value = self.retry_after if isinstance(self.retry_after, str) else f"{self.retry_after:g}"
        return Answer(self.status, {"Retry-After": value}, processed=False)


@attrs.frozen
class Slow:
    """Wait *seconds* of real time, then do what *then* says; None: process the rows and answer 200."""

    seconds: float
    then: Answer | Drop | TooMany | None = None


Fault: TypeAlias = Answer | Drop | Slow | TooMany
"""What happens to a request instead of being processed and answered 200."""


@attrs.define(eq=False, kw_only=True)
class Request:
    """A request as the server got it.

    Attributes:
        number: From 0, in the order in which requests were read completely.
        method: ``POST`` and the like.
        path: The path with its query, as sent.
        headers: By lower-case name; repeated ones joined by a comma.
        body: As it came over the wire.
        rows: The rows in it: the elements of a JSON array, one row for a JSON object, one a line for JSON Lines.
        key: The idempotency key, if there was one.
        arrived: Seconds on the server's clock when it was read completely.
        processed: Whether its rows count as received.
        repeated: Whether the server had processed this key before, and honours keys: its rows were not received again.
        status: The status that was answered; None: none yet, or the connection was dropped.
    """

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    rows: list[Any] = attrs.field(repr=False)
    key: str | None
    arrived: float
    processed: bool = False
    repeated: bool = False
    status: int | None = None


Policy: TypeAlias = Callable[[int, Request], Fault | None]
"""Called with the number of the request, from 0, and the request; None: process it and answer 200."""

Script: TypeAlias = Sequence[Fault | None] | Policy
"""Faults for the first requests in order, after which all is well; or a policy."""


def phrase(status: int) -> str:
    """The usual words for *status*, as RFC 9110 has them."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def policy_of(script: Script | None) -> Policy:
    """The policy that *script* stands for.

    Raises:
        ConfigError: If an entry of a list is no fault.
    """
    if script is None:
        return lambda _number, _request: None
    if callable(script):
        return script
    faults = [checked(fault, f"script[{index}]") for index, fault in enumerate(script)]
    return lambda number, _request: faults[number] if number < len(faults) else None


def checked(fault: Fault | None, place: str) -> Fault | None:
    """*fault* itself, if it is one.

    Raises:
        ConfigError: If it is not; *place* says where it came from.
    """
    if fault is None or isinstance(fault, Answer | Drop | Slow | TooMany):
        return fault
    raise ConfigError(
        f"{place} is {fault!r}, which is no fault", hint="use Answer(status), Drop.before, Drop.after, Slow(seconds), TooMany() or None"
    )


def random_faults(
    seed: int = 0,
    *,
    share_429: float = 0.05,
    share_503: float = 0.05,
    share_500: float = 0.0,
    share_drop_before: float = 0.02,
    share_drop_after: float = 0.02,
    share_slow: float = 0.0,
    retry_after: float | None = 0.05,
    slow_seconds: float = 0.1,
    most: int | None = None,
) -> Policy:
    """A policy that spoils a share of the requests, the same ones for the same *seed* and the same numbers.

    Args:
        seed: Chooses which requests.
        share_429: Answered 429 with *retry_after*.
        share_503: Answered 503, nothing processed.
        share_500: Answered 500 although the rows were processed.
        share_drop_before: Connection closed, nothing processed.
        share_drop_after: Connection closed although the rows were processed.
        share_slow: Processed and answered after *slow_seconds*.
        retry_after: Seconds in the ``Retry-After`` of a 429; None: no such header.
        slow_seconds: Seconds a slow answer takes.
        most: Spoil no more requests than this; None: no limit.

    Raises:
        ConfigError: If a share is negative or all together exceed 1.
    """
    shares: list[tuple[float, Fault]] = [
        (share_429, TooMany(retry_after)),
        (share_503, Answer(503)),
        (share_500, Answer(500, processed=True)),
        (share_drop_before, Drop.before),
        (share_drop_after, Drop.after),
        (share_slow, Slow(slow_seconds)),
    ]
    if any(share < 0 for share, _ in shares) or sum(share for share, _ in shares) > 1:
        raise ConfigError("the shares of random_faults() are no shares of a whole", hint="each is 0 or more, all together at most 1")
    spoiled = 0
    lock = Lock()

    def choose(number: int, _request: Request) -> Fault | None:
        nonlocal spoiled
        at = random.Random(f"{seed}:{number}").random()  # noqa: S311 - faults are to be repeatable, not secret
        for share, fault in shares:
            if at < share:
                with lock:
                    if most is not None and spoiled >= most:
                        return None
                    spoiled += 1
                return fault
            at -= share
        return None

    return choose
