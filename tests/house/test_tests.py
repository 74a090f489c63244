"""Tests say what they are about, use the real thing and do not wait for time to pass."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
FILES = sorted(TESTS.rglob("*.py"))

FORBIDDEN = re.compile(r"^(time\.sleep|sleep|.*\.xfail|xfail|(unittest\.)?mock(\.\w+)*|patch(\.\w+)*|(Magic|Async)?Mock|monkeypatch\.setattr)$")
SKIPS = ["skip", "skipif"]


def name(path):
    """A file as people call it."""
    return str(path.relative_to(TESTS))


def tree_of(path):
    """The file as a syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def used_names(tree):
    """Every name and dotted name in code; strings and comments are none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield ast.unparse(node)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def skips_without_reason(tree):
    """Each skip, as code, that gives no reason."""
    called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in SKIPS and ast.unparse(node.value) in ("pytest", "pytest.mark"):
            call = called.get(id(node))
            plain = node.attr == "skip" and call is not None and call.args
            if not plain and not (call and any(keyword.arg == "reason" for keyword in call.keywords)):
                yield ast.unparse(call or node)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_each_test_says_what_it_is_about(path):
    """Each test function has a docstring."""
    tests = [
        node
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]

    assert [test.name for test in tests if not (ast.get_docstring(test) or "").strip()] == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_tests_use_the_real_thing(path):
    """No test sleeps, replaces a part of the program, or is expected to fail."""
    assert [used for used in used_names(tree_of(path)) if FORBIDDEN.match(used)] == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_skipped_tests_say_why(path):
    """Where a test is skipped, the reason is given."""
    assert list(skips_without_reason(tree_of(path))) == []


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.sleep(1)",
        "from time import sleep\nsleep(1)",
        "from unittest import mock",
        "import unittest.mock",
        "from unittest.mock import patch",
        "@pytest.mark.xfail(reason='later')\ndef test_x(): ...",
        "def test_x(monkeypatch):\n    monkeypatch.setattr(a, 'b', 1)",
    ],
)
def test_forbidden_things_are_found(text):
    """Each way to sleep, to mock and to expect a failure is recognized."""
    assert any(FORBIDDEN.match(used) for used in used_names(ast.parse(text)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pytest.skip()", 1),
        ("@pytest.mark.skip\ndef test_x(): ...", 1),
        ("@pytest.mark.skipif(True)\ndef test_x(): ...", 1),
        ("pytest.skip('no disk')", 0),
        ("@pytest.mark.skip(reason='no disk')\ndef test_x(): ...", 0),
        ("@pytest.mark.skipif(True, reason='no disk')\ndef test_x(): ...", 0),
    ],
)
def test_skips_without_reason_are_found(text, found):
    """A skip counts as explained only with a reason."""
    assert len(list(skips_without_reason(ast.parse(text)))) == found
