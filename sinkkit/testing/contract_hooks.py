"""What the author of a destination tells the contract of it, as the contract sees that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import attrs

from sinkkit.errors import ConfigError
from sinkkit.testing.answers import Answer, Fault, Request
from sinkkit.testing.api import MisbehavingApi

Faulty: TypeAlias = Callable[[int, Request], Fault | None]
"""The number of a request among those that carry rows, from 0, and the request, to what happens to it; None: it is carried out."""


class PromiseBroken(AssertionError):
    """A destination does not keep a promise: what was seen, and what in the function is likely wrong."""


class Hooks(Protocol):
    """What the author of a destination says of it; ``DestinationContract`` has the meanings."""

    folder: Path
    http: bool
    pause_seconds: float
    table_name: str

    def destination(self, api: Any) -> Any:
        """The destination, configured to talk to *api*."""

    def received(self, api: MisbehavingApi) -> Iterable[Any]:
        """The rows that arrived."""

    def row(self, number: int) -> Mapping[str, Any]:
        """A row to send."""

    def arrived(self, row: Mapping[str, Any]) -> Any:
        """How that row looks when it has arrived."""

    def number_of(self, arrived: Any) -> int:
        """Which row that is."""

    def delivers(self, request: Request) -> bool:
        """Whether a request carries rows."""

    def rows_in(self, headers: Mapping[str, str], body: bytes) -> list[Any]:
        """The rows in a request."""

    def key(self, request: Request) -> str | None:
        """The key that a request carries elsewhere than in its header."""

    def answer(self, api: MisbehavingApi, request: Request) -> Answer:
        """What the API says to a request that it carries out."""

    def partly(self, request: Request, refused: Mapping[int, str]) -> Answer | None:
        """What the API says where it refuses some of the rows."""


@attrs.frozen
class Address:
    """All that a destination may know of the API where the API itself is in another process."""

    url: str


def number_of(hooks: Hooks, row: Any) -> int:
    """Which row *row* is, as the author tells them apart.

    Raises:
        ConfigError: If that fails.
    """
    try:
        return int(hooks.number_of(row))
    except Exception as error:
        raise ConfigError(
            f"the contract cannot tell which row {row!r} is: number_of() raised {type(error).__name__}: {error}",
            hint="override number_of(self, arrived) beside row(self, number); or delivers(self, request), if other requests are among them",
        ) from error
