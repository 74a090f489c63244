"""The reference of the REST destination is what its classes of settings say."""

from __future__ import annotations

import subprocess
import sys

from blocks import PROJECT


def test_the_tables_are_those_of_the_classes():
    """The generator, asked to compare, finds nothing to change; `make docs` writes the page anew."""
    command = [sys.executable, PROJECT / "docs" / "generate_rest.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
