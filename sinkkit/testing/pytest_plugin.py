"""The fixture ``misbehaving_api`` for pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sinkkit.testing.api import MisbehavingApi


@pytest.fixture
def misbehaving_api() -> Iterator[Callable[..., MisbehavingApi]]:
    """Start a ``MisbehavingApi`` with the arguments given, as often as needed; all are closed after the test."""
    with ExitStack() as started:

        def start(*args: Any, **settings: Any) -> MisbehavingApi:
            return started.enter_context(MisbehavingApi(*args, **settings))

        yield start
