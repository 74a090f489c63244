"""Events made visible: a live bar, plain lines, log records. rich and logging are imported only when chosen."""

from __future__ import annotations

from sinkkit.observers.choice import Progress, choose, combine

__all__ = ["Progress", "choose", "combine"]
