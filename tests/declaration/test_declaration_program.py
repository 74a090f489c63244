"""The program that is run names what stands in itself: it is never run a second time, so nothing is sent twice."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import sinkkit

print("started")

class Sinks:
    class Inner:
        @staticmethod
        def push(items, table):
            print("pushed", len(items))

    push = Inner.push

def flat(items, table):
    print("pushed", len(items))

pipeline = sinkkit.pipeline("nightly", destination=sys.argv[1], progress="off")
try:
    pipeline.run([{"id": 1}], table_name="t")
except sinkkit.errors.ReferenceNotFound as error:
    print(error.message)
    print(error.hint)
"""


@pytest.fixture
def ran(tmp_path):
    """Runs the program ``nightly`` with a reference; the lines it prints."""

    def start(way, reference, folder=tmp_path, module="nightly"):
        path = folder / f"{module.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PROGRAM)
        arguments = ["-m", module] if way == "module" else [str(path)]
        done = subprocess.run([sys.executable, *arguments, reference], capture_output=True, text=True, check=False, cwd=folder)
        assert done.stderr == ""
        return done.stdout.splitlines()

    return start


@pytest.mark.parametrize("way", ["file", "module"])
@pytest.mark.parametrize(
    "reference",
    ["nightly.flat", "nightly:flat", "nightly.Sinks.push", "nightly:Sinks.push", "nightly.Sinks.Inner.push", "__main__.Sinks.push"],
)
def test_a_member_of_a_class_of_the_program_is_found_without_running_it_again(ran, way, reference):
    """However deep the name, the program starts once and its rows are sent once."""
    assert ran(way, reference) == ["started", "pushed 1"]


@pytest.mark.parametrize("way", ["file", "module"])
@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("nightly.Sinks:push", ["'nightly.Sinks:push' was not found: there is no module 'nightly.Sinks'"]),
        (
            "nightly.Sink.push",
            [
                "'nightly.Sink.push' was not found; tried, in this order:",
                "  there is no module 'nightly.Sink'",
                "  module 'nightly' has no 'Sink'",
                "did you mean nightly.Sinks.push or nightly.sinkkit.push?",
            ],
        ),
    ],
)
def test_a_wrong_name_does_not_run_the_program_again_either(ran, way, reference, told):
    """What is not in the program is told as such; asking for it imports no second copy."""
    lines = [line.partition(" (")[0] for line in ran(way, reference)]

    assert lines[: len(told) + 1] == ["started", *told]
    assert "started" not in lines[1:]


def test_a_program_inside_a_package_is_found_by_its_full_name(ran):
    """``python -m company.nightly`` is ``company.nightly``, classes inside it too."""
    assert ran("module", "company.nightly.Sinks.push", module="company.nightly") == ["started", "pushed 1"]


TYPED = """
from __future__ import annotations
from typing import TYPE_CHECKING
import sinkkit

if TYPE_CHECKING:
    from typed import Region

@sinkkit.destination
def push(items, table, region: Region = None):
    print("pushed", len(items))
"""

TYPES_PROGRAM = """
import enum
import sinkkit

print("started")

class Region(enum.Enum):
    EU = "eu"

sinkkit.pipeline("typed", destination="typed_sinks.push", progress="off").run([1], table_name="t")
"""


def test_a_type_that_stands_in_the_program_does_not_run_it_again(tmp_path):
    """An annotation that only type checkers import from the program is looked up in the one that runs."""
    (tmp_path / "typed_sinks.py").write_text(TYPED)
    (tmp_path / "typed.py").write_text(TYPES_PROGRAM)
    done = subprocess.run([sys.executable, "typed.py"], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.stderr == ""
    assert done.stdout.splitlines() == ["started", "pushed 1"]
