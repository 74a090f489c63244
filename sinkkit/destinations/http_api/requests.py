"""From rows to requests, without sending any: which rows share one, where it goes, what it holds, and which rows cannot be sent at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import attrs

from sinkkit.destinations.http_api.bodies import Encode, demanding, encoder, row_maker
from sinkkit.destinations.http_api.job_settings import JOB
from sinkkit.destinations.http_api.places import find
from sinkkit.destinations.http_api.settings import Endpoint, RestSettings
from sinkkit.destinations.http_api.targets import Target, Targets, targets_of
from sinkkit.destinations.http_api.templates import THE_REST, WHOLE_ROW, CannotFill, Fill, read, templates_in
from sinkkit.errors import Reject

TABLE = "{@table}"
"""The placeholder for the name of the rows' table."""


@attrs.frozen(kw_only=True)
class Request:
    """One request, as it would be sent.

    Attributes:
        method: The method.
        url: The URL with its query, and ``{@job}`` where the id of a job will stand; relative to the ``base_url`` of the client where the destination has none of its own.
        headers: What it adds to the headers of the client.
        body: The body; empty where there is none.
        rows: The indices of its rows in ``items``.
        operation: ``upsert`` or ``delete``: which of the endpoints it goes to.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    rows: tuple[int, ...]
    operation: str = "upsert"


@attrs.frozen
class Planned:
    """What is to be done with the rows of a batch: its requests in order, and the reasons of rows that cannot be sent, by index."""

    requests: Sequence[Request]
    rejected: Mapping[int, str]


@attrs.frozen(eq=False)
class Compiled:
    """An endpoint, read: what it makes of rows, and the fields that its templates name."""

    operation: str
    endpoint: Endpoint
    targets: Targets
    shape: Fill | None
    encode: Encode
    names: frozenset[str]


@attrs.frozen
class Group:
    """Rows that share a request."""

    made: Compiled
    target: Target
    rows: Sequence[int]


@attrs.frozen(eq=False)
class Endpoints:
    """The endpoints of a destination."""

    upsert: Compiled
    delete: Compiled | None
    operation_field: str
    delete_when: Sequence[Any]

    def of(self, row: Mapping[str, Any]) -> Compiled:
        """The one that *row* goes to."""
        if self.delete is None:
            return self.upsert
        value = find(row, self.operation_field)
        wanted = any(value == one and isinstance(value, str) is isinstance(one, str) for one in self.delete_when)
        return self.delete if wanted else self.upsert

    @property
    def names(self) -> frozenset[str]:
        """Every field that a template of them names."""
        named = self.upsert.names if self.delete is None else self.upsert.names | self.delete.names
        return named | {self.operation_field} if self.operation_field else named


@lru_cache(maxsize=64)
def endpoints_of(settings: RestSettings, table: str = "") -> Endpoints:
    """The endpoints of *settings* for rows of *table*, read once."""
    control = settings.operation_field
    upsert = _compiled("upsert", settings, settings, table)
    delete = settings.delete
    return Endpoints(upsert, _compiled("delete", delete, settings, table) if delete else None, control, delete.when if delete else ())


def _compiled(operation: str, endpoint: Endpoint, settings: RestSettings, table: str) -> Compiled:
    control = settings.operation_field
    endpoint = for_table(endpoint, table)
    if not endpoint.base_url:
        endpoint = attrs.evolve(endpoint, base_url=settings.base_url)
    named = named_fields(endpoint)
    taken = frozenset([name.partition(".")[0] for name in named] + ([control] if control else []))
    shape = demanding(endpoint.required, row_maker(endpoint, taken, control))
    return Compiled(operation, endpoint, targets_of(endpoint), shape, encoder(endpoint), frozenset([*named, *endpoint.required]))


def for_table(endpoint: Endpoint, table: str) -> Endpoint:
    """*endpoint* with the name of *table* in the place of ``{@table}``: a segment of a path, text everywhere else."""
    if not table:
        return endpoint
    plain = table.replace("{", "{{").replace("}", "}}")
    changed = {name: with_text(getattr(endpoint, name), TABLE, plain) for name in ("query", "headers", "row", "lines", "text", "body")}
    path = endpoint.path.replace(TABLE, quote(table, safe=""))
    return attrs.evolve(endpoint, path=path, **{name: value for name, value in changed.items() if value != getattr(endpoint, name)})


def with_text(data: Any, old: str, new: str) -> Any:
    """*data* with *new* for *old* in every text of it that is a value."""
    if isinstance(data, str):
        return data.replace(old, new)
    if isinstance(data, Mapping):
        return {key: with_text(value, old, new) for key, value in data.items()}
    return [with_text(value, old, new) for value in data] if isinstance(data, list | tuple) else data


def named_fields(endpoint: Endpoint) -> list[str]:
    """The fields that templates of *endpoint* name by themselves, as dotted paths."""
    every = [read(endpoint.path, "path")]
    for what in ("query", "headers", "row", "lines", "text", "body"):
        every += templates_in(getattr(endpoint, what), what)
    every += templates_in(endpoint.file.fields, "file.fields")
    return [name for template in every for name in template.names if name not in (WHOLE_ROW, THE_REST, JOB)]


def planned(settings: RestSettings, items: Sequence[Mapping[str, Any]], table: str = "") -> Planned:
    """The requests for *items*, rows of *table*. A pure function: nothing is sent."""
    endpoints = endpoints_of(settings, table)
    rejected: dict[int, str] = {}
    made, fixed = endpoints.upsert, endpoints.upsert.targets.fixed
    if endpoints.delete is None and fixed is not None and made.endpoint.send == "batch":
        groups: Iterable[Group] = [Group(made, fixed, range(len(items)))]
    else:
        groups = grouped(endpoints, items, rejected)
    requests = [request for group in groups if (request := _request(group, items, rejected)) is not None]
    return Planned(requests, rejected)


def grouped(endpoints: Endpoints, items: Sequence[Mapping[str, Any]], rejected: dict[int, str]) -> Iterable[Group]:
    """The rows that share a request, in the order of their first ones; those that can go nowhere are *rejected*."""
    groups: dict[Any, tuple[Compiled, Target, list[int]]] = {}
    for index, row in enumerate(items):
        made = endpoints.of(row)
        try:
            target = made.targets.of(row)
        except CannotFill as error:
            rejected[index] = str(error)
            continue
        key = index if made.endpoint.send == "row" else (made.operation, target)
        groups.setdefault(key, (made, target, []))[2].append(index)
    return [Group(made, target, rows) for made, target, rows in groups.values()]


def _request(group: Group, items: Sequence[Mapping[str, Any]], rejected: dict[int, str]) -> Request | None:
    """The request of *group*; rows of it that cannot be sent are *rejected*. None if that is all of them."""
    made = group.made
    shaped = _shaped(group, items, rejected)
    try:
        body, kind = _body(made, shaped, items)
    except (Reject, CannotFill):  # which row it was is found out by trying each alone
        for index in list(shaped):
            reason = _why_not(made, shaped[index], items[index])
            if reason is not None:
                rejected[index] = reason
                del shaped[index]
        body, kind = _body(made, shaped, items)
    if not shaped:
        return None
    endpoint = made.endpoint
    given = dict(group.target.headers)
    said = [name.lower() for name in given]
    own = {"Content-Type": kind, "Content-Encoding": "gzip" if body and endpoint.compression == "gzip" else ""}
    headers = {**{name: value for name, value in own.items() if value and name.lower() not in said}, **given}
    return Request(
        method=endpoint.method, url=group.target.url, headers=headers, body=body, rows=tuple(shaped), operation=made.operation
    )


def _shaped(group: Group, items: Sequence[Mapping[str, Any]], rejected: dict[int, str]) -> dict[int, Any]:
    """What the body holds of each row, by its index."""
    shape = group.made.shape
    if shape is None:
        return {index: items[index] for index in group.rows}
    shaped: dict[int, Any] = {}
    for index in group.rows:
        try:
            shaped[index] = shape(items[index])
        except CannotFill as error:
            rejected[index] = str(error)
    return shaped


def _body(made: Compiled, shaped: Mapping[int, Any], items: Sequence[Mapping[str, Any]]) -> tuple[bytes, str]:
    return made.encode(list(shaped.values()), items[next(iter(shaped))]) if shaped else (b"", "")


def _why_not(made: Compiled, shaped: Any, row: Mapping[str, Any]) -> str | None:
    """Why the body of one row cannot be written; None if it can."""
    try:
        made.encode([shaped], row)
    except Reject as error:
        return error.message
    except CannotFill as error:
        return str(error)
    return None


def requests_for(items: Sequence[Mapping[str, Any]], **settings: Any) -> list[Request]:
    """The requests that ``sinkkit.destinations.rest`` would send for the rows *items* under *settings*, without sending any.

    A pure function of its arguments. ``table=`` is the name of their table, for ``{@table}``; *settings* are those of ``rest`` as its call takes them; tables in them may be given as
    mappings. ``settings=`` takes an object of ``RestSettings`` in their place. Rows that cannot be sent are in none of the requests.

    Raises:
        ConfigError: If the settings are impossible.
    """
    given, table = settings.pop("settings", None), settings.pop("table", "")
    return list(planned(given if given is not None else RestSettings(**settings), items, table).requests)
