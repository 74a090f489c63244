"""A destination: which function, under which name, with which settings; nothing is imported or read before it must be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from sinkkit.declaration.capabilities import Stated, effective, stated, told
from sinkkit.declaration.declared import Declared, checked_name, declare
from sinkkit.declaration.effective import in_force
from sinkkit.declaration.given import Given, sort_given
from sinkkit.declaration.naming.named import find_named, find_type
from sinkkit.declaration.naming.references import is_path
from sinkkit.declaration.options import Options
from sinkkit.declaration.sink_object import Form, form_of
from sinkkit.declaration.spec import Spec, read_spec
from sinkkit.errors import ConfigError, ReferenceNotFound, SignatureError
from sinkkit.settings.resolve import Resolver


class Destination:
    """A function (or a reference to one) with a name and settings.

    Made by calling a decorated function, by ``sinkkit.destination("name", destination_type=...)``
    or by ``Destination.from_reference``; a pipeline makes one of whatever it is given.
    """

    def __init__(
        self,
        target: Declared | str,
        *,
        name: str | None = None,
        given: Given | None = None,
        declared_type: str | None = None,
        spec: Spec | None = None,
    ) -> None:
        self._target = target
        self._name = None if name is None else checked_name(name)
        self._given = given or Given()
        self._declared_type = declared_type
        self._spec = spec
        self._base: Destination | None = None
        self._found: Destination | None = self if isinstance(target, Declared) else None

    @classmethod
    def from_reference(
        cls,
        reference: Any,
        *,
        destination_callable: Any = None,
        destination_name: str | None = None,
        destination_type: str | None = None,
        spec: type | None = None,
        **settings: Any,
    ) -> Destination:
        """A destination from a factory, a destination, a function, a sink, a name or a dotted path.

        Args:
            reference: What names it; the word ``destination`` stands for *destination_callable*.
            destination_callable: A function, a decorated one, or the dotted path of one.
            destination_name: The name under which its settings stand.
            destination_type: The dotted path, where *reference* is only a name.
            spec: An attrs class or dataclass that declares more settings of a function that is not decorated.
            settings: Settings of the decorator or of the function, and capabilities.

        Raises:
            ReferenceNotFound: If it can be seen at once that nothing is meant.
            ConfigError: If a setting is unknown or impossible.
        """
        if reference is None or (isinstance(reference, str) and reference == "destination"):
            if destination_callable is None:
                raise ReferenceNotFound(
                    "no function was given for the destination", hint="give destination_callable= a function or its dotted path"
                )
            reference, destination_callable = destination_callable, None
        named = isinstance(reference, str) and not is_path(reference)
        if destination_callable is not None or (destination_type is not None and not named):
            raise ConfigError(
                f"two functions are named for one destination, one of them by {reference!r}",
                hint="give either a reference, or destination_callable= with the reference 'destination', or a name with destination_type=",
            )
        if destination_type is not None:
            _check_type(destination_type, reference)
        if isinstance(reference, str):
            if not reference.strip():
                raise ReferenceNotFound(f"{reference!r} names no destination", hint="give a function, its dotted path or a name")
            read = None if spec is None else read_spec(spec)
            return cls(reference, name=destination_name, given=sort_given(settings), declared_type=destination_type, spec=read)
        found = _adopted(reference, repr(reference), None if spec is None else read_spec(spec))
        return found.configured(destination_name, settings)

    def configured(self, name: str | None, settings: Mapping[str, Any]) -> Destination:
        """The same with another name and further settings."""
        if name is None and not settings:
            return self
        given = sort_given(settings)
        if isinstance(self._target, Declared):
            given = given.checked(self._target)
        return Destination(
            self._target, name=self._name if name is None else name, given=given.over(self._given), declared_type=self._declared_type, spec=self._spec
        )

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of its function that were given to it."""
        return (self._found or self)._given.settings  # noqa: SLF001  # an object of this class

    @property
    def options(self) -> Mapping[str, Any]:
        """The settings of the decorator that were given to it."""
        return (self._found or self)._given.options  # noqa: SLF001  # an object of this class

    @property
    def stated(self) -> Mapping[str, Any]:
        """The capabilities that were given to it."""
        return (self._found or self)._given.stated  # noqa: SLF001  # an object of this class

    @property
    def destination_name(self) -> str:
        """The name under which its settings stand and packages are bound; a dotted path is imported for it."""
        return self._called(())

    def _called(self, through: tuple[str, ...]) -> str:
        """The same, reached by way of the references *through*; what settings say of a type is not asked."""
        if self._name is not None:
            return self._name
        if isinstance(self._target, Declared):
            return self._target.name
        if not is_path(self._target):
            return self._target
        _refuse_circle(self._target, through)
        return self._beneath(None)._called((*through, self._target))  # noqa: SLF001  # an object of this class

    @property
    def destination_type(self) -> str:
        """The dotted path of the function."""
        said = self._declared_type or self._target
        if self._found is None and isinstance(said, str) and is_path(said):
            return said.replace(":", ".")
        function = self.declared.function
        while isinstance(function, partial):
            function = function.func
        where = function if hasattr(function, "__qualname__") else type(function)
        return f"{where.__module__}.{where.__qualname__}"

    @property
    def known_options(self) -> Options:
        """The settings as far as they are known without importing or reading anything, else defaults."""
        known = self.known
        return attrs.evolve(Options() if known is None else known.options, **self.options)

    @property
    def known(self) -> Declared | None:
        """The decorated function, if it need not be imported."""
        return None if self._found is None else self._found.declared

    @property
    def known_capabilities(self) -> Mapping[str, Any]:
        """The capabilities as far as they are known without importing or reading anything, else defaults.

        Raises:
            ConfigError: If rows would rest in a form that it does not support.
        """
        known = self.known
        return told(self.known_options, stated(Stated() if known is None else known.stated, self.stated), items="")

    @property
    def declared(self) -> Declared:
        """The decorated function; imported at the first access. What is raised is that of ``resolved``."""
        return self._target if isinstance(self._target, Declared) else self.resolved(None).declared

    def resolved(self, pipeline: str | None) -> Destination:
        """The same with its function at hand, as the settings of *pipeline* name it.

        A path is imported once. A name is looked up each time: what the settings say of it may have changed.

        Raises:
            ReferenceNotFound: If nothing is there; it says what was tried.
            SignatureError: If something else is there.
            ConfigError: If what is there fails when it is imported, or has no such setting as was given.
        """
        return self._resolved(pipeline, ())

    def _resolved(self, pipeline: str | None, through: tuple[str, ...]) -> Destination:
        """The same, reached by way of the references *through*."""
        if self._found is not None:
            return self._found
        target = str(self._target)
        _refuse_circle(target, through)
        beneath = self._beneath(pipeline)
        base = beneath._resolved(pipeline, (*through, target))  # noqa: SLF001  # an object of this class
        given = self._given.checked(base.declared).over(base._given)  # noqa: SLF001  # an object of this class
        name = self._name or (base.destination_name if is_path(target) else target)
        made = Destination(base.declared, name=name, given=given)
        if beneath is self._base and beneath._found is not None:  # noqa: SLF001  # an object of this class
            self._found = made
        return made

    def _beneath(self, pipeline: str | None) -> Destination:
        """What the reference names, as a destination: that of a path or of an explicit type is found once, that of a name each time."""
        if self._base is not None:
            return self._base
        target = str(self._target)
        reference = self._declared_type or target
        lasting = self._declared_type is not None or is_path(target)
        base = _adopted(find_type(reference) if lasting else find_named(target, pipeline), reference, self._spec)
        if lasting:
            self._base = base
        return base

    def capabilities(self, pipeline: str | None = None) -> Mapping[str, Any]:
        """What it can take and keep: a read-only mapping, the same keys for every destination.

        None of its settings is needed for it. Config under the destination's section counts, and that of *pipeline* if it is given.

        Raises:
            ConfigError: If config says something of them that is unknown or impossible.
        """
        found = self.resolved(pipeline)
        resolver = Resolver(found.destination_name, pipeline)
        return abilities(found, in_force(found.declared.options, found.options, resolver), resolver)

    def __repr__(self) -> str:
        return f"Destination({self._name or getattr(self._target, 'name', self._target)!r})"


