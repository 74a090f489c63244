"""A destination made ready: settings read, all problems named at once, then opened for a load package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from sinkkit.declaration.client.injected import open_async_client, open_client
from sinkkit.declaration.client.plan import ClientPlan
from sinkkit.declaration.coroutines import LoopThread
from sinkkit.declaration.declared import Declared
from sinkkit.declaration.destination import Destination, abilities
from sinkkit.declaration.effective import TYPES, in_force
from sinkkit.declaration.function_sink import FunctionSink
from sinkkit.declaration.naming.convention import convention_of
from sinkkit.declaration.options import OPTION_NAMES, Options, changed
from sinkkit.declaration.problems import Problems
from sinkkit.declaration.signature import Role
from sinkkit.declaration.sink import Sink
from sinkkit.declaration.sink_object import Form, GuardedSink, made_sink
from sinkkit.declaration.spec import check_together, client_defaults, fill, option_defaults
from sinkkit.errors import ConfigError
from sinkkit.rows import TableSchema
from sinkkit.schema.items import ItemsKind
from sinkkit.schema.naming.names import AS_GIVEN, Names
from sinkkit.schema.typed.structurer import Structurer, structurer_of
from sinkkit.settings.resolve import Resolver

__all__ = ["HOUSE_KEYS", "TYPES", "Ready", "effective_options", "make_ready", "usual_client"]

NOT_PASSED = frozenset({Role.BATCH, Role.TABLE, Role.FIELD})
"""Roles of what a function gets anew with each call, or not at all."""

HOUSE_KEYS = (*OPTION_NAMES, "http", "capabilities", "destination_type")
"""Keys that may stand in the section of any destination, beside what its function asks for."""


@attrs.frozen(kw_only=True)
class Ready:
    """A destination whose settings were read; nothing was called yet.

    Attributes:
        name: The destination's name.
        options: The decorator's settings, after config and the factory's call had their say.
        kind: What the function gets as items.
        names: What tables and columns are called there.
        structurer: What makes objects of rows, where the function gets such.
        capabilities: What the destination can take and keep.
        values: Its own settings and its probe's, by name.
        resolver: Where they came from; its redactor knows the secrets.
        opener: What gives the sink for some tables, instead of what is declared; None: that is opened.
    """

    name: str
    declared: Declared
    options: Options
    kind: ItemsKind
    names: Names
    capabilities: Mapping[str, Any]
    values: Mapping[str, Any]
    client: ClientPlan | None
    resolver: Resolver
    opener: Callable[[Sequence[TableSchema]], Sink] | None = None
    structurer: Structurer | None = None

    def open(self, tables: Sequence[TableSchema]) -> Sink:
        """The sink for a load package with *tables*.

        Raises:
            ConfigError: If it is not a function's, and could not be opened or prepared.
        """
        if self.opener is not None:
            return self.opener(tables)
        clients = self._clients()
        given = {**self.values, **clients}
        arguments = {p.name: given[p.name] for p in self.declared.signature.parameters if p.role not in NOT_PASSED}
        every = tuple({id(client): client for client in clients.values()}.values())
        sink = self._function(given, arguments, tables, every) if self.declared.form is Form.FUNCTION else self._object(arguments, every)
        sink.prepare(tables)
        return sink

    def _function(
        self, given: Mapping[str, Any], arguments: Mapping[str, Any], tables: Sequence[TableSchema], clients: tuple[Any, ...]
    ) -> Sink:
        declared, signature = self.declared, self.declared.signature
        return FunctionSink(
            function=declared.function,
            takes_table=signature.takes_table,
            batch_name=signature.one(Role.BATCH),
            table_name=signature.one(Role.TABLE),
            arguments=arguments,
            by_position=tuple(parameter.name for parameter in signature.parameters if parameter.by_position),
            tables={table.name: table for table in tables},
            text_path=signature.text_path,
            probe_function=declared.probe_function,
            probe_arguments={p.name: given[p.name] for p in declared.probe_parameters},
            traced=bool(clients),
            loop=LoopThread() if declared.needs_loop else None,
            coroutine=signature.is_async,
            probe_coroutine=declared.probe_signature is not None and declared.probe_signature.is_async,
            timeout=self.options.timeout,
            clients=clients,
        )

    def _object(self, arguments: Mapping[str, Any], clients: tuple[Any, ...]) -> Sink:
        try:
            sink = made_sink(self.declared.function, arguments, self.declared.form, self.name)
        except ConfigError:
            for client in clients:
                client.close()
            raise
        return GuardedSink(sink=sink, name=self.name, traced=bool(clients), clients=clients)

    def _clients(self) -> dict[str, Any]:
        roles = self.declared.client_roles()
        openers = {Role.CLIENT: open_client, Role.ASYNC_CLIENT: open_async_client}
        plan = self.client
        made = {} if plan is None else {role: openers[role](plan, self.options.idempotency_header) for role in set(roles.values())}
        return {name: made[role] for name, role in roles.items()}


def make_ready(destination: Destination, pipeline: str | None) -> Ready:
    """Read every setting of *destination* for *pipeline*.

    Raises:
        ConfigError: Once, naming all that is missing or malformed, or what cannot go together.
        ReferenceNotFound: If the destination's function is not where its reference says.
    """
    destination = destination.resolved(pipeline)
    declared = destination.declared
    resolver = Resolver(destination.destination_name, pipeline, explicit=destination.settings)
    problems = Problems()
    options = declared.options
    client: ClientPlan | None = None
    values: Mapping[str, Any] = {}
    made: Any = None
    capabilities: Mapping[str, Any] = {}
    names = AS_GIVEN
    with problems.collecting():
        options = effective_options(destination, resolver)
        _check_probe(destination, options)
        capabilities = abilities(destination, options, resolver)
        names = names_of(options, capabilities)
    with problems.collecting():
        values, made = _values(declared, resolver)
        usual = option_defaults(made)
        if usual:
            options = effective_options(destination, resolver, usual)
            capabilities = abilities(destination, options, resolver)
    if declared.client_roles():
        with problems.collecting():
            from sinkkit.declaration.client.whole_plan import read_plan

            client = read_plan(resolver, timeout=options.timeout, workers=options.calls_at_once, usual=client_defaults(made))
    problems.raise_all()
    http = None if client is None else client.arguments
    check_together(made, attrs.asdict(options, recurse=False), http, resolver.redactor)
    resolver.warn_of_unknown(HOUSE_KEYS)
    return Ready(
        name=destination.destination_name,
        declared=declared,
        options=options,
        kind=declared.items_kind(options),
        names=names,
        capabilities=capabilities,
        values=values,
        client=client,
        resolver=resolver,
        structurer=None if declared.signature.row_type is None else structurer_of(declared.signature.row_type),
    )


def names_of(options: Options, capabilities: Mapping[str, Any]) -> Names:
    """What tables and columns are called under *options*, at a destination with *capabilities*.

    Raises:
        ConfigError: If the naming convention is none.
    """
    return Names(
        convention_of(options.naming_convention),
        table_limit=capabilities["max_identifier_length"],
        column_limit=capabilities["max_column_identifier_length"],
        fold=capabilities["casefold_identifier"],
        case_sensitive=capabilities["has_case_sensitive_identifiers"],
    )


def _check_probe(destination: Destination, options: Options) -> None:
    if options.on_unknown == "probe" and not destination.declared.can_probe:
        raise ConfigError(
            f"destination {destination.destination_name!r} has on_unknown='probe' and no probe",
            hint=f"register one: @{destination.declared.name}.probe above `def arrived(batch): ...`",
        )


def _values(declared: Declared, resolver: Resolver) -> tuple[Mapping[str, Any], Any]:
    """The settings of the function, of its probe and of its spec, the object of the spec under each name that wants it; and that object."""
    parameters = (*declared.probe_parameters, *declared.signature.parameters)
    wanted = {p.wanted.name: p.wanted for p in parameters if p.wanted is not None}
    values = resolver.resolve(tuple(wanted.values())).values if wanted else {}
    spec = declared.signature.spec
    if spec is None:
        return values, None
    made, held = fill(spec, values, resolver.redactor)
    return {**values, **held, **{p.name: made for p in parameters if p.role is Role.SPEC}}, made


def effective_options(destination: Destination, resolver: Resolver, usual: Mapping[str, Any] | None = None) -> Options:
    """The decorator's settings, overridden by those that are *usual* for the spec, these by config, and these by the factory's call.

    Raises:
        ConfigError: Naming every setting that config gives and that is impossible, and where it stands.
    """
    return in_force(changed(destination.declared.options, usual or {}), destination.options, resolver)


def usual_client(declared: Declared, resolver: Resolver) -> Mapping[str, Any]:
    """What the spec says of the injected client, where config does not; nothing while its own settings are wrong, which is told elsewhere."""
    try:
        return client_defaults(_values(declared, resolver)[1])
    except ConfigError:
        return {}
