"""Killed while a package is handed over or taken over, whatever is done then: its rows are delivered once, by one of the two pipelines, and none is lost."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from handing_victim import ROWS, arrived, pipeline

from sinkkit.errors import ConfigError, PackageCorrupted, SinkkitError
from sinkkit.faults import OF_EXPORT, OF_IMPORT, Point
from sinkkit.testing import FailAt, kill_after

VICTIM = Path(__file__).with_name("handing_victim.py")
IDS = list(range(len(ROWS)))


@pytest.fixture
def folder(tmp_path):
    """A folder with a pipeline that has taken all rows and sent none."""
    pipeline(tmp_path, "here").extract(ROWS, table_name="people", run_id="monday")
    return tmp_path


def killed(folder, what, point):
    """Export or import in a process that kills itself."""
    ended = kill_after([sys.executable, VICTIM, folder, what, str(point)], limit=120.0)
    assert ended.killed, ended.output


def files(folder):
    """Every file that a careless person may take for the exported one, the half-written one too."""
    return [path for path in folder.iterdir() if "package.tar.gz" in path.name]


def importable(folder):
    """How many of these files another pipeline takes."""
    taken = 0
    for number, path in enumerate(files(folder)):
        copied = folder / f"copy{number}.tar.gz"
        shutil.copy(path, copied)
        try:
            pipeline(folder, f"other{number}").packages.import_file(copied)
            taken += 1
        except PackageCorrupted:
            pass
    return taken


@pytest.mark.parametrize("point", OF_EXPORT, ids=[point.name for point in OF_EXPORT])
def test_there_is_no_instant_at_which_both_could_deliver(folder, point):
    """Wherever the export dies, the package is pending here or can be imported, never both; and at no instant is it lost."""
    killed(folder, "export", point)
    here = len(pipeline(folder, "here").pending)
    there = importable(folder)

    assert (here, there) == {Point.BEFORE_HANDOVER: (1, 0), Point.AFTER_HANDOVER: (0, 0), Point.AFTER_EXPORT: (0, 1)}[point]


@pytest.mark.parametrize("point", OF_EXPORT, ids=[point.name for point in OF_EXPORT])
def test_the_same_export_again_finishes_a_killed_one(folder, point):
    """Given again, it leaves one good file; the other pipeline delivers every row, this one none, now and by further runs of the same name."""
    killed(folder, "export", point)
    load = pipeline(folder, "here").packages.export(folder / "package.tar.gz")
    left = [path.name for path in files(folder)]
    pipeline(folder, "there").packages.import_file(folder / "package.tar.gz")
    again = [pipeline(folder, "here").run(ROWS, table_name="people", run_id="monday"), pipeline(folder, "here").resume()]
    between = arrived(folder)
    pipeline(folder, "there").resume()

    assert (load.state, load.handed_over, left) == ("handed_over", {"people": 50}, ["package.tar.gz"])
    assert [info.total.extracted for info in again] == [0, 0]
    assert (between, arrived(folder)) == (([], []), (IDS, ["there"]))


def test_a_killed_export_that_is_not_tried_again(folder):
    """Killed before the journal knew of it, the package is delivered here, as if there had been no export; what is left of the file is refused."""
    killed(folder, "export", Point.BEFORE_HANDOVER)
    pipeline(folder, "here").resume()

    assert importable(folder) == 0
    assert arrived(folder) == (IDS, ["here"])


def test_status_tells_of_an_export_that_was_not_finished(folder):
    """Handed over, and the file not there: the rows are pending nowhere, and the state says which file they are to be in."""
    killed(folder, "export", Point.AFTER_HANDOVER)
    (gone,) = pipeline(folder, "here").state().handed_over

    assert (gone.handed_over, gone.handed_over_to) == ({"people": 50}, str(folder / "package.tar.gz"))
    assert not (folder / "package.tar.gz").exists()
    with pytest.raises(ConfigError, match="was handed over in"):
        pipeline(folder, "here").packages.export(folder / "another.tar", gone.load_id)


@pytest.mark.parametrize("point", OF_IMPORT, ids=[point.name for point in OF_IMPORT])
def test_a_killed_import_is_given_again(folder, point):
    """Killed on the way in, it is given again, or was done already and says so; the rows are delivered once."""
    pipeline(folder, "here").packages.export(folder / "package.tar.gz")
    killed(folder, "import", point)
    there = pipeline(folder, "there")
    if point is Point.AFTER_REGISTER:
        with pytest.raises(ConfigError, match="is pending in it"):
            there.packages.import_file(folder / "package.tar.gz")
    else:
        there.packages.import_file(folder / "package.tar.gz")
    there.resume()

    assert arrived(folder) == (IDS, ["there"])
    assert there.pending == ()
    assert list((folder / "state" / "there" / "packages").iterdir()) == []


@pytest.mark.parametrize("point", [Point.BEFORE_HANDOVER, Point.AFTER_HANDOVER], ids=["BEFORE_HANDOVER", "AFTER_HANDOVER"])
def test_an_export_that_fails_leaves_no_half_of_a_file(folder, point):
    """An error on the way leaves the package where the journal says it is, and no file; the same export then succeeds."""
    with pytest.raises(SinkkitError, match="failed on purpose"):
        pipeline(folder, "here", FailAt(point)).packages.export(folder / "package.tar.gz")
    before = files(folder)
    pipeline(folder, "here").packages.export(folder / "package.tar.gz")

    assert before == []
    assert importable(folder) == 1


@pytest.mark.parametrize("point", [Point.BEFORE_SEAL, Point.AFTER_SEAL], ids=["BEFORE_SEAL", "AFTER_SEAL"])
def test_an_import_that_fails_takes_nothing(folder, point):
    """An error on the way in leaves nothing pending, and the same import then succeeds."""
    pipeline(folder, "here").packages.export(folder / "package.tar.gz")
    with pytest.raises(SinkkitError, match="failed on purpose"):
        pipeline(folder, "there", FailAt(point)).packages.import_file(folder / "package.tar.gz")
    before = pipeline(folder, "there").pending
    load = pipeline(folder, "there").packages.import_file(folder / "package.tar.gz")

    assert (before, load.total.pending) == ((), 50)
