"""The API of the demo, in a process of its own: it takes contacts, misbehaves now and then, and remembers every request.

It is told what to do by lines on standard input, and answers each with one line of JSON on standard output:
``rows N`` waits until N rows have arrived, ``count`` tells how many requests there were, ``record`` tells all of them.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sinkkit.testing import Answer, Drop, Fault, MisbehavingApi, Request, TooMany

LATENCY = 0.04
"""Seconds an ordinary answer takes."""

PAUSE = 1
"""Seconds asked for by each ``Retry-After``."""

LONGEST_WAIT = 60.0

FAULTS: dict[int, Fault] = {
    12: Drop.after,
    25: TooMany(retry_after=PAUSE),
    41: Answer(503),
    55: Drop.after,
    70: TooMany(retry_after=PAUSE),
    95: Answer(503),
    120: Drop.after,
    135: TooMany(retry_after=PAUSE),
    150: Answer(503),
    170: Drop.after,
}
"""What happens to which request, by its number from 0; all others are processed and answered 200."""


def serve() -> None:
    """Serve until standard input ends."""
    with MisbehavingApi(lambda number, _: FAULTS.get(number), latency=LATENCY) as api:
        _say({"url": api.url})
        for line in sys.stdin:
            word, _, argument = line.strip().partition(" ")
            if word == "rows":
                wanted = int(argument)
                api.wait_until(lambda api, wanted=wanted: len(api.received) >= wanted, LONGEST_WAIT)  # type: ignore[misc]  # a default binds the loop's value
            _say([_entry(request) for request in api.requests] if word == "record" else {"requests": len(api.requests), "rows": len(api.received)})


def _say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _entry(request: Request) -> dict[str, Any]:
    names = ("number", "arrived", "status", "processed", "key", "rows")
    return {name: getattr(request, name) for name in names}


if __name__ == "__main__":
    serve()
