"""One owner (L8): two processes on one pipeline, owners that die, signals, and batch sizes that change between runs."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sinkkit
from sinkkit import Halt
from sinkkit.errors import ConfigError, DeliveryFailed, PipelineLocked

SLOW = """
import sys, time
import sinkkit
from pathlib import Path

@sinkkit.destination(batch_size=1, workers=1)
def crm(items, table):
    with open("sent.txt", "a") as file:
        file.write(f"{items[0]['n']}\\n")
    print("called", flush=True)
    sys.stdin.readline()

sinkkit.pipeline("slow", destination=crm, progress="off", drain=20).run([{"n": number} for number in range(3)])
"""


@pytest.fixture
def slow():
    """Another process in the middle of its first call; it makes a call for each line it is sent."""
    process = subprocess.Popen([sys.executable, "-c", SLOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    assert process.stdout.readline() == "called\n"
    with process:
        yield process
        if process.poll() is None:
            process.kill()


def sent():
    """What the other process sent, by number."""
    return [int(line) for line in Path("sent.txt").read_text().split()]


def test_a_second_process_is_told_who_owns_the_pipeline(slow, make, memory, rows):
    """It sends nothing and can look; the first one delivers each row once."""
    with pytest.raises(PipelineLocked, match=f"pipeline 'slow' is owned by process {slow.pid} on ") as refused:
        make("slow").run(rows(3))
    state = make("slow").state()
    slow.communicate("\n\n\n", timeout=30)

    assert "wait for it to end" in refused.value.hint
    assert f"process {slow.pid}" in state.owner
    assert [package.total.extracted for package in state.pending] == [3]
    assert memory.calls == []
    assert sent() == [0, 1, 2]
    assert make("slow").state().owner is None


def test_a_dead_owner_holds_nothing(slow, make, memory, rows):
    """After kill -9 the next process resumes; only the row in flight goes out again."""
    slow.kill()
    slow.wait(30)

    info = make("slow").run(rows(3))

    assert sent() == [0]
    assert memory.rows == rows(3)
    assert [info.total.resent, info.total.delivered, info.data_taken] == [1, 3, False]


SIGNALLED = """
import os, sys, threading
import sinkkit

@sinkkit.destination(batch_size=1, workers=1)
def crm(items, table):
    print(items[0]["n"], flush=True)
    os.kill(os.getpid(), int(sys.argv[1]))
    threading.Event().wait(0.3)

sinkkit.pipeline("p", destination=crm, progress="off").run([{"n": number} for number in range(3)])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_running_calls_end(make, memory, rows, number):
    """The call that runs is settled, the rest stays pending, and nothing is sent twice."""
    done = subprocess.run([sys.executable, "-c", SIGNALLED, str(int(number))], capture_output=True, text=True, check=False)
    info = make().resume()

    assert done.returncode == {signal.SIGINT: -signal.SIGINT, signal.SIGTERM: 130}[number]
    assert done.stdout == "0\n"
    assert memory.rows == rows(2, first=1)
    assert [info.total.resent, info.total.delivered] == [0, 3]


@pytest.mark.parametrize(("before", "after"), [(10, 3), (3, 10), (7, 50), (10, 1)])
@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_a_batch_size_may_change_between_two_runs(rows, before, after, file_format):
    """What was planned goes out as it was planned, the rest in the new size; no row twice."""
    got, stops = [], [None, Halt("stop")]

    @sinkkit.destination(batch_size=before, workers=1, loader_file_format=file_format)
    def crm(items, table):
        stop = stops.pop(0) if stops else None
        if stop is not None:
            raise stop
        got.extend(items if isinstance(items, list) else items.to_pylist())

    with pytest.raises(DeliveryFailed):
        sinkkit.pipeline("p", destination=crm, progress="off").run(rows(50))
    done = len(got)
    info = sinkkit.pipeline("p", destination=crm(batch_size=after), progress="off").resume()

    assert done == before
    assert got == rows(50)
    assert [info.total.delivered, info.total.resent] == [50, 0]


def test_a_part_of_a_file_is_never_given_as_a_path(rows):
    """Once rows of a package went out in batches, it is finished in batches; that is said, and nothing is sent."""
    got, stops = [], [None, Halt("stop")]

    @sinkkit.destination(batch_size=10, workers=1)
    def crm(items, table):
        stop = stops.pop(0) if stops else None
        if stop is not None:
            raise stop
        got.append(items)

    with pytest.raises(DeliveryFailed):
        sinkkit.pipeline("p", destination=crm, progress="off").run(rows(50))
    with pytest.raises(ConfigError, match="was begun in batches") as refused:
        sinkkit.pipeline("p", destination=crm(batch_size=0), progress="off").resume()
    info = sinkkit.pipeline("p", destination=crm, progress="off").resume()

    assert "batch_size" in refused.value.hint
    assert [row for batch in got for row in batch] == rows(50)
    assert info.total.delivered == 50
