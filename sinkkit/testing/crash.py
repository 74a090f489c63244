"""Dying and failing at named points, and killing a script from outside: what crash tests are made of."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event, Lock, Timer
from typing import Literal, TypeAlias

import attrs

from sinkkit.errors import ConfigError, SinkkitError
from sinkkit.faults import Point

Why: TypeAlias = Literal["line", "seconds"]

LineTest: TypeAlias = str | Callable[[str], bool]
"""Text that a line must contain, or a function that is asked about each line."""


@attrs.define(eq=False)
class Countdown:
    """Counts how often one point is reached, over all threads; true exactly once, at the *nth* time.

    Raises:
        ConfigError: If *nth* is less than 1.
    """

    point: Point
    nth: int
    _seen: int = attrs.field(default=0, init=False)
    _lock: Lock = attrs.field(factory=Lock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse a count that is never reached."""
        if self.nth < 1:
            raise ConfigError(f"nth={self.nth!r} is never reached", hint="the first time is nth=1")

    def reached(self, point: Point) -> bool:
        """Whether *point* is the one waited for, and this its *nth* time."""
        if point is not self.point:
            return False
        with self._lock:
            self._seen += 1
            return self._seen == self.nth


class CrashAt:
    """Faults that kill this process, as ``kill -9`` does, when *point* is reached for the *nth* time.

    Nothing is flushed, no ``finally`` block runs and no thread gets another turn. Use it in a subprocess.

    Raises:
        ConfigError: If *nth* is less than 1.
    """

    def __init__(self, point: Point, nth: int = 1) -> None:
        self._countdown = Countdown(point, nth)

    def __call__(self, point: Point) -> None:
        """Let *point* pass, or die."""
        if self._countdown.reached(point):
            os.kill(os.getpid(), signal.SIGKILL)


class FailAt:
    """Faults that raise *error* when *point* is reached for the *nth* time; later times pass.

    Raises:
        ConfigError: If *nth* is less than 1.
    """

    def __init__(self, point: Point, nth: int = 1, error: BaseException | None = None) -> None:
        self._countdown = Countdown(point, nth)
        self._error = error or SinkkitError(
            f"failed on purpose where {point.value} (time {nth})", hint="this comes from sinkkit.testing.FailAt"
        )

    def __call__(self, point: Point) -> None:
        """Let *point* pass, or raise."""
        if self._countdown.reached(point):
            raise self._error


@attrs.frozen(kw_only=True)
class Ended:
    """How a script ended.

    Attributes:
        returncode: Its exit status; negative: the signal that ended it.
        output: What it wrote to standard output and standard error, together.
        why: What made ``kill_after`` kill it, or None if it ended before.
    """

    returncode: int
    output: str
    why: Why | None

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it, sent by ``kill_after`` or by itself (``CrashAt``)."""
        return self.returncode == -signal.SIGKILL


def kill_after(
    command: Sequence[str | Path],
    *,
    seconds: float | None = None,
    line: LineTest | None = None,
    limit: float = 60.0,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
) -> Ended:
    """Start *command* and kill it, and all it started, with SIGKILL once the moment has come.

    Args:
        command: The program and its arguments.
        seconds: Kill it this long after its start.
        line: Kill it as soon as it has written such a line; whatever of *seconds* and *line* comes first counts.
        limit: Seconds after which a script that neither ended nor met the condition counts as hanging.
        env: Its environment; None: that of this process.
        cwd: The folder it starts in; None: that of this process.

    Returns:
        How it ended. A script that ended by itself before the moment came is reported as such.

    Raises:
        SinkkitError: If *limit* passed; the message has the last lines written.
    """
    process = start(command, env, cwd)
    lines, struck = watch(process, line, limit if seconds is None else min(seconds, limit))
    output, returncode = "".join(lines), process.returncode
    if returncode != -signal.SIGKILL or struck is None:
        return Ended(returncode=returncode, output=output, why=None)
    if struck == "seconds" and (seconds is None or seconds > limit):
        tail = "".join(lines[-10:])
        raise SinkkitError(f"{command[0]} was still running after {limit:g} s; its last lines:\n{tail}", hint="raise limit=")
    return Ended(returncode=returncode, output=output, why=struck)


def start(command: Sequence[str | Path], env: Mapping[str, str] | None, cwd: str | Path | None) -> subprocess.Popen[str]:
    """Start *command* as the leader of a session of its own, with nothing to read and all its output in one pipe."""
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=None if env is None else dict(env),
        cwd=cwd,
        text=True,
        errors="replace",
        start_new_session=True,
    )


def watch(process: subprocess.Popen[str], line: LineTest | None, seconds: float) -> tuple[list[str], Why | None]:
    """Read what *process* writes until it has ended, killing it at *line* or after *seconds*; (lines, what struck first)."""
    due = Event()

    def strike() -> None:
        due.set()
        kill_group(process)

    timer = Timer(seconds, strike)
    timer.daemon = True
    timer.start()
    try:
        lines, met = read_until(process, line)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # not reaped yet, so its number cannot become another's
    finally:
        timer.cancel()
        timer.join()
        kill_group(process)  # what it started may outlive it
        process.wait()
        if process.stdout:
            process.stdout.close()
    return lines, "line" if met else "seconds" if due.is_set() else None


def read_until(process: subprocess.Popen[str], line: LineTest | None) -> tuple[list[str], bool]:
    """Read all that *process* writes, killing it at the first line that *line* asks for; (lines, whether one was met)."""
    lines: list[str] = []
    met = False
    for text in process.stdout or ():
        lines.append(text)
        if line is not None and not met and (line in text if isinstance(line, str) else line(text)):
            met = True
            kill_group(process)
    return lines, met


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill *process*, which leads a session of its own and was not waited for yet, and its children."""
    with contextlib.suppress(PermissionError):  # macOS says so where all that is left of the group has ended
        os.killpg(process.pid, signal.SIGKILL)
