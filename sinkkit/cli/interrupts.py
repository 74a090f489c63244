"""SIGTERM as Ctrl-C: an end that still cleans up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sinkkit.cli.answer import INTERRUPTED


@contextmanager
def terminating() -> Iterator[None]:
    """While the block runs, SIGTERM raises ``SystemExit(130)`` in it; delivery has handlers of its own meanwhile."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(INTERRUPTED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
