"""``@source``: a function that gives resources, as one thing to run, to look at and to choose from."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, ParamSpec, overload

import attrs

from sinkkit.errors import ConfigError, SignatureError, SourceError
from sinkkit.rows import Row
from sinkkit.sources.pages import PartialHints, checked_name
from sinkkit.sources.resource import Resource

P = ParamSpec("P")


@attrs.frozen(kw_only=True)
class Group(Generic[P]):
    """Resources that belong together; made by ``source``. Given to a run, each goes to its own table.

    Attributes:
        function: The function as it was written.
        name: Its own name, or the one given.
        selected: Names of the resources that were chosen; None: all.
        parallelized: Whether all are read side by side; None: as each says.
        made: What its function gave, once it was called.
    """

    function: Callable[P, Any]
    name: str
    selected: tuple[str, ...] | None = None
    parallelized: bool | None = None
    bound: Callable[[], Any] | None = attrs.field(default=None, repr=False)  # arguments may hold secrets
    made: dict[str, Resource[Any]] = attrs.field(factory=dict, repr=False, eq=False)

    @property
    def __wrapped__(self) -> Callable[P, Any]:
        """Lets ``inspect.signature`` and editors see the function's own parameters."""
        return self.function

    @property
    def label(self) -> str:
        """What errors call it."""
        return f"source {self.name!r}"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Group[P]:
        """The same source with these arguments; nothing is called until its resources are asked for."""
        return attrs.evolve(self, bound=partial(self.function, *args, **kwargs), made={})

    @property
    def resources(self) -> Mapping[str, Resource[Any]]:
        """Its resources by name, in the order in which the function gives them; it is called when they are first asked for.

        Raises:
            SourceError: If the function fails, or gives something else than resources.
            ConfigError: If two resources have one name, or one that was chosen is not there.
        """
        if not self.made:
            self.made.update(self._called())
        if self.selected is None:
            return MappingProxyType(self.made)
        return MappingProxyType({name: self.made[name] for name in self.made if name in self.selected})

    def with_resources(self, *names: str) -> Group[P]:
        """The same source with these resources only.

        Raises:
            ConfigError: If there is none of that name.
        """
        for name in names:
            if name not in self.resources:
                near = difflib.get_close_matches(str(name), list(self.resources), n=1)
                raise ConfigError(
                    f"{self.label} has no resource {name!r}",
                    hint=f"did you mean {near[0]!r}?" if near else f"it has {', '.join(self.resources) or 'none'}",
                )
        return attrs.evolve(self, selected=names)

    def hints(self) -> PartialHints:
        """What it says about its tables: its resources say it themselves."""
        return PartialHints()

    def open(self, hints: PartialHints) -> Any:  # noqa: ARG002  # part of the protocol of data
        """Its resources, to be read one after another, or side by side where they say so."""
        return list(self.resources.values())

    def __iter__(self) -> Iterator[Row]:
        """The rows of all its resources as dicts, for a look at them or a test."""
        for one in self.resources.values():
            yield from one

    def _called(self) -> dict[str, Resource[Any]]:
        call = self.bound or partial(self.function)
        try:
            inspect.signature(call).bind()
        except (TypeError, ValueError) as error:
            raise SourceError(
                f"{self.label} cannot be read: {error}", hint=f"call it with its arguments: {self.name}(...)"
            ) from error
        try:
            given = call()
            items = [given] if isinstance(given, Resource) else list(given)
        except TypeError as error:
            raise SourceError(f"{self.label} gave no resources: {error}", hint=HINT) from error
        except Exception as error:
            raise SourceError(f"{self.label} raised {type(error).__name__}", hint="nothing was sent; see its cause") from error
        found: dict[str, Resource[Any]] = {}
        for item in items:
            if not isinstance(item, Resource):
                raise SourceError(f"{self.label} gave a {type(item).__name__}, which is no resource", hint=HINT)
            if item.name in found:
                raise ConfigError(f"{self.label} gave two resources named {item.name!r}", hint="give one another name: @sinkkit.resource(name=...)")
            found[item.name] = item if self.parallelized is None else item.with_hints(parallelized=self.parallelized)
        return found


HINT = "let it return or yield functions decorated with @sinkkit.resource"


@overload
def source(function: Callable[P, Any], /) -> Group[P]: ...


@overload
def source(*, name: str | None = None, parallelized: bool | None = None) -> Callable[[Callable[P, Any]], Group[P]]: ...


def source(
    function: Callable[P, Any] | None = None, /, *, name: str | None = None, parallelized: bool | None = None
) -> Group[P] | Callable[[Callable[P, Any]], Group[P]]:
    """Make a function that returns or yields resources one source of them all; use it bare or with keyword arguments.

    Args:
        function: A function that gives one resource, a list of them, or yields them.
        name: Default: the function's name.
        parallelized: Whether all its resources are read side by side; None: as each of them says.

    Raises:
        SignatureError: If what is decorated cannot be called, or is a class.
        ConfigError: If the name cannot be one.
    """

    def decorate(function: Any) -> Group[P]:
        if not callable(function) or isinstance(function, type | Resource) or inspect.iscoroutinefunction(function):
            raise SignatureError(
                f"@source needs a plain function that gives resources, not {type(function).__name__} {getattr(function, '__name__', '')}".rstrip(),
                hint="write `@sinkkit.source` above a function that returns a list of @sinkkit.resource functions",
            )
        return Group(function=function, name=checked_name(name) or str(getattr(function, "__name__", "source")), parallelized=parallelized)

    return decorate if function is None else decorate(function)
