"""Law: a job is submitted once for each batch, whenever the process is killed, unless that was between its submission and its note."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

SCRIPT = """
import os, signal, sys, threading
import sinkkit

deadly, lock, passed = int(sys.argv[1]), threading.Lock(), 0


def step(what):
    global passed
    with lock:
        with open("log", "a") as log:
            log.write(what + "\\n")
        passed += 1
        if passed == deadly:
            os.kill(os.getpid(), signal.SIGKILL)


@sinkkit.destination(batch_size=2, workers=2)
def jobs(items, batch: sinkkit.Batch):
    rows = "-".join(str(row["value"]) for row in items)
    if batch.note is None:
        step("submitted " + rows)
        batch.remember("job of " + rows)
        step("noted " + rows)
    assert batch.note == "job of " + rows
    step("asked " + rows)
    with open("log") as log:
        if log.read().count("asked " + rows) < 3:
            raise sinkkit.StillRunning("running", after=0.001)


pipeline = sinkkit.pipeline("p", destination=jobs, pipelines_dir="pipelines")
info = pipeline.run(range(8), table_name="t", run_id="once")
print(info.tables["t"].delivered, info.tables["t"].resent)
"""


def run(deadly):
    """One run of the script, killed at its step number *deadly*."""
    return subprocess.run([sys.executable, "script.py", str(deadly)], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("deadly", [1, 2, 3, 4, 6, 9, 12])
def test_one_submission_a_batch(deadly):
    """Killed at a step of its calls, twice, and run again, the pipeline submits no batch twice that was noted."""
    Path("script.py").write_text(SCRIPT)
    ended = [run(deadly).returncode, run(deadly).returncode, run(0)]
    lines = Path("log").read_text().splitlines()
    submitted = Counter(line.split()[1] for line in lines if line.startswith("submitted"))

    assert ended[2].returncode == 0, ended[2].stderr
    assert ended[2].stdout.split()[0] == "8"
    assert sorted(submitted) == ["0-1", "2-3", "4-5", "6-7"]
    for batch, times in submitted.items():
        known = min(lines.index(line) for line in lines if line in (f"noted {batch}", f"asked {batch}"))
        assert lines[known:].count(f"submitted {batch}") == 0
        assert times <= 3  # once, and once for each kill before it was noted
