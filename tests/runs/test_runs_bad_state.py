"""Bad state: full disks, kills while extracting, journals and folders that cannot be used; nothing is lost or half-done."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import sinkkit

LIMITED = """
import resource, sys
import sinkkit
from sinkkit.errors import SinkkitError

def rows():
    for number in range(20_000):
        yield {"id": number, "text": str(number) + "x" * 500}

sent = []
@sinkkit.destination(batch_size=1000)
def crm(items, table):
    sent.extend(items)

pipeline = sinkkit.pipeline("full", destination=crm, progress="off", max_file_bytes=64 << 20)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
try:
    pipeline.run(rows)
except SinkkitError as error:
    print(type(error).__name__, "|", error.message, "|", error.hint, "|", len(sent), pipeline.pending)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(pipeline.run(rows).total.delivered, len(sent))
"""


def test_a_full_disk_while_extracting():
    """The file that could not be written is named, nothing is sent, and with room again all rows go out."""
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
    told, again = done.stdout.splitlines()

    assert told.startswith("SourceError | cannot write ")
    assert "packages/" in told
    assert "File too large | the file may not grow so large" in told
    assert told.endswith("| 0 ()")
    assert again == "20000 20000"


KILLED = """
import sys
import sinkkit
from sinkkit.faults import Point
from sinkkit.testing import CrashAt

@sinkkit.destination
def crm(items, table):
    print("sent", flush=True)

pipeline = sinkkit.pipeline("killed", destination=crm, progress="off")
pipeline.faults = CrashAt(Point[sys.argv[1]], int(sys.argv[2]))
pipeline.run(({"id": number, "text": "x" * 500} for number in range(20_000)))
"""


@pytest.mark.parametrize("point", ["PAGE_EXTRACTED", "BEFORE_SEAL", "AFTER_SEAL"])
def test_a_kill_while_extracting_leaves_nothing(make, memory, rows, point):
    """The half-written package is removed by the next run, and nothing of it was or is sent."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, point, "5" if point == "PAGE_EXTRACTED" else "1"], capture_output=True, check=False
    )
    pipeline = make("killed")
    left = list((Path(pipeline.folder) / "packages").iterdir())

    assert done.returncode == -9
    assert done.stdout == b""
    assert len(left) == 1
    assert pipeline.pending == ()
    assert pipeline.run(rows(3)).total.delivered == 3
    assert memory.rows == rows(3)
    assert list((Path(pipeline.folder) / "packages").iterdir()) == []


def journal_of(pipeline):
    """The journal's file."""
    return Path(pipeline.folder) / "journal.db"


def test_a_journal_of_a_newer_version(make, memory, rows):
    """It is refused and left as it was, for reading and for running."""
    make().extract(rows(3))
    path = journal_of(make())
    with sqlite3.connect(path) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        db.execute("PRAGMA user_version = 99")
    db.close()

    for use in (lambda: make().run(rows(3)), lambda: make().pending, lambda: list(make().rejected()), make().state):
        with pytest.raises(sinkkit.errors.JournalError, match="has format 99, and this sinkkit knows") as refused:
            use()
        assert "upgrade sinkkit" in refused.value.hint
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    assert make().resume().total.delivered == 3


@pytest.mark.parametrize("noise", [b"\x93noise\x00" * 5_000, b"x", b"SQLite format 3\x00" + b"\xff" * 9_000])
def test_a_journal_of_noise(make, memory, rows, noise):
    """It is named, nothing is sent, the package stays; only with both out of the way a new journal begins."""
    make().extract(rows(3))
    path = journal_of(make())
    for beside in path.parent.glob("journal.db*"):
        beside.unlink()
    path.write_bytes(noise)

    with pytest.raises(sinkkit.errors.JournalError) as refused:
        make().run(rows(3))

    assert str(path) in refused.value.message
    assert "away" in refused.value.hint
    assert memory.calls == []
    assert path.read_bytes() == noise
    path.unlink()
    with pytest.raises(sinkkit.errors.JournalError, match="there are load packages whose fate only it knows"):
        make().run(rows(3))
    shutil.rmtree(path.parent / "packages")
    assert make().run(rows(3)).total.delivered == 3


@pytest.mark.parametrize("what", ["pipelines", "pipeline", "journal", "packages"])
def test_a_place_that_cannot_be_written(make, memory, rows, tmp_path, what):
    """A file in place of a folder, or a folder in place of a file, is named; once it is gone, all works."""
    place = tmp_path / "state"
    wrong = {
        "pipelines": place,
        "pipeline": place / "p",
        "journal": place / "p" / "journal.db",
        "packages": place / "p" / "packages",
    }[what]
    wrong.parent.mkdir(parents=True, exist_ok=True)
    if what == "journal":
        wrong.mkdir()
    else:
        wrong.write_text("in the way")

    with pytest.raises(sinkkit.errors.SinkkitError) as refused:
        make(pipelines_dir=place).run(rows(3))

    assert str(wrong) in refused.value.message
    assert refused.value.hint
    assert memory.calls == []
    wrong.rmdir() if wrong.is_dir() else wrong.unlink()
    assert make(pipelines_dir=place).run(rows(3)).total.delivered == 3


READ_ONLY = """
import os, sys
import sinkkit

def run(folder):
    return sinkkit.pipeline("p", sinkkit.destination(lambda items: None), pipelines_dir=folder, progress="off").run([1])

run(sys.argv[2])  # everything needed is imported by now
os.setgid(65534); os.setuid(65534)
try:
    run(sys.argv[1])
except sinkkit.errors.SinkkitError as error:
    print(error)
"""


def test_a_read_only_folder(tmp_path):
    """A user who may not write there is told which folder it is."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    place = Path("/tmp") / f"sinkkit-read-only-{os.getpid()}"
    place.mkdir(mode=0o555)
    try:
        command = [sys.executable, "-c", READ_ONLY, str(place), str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={"HOME": "/"})
    finally:
        place.rmdir()

    assert f"folder {place}/p cannot be used: Permission denied" in done.stdout, done.stderr
    assert "hint: check the folder's owner and mode" in done.stdout


NORMALIZING = """
import sys
import sinkkit
from sinkkit.faults import Point
from sinkkit.testing import CrashAt

@sinkkit.destination(name="crm", loader_file_format="parquet")
def crm(items, table):
    print("sent", flush=True)

sinkkit.pipeline("p", progress="off").extract([{"n": number} for number in range(5_000)])
pipeline = sinkkit.pipeline("p", destination=crm, progress="off")
pipeline.faults = CrashAt(Point[sys.argv[1]])
pipeline.load()
"""


@pytest.mark.parametrize("point", ["BEFORE_SEAL", "AFTER_SEAL"])
def test_a_kill_while_normalizing_again_loses_nothing(make, memory, rows, point):
    """The package as it was extracted is still there; what was half-done beside it goes away."""
    done = subprocess.run([sys.executable, "-c", NORMALIZING, point], capture_output=True, check=False)
    pipeline = make(options={"loader_file_format": "parquet", "batch_size": 1_000})

    assert [done.returncode, done.stdout] == [-9, b""]
    assert [package.total.pending for package in pipeline.pending] == [5_000]
    assert pipeline.resume().total.delivered == 5_000
    assert memory.rows == rows(5_000)
    assert [entry for name in ("packages", "normalized") for entry in (Path(pipeline.folder) / name).iterdir()] == []
