"""How often a thread has waited: what tells a call that waits for its destination from one whose processor was taken away."""

from __future__ import annotations

import sys
import time

if sys.platform == "linux":
    from resource import RUSAGE_THREAD, getrusage


def waits_so_far() -> int:
    """How often the thread that asks has given up its processor in order to wait; where the system does not count that, time that passes counts as waiting."""
    return getrusage(RUSAGE_THREAD).ru_nvcsw if sys.platform == "linux" else time.perf_counter_ns()
