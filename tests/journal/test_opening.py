"""Opening the journal's file: new, old, newer, damaged, forbidden, full, and by many at once."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from registered import register

import sinkkit
from sinkkit.clock import SystemClock
from sinkkit.errors import JournalError
from sinkkit.journal.beginning import begin
from sinkkit.journal.opening import SCHEMA, open_file, scripts
from sinkkit.journal.sqlite import SqliteJournal

OPENER = """
import sys
import tempfile
from pathlib import Path
from sinkkit.clock import SystemClock
from sinkkit.journal.sqlite import SqliteJournal
print("ready", flush=True)
sys.stdin.read(1)
journal = SqliteJournal(Path(sys.argv[1]), clock=SystemClock())
for n in range(5):
    journal.start_run(None, None, float(n))
print(len(journal.packages()))
journal.close()
"""


def opened(path, **settings):
    """The journal at *path*."""
    return SqliteJournal(path, clock=SystemClock(), **settings)


def test_twelve_processes_open_a_new_file_at_once(tmp_path):
    """Processes that open the same new file at the same moment all succeed, and none of their writes is lost."""
    path = tmp_path / "p" / "journal.db"
    processes = [
        subprocess.Popen([sys.executable, "-c", OPENER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(12)
    ]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 12
    for process in processes:
        process.stdin.write("g")
        process.stdin.flush()
    ends = [process.communicate(timeout=60) for process in processes]
    journal = opened(path)
    runs = len(journal.runs())
    journal.close()

    assert ends == [("0\n", "")] * 12
    assert runs == 60


def test_a_new_file_has_the_newest_format(tmp_path):
    """Opening makes the folder and the file; opening again changes nothing."""
    path = tmp_path / "a" / "b" / "journal.db"
    for _ in range(2):
        opened(path).close()
    db = sqlite3.connect(path)

    assert db.execute("PRAGMA user_version").fetchone() == (len(scripts()),)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


@pytest.mark.parametrize(("durability", "mode"), [("full", 2), ("process", 1)])
def test_durability_is_sqlites_synchronous_mode(tmp_path, durability, mode):
    """`full` makes SQLite wait for the disk at each commit, `process` only at checkpoints."""
    db = open_file(tmp_path / "journal.db", durability=durability, clock=SystemClock())

    assert db.execute("PRAGMA synchronous").fetchone() == (mode,)
    db.close()


def test_a_newer_format_is_refused(tmp_path):
    """A journal of a later version is left alone, and the error says what to do."""
    path = tmp_path / "journal.db"
    opened(path).close()
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {len(scripts()) + 1}")
    db.close()

    with pytest.raises(JournalError, match=f"format {len(scripts()) + 1}, and this sinkkit knows {len(scripts())}") as refused:
        opened(path)
    assert "upgrade" in refused.value.hint


@pytest.mark.parametrize("content", [b"noise" * 1000, os.urandom(5000), b"SQLite format 3\0" + b"\xff" * 5000], ids=["text", "random", "header"])
def test_noise_is_no_journal(tmp_path, content):
    """A file that is no journal is named, not changed, and never taken for an empty one."""
    path = tmp_path / "journal.db"
    path.write_bytes(content)

    with pytest.raises(JournalError, match=r"journal\.db") as refused:
        opened(path)
    assert refused.value.hint
    assert path.read_bytes() == content


def test_a_damaged_journal_sends_nothing(tmp_path):
    """A pipeline whose journal was overwritten stops before any call, instead of starting from nothing."""
    calls = []

    @sinkkit.destination(batch_size=1)
    def sink(items):
        calls.append(items)

    pipeline = sinkkit.pipeline("p", destination=sink, pipelines_dir=tmp_path, progress="off")
    pipeline.run([1], table_name="t")
    (tmp_path / "p" / "journal.db").write_bytes(b"x" * 9000)
    with pytest.raises(JournalError, match=r"journal\.db"):
        pipeline.run([2], table_name="t")

    assert len(calls) == 1


def test_a_folder_that_is_a_file(tmp_path):
    """Where the folder cannot be made, the error says so and what to do."""
    (tmp_path / "p").write_text("a file")

    with pytest.raises(JournalError, match="cannot be used") as refused:
        opened(tmp_path / "p" / "journal.db")
    assert refused.value.hint


READ_ONLY = """
import os, sys, sinkkit
from sinkkit.errors import JournalError
import sinkkit.runs.pipeline, sinkkit.journal.sqlite
@sinkkit.destination
def sink(items): print("called")
pipeline = sinkkit.pipeline("p", destination=sink, pipelines_dir=sys.argv[1], progress="off")
os.setuid(65534) if os.getuid() == 0 else None
try:
    pipeline.run([1], table_name="t")
