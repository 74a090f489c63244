"""SIGINT, SIGTERM and a reader that went away: what is pending stays, and the user is told what to do."""

from __future__ import annotations

import signal
import subprocess
import sys


def test_ctrl_c_leaves_the_rest_pending(sinkkit_command, sent):
    """After SIGINT in the third call, that call ends, the rest is pending, one line says how to resume, and resuming repeats nothing."""
    done = sinkkit_command("run", "sinks.stopped", "sinks.fifty")
    sent_before = len(sent())
    resumed = sinkkit_command("resume", "stopped", "--set", "number=0")

    assert done.status == 130
    assert done.err.splitlines()[-1] == (
        "interrupted; what was not sent is pending (20 rows); resume with: sinkkit resume stopped"
    )
    assert sent_before == 30
    assert resumed.status == 0
    assert [row["id"] for row in sent()] == list(range(50))


def test_sigterm_exits_with_130_too(sinkkit_command):
    """SIGTERM ends a delivery in the same way; --json says how much is pending; the values of --set are not repeated."""
    done = sinkkit_command("run", "sinks.stopped", "sinks.fifty", "--json", "--set", f"number={int(signal.SIGTERM)}")

    assert done.status == done.document["exit_status"] == 130
    assert done.document["error"]["pending"] == 20
    assert "sinkkit resume stopped --set number=..." in done.err


def test_sigterm_while_extracting_keeps_nothing(sinkkit_command, sent, tmp_path):
    """Interrupted before the data was taken, nothing is pending and nothing of the half-taken data stays."""
    done = sinkkit_command("run", "sinks.good", "sinks.terminated")

    assert done.status == 130
    assert done.err.splitlines()[-1].startswith("interrupted; nothing is pending")
    assert sent() == []
    assert [path for path in (tmp_path / "state" / "good").rglob("*") if path.is_file() and "packages" in path.parts] == []


def test_a_reader_that_has_enough_is_no_error(sinkkit_command):
    """Where the output is cut short, as by `head`, there is no traceback."""
    sinkkit_command("run", "sinks.picky", "sinks.fifty")
    process = subprocess.Popen(
        [sys.executable, "-m", "sinkkit", "rejected", "picky", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    _, err = process.communicate()

    assert "Traceback" not in err
    assert "BrokenPipe" not in err


def test_a_killed_run_is_shown_as_killed_and_resumed(sinkkit_command, sent):
    """After SIGKILL in a call, status says so, and resuming sends the batch of unknown fate again and the rest once."""
    killed = sinkkit_command("run", "sinks.stopped", "sinks.fifty", "--set", f"number={int(signal.SIGKILL)}")
    status = sinkkit_command("status", "stopped", "--json").document["pipeline"]
    resumed = sinkkit_command("resume", "stopped", "--json", "--set", "number=0")
    ids = [row["id"] for row in sent()]

    assert killed.status == -signal.SIGKILL
    assert [run["status"] for run in status["runs"]] == ["killed"]
    assert status["rows_pending"] == 50 - status["pending"][0]["tables"]["fifty"]["delivered"]
    assert resumed.status == 0
    assert list(dict.fromkeys(ids)) == list(range(50))
    assert len(ids) <= 50 + resumed.document["report"]["tables"]["fifty"]["resent"]
