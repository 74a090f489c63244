"""Signals while coroutines run: they may finish, are cancelled when that takes too long, and cannot hold the process by blocking the loop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

PROGRAM = """
import asyncio, json, sys, threading, sinkkit
how, calls = sys.argv[2], []
@sinkkit.destination(batch_size=1, workers=2)
async def sink(items):
    calls.append(items[0]["value"])
    if how == "resume":
        print("called", items[0]["value"], flush=True)
        return
    if len(calls) == 1:  # the second slot comes when the first call waits
        while len(calls) < 2:
            await asyncio.sleep(0.001)
    print("calling", flush=True)
    if how == "block":
        threading.Event().wait(60)
    try:
        await asyncio.sleep(0.6 if how == "short" else 60)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise
    print("called", items[0]["value"], flush=True)
pipeline = sinkkit.pipeline("p", destination=sink, pipelines_dir=sys.argv[1], progress="off", drain={drain})
try:
    info = pipeline.resume() if how == "resume" else pipeline.run(range(20), table_name="t")
    print(json.dumps(info.asdict()["tables"]["t"]))
except BaseException as error:
    print(type(error).__name__, flush=True)
    raise
"""


@contextmanager
def started(folder, how, *, drain, calls=2):
    """A run in a process of its own, once *calls* of its calls are running."""
    command = [sys.executable, "-c", PROGRAM.format(drain=drain), str(folder), how]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert [process.stdout.readline() for _ in range(calls)] == ["calling\n"] * calls
        yield process
    finally:
        process.kill()
        process.communicate()


def resumed(folder):
    """The counts after a resume, and the rows it called for."""
    command = [sys.executable, "-c", PROGRAM.format(drain=5), str(folder), "resume"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    return json.loads(lines[-1]), sorted(int(line.split()[1]) for line in lines[:-1])


def test_running_coroutines_may_finish(tmp_path):
    """After a signal no call starts, those running are settled, the rest stays pending."""
    with started(tmp_path, "short", drain=20) as process:
        os.kill(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
        counts, called = resumed(tmp_path)

    assert sorted(output.splitlines()) == ["SystemExit", "called 0", "called 1"]
    assert process.returncode == 130
    assert (called, counts["delivered"], counts["resent"]) == (list(range(2, 20)), 20, 0)


def test_coroutines_that_take_too_long_are_cancelled(tmp_path):
    """After `drain` seconds running calls are cancelled, so that they can clean up; whether they arrived is unknown."""
    with started(tmp_path, "long", drain=0.2) as process:
        os.kill(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=20)
        counts, called = resumed(tmp_path)

    assert output.splitlines() == ["cancelled", "cancelled", "KeyboardInterrupt"]
    assert "was destroyed" not in errors
    assert (called, counts["delivered"], counts["resent"]) == (list(range(20)), 20, 2)


def test_a_blocked_loop_does_not_hold_the_process(tmp_path):
    """A coroutine that never lets the loop go on cannot be cancelled: the run ends without it, and the next one goes on."""
    with started(tmp_path, "block", drain=0.2, calls=1) as process:
        began = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
        took = time.monotonic() - began
        counts, called = resumed(tmp_path)

    assert output.splitlines() == ["SystemExit"]
    assert took < 20
    assert (called, counts["delivered"]) == (list(range(20)), 20)
    assert counts["resent"] in {1, 2}


def test_a_second_signal_cancels_at_once(tmp_path):
    """Who asks twice does not wait for the running calls."""
    with started(tmp_path, "long", drain=30) as process:
        began = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)
        took = time.monotonic() - began
        counts, _ = resumed(tmp_path)

    assert took < 15
    assert (counts["delivered"], counts["resent"]) == (20, 2)