except JournalError as error:
    print("refused:", error.hint is not None, "p" in str(error))
"""


@pytest.mark.parametrize("there", [False, True], ids=["new", "used before"])
def test_a_folder_that_may_not_be_written(there):
    """In a folder without permission to write, nothing is sent, and the error says what to do."""
    with tempfile.TemporaryDirectory() as name:  # one that other users may enter, as root may write everywhere
        folder = Path(name)
        if there:
            opened(folder / "p" / "journal.db").close()
            (folder / "p" / "owner.lock").touch(mode=0o666)
            (folder / "p" / "owner.lock").chmod(0o666)
            (folder / "p").chmod(0o555)
        folder.chmod(0o555)
        env = {**os.environ, "HOME": name}
        done = subprocess.run([sys.executable, "-c", READ_ONLY, name], capture_output=True, text=True, check=False, cwd=name, env=env)
        folder.chmod(0o755)

    assert (done.stdout, done.stderr) == ("refused: True True\n", "")


FULL = """
import resource, signal, sys, sinkkit
from sinkkit.errors import JournalError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
calls = []
@sinkkit.destination(batch_size=1, workers=2)
def sink(items):
    calls.append(items[0]["value"])
    if len(calls) == 20:
        import os
        size = max(os.path.getsize(os.path.join(sys.argv[1], "p", name)) for name in os.listdir(os.path.join(sys.argv[1], "p")) if "journal" in name)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
pipeline = sinkkit.pipeline("p", destination=sink, pipelines_dir=sys.argv[1], progress="off")
try:
    pipeline.run(range(5000), table_name="t")
except JournalError as error:
    print("JournalError", error.hint is not None, "journal.db" in str(error))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
before = list(calls)
info = pipeline.resume()
print(sorted(calls)[0], sorted(set(calls)) == list(range(5000)), len(calls) - 5000 <= info.total.resent, info.total.delivered, len(before) < 5000)
"""


def test_a_full_disk_while_journaling(tmp_path):
    """When the journal cannot grow, the run ends with an error that says so; with room again, the rest is delivered."""
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60)

    assert done.stderr == ""
    assert done.stdout.splitlines() == ["JournalError True True", "0 True True 5000 True"]


def facts_of(path):
    """All that SQLite says of a file: whether it is sound, its mode, version and page size, and what was made in it."""
    db = sqlite3.connect(path)
    pragmas = ("integrity_check", "journal_mode", "user_version", "page_size", "auto_vacuum", "encoding", "application_id")
    facts = [db.execute(f"PRAGMA {pragma}").fetchone() for pragma in pragmas]
    facts += db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
    db.close()
    return facts


def test_a_new_file_is_what_sqlite_would_have_made(tmp_path):
    """A file that is put there whole is no other than one that SQLite makes in place, and nothing else is left beside it."""
    whole, in_place = tmp_path / "whole" / "journal.db", tmp_path / "journal.db"
    in_place.touch()
    for path in (whole, in_place):
        opened(path).close()

    assert facts_of(whole) == facts_of(in_place)
    assert facts_of(whole)[:2] == [("ok",), ("wal",)]
    assert list(whole.parent.iterdir()) == [whole]


@pytest.mark.parametrize("packages", [3, 300])
def test_the_log_of_a_journal_that_was_taken_away_is_no_part_of_the_next(tmp_path, packages):
    """Whoever moves a journal away after a kill, and leaves its log, begins with nothing, as the hints of damaged journals say."""
    old, path = tmp_path / "old" / "journal.db", tmp_path / "journal.db"
    journal = opened(old)
    for number in range(packages):
        register(journal, load_id=f"load{number}")
    shutil.copyfile(old.with_name("journal.db-wal"), tmp_path / "journal.db-wal")
    journal.close()
    new = opened(path)
    found = new.packages()
    new.start_run(None, None, 1.0)
    new.close()

    assert found == []
    assert facts_of(path)[0] == ("ok",)


def test_a_journal_that_is_there_is_never_replaced(tmp_path):
    """Whoever comes second, having seen no file, leaves the one that is there by then as it is."""
    path = tmp_path / "journal.db"
    journal = opened(path)
    journal.start_run("first", None, 1.0)
    begin(path, SCHEMA.read_text(), len(scripts()))
    second = opened(path)
    names = [run.name for run in second.runs()]
    second.close()
    journal.close()

    assert names == ["first"]
