"""The reference of settings is what the code says, and says all of it."""

from __future__ import annotations

import inspect
import re
import runpy
import subprocess
import sys

import pytest
from blocks import PROJECT

import sinkkit
from sinkkit import credentials
from sinkkit.declaration.client.client_settings import MEANINGS
from sinkkit.declaration.client.values import READERS

GENERATOR = PROJECT / "docs" / "generate_settings.py"
PAGE = PROJECT / "docs" / "reference" / "settings.md"


@pytest.fixture(scope="module")
def generator():
    """What the generator defines."""
    return runpy.run_path(str(GENERATOR))


def test_the_tables_are_those_of_the_code():
    """The generator, asked to compare, finds nothing to change; `make docs` writes the page anew."""
    done = subprocess.run([sys.executable, GENERATOR, "--check"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_change_of_the_page_is_noticed(generator):
    """A table that was edited by hand is put right, and a region that is lost is an error."""
    page = PAGE.read_text(encoding="utf-8")
    edited = page.replace("| `batch_size` | `10` |", "| `batch_size` | `11` |")

    assert edited != page
    assert generator["written"](edited) == page
    with pytest.raises(LookupError, match="regions"):
        generator["written"](page.replace("<!-- generated: options -->", ""))


def test_no_meaning_is_empty(generator):
    """Every row of every table says what the setting means, and what type it has."""
    rows = [line for make in generator["REGIONS"].values() for line in make().splitlines() if line.startswith("| `")]

    assert [row for row in rows if any(not cell.strip() for cell in row.strip("|").split("|"))] == []
    assert len(rows) > 60


def test_settings_of_a_pipeline_are_all_there(generator):
    """The arguments of a pipeline that config can give are the rows of its table."""
    given = inspect.signature(sinkkit.pipeline).parameters.values()
    configurable = ["pipelines_dir", *(one.name for one in given if one.kind is one.KEYWORD_ONLY)]

    assert list(generator["PIPELINE"]) == configurable


def test_settings_of_the_client_are_all_there():
    """What the client's section may say is explained, and nothing else is."""
    assert list(MEANINGS) == list(READERS)


def test_credentials_are_all_there():
    """Each public class of credentials has a heading."""
    headings = re.findall(r"^### `(\w+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert headings == credentials.__all__


def test_variables_of_sinkkit_itself_are_all_there():
    """Each environment variable that the code reads under its own name stands on the page, and no other."""
    sources = [path.read_text(encoding="utf-8") for path in sorted((PROJECT / "sinkkit").rglob("*.py"))]
    read = [name for text in sources for name in re.findall(r"environ(?:\.get\(|\[)\s*\"(SINKKIT_\w+)\"", text)]
    told = re.findall(r"^\| `(SINKKIT_\w+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert sorted(told) == sorted([*dict.fromkeys(read), "SINKKIT__PROVIDERS"])
