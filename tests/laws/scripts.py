"""What a destination may do to one call after another, as values that Hypothesis draws; and a destination that does it."""

from __future__ import annotations

from threading import Lock

import attrs
import httpx
from hypothesis import strategies as st

from sinkkit import Halt, Outcome, Reject, RetryLater

REQUEST = httpx.Request("POST", "http://crm.test/rows")


def status_error(status, **headers):
    """What `raise_for_status` raises."""
    response = httpx.Response(status, headers=headers, request=REQUEST, text="no")
    return httpx.HTTPStatusError(f"{status}", request=REQUEST, response=response)


ERRORS = {
    "retry later": lambda: RetryLater("busy"),
    "retry in a minute": lambda: RetryLater("busy", after=60),
    "cannot connect": lambda: httpx.ConnectError("refused"),
    "no answer": lambda: httpx.ReadTimeout("slow"),
    "429": lambda: status_error(429, **{"Retry-After": "7"}),
    "503": lambda: status_error(503),
    "500": lambda: status_error(500),
    "401": lambda: status_error(401),
    "400": lambda: status_error(400),
    "413": lambda: status_error(413),
    "reject": lambda: Reject("all wrong"),
    "halt": lambda: Halt("stop"),
    "bug": lambda: ZeroDivisionError("bug"),
    "exit": lambda: SystemExit(3),
}
"""By name, so that a failing example can be read."""

PARTS = ["retry first", "retry odd", "reject last", "reject and retry", "every row named", "numbers"]

STEPS = st.sampled_from(["ok", "ok", *ERRORS, *PARTS])


def part(step, rows):
    """The positions that an answer names: (rejected, retry)."""
    last = len(rows) - 1
    return {
        "retry first": ([], [0]),
        "retry odd": ([], list(range(1, len(rows), 2))),
        "reject last": ([last], []),
        "reject and retry": ([last], list(range(last))),
        "every row named": ([0], list(range(1, len(rows), 2))),
    }.get(step, ([], []))


def answer(step, rejected, retry, length):
    """The value that a function returns for it."""
    if step == "every row named":
        from sinkkit import Delivered, Rejected, Retry

        entries = [Delivered() for _ in range(length)]
        for index in retry:
            entries[index] = Retry()
        for index in rejected:
            entries[index] = Rejected("bad")
        return Outcome.reported(entries)
    if step == "numbers":
        return {"sent": length}
    return Outcome(rejected=dict.fromkeys(rejected, "bad"), retry=retry) if rejected or retry else None


@attrs.define
class Scripted:
    """A destination that follows a script, a step a call, and delivers once it has ended; it notes what it was told and said.

    Attributes:
        delivered: Ids of the rows in calls that succeeded, less those their answer named otherwise.
        rejected: Ids that an answer named as rejected.
        keys: The ids that each key came with, in the order of the calls.
        ambiguous: Keys of calls that ended so that nobody knows.
    """

    script: list[str]
    delivered: list[int] = attrs.field(factory=list)
    rejected: list[int] = attrs.field(factory=list)
    keys: list[tuple[str, list[int]]] = attrs.field(factory=list)
    ambiguous: list[str] = attrs.field(factory=list)
    _calls: int = 0
    _lock: object = attrs.field(factory=Lock)

    def __call__(self, items, batch):
        """One call."""
        ids = [row["id"] for row in items]
        with self._lock:
            step = self.script[self._calls] if self._calls < len(self.script) else "ok"
            self._calls += 1
            self.keys.append((batch.key, ids))
            if step in ERRORS:
                if step in {"no answer", "500", "bug", "exit"}:
                    self.ambiguous.append(batch.key)
                raise ERRORS[step]()  # noqa: RSE102  # a new error each time
            rejected, retry = part(step, ids)
            self.rejected += [ids[i] for i in rejected]
            self.delivered += [row for i, row in enumerate(ids) if i not in rejected and i not in retry]
            return answer(step, rejected, retry, len(ids))


def destination_of(scripted, **options):
    """*scripted* as a destination."""
    import sinkkit

    def sink(items: list[dict], batch: sinkkit.Batch):
        return scripted(items, batch)

    return sinkkit.destination(name="crm", durability="process", **options)(sink)
