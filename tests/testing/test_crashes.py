"""Crashes and failures at named points, and scripts killed from outside."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from threading import Event

import pytest

from sinkkit.errors import ConfigError, SinkkitError
from sinkkit.faults import Point
from sinkkit.testing import CrashAt, FailAt, kill_after

CRASHING = """
from sinkkit.faults import Point
from sinkkit.testing import CrashAt
crash = CrashAt(Point.AFTER_CALL, 3)
for n in range(5):
    crash(Point.BEFORE_CLAIM)
    print("call", n, flush=True)
    crash(Point.AFTER_CALL)
"""
ENDLESS = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("child", child.pid, flush=True)
for n in range(10**9): print("row", n, flush=True)
"""


def python(code, **settings):
    """Run *code* until it ends or is killed."""
    return kill_after([sys.executable, "-c", code], **settings)


def test_crash_at_kills_at_the_nth_time():
    """The process dies by SIGKILL at the third time the point is reached, and not at other points."""
    ended = python(CRASHING)

    assert (ended.returncode, ended.killed, ended.why) == (-signal.SIGKILL, True, None)
    assert ended.output == "call 0\ncall 1\ncall 2\n"


def test_fail_at_raises_once():
    """The error given is raised at the nth time and never again."""
    error = OSError("disk full")
    fail = FailAt(Point.AFTER_SETTLE, 2, error)
    fail(Point.AFTER_SETTLE)
    fail(Point.AFTER_CALL)
    with pytest.raises(OSError, match="disk full") as raised:
        fail(Point.AFTER_SETTLE)
    fail(Point.AFTER_SETTLE)

    assert raised.value is error


def test_fail_at_names_its_point():
    """Without an error of one's own, the one raised says where."""
    with pytest.raises(SinkkitError, match="the journal knows the answer"):
        FailAt(Point.AFTER_SETTLE)(Point.AFTER_SETTLE)


@pytest.mark.parametrize("kind", [CrashAt, FailAt])
def test_a_time_that_never_comes_is_refused(kind):
    """Counting starts at one."""
    with pytest.raises(ConfigError, match="never reached"):
        kind(Point.AFTER_CALL, 0)


@pytest.mark.parametrize("line", ["row 20", lambda text: text.strip() == "row 20"])
def test_a_script_is_killed_at_a_line(line):
    """The script and what it started are gone once the line was written, though it ignores polite signals."""
    ended = python(ENDLESS, line=line)
    child = int(ended.output.split()[1])

    assert (ended.killed, ended.why) == (True, "line")
    assert "row 20\n" in ended.output
    assert not runs(child)


def test_a_script_is_killed_after_seconds():
    """Time alone kills it too."""
    ended = python(ENDLESS, seconds=0.3)

    assert (ended.killed, ended.why) == (True, "seconds")


def test_a_script_that_ends_in_time_is_left_alone():
    """Its own exit status and output are reported, standard error included."""
    ended = python("import sys; print('out', flush=True); sys.stderr.write('err'); sys.exit(3)", line="never", seconds=60)

    assert (ended.returncode, ended.killed, ended.why, ended.output) == (3, False, None, "out\nerr")


def test_a_script_that_closes_its_output_may_still_finish():
    """A script is not killed just because it writes no more."""
    ended = python("import os, sys; os.close(1); os.close(2); sum(range(10**6)); os._exit(5)")

    assert (ended.returncode, ended.why) == (5, None)


def test_a_hanging_script_is_an_error():
    """A script that neither ends nor says what was waited for is killed and its last lines are shown."""
    with pytest.raises(SinkkitError, match=r"still running after 1\.5 s(.|\n)*the last words"):
        python("import signal; print('the last words', flush=True); signal.pause()", line="never", limit=1.5)


def runs(number):
    """Whether a process of this number still runs; one that is just ending gets a moment, a zombie does not run."""
    moment = Event()
    for _ in range(200):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return False
        shown = Path(f"/proc/{number}/stat")
        if shown.exists() and shown.read_text(encoding="utf-8").rpartition(")")[2].split()[0] in "ZX":
            return False
        moment.wait(0.01)
    return True
