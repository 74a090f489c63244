"""What ``@sinkkit.destination`` makes of a function: a value that keeps it and makes destinations of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

import attrs

from sinkkit.declaration.capabilities import Stated
from sinkkit.declaration.declared import Declared, declare
from sinkkit.declaration.destination import Destination
from sinkkit.declaration.given import sort_given
from sinkkit.declaration.options import Options
from sinkkit.declaration.signature import Signature
from sinkkit.declaration.spec import Spec
from sinkkit.errors import ConfigError

P = ParamSpec("P")
R = TypeVar("R")


@attrs.define(eq=False, slots=False)
class DestinationFactory(Generic[P, R]):
    """A decorated function; give it to a pipeline, or call it with settings.

    Attributes:
        function: The function itself, to call in unit tests.
        declared: What the decorator knows of it.
    """

    function: Callable[P, R] = attrs.field(repr=False)
    declared: Declared

    def __attrs_post_init__(self) -> None:
        """Look like the function to editors, ``inspect`` and documentation."""
        self.__doc__ = self.function.__doc__
        self.__wrapped__ = self.function

    @property
    def name(self) -> str:
        """The destination's name, unless a call says otherwise."""
        return self.declared.name

    @property
    def options(self) -> Options:
        """The decorator's settings."""
        return self.declared.options

    @property
    def signature(self) -> Signature:
        """What the function takes."""
        return self.declared.signature

    def __call__(self, *items: object, **settings: Any) -> Destination:
        """A ``Destination`` with *settings*: those of the decorator, of the function and of its spec, capabilities, ``destination_name``.

        Raises:
            ConfigError: If one is unknown or impossible, or if it is called like the function it keeps.
        """
        if items:
            raise ConfigError(
                f"destination {self.name!r} is called with settings by name, not with rows",
                hint=f"call the function itself as {self.name}.function(...), or send rows with sinkkit.pipeline(...).run(rows)",
            )
        name = settings.pop("destination_name", None)
        return Destination(self.declared, name=name, given=sort_given(settings).checked(self.declared))

    def probe(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Register *function*, ``(batch, ...settings)``, to answer whether a batch of unknown fate arrived.

        It returns an ``Outcome`` (what arrived) or None (it did not).

        Raises:
            SignatureError: If it takes no batch.
        """
        self.declared.register_probe(function)
        return function


def make_factory(
    function: Callable[P, R],
    *,
    name: str | None = None,
    options: Options | None = None,
    spec: Spec | None = None,
    stated: Stated | None = None,
) -> DestinationFactory[P, R]:
    """A factory of *function*; what is raised is that of ``declare``."""
    return DestinationFactory(function, declare(function, name=name, options=options, spec=spec, stated=stated))
