"""A command line in a process of its own, and a module of destinations beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

MODULE = '''
"""Destinations and resources that the tests name."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import sinkkit
from sinkkit import Outcome, Secret


def append(items, name="sent.jsonl"):
    with Path(name).open("a") as file:
        file.write("".join(json.dumps(row) + "\\n" for row in items))


@sinkkit.destination(batch_size=10, workers=1)
def good(items, table):
    print("a destination may print")
    append(items)


@sinkkit.destination(batch_size=10, workers=1)
def bug(items, table):
    raise KeyError("email")


@sinkkit.destination(batch_size=10, workers=1)
def picky(items, table):
    append(items[1:])
    return Outcome(rejected={0: "bad e-mail \\x1b[31m"})


@sinkkit.destination(batch_size=20, workers=1)
def needy(items, api_key: Secret, url: str = sinkkit.config.value, region: str = "eu"):
    pass


@sinkkit.destination(batch_size=10, workers=1)
def leaky(items, api_key: Secret):
    raise RuntimeError(f"bad key {api_key.reveal()}")


@sinkkit.destination(batch_size=10, workers=1)
def mended(items, broken: bool = True):
    if broken:
        raise RuntimeError("not yet")
    append(items)


@sinkkit.destination(batch_size=10, workers=1)
def stopped(items, table, batch: sinkkit.Batch, number: int = signal.SIGINT):
    append(items)
    if batch.rows[0] == 20 and number:
        os.kill(os.getpid(), number)
        threading.Event().wait(1)  # a call that is still running while the signal is dealt with


@sinkkit.destination(batch_size=10, workers=1)
def twice(items, table, batch: sinkkit.Batch):
    if batch.rows[0] == 0:
        command = [sys.executable, "-m", "sinkkit", "run", "sinks.twice", "sinks.fifty"]
        done = subprocess.run(command, capture_output=True, text=True)
        Path("second.json").write_text(json.dumps([done.returncode, done.stderr]))


@sinkkit.resource
def fifty():
    yield from ({"id": number} for number in range(50))


@sinkkit.resource
def breaks():
    yield from ({"id": number} for number in range(5000))
    raise ValueError("the database went away")


@sinkkit.resource
def terminated():
    yield from ({"id": number} for number in range(50))
    os.kill(os.getpid(), signal.SIGTERM)
    yield from ({"id": number} for number in range(50, 100_000))


number = 3
'''


@attrs.frozen
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


@pytest.fixture
def sinkkit_command(tmp_path, monkeypatch):
    """Runs `sinkkit` with arguments, as a user does, in a folder with the module ``sinks``."""
    monkeypatch.setenv("SINKKIT_PIPELINES_DIR", str(tmp_path / "state"))
    (tmp_path / "sinks.py").write_text(MODULE)

    def command(*arguments, stdin=None, cwd=None, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "sinkkit", *arguments],
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**os.environ, **environment},
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return command


@pytest.fixture
def sent(tmp_path):
    """Reads the rows that arrived."""

    def read(name="sent.jsonl"):
        path = Path(tmp_path / name)
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    return read
