"""What a decorator knows of a function, as a value: shared by the factory and the destinations it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from sinkkit.declaration.capabilities import Stated
from sinkkit.declaration.options import Options
from sinkkit.declaration.signature import Parameter, Role, Signature, name_of, read_maker, read_probe, read_signature
from sinkkit.declaration.sink_object import Form, form_of
from sinkkit.declaration.spec import Spec
from sinkkit.errors import ConfigError, SignatureError
from sinkkit.schema.items import ItemsKind


@attrs.define(eq=False)
class Declared:
    """A function, or a sink, that was made a destination.

    Attributes:
        function: The function itself; or the sink, or what makes one.
        name: The destination's name, unless its settings say otherwise.
        signature: What the function takes.
        options: The decorator's settings.
        stated: The capabilities that the decorator states.
        form: What *function* is.
        probe_function: What answers for batches of unknown fate, once registered.
        probe_signature: What that function takes.
    """

    function: Callable[..., Any] = attrs.field(repr=False)
    name: str
    signature: Signature = attrs.field(repr=False)
    options: Options = attrs.field(repr=False)
    stated: Stated = attrs.field(factory=Stated, repr=False)
    form: Form = attrs.field(default=Form.FUNCTION, repr=False)
    probe_function: Callable[..., Any] | None = attrs.field(default=None, init=False, repr=False)
    probe_signature: Signature | None = attrs.field(default=None, init=False, repr=False)

    @property
    def probe_parameters(self) -> tuple[Parameter, ...]:
        """What the probe takes after the batch."""
        return () if self.probe_signature is None else self.probe_signature.parameters

    @property
    def needs_loop(self) -> bool:
        """Whether an event loop is needed to call the function or its probe."""
        probe = self.probe_signature
        return (
            self.signature.is_async or (probe is not None and probe.is_async) or Role.ASYNC_CLIENT in self.client_roles().values()
        )

    @property
    def setting_names(self) -> tuple[str, ...]:
        """Settings that its function, its probe and its spec ask for, and ``http`` where a client is injected."""
        every = (*self.signature.parameters, *self.probe_parameters)
        client = ["http"] if self.client_roles() else []
        return tuple(dict.fromkeys([*(p.wanted.name for p in every if p.wanted is not None), *client]))

    @property
    def can_probe(self) -> bool:
        """Whether it can say of a batch of unknown fate that it arrived."""
        return self.probe_function is not None or self.form is not Form.FUNCTION

    def register_probe(self, function: Callable[..., Any]) -> None:
        """Let *function*, ``(batch, ...settings)``, answer whether a batch arrived.

        Raises:
            SignatureError: If it takes no batch, or if there is a probe already.
        """
        if self.form is not Form.FUNCTION:
            raise SignatureError(f"{self.name} answers probes itself", hint="a sink has a method of its own: probe(batch)")
        if self.probe_function is not None:
            raise SignatureError(
                f"destination {self.name!r} has a probe already: {name_of(self.probe_function)}()", hint="register one only"
            )
        self.probe_signature = read_probe(function, self.signature.spec)
        self.probe_function = function

    def items_kind(self, options: Options) -> ItemsKind:
        """What ``items`` holds under *options*.

        Raises:
            ConfigError: If a path is asked for a part of a file, or rows for a whole one.
        """
        kind = self.signature.items
        if kind is ItemsKind.PATH and options.batch_size != 0:
            raise ConfigError(
                f"{self.name}() takes a path, and batch_size={options.batch_size} cuts files into batches",
                hint="set batch_size=0",
            )
        if options.batch_size == 0:
            if kind not in {None, ItemsKind.PATH}:
                raise ConfigError(
                    f"batch_size=0 hands out the path of a file, and {self.name}() asks for {kind}",
                    hint="annotate the first parameter with pathlib.Path, or set batch_size to a number of rows",
                )
            return ItemsKind.PATH
        if kind is not None:
            return kind
        return ItemsKind.ROWS if options.loader_file_format == "jsonl" else ItemsKind.TABLE

    def client_roles(self) -> dict[str, Role]:
        """Parameters, the probe's too, that get an HTTP client."""
        every = (*self.signature.parameters, *self.probe_parameters)
        return {p.name: p.role for p in every if p.role in {Role.CLIENT, Role.ASYNC_CLIENT}}


def checked_name(name: Any) -> str:
    """*name*, if it can be that of a destination: it heads a section of settings, stands in reports and is kept with packages.

    Raises:
        ConfigError: If it is no text, or text that is blank or cannot be shown on a line.
    """
    if isinstance(name, str) and name.strip() and name.isprintable():
        return name
    raise ConfigError(
        f"{name!r} cannot name a destination", hint='write destination_name="crm_prod", or leave it out for the name of the function'
    )


def declare(
    function: Any,
    *,
    name: str | None = None,
    options: Options | None = None,
    spec: Spec | None = None,
    stated: Stated | None = None,
) -> Declared:
    """Read *function*, or a sink or what makes one, as a destination.

    Raises:
        SignatureError: If it cannot be a destination as it is written.
        ConfigError: If an option or the name is impossible, or an option does not go with what the function takes.
    """
    if isinstance(getattr(function, "declared", None), Declared):
        raise SignatureError(
            f"{name_of(getattr(function, 'function', function))} is a destination already",
            hint="decorate it once, with its spec; to change its settings, call it: `crm(batch_size=50)`",
        )
    form = form_of(function)
    signature = read_signature(function, spec) if form is Form.FUNCTION else read_maker(function, form, spec)
    own = signature.name if name is None else checked_name(name)
    declared = Declared(function, own, signature, options or Options(), stated or Stated(), form)
    if options is not None:
        declared.items_kind(options)
    return declared
