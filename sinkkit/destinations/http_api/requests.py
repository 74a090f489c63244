"""From rows to requests, without sending any: which rows share one, where it goes, what it holds, and which rows cannot be sent at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import attrs

from sinkkit.destinations.http_api.bodies import CONTENT_TYPES, Encode, encoder, row_maker
from sinkkit.destinations.http_api.settings import Endpoint, RestSettings
from sinkkit.destinations.http_api.targets import MakeTarget, Target, target_maker
from sinkkit.destinations.http_api.templates import CannotFill, Fill, read, templates_in
from sinkkit.errors import Reject


@attrs.frozen(kw_only=True)
class Request:
    """One request, as it would be sent.

    Attributes:
        method: The method.
        url: The URL with its query; relative to the ``base_url`` of the client where the destination has none of its own.
        headers: What it adds to the headers of the client.
        body: The body; empty where there is none.
        rows: The indices of its rows in ``items``.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    rows: tuple[int, ...]


@attrs.frozen
class Planned:
    """What is to be done with the rows of a batch: its requests in order, and the reasons of rows that cannot be sent, by index."""

    requests: Sequence[Request]
    rejected: Mapping[int, str]


@attrs.frozen(eq=False)
class Compiled:
    """An endpoint, read: what it makes of rows."""

    endpoint: Endpoint
    target: MakeTarget
    shape: Fill
    encode: Encode


@attrs.frozen
class Group:
    """Rows that share a request."""

    target: Target
    rows: list[int] = attrs.field(factory=list)


@lru_cache(maxsize=64)
def compiled(settings: RestSettings) -> Compiled:
    """The endpoint of *settings*, read once."""
    control = ""
    taken = frozenset({*_named(settings), control})
    return Compiled(settings, target_maker(settings), row_maker(settings, taken, control), encoder(settings))


def _named(endpoint: Endpoint) -> list[str]:
    """The fields that templates of *endpoint* name by themselves."""
    every = [read(endpoint.path, "path")]
    for what in ("query", "headers", "row"):
        every += templates_in(getattr(endpoint, what), what)
    return [name.partition(".")[0] for template in every for name in template.names]


def planned(settings: RestSettings, items: Sequence[Mapping[str, Any]]) -> Planned:
    """The requests for *items*. A pure function: nothing is sent."""
    endpoint = compiled(settings)
    rejected: dict[int, str] = {}
    groups: dict[Any, Group] = {}
    for index, row in enumerate(items):
        try:
            target = endpoint.target(row)
        except CannotFill as error:
            rejected[index] = str(error)
            continue
        key = index if settings.send == "row" else target
        groups.setdefault(key, Group(target)).rows.append(index)
    requests = [request for group in groups.values() if (request := _request(endpoint, group, items, rejected)) is not None]
    return Planned(requests, rejected)


def _request(made: Compiled, group: Group, items: Sequence[Mapping[str, Any]], rejected: dict[int, str]) -> Request | None:
    """The request of *group*; rows of it that cannot be sent are *rejected*. None if that is all of them."""
    shaped: dict[int, Any] = {}
    for index in group.rows:
        try:
            shaped[index] = made.shape(items[index])
        except CannotFill as error:
            rejected[index] = str(error)
    if not shaped:
        return None
    try:
        body = _body(made, shaped, items)
    except Reject:  # which row it was is found out by trying each alone
        for index, row in list(shaped.items()):
            try:
                made.encode([row], items[index])
            except Reject as error:
                rejected[index] = error.message
                del shaped[index]
        if not shaped:
            return None
        body = _body(made, shaped, items)
    endpoint = made.endpoint
    headers = {**({"Content-Type": CONTENT_TYPES[endpoint.format]} if body else {}), **dict(group.target.headers)}
    return Request(method=endpoint.method, url=group.target.url, headers=headers, body=body, rows=tuple(shaped))


def _body(made: Compiled, shaped: Mapping[int, Any], items: Sequence[Mapping[str, Any]]) -> bytes:
    return made.encode(list(shaped.values()), items[next(iter(shaped))])


def requests_for(items: Sequence[Mapping[str, Any]], **settings: Any) -> list[Request]:
    """The requests that ``sinkkit.destinations.rest`` would send for the rows *items* under *settings*, without sending any.

    A pure function of its arguments. *settings* are those of ``rest`` as its call takes them, or ``settings=`` an object of
    ``RestSettings``. Rows that cannot be sent are in none of the requests.

    Raises:
        ConfigError: If the settings are impossible.
    """
    given = settings.pop("settings", None)
    return list(planned(given if given is not None else RestSettings(**settings), items).requests)
