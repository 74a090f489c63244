"""A destination that remembers what it got, and fails while it is told to."""

from __future__ import annotations

from threading import Lock

import attrs
import pytest

import sinkkit
from sinkkit.errors import RetryLater


@attrs.define
class Memory:
    """What a destination got: rows of calls that succeeded, the calls themselves, and how it fails.

    Attributes:
        rows: Rows of calls that succeeded, in order.
        calls: Numbers of rows of all calls.
        failing: Raised, once for each entry, by the next calls; None lets a call pass.
        broken: Raised by every call while it is set.
    """

    rows: list = attrs.field(factory=list)
    calls: list = attrs.field(factory=list)
    failing: list = attrs.field(factory=list)
    broken: BaseException | None = None
    _lock: Lock = attrs.field(factory=Lock)

    def take(self, items):
        """Get a batch, or fail as told."""
        with self._lock:
            self.calls.append(len(items))
            error = self.broken or (self.failing.pop(0) if self.failing else None)
            if error is None:
                self.rows.extend(items)
        if error is not None:
            raise error

    def down(self):
        """Refuse to take anything from now on, certainly without having taken it."""
        self.broken = RetryLater("down for maintenance")

    def up(self):
        """Work again."""
        self.broken = None


@pytest.fixture
def memory():
    """A fresh memory."""
    return Memory()


@pytest.fixture
def make(memory):
    """Makes a pipeline whose destination is the memory; keywords of the pipeline, and ``options`` of the destination."""

    def made(name="p", *, options=None, destination_name="crm", **settings):
        quick = sinkkit.Retry(attempts=2, first_wait=0.0, longest_wait=0.0)

        @sinkkit.destination(**{"name": destination_name, "batch_size": 10, "workers": 1, "retry": quick, **(options or {})})
        def crm(items, table):
            memory.take(items if isinstance(items, list) else items.to_pylist())

        return sinkkit.pipeline(name, destination=crm, progress="off", **settings)

    return made


@pytest.fixture
def rows():
    """Makes *count* rows, numbered from *first*."""
    return lambda count, first=0: [{"n": number} for number in range(first, first + count)]