def _check_type(kind: Any, reference: Any) -> None:
    """Refuse a ``destination_type`` that is no text or blank."""
    if not isinstance(kind, str) or not kind.strip():
        raise ConfigError(
            f"destination_type={kind!r} of {reference!r} names nothing",
            hint="give the dotted path of a function, as text, or the name of a destination that comes with sinkkit",
        )


def _refuse_circle(target: str, through: tuple[str, ...]) -> None:
    """Refuse a reference that leads back to itself by way of those before it."""
    if target in through:
        raise ConfigError(
            f"destination {target!r} refers to itself: {' → '.join([*through, target])}", hint="name a function at the end of this chain"
        )


def abilities(destination: Destination, options: Options, resolver: Resolver) -> Mapping[str, Any]:
    """The capabilities of a *destination* whose function is at hand, with the *options* in force; *resolver* reads its section.

    Raises:
        ConfigError: If config says something of them that is unknown or impossible.
    """
    declared = destination.declared
    known = effective(declared.stated, destination.stated, resolver)
    return told(options, known, items=str(declared.items_kind(options)))


def _adopted(found: Any, reference: str, spec: Spec | None) -> Destination:
    """What was found for *reference* as a destination.

    Raises:
        SignatureError: If it is nothing that can be one.
        ConfigError: If a *spec* is given for what was decorated.
    """
    declared = None if isinstance(found, Destination) else getattr(found, "declared", None)
    if spec is not None and (isinstance(found, Destination) or isinstance(declared, Declared)):
        raise ConfigError(f"{reference} is decorated, and spec= was given beside it", hint="write spec= at its decorator")
    if isinstance(found, Destination):
        return found
    if isinstance(declared, Declared):
        return Destination(declared)
    if not callable(found) and form_of(found) is Form.FUNCTION:
        what = type(found).__name__
        hint = f"name a function in it: {reference}.NAME" if what == "module" else "name a function `def sink(items, table): ...`"
        raise SignatureError(f"{reference} is {'a module' if what == 'module' else what}, not a function", hint=hint)
    return Destination(declare(found, spec=spec))


def as_destination(given: Any) -> Destination:
    """Whatever a pipeline may be given, as a destination.

    Raises:
        ConfigError: If it is nothing that could be one.
    """
    if isinstance(given, Destination | str) or callable(given) or form_of(given) is not Form.FUNCTION:
        return Destination.from_reference(given)
    raise ConfigError(
        f"{given!r} is not a destination",
        hint="give a function decorated with @sinkkit.destination, its dotted path, or a name from config",
    )
