"""A destination made ready: settings read, all problems named at once, then opened for a load package."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from sinkkit.declaration.client_settings import client_arguments, passwords_in
from sinkkit.declaration.coroutines import LoopThread
from sinkkit.declaration.declared import Declared
from sinkkit.declaration.destination import Destination
from sinkkit.declaration.function_sink import FunctionSink
from sinkkit.declaration.http import open_async_client, open_client
from sinkkit.declaration.limits import RateLimit
from sinkkit.declaration.options import OPTION_NAMES, Options, changed
from sinkkit.declaration.problems import Problems
from sinkkit.declaration.signature import Role
from sinkkit.errors import ConfigError
from sinkkit.rows import Retry, TableSchema
from sinkkit.schema.items import ItemsKind
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.wanted import MISSING

TYPES: Mapping[str, Any] = {
    "batch_size": int,
    "loader_file_format": str,
    "naming_convention": str,
    "max_nesting_level": int,
    "skip_internal_columns_and_tables": bool,
    "workers": int,
    "order_by": str,
    "batch_bytes": int,
    "rate_limit": typing.Union[str, RateLimit],  # noqa: UP007  # read at run time
    "retry": Retry,
    "on_reject": str,
    "max_rejected": typing.Union[int, str],  # noqa: UP007  # read at run time
    "on_unknown": str,
    "idempotency_header": str,
    "timeout": float,
    "durability": str,
}
"""What each setting of the decorator is when config gives it."""


@attrs.frozen(kw_only=True)
class Ready:
    """A destination whose settings were read; nothing was called yet.

    Attributes:
        name: The destination's name.
        options: The decorator's settings, after config and the factory's call had their say.
        kind: What the function gets as items.
        values: Its own settings and its probe's, by name.
        resolver: Where they came from; its redactor knows the secrets.
    """

    name: str
    declared: Declared
    options: Options
    kind: ItemsKind
    values: Mapping[str, Any]
    client: Mapping[str, Any] | None
    resolver: Resolver

    def open(self, tables: Sequence[TableSchema]) -> FunctionSink:
        """The sink for a load package with *tables*."""
        declared, signature = self.declared, self.declared.signature
        clients = self._clients()
        given = {**self.values, **clients}
        sink = FunctionSink(
            function=declared.function,
            takes_table=signature.takes_table,
            batch_name=signature.one(Role.BATCH),
            table_name=signature.one(Role.TABLE),
            arguments={p.name: given[p.name] for p in signature.parameters if p.role not in {Role.BATCH, Role.TABLE}},
            tables={table.name: table for table in tables},
            text_path=signature.text_path,
            probe_function=declared.probe_function,
            probe_arguments={p.name: given[p.name] for p in declared.probe_parameters},
            traced=bool(clients),
            loop=LoopThread() if declared.needs_loop else None,
            timeout=self.options.timeout,
            clients=tuple({id(client): client for client in clients.values()}.values()),
        )
        sink.prepare(tables)
        return sink

    def _clients(self) -> dict[str, Any]:
        roles = self.declared.client_roles()
        openers = {Role.CLIENT: open_client, Role.ASYNC_CLIENT: open_async_client}
        made = {role: openers[role](self.client or {}, self.options.idempotency_header) for role in set(roles.values())}
        return {name: made[role] for name, role in roles.items()}


def make_ready(destination: Destination, pipeline: str | None) -> Ready:
    """Read every setting of *destination* for *pipeline*.

    Raises:
        ConfigError: Once, naming all that is missing or malformed, or what cannot go together.
        ReferenceNotFound: If the destination's function is not where its reference says.
    """
    declared = destination.declared_in(pipeline)
    resolver = Resolver(destination.destination_name, pipeline, explicit=destination.settings)
    problems = Problems()
    options, client = declared.options, None
    values: Mapping[str, Any] = {}
    with problems.collecting():
        options = effective_options(destination, resolver)
        _check_probe(destination, options)
        declared.items_kind(options)
    with problems.collecting():
        values = _values(declared, resolver)
    if declared.client_roles():
        with problems.collecting():
            client = client_arguments(resolver.section("http"), timeout=options.timeout, workers=options.calls_at_once)
            for password in passwords_in(client):
                resolver.redactor.add(password)
    problems.raise_all()
    return Ready(
        name=destination.destination_name,
        declared=declared,
        options=options,
        kind=declared.items_kind(options),
        values=values,
        client=client,
        resolver=resolver,
    )


def _check_probe(destination: Destination, options: Options) -> None:
    if options.on_unknown == "probe" and destination.declared.probe_function is None:
        raise ConfigError(
            f"destination {destination.destination_name!r} has on_unknown='probe' and no probe",
            hint=f"register one: @{destination.declared.name}.probe above `def arrived(batch): ...`",
        )


def _values(declared: Declared, resolver: Resolver) -> Mapping[str, Any]:
    """The settings of the function and of its probe."""
    probe_settings = [p.wanted for p in declared.probe_parameters if p.wanted is not None]
    wanted = {one.name: one for one in (*probe_settings, *declared.signature.settings)}
    return resolver.resolve(tuple(wanted.values())).values if wanted else {}


def effective_options(destination: Destination, resolver: Resolver) -> Options:
    """The decorator's settings, overridden by config, overridden by the factory's call.

    Raises:
        ConfigError: Naming every setting that config gives and that is impossible, and where it stands.
    """
    problems = Problems()
    configured = {}
    for name in OPTION_NAMES:
        if name not in destination.options:
            with problems.collecting():
                value = _configured(name, destination.declared.options, resolver)
                if value is not MISSING:
                    configured[name] = value
    problems.raise_all()
    return changed(destination.declared.options, {**configured, **destination.options})


def _configured(name: str, declared: Options, resolver: Resolver) -> Any:
    """What config says of one setting, or ``MISSING``; a policy of retries keeps what config does not say of it."""
    value = resolver.peek(name, TYPES[name], declared.retry if name == "retry" else MISSING)
    if value is not MISSING:
        try:
            changed(Options(), {name: value})
        except ConfigError as error:
            places = [hit.place for hit in resolver.lookup.hits((name,), stated=True)]
            where = f" ({places[0]})" if places else ""
            raise ConfigError(f"{error.message}{where}", hint=error.hint) from None
    return value
