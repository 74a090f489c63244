"""The table of what a kill comes to says what happens when processes are killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from blocks import PROJECT

PAGE = PROJECT / "docs" / "explanation" / "what-can-be-promised.md"


def told(heading):
    """The cells of the first table under *heading*, its first line included."""
    lines = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    end = next(number for number, line in enumerate(lines[first:], first) if not line.startswith("|"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[first:end]]
    return [rows[0], *rows[2:]]


def test_the_table_is_what_happens(tmp_path):
    """For each instant and kind of destination, a killed process and the run after it come to what the page says."""
    command = [sys.executable, Path(__file__).with_name("crash_table.py"), tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr

    heading, *rows = told("What a kill comes to")
    assert heading == ["instant", "no key", "key", "overwrites", "probe", "transaction", "hold"]
    assert rows == json.loads(done.stdout)


def test_the_instants_are_explained():
    """Each instant of the table is described above it, in the same order."""
    described = [row[0].removeprefix("**").partition("**")[0] for row in told("The instants of a batch's life")[1:]]

    assert described == [row[0] for row in told("What a kill comes to")[1:]]
