"""A decorated function: a value that keeps the function and makes destinations of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar

import attrs

from sinkkit.declaration.options import OPTION_NAMES, Options, suggestion
from sinkkit.declaration.signature import Parameter, Role, Signature, read_signature
from sinkkit.errors import ConfigError, SignatureError
from sinkkit.schema.items import ItemsKind

P = ParamSpec("P")
R = TypeVar("R")


@attrs.define(eq=False)
class DestinationFactory(Generic[P, R]):
    """What ``@sinkkit.destination`` makes of a function; give it to a pipeline, or call it with settings.

    Attributes:
        function: The function itself, to call in unit tests.
        name: The destination's name, unless a call says otherwise.
        signature: What the function takes.
        options: The decorator's settings.
    """

    function: Callable[P, R] = attrs.field(repr=False)
    name: str
    signature: Signature = attrs.field(repr=False)
    options: Options = attrs.field(repr=False)
    probe_function: Callable[..., Any] | None = attrs.field(default=None, init=False, repr=False)
    probe_parameters: tuple[Parameter, ...] = attrs.field(default=(), init=False, repr=False)

    @property
    def __wrapped__(self) -> Callable[P, R]:
        """Lets editors and ``inspect.signature`` see the function's own parameters."""
        return self.function

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # the function's own
        """The function's docstring."""
        return self.function.__doc__

    def __call__(self, **settings: Any) -> Any:
        """A ``Destination`` with *settings*: those of the decorator, those of the function, ``destination_name``.

        Raises:
            ConfigError: If one is unknown or impossible.
        """
        from sinkkit.declaration.destination import Destination

        name = settings.pop("destination_name", None)
        options = {key: settings.pop(key) for key in tuple(settings) if key in OPTION_NAMES}
        self.check(settings)
        attrs.evolve(self.options, **options)
        return Destination(self, name=name, settings=settings, options=options)

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise ``ConfigError`` for a setting that neither the function nor destinations have."""
        own = {wanted.name for wanted in self.signature.settings}
        for key in settings:
            if key not in own:
                known = (*sorted(own), *OPTION_NAMES, "destination_name")
                raise ConfigError(f"destination {self.name!r} has no setting {key!r}", hint=suggestion(key, known))

    def probe(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Register *function*, ``(batch, ...settings)``, to answer whether a batch of unknown fate arrived.

        It returns an ``Outcome`` (what arrived) or None (it did not).

        Raises:
            SignatureError: If it takes no batch.
        """
        signature = read_signature(function)
        self.probe_parameters = signature.parameters
        if signature.takes_table:
            raise SignatureError(
                f"{signature.name}() takes a table", hint=f"a probe takes the batch and settings: `def {signature.name}(batch, ...)`"
            )
        self.probe_function = function
        return function

    def items_kind(self, options: Options) -> ItemsKind:
        """What ``items`` holds under *options*.

        Raises:
            ConfigError: If a path is asked for a part of a file, or rows for a whole one.
        """
        kind = self.signature.items
        if kind is ItemsKind.PATH and options.batch_size != 0:
            raise ConfigError(
                f"{self.name}() takes a path, and batch_size={options.batch_size} cuts files into batches", hint="set batch_size=0"
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


def make_factory(function: Callable[P, R], *, name: str | None = None, options: Options | None = None) -> DestinationFactory[P, R]:
    """A factory of *function*.

    Raises:
        SignatureError: If the function cannot be a destination as it is written.
        ConfigError: If an option is impossible, or does not go with what the function takes.
    """
    signature = read_signature(function)
    made = DestinationFactory(function, name or signature.name, signature, options or Options())
    if options is not None:
        made.items_kind(options)
    return made
