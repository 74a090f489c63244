"""A destination made ready: settings read, all problems named at once, then opened for a load package."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from sinkkit.declaration.coroutines import LoopThread
from sinkkit.declaration.declared import Declared
from sinkkit.declaration.destination import Destination
from sinkkit.declaration.function_sink import FunctionSink
from sinkkit.declaration.http import client_arguments, open_async_client, open_client
from sinkkit.declaration.limits import RateLimit
from sinkkit.declaration.options import OPTION_NAMES, Options, changed
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
        loop = LoopThread() if signature.is_async or Role.ASYNC_CLIENT in declared.client_roles().values() else None
        clients = self._clients()
        given = {**self.values, **clients}
        sink = FunctionSink(
            function=declared.function,
            takes_table=signature.takes_table,
            batch_name=signature.one(Role.BATCH),
            arguments={p.name: given[p.name] for p in signature.parameters if p.role is not Role.BATCH},
            tables={table.name: table for table in tables},
            text_path=signature.text_path,
            probe_function=declared.probe_function,
            probe_arguments={p.name: given[p.name] for p in declared.probe_parameters},
            traced=bool(clients),
            loop=loop,
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
    declared = destination.declared
    resolver = Resolver(destination.destination_name, pipeline, explicit=destination.settings)
    options = effective_options(destination, resolver)
    if options.on_unknown == "probe" and declared.probe_function is None:
        raise ConfigError(
            f"destination {destination.destination_name!r} has on_unknown='probe' and no probe",
            hint=f"register one: @{declared.name}.probe above `def arrived(batch): ...`",
        )
    probe_settings = [p.wanted for p in declared.probe_parameters if p.wanted is not None]
    wanted = {one.name: one for one in (*probe_settings, *declared.signature.settings)}
    resolved = resolver.resolve(tuple(wanted.values())) if wanted else None
    roles = declared.client_roles()
    client = client_arguments(resolver.section("http"), timeout=options.timeout, workers=options.calls_at_once) if roles else None
    return Ready(
        name=destination.destination_name,
        declared=declared,
        options=options,
        kind=declared.items_kind(options),
        values=resolved.values if resolved is not None else {},
        client=client,
        resolver=resolver,
    )


def effective_options(destination: Destination, resolver: Resolver) -> Options:
    """The decorator's settings, overridden by config, overridden by the factory's call."""
    configured = {}
    for name in OPTION_NAMES:
        value = MISSING if name in destination.options else resolver.peek(name, TYPES[name])
        if value is not MISSING:
            configured[name] = value
    return changed(destination.declared.options, {**configured, **destination.options})
