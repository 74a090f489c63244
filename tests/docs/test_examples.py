"""Every example runs as it stands and prints what it says at its top."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap

import pytest
from blocks import PROJECT, matches

EXAMPLES = sorted((PROJECT / "examples").glob("*.py"))


def announced(path):
    """What an example says that it prints."""
    return textwrap.dedent(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).partition("It prints::")[2])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_it_prints_what_it_says(path, tmp_path):
    """An example, run in an empty folder, prints what stands in its docstring and nothing on standard error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", path],
        cwd=tmp_path, env={**os.environ, "PYTHONUTF8": "1"}, capture_output=True, text=True, timeout=60, check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert matches(announced(path), done.stdout), done.stdout


def test_examples_are_numbered():
    """The examples have numbers from 1 on, each once, and are listed in their README in this order."""
    listed = re.findall(r"\]\((\S+\.py)\)", (PROJECT / "examples" / "README.md").read_text(encoding="utf-8"))

    assert [int(path.name[:2]) for path in EXAMPLES] == list(range(1, len(EXAMPLES) + 1))
    assert listed == [path.name for path in EXAMPLES]
