"""The rate limit of a run: one of its own, or one that it shares with other processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sinkkit.clock import Clock
from sinkkit.declaration.opening import Ready
from sinkkit.delivery.limits.limiter import Limiter, Limits
from sinkkit.runs.location import limits_folder


@contextmanager
def limiting(ready: Ready | None, clock: Clock) -> Iterator[Limits | None]:
    """What lets the calls of a run start, for all its packages; None where nothing limits them.

    Raises:
        JournalError: If the file of a shared limit cannot be used; nothing was sent.
    """
    limit = None if ready is None else ready.options.rate_limit
    if limit is None or limit.shared is None:
        yield None if limit is None else Limiter(limit)
        return
    from sinkkit.delivery.limits.shared_limits import open_shared

    with closing(open_shared(limit, limits_folder(), clock)) as shared:
        yield shared
