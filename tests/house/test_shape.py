"""Small, named and explained: how every file of the project looks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sinkkit

PACKAGE = Path(sinkkit.__file__).parent
TESTS = Path(__file__).parent.parent
OURS = sorted(PACKAGE.rglob("*.py"))
ALL = OURS + sorted(TESTS.rglob("*.py"))

MOST_LINES = 350
MOST_LINES_A_FUNCTION = 60
VAGUE = ["common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"]
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|" + "NotImplemented" + r"Error)\b")
SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore)(.*)")
WITH_CODE = {"noqa": re.compile(r":\s*[A-Z]+[0-9]+(,?\s*[A-Z]+[0-9]+)*(?P<why>.*)"), "type": re.compile(r"\[[\w, -]+\](?P<why>.*)")}


def name(path):
    """A file as people call it."""
    return str(path.relative_to(TESTS.parent if TESTS in path.parents else PACKAGE.parent))


def functions(tree):
    """Every function in a module, methods and inner ones too."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def public_definitions(body):
    """Functions and classes that others may use, with the public methods of the classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if not any(ast.unparse(mark).split(".")[-1] in ("overload", "setter") for mark in node.decorator_list):
                yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


@pytest.mark.parametrize("path", ALL, ids=name)
def test_files_and_functions_are_small(path):
    """No file is longer than 350 lines, no function longer than 60."""
    text = path.read_text(encoding="utf-8")
    long = [node.name for node in functions(ast.parse(text)) if node.end_lineno - node.lineno >= MOST_LINES_A_FUNCTION]

    assert len(text.splitlines()) <= MOST_LINES
    assert long == []


@pytest.mark.parametrize("path", ALL, ids=name)
def test_names_say_what_is_inside(path):
    """No file or folder has a name that says nothing."""
    assert [part for part in Path(name(path)).with_suffix("").parts if part.strip("_") in VAGUE] == []


@pytest.mark.parametrize("path", ALL, ids=name)
def test_modules_say_what_they_are_for(path):
    """Each module has a docstring."""
    assert (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").strip()


@pytest.mark.parametrize("path", OURS, ids=name)
def test_public_functions_and_classes_are_explained(path):
    """Each public function, class and method has a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert [node.name for node in public_definitions(tree.body) if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("path", OURS, ids=name)
def test_nothing_is_unfinished(path):
    """No file of the package says that something is still to be done."""
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if UNFINISHED.search(line)] == []


@pytest.mark.parametrize("path", OURS, ids=name)
def test_silenced_checks_say_which_and_why(path):
    """Where a check is silenced, its code and the reason stand beside it."""
    unexplained = []
    for line in path.read_text(encoding="utf-8").splitlines():
        for silenced in SILENCED.finditer(line):
            told = WITH_CODE[silenced[1][:4]].match(silenced[2].strip())
            if told is None or not re.search(r"[a-z]{3}", told["why"]):
                unexplained.append(line.strip())

    assert unexplained == []
