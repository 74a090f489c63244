"""`sinkkit init` makes a project that runs as it stands; the program and its help come quickly."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pytest

import sinkkit


def test_what_init_makes_runs(sinkkit_command, tmp_path):
    """The commands that init prints work, one after the other, and deliver the data that came with it."""
    made = sinkkit_command("init", "project", "--json")
    folder = tmp_path / "project"
    steps = [step.split() for step in made.document["next"]]
    checked = sinkkit_command(*steps[1][1:], cwd=folder)
    ran = sinkkit_command(*steps[2][1:], cwd=folder)
    rows = [json.loads(line) for line in (folder / "delivered.jsonl").read_text().splitlines()]
    given = list(csv.DictReader((folder / "data" / "contacts.csv").read_text(encoding="utf-8").splitlines()))

    assert steps[0] == ["cd", "project"]
    assert (made.status, checked.status, ran.status) == (0, 0, 0)
    assert [row["name"] for row in rows] == [row["name"] for row in given]
    assert [row["table"] for row in rows] == ["contacts"] * len(given)


def test_init_keeps_secrets_private(sinkkit_command, tmp_path):
    """The file of secrets is for its owner alone, and git leaves it alone."""
    (tmp_path / ".gitignore").write_text("*.log")
    sinkkit_command("init")

    assert (tmp_path / ".sinkkit" / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".gitignore").read_text().splitlines()[:2] == ["*.log", ".sinkkit/secrets.toml"]


def test_init_overwrites_nothing(sinkkit_command, tmp_path):
    """Where one of its files exists, init names it and changes nothing."""
    (tmp_path / "destinations.py").write_text("mine")
    done = sinkkit_command("init")

    assert done.status == 2
    assert "destinations.py" in done.err
    assert (tmp_path / "destinations.py").read_text() == "mine"
    assert not (tmp_path / ".sinkkit").exists()


def test_init_in_a_place_that_cannot_be_written(sinkkit_command, tmp_path):
    """A folder that cannot be made is an error of ours."""
    (tmp_path / "file").write_text("")
    done = sinkkit_command("init", "file/project")

    assert done.status == 1
    assert "error: " in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", [[], ["run"], ["status"], ["resume"], ["rejected"], ["check"], ["init"], ["drop"], ["demo"]])
def test_every_command_explains_itself(sinkkit_command, command):
    """--help works for the program and for each command, and names --json."""
    done = sinkkit_command(*command, "--help")

    assert done.status == 0
    assert ("--json" if command else "Exit status") in done.out


def test_without_a_command_the_help_is_shown(sinkkit_command):
    """`sinkkit` alone shows its help on standard error and exits 2."""
    done = sinkkit_command()

    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith("Usage: sinkkit ")


def test_the_version_is_shown(sinkkit_command):
    """--version names program and version."""
    assert sinkkit_command("--version").out == f"sinkkit, version {sinkkit.__version__}\n"


def test_help_loads_nothing_heavy():
    """Asking for help imports no package that a run alone needs."""
    code = "import sys\nfrom sinkkit.cli.program import perform\nperform(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = ["asyncio", "cattrs", "httpx", "msgspec", "orjson", "pyarrow", "rich"]

    assert [name for name in heavy if name in done.stderr.split()] == []


def everything(folder):
    """Every path in *folder*, and what is in each file."""
    return sorted((str(path.relative_to(folder)), path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*"))


@pytest.mark.parametrize("text", [b"caf\xe9/\n", b"caf\xe9/", b"\xef\xbb\xbf.sinkkit/secrets.toml\r\n*.log\r\n"])
def test_init_adds_to_a_file_of_ignored_paths_in_any_encoding(sinkkit_command, tmp_path, text):
    """What stands there stays as it is, byte for byte, and what is missing is added once."""
    (tmp_path / ".gitignore").write_bytes(text)
    done = sinkkit_command("init")
    found = (tmp_path / ".gitignore").read_bytes()

    assert done.status == 0
    assert found.startswith(text)
    assert found.count(b".sinkkit/secrets.toml") == 1
    assert found.splitlines()[-1] == b"__pycache__/"


@pytest.mark.parametrize("obstacle", ["a folder .gitignore", "a .gitignore in UTF-16", "a file .sinkkit", "a file data"])
def test_init_leaves_nothing_behind_where_it_fails(sinkkit_command, tmp_path, obstacle):
    """An error of ours says what is in the way; without that, a second init does its work."""
    folder = tmp_path / "there"
    folder.mkdir()
    path = folder / (".gitignore" if ".gitignore" in obstacle else obstacle.rpartition(" ")[2])
    if "folder" in obstacle:
        path.mkdir()
    else:
        path.write_bytes("*.log\n".encode("utf-16" if "UTF-16" in obstacle else "utf-8"))
    before = everything(folder)
    done = sinkkit_command("init", "there")

    assert done.status in {1, 2}
    assert path.name in done.err
    assert "Traceback" not in done.err
    assert everything(folder) == before

    path.rmdir() if "folder" in obstacle else path.unlink()
    assert sinkkit_command("init", "there").status == 0


def test_init_takes_away_the_folders_it_made_where_it_fails(sinkkit_command, tmp_path):
    """Folders above that were there stay; what it added to a file is taken out again."""
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "data").write_text("mine")
    (tmp_path / "shelf" / ".gitignore").write_text("*.log")
    before = everything(tmp_path)
    failed = sinkkit_command("init", "shelf")
    deep = sinkkit_command("init", f"made/{'x' * 300}")

    assert (failed.status, deep.status) == (1, 1)
    assert "nothing was changed" in failed.err
    assert "nothing was changed" in deep.err
    assert everything(tmp_path) == before
