"""SIGINT and SIGTERM to real processes: running calls get their time, the journal knows, the run is resumable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

PROGRAM = """
import json, signal, sys, threading, sinkkit
told = threading.Event()
calls, lock = [], threading.Lock()
@sinkkit.destination(batch_size=1, workers=2)
def sink(items):
    with lock:
        calls.append(items[0]["value"])
        number = len(calls)
    if number <= 2 and sys.argv[2] != "resume":
        print("calling", flush=True)
        told.wait({seconds})
    with lock:
        print("called", items[0]["value"], flush=True)
before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
pipeline = sinkkit.pipeline("p", destination=sink, pipelines_dir=sys.argv[1], progress="off", drain={drain})
try:
    info = pipeline.resume() if sys.argv[2] == "resume" else pipeline.run(range(20), table_name="t")
    print(json.dumps(info.asdict()["tables"]["t"]))
except BaseException as error:
    same = before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    print(type(error).__name__, getattr(error, "code", ""), "handlers put back:", same, flush=True)
    raise
"""


@contextmanager
def started(folder, *, seconds, drain):
    """A run whose first two calls take *seconds*, once both are running."""
    code = PROGRAM.format(seconds=seconds, drain=drain)
    command = [sys.executable, "-c", code, str(folder), "run"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert [process.stdout.readline() for _ in range(2)] == ["calling\n"] * 2
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def resumed(folder):
    """The counts after a resume, and the rows it called for."""
    command = [sys.executable, "-c", PROGRAM.format(seconds=0, drain=5), str(folder), "resume"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    return json.loads(lines[-1]), [int(line.split()[1]) for line in lines[:-1]]


@pytest.mark.parametrize(("number", "name", "status"), [(signal.SIGINT, "KeyboardInterrupt ", -2), (signal.SIGTERM, "SystemExit 130", 130)])
def test_running_calls_may_finish(tmp_path, number, name, status):
    """After a signal no call starts, those running are settled, the rest stays pending, and the usual exception ends the program."""
    with started(tmp_path, seconds=0.6, drain=20) as process:
        os.kill(process.pid, number)
        output, _ = process.communicate(timeout=30)
        counts, called = resumed(tmp_path)

    assert output.splitlines()[2:] == [f"{name} handlers put back: True"]
    assert sorted(output.splitlines()[:2]) == ["called 0", "called 1"]
    assert process.returncode == status
    assert (sorted(called), counts["delivered"], counts["resent"]) == (list(range(2, 20)), 20, 0)


def test_calls_that_take_too_long_are_given_up(tmp_path):
    """When running calls need more than `drain` seconds, the run ends without them; they are unknown and sent again."""
    with started(tmp_path, seconds=30, drain=0.2) as process:
        began = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
        took = time.monotonic() - began
        counts, called = resumed(tmp_path)

    assert output.splitlines() == ["SystemExit 130 handlers put back: True"]
    assert took < 15
    assert (sorted(called), counts["delivered"], counts["resent"]) == (list(range(20)), 20, 2)


def test_a_second_signal_ends_it_now(tmp_path):
    """Who asks twice does not wait for the running calls."""
    with started(tmp_path, seconds=30, drain=30) as process:
        began = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)
        took = time.monotonic() - began
        counts, _ = resumed(tmp_path)

    assert took < 15
    assert (counts["delivered"], counts["resent"]) == (20, 2)
