"""Servers that nobody here wrote, started on a free port of loopback and stopped for sure, and a sender that is killed on its way to one."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

SETTINGS = Path(__file__).resolve().parents[2] / "examples" / "servers"
STARTS, LOOKS, SECONDS_A_LOOK = 3, 1_500, 0.02


def need(module, requirement):
    """Skip the test where the server is not installed."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: pip install {requirement!r}")


class ForeignServer:
    """A server in a process of its own; *command* makes its command line from a port, *folder* gets what it prints."""

    def __init__(self, command, folder):
        self.command, self.folder = command, folder
        self.process, self.port = None, 0

    @property
    def url(self):
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Start it, again on the port that it had; return once it answers."""
        for _ in range(STARTS):
            port = self.port or free_port()
            with (self.folder / "server.txt").open("a") as output:
                self.process = subprocess.Popen(
                    self.command(port), stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
                )
            if self.answers(f"http://127.0.0.1:{port}/"):
                self.port = port
                return self
            self.kill()  # somebody took the port meanwhile
        raise AssertionError((self.folder / "server.txt").read_text())

    def answers(self, url):
        """Wait until it answers anything; False if it ends or takes too long."""
        for _ in range(LOOKS):
            try:
                urllib.request.urlopen(url, timeout=5).close()
            except urllib.error.HTTPError:
                return True
            except OSError:
                if ended(self.process):
                    return False
            else:
                return True
        return False

    def kill(self):
        """End it as ``kill -9`` does, with whatever it started."""
        end(self.process)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


def wait_for(condition, process):
    """Wait until *condition()* holds, or *process* ended; for so long."""
    for _ in range(LOOKS):
        if condition() or ended(process):
            return
    raise AssertionError("it took too long")


def ended(process):
    """Whether *process* ended, looked at for a moment."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_A_LOOK)
    return process.poll() is not None


def end(process):
    """Kill *process* and all of its session, and wait until it is gone."""
    if process is not None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def configure(name, url, monkeypatch, *, changed=(), **settings):
    """Put the settings of examples/servers where a user puts them, with what is the user's own in the environment; *changed*: texts, and what stands for them."""
    text = (SETTINGS / f"{name}.toml").read_text(encoding="utf-8")
    for old, new in changed:
        assert old in text
        text = text.replace(old, new)
    Path(".sinkkit").mkdir(exist_ok=True)
    Path(".sinkkit/config.toml").write_text(text, encoding="utf-8")
    for key, value in {"HTTP__BASE_URL": url, "RETRY__FIRST_WAIT": "0.1", **settings}.items():
        monkeypatch.setenv(f"DESTINATION__{name.upper()}__{key}", value)


@contextlib.contextmanager
def sending(name, rows, **limits):
    """A process that sends *rows*, given as a file, by ``sinkkit run``; ended at the end."""
    path = Path("rows.jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = [sys.executable, "-m", "sinkkit", "run", name, str(path), "--pipeline", "p", "--table", "contacts", "--progress", "off"]
    environment = {**os.environ, **{f"DESTINATION__{name.upper()}__{key}": value for key, value in limits.items()}}
    with Path("sender.txt").open("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment, start_new_session=True)
        try:
            yield process
        finally:
            end(process)


def killed(name, rows, seen, *, rate):
    """Send *rows* in a process of its own, and kill that once *seen()* says that some of them are there."""
    with sending(name, rows, RATE_LIMIT=rate) as process:
        wait_for(seen, process)
    assert process.returncode == -signal.SIGKILL, Path("sender.txt").read_text()
