"""What `import sinkkit` gives: exactly the public names, each explained, and nothing heavy."""

from __future__ import annotations

import inspect
import subprocess
import sys
from types import ModuleType

import pytest

import sinkkit

HEAVY = [
    "asyncio", "cattrs", "click", "httpx", "msgspec", "numpy", "orjson", "pandas", "polars", "pyarrow", "requests", "rich",
]  # fmt: skip


def public_names():
    """The names listed, or none while there is no list, which the first test reports."""
    return list(getattr(sinkkit, "__all__", []))


def test_names_are_listed_in_order():
    """The public names are listed, once each, in order."""
    assert sinkkit.__all__ == sorted(set(sinkkit.__all__))


def test_the_list_is_exactly_what_is_there():
    """A name is listed when and only when the package binds it; submodules need no listing."""
    bound = [
        name
        for name, value in vars(sinkkit).items()
        if not name.startswith("_") and name != "annotations" and not isinstance(value, ModuleType)
    ]

    assert [name for name in bound if name not in public_names()] == []
    assert [name for name in public_names() if not hasattr(sinkkit, name)] == []


@pytest.mark.parametrize("name", public_names())
def test_each_public_name_is_explained(name):
    """Each public name has a docstring."""
    value = getattr(sinkkit, name)

    assert name.startswith("__") or (inspect.getdoc(value) or "").strip()


def test_importing_is_light():
    """`import sinkkit` loads no heavy package."""
    code = f"import sys, sinkkit; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
