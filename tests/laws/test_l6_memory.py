"""Law L6: peak memory does not grow with the number of rows. `python tests/laws/memory.py` tries 10 million."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from memory import LIMIT_MIB

NOISE_MIB = 25
"""What allocators and the timing of threads make of the same run."""


def peak(rows):
    """MiB over the import for a run of *rows* rows."""
    script = Path(__file__).with_name("memory.py")
    done = subprocess.run([sys.executable, str(script), "--rows", str(rows)], capture_output=True, text=True, check=True, timeout=300)
    return float(done.stdout)


def test_it_does_not_grow_with_the_rows():
    """A run of three times the rows takes no more memory, and both stay within the limit."""
    small, large = peak(300_000), peak(1_000_000)

    assert large < LIMIT_MIB
    assert large - small < NOISE_MIB
