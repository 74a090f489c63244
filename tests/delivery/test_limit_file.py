"""The file of a shared limit: made once, private, whole after a kill, refused when it cannot be used, and its time."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from threading import Thread

import pytest

import sinkkit
from sinkkit import RateLimit
from sinkkit.clock import SystemClock
from sinkkit.delivery.limits.limit_file import BUSY_SECONDS, open_limit_file, passed
from sinkkit.delivery.limits.limiter import MARGIN
from sinkkit.delivery.limits.shared_limits import open_shared
from sinkkit.errors import JournalError
from sinkkit.testing import FakeClock


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """The folder of shared limits for this test."""
    monkeypatch.setenv("SINKKIT_LIMITS_DIR", str(tmp_path / "limits"))
    return tmp_path / "limits"


def shared(folder, clock, calls=1):
    """A limiter of the name "crm"."""
    return open_shared(RateLimit(calls=calls, per=3600, shared="crm"), folder, clock)


def test_a_process_killed_while_it_writes_blocks_nobody(tmp_path):
    """What it was writing is undone, and the next one gets on at once."""
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom sinkkit.clock import SystemClock\n"
        "from sinkkit.delivery.limits.limit_file import open_limit_file\n"
        "with open_limit_file(Path(sys.argv[1]), SystemClock()).writing() as at:\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    clock = SystemClock()
    with closing(shared(tmp_path, clock)) as one:
        killed = subprocess.run([sys.executable, "-c", script, tmp_path / "crm.db"], check=False)
        began = clock.now()

        assert killed.returncode == -9
        assert one.reserve(1, clock.now()) is None
        assert clock.now() - began < BUSY_SECONDS / 2


@pytest.mark.parametrize(
    ("by_now", "by_wall", "now", "certain"),
    [
        (5.0, 5.2, 900.0, 5.0),  # both agree
        (5.0, -3595.0, 900.0, 0.0),  # the wall clock was set back
        (5.0, 3605.0, 900.0, 5.0),  # it was set forward
        (-800.0, 400.0, 60.0, 60.0),  # the machine was started again a minute ago
        (-800.0, 30.0, 60.0, 30.0),  # the same, with a wall clock that is behind
        (-800.0, -30.0, 60.0, 0.0),
        (-0.1, 0.0, 900.0, 0.0),
    ],
)
def test_no_clock_can_make_a_window_shorter(by_now, by_wall, now, certain):
    """As much time has passed as is certain, whatever was set or started again."""
    assert passed(by_now, by_wall, now) == certain


def test_a_window_outlives_the_machine(tmp_path):
    """After a restart of the machine, on another monotonic clock, what was started before still counts."""
    clock = FakeClock(now=5000.0)
    with closing(shared(tmp_path, clock)) as before:
        assert before.reserve(1, clock.now()) is None
        before.start(1, clock.now())
    restarted = FakeClock(now=20.0, wall=clock.wall() + 300)
    with closing(shared(tmp_path, restarted)) as after:
        assert after.reserve(1, restarted.now()) == pytest.approx(3580 + MARGIN, abs=0.001)


def test_the_file_is_private(tmp_path):
    """Nobody but its user can read or write the file, whatever the umask says, and nothing is left beside it."""
    with closing(shared(tmp_path / "limits", FakeClock())):
        assert stat.S_IMODE((tmp_path / "limits").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "limits" / "crm.db").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "limits").iterdir()] == ["crm.db"]


def test_many_open_at_once(tmp_path):
    """Threads that find no file make one, and all share it."""
    clock, taken = SystemClock(), []

    def work():
        limiter = shared(tmp_path, clock, calls=3)
        taken.append(limiter.reserve(1, clock.now()) is None)
        limiter.close()

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == [False] * 5 + [True] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["crm.db"]


def garbage(path):
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)


def empty(path):
    path.parent.mkdir()
    path.touch()


def a_folder(path):
    path.mkdir(parents=True)


def a_file_for_a_folder(path):
    path.parent.touch()


def of_another_version(path):
    open_limit_file(path, SystemClock()).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")


def half_overwritten(path):
    open_limit_file(path, SystemClock()).close()
    with path.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * 8192)


@pytest.mark.parametrize("spoil", [garbage, empty, a_folder, a_file_for_a_folder, of_another_version, half_overwritten])
def test_a_file_that_cannot_be_used_stops_the_run_before_anything_is_sent(limits, spoil):
    """The error names the file and says what to do; no call was made, and no row was taken."""
    spoil(limits / "crm.db")
    calls, taken = [], []

    @sinkkit.destination(rate_limit=RateLimit(calls=1, shared="crm"))
    def sink(items):
        calls.append(items)

    with pytest.raises(JournalError, match=r"crm\.db") as refused:
        sinkkit.pipeline("p", destination=sink).run((taken.append(n) or n for n in range(3)), table_name="t")

    assert refused.value.hint
    assert (calls, taken) == ([], [])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_can_only_be_read_is_refused(limits):
    """A limit that could not be kept is found out before anything is sent."""
    open_limit_file(limits / "crm.db", SystemClock()).close()
    (limits / "crm.db").chmod(0o400)

    with pytest.raises(JournalError, match="readonly") as refused:
        shared(limits, SystemClock())
    assert "SINKKIT_LIMITS_DIR" in refused.value.hint
