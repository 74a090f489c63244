"""A destination: which function, under which name, with which settings; nothing is imported or read before it must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs

from sinkkit.declaration.declared import Declared, declare
from sinkkit.declaration.options import OPTION_NAMES, Options, changed
from sinkkit.declaration.references import find, is_path
from sinkkit.errors import ConfigError, ReferenceNotFound, SignatureError

BUILT_IN: Mapping[str, str] = {}
"""Names of the destinations that come with sinkkit, and where they are."""


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
        settings: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        declared_type: str | Callable[..., Any] | None = None,
    ) -> None:
        self._target = target
        self._name = name
        self._declared_type = declared_type
        self._declared: Declared | None = target if isinstance(target, Declared) else None
        self.settings: Mapping[str, Any] = dict(settings or {})
        self.options: Mapping[str, Any] = dict(options or {})

    @classmethod
    def from_reference(
        cls,
        reference: Any,
        *,
        destination_callable: Any = None,
        destination_name: str | None = None,
        destination_type: str | None = None,
        **settings: Any,
    ) -> Destination:
        """A destination from a factory, a destination, a function, a name or a dotted path.

        Args:
            reference: What names it; the word ``destination`` stands for *destination_callable*.
            destination_callable: A function, a decorated one, or the dotted path of one.
            destination_name: The name under which its settings stand.
            destination_type: The dotted path, where *reference* is only a name.
            settings: Settings of the decorator or of the function.

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
        if destination_callable is not None or (destination_type is not None and not isinstance(reference, str)):
            raise ConfigError(
                f"two functions are named for one destination, one of them by {reference!r}",
                hint="give either a reference, or destination_callable= with the reference 'destination', or a name with destination_type=",
            )
        if isinstance(reference, Destination):
            return reference.configured(destination_name, settings)
        options = {key: settings.pop(key) for key in tuple(settings) if key in OPTION_NAMES}
        changed(Options(), options)
        if isinstance(reference, str):
            return cls(reference, name=destination_name, settings=settings, options=options, declared_type=destination_type)
        declared = _declared_by(reference) or declare(reference)
        declared.check(settings)
        return cls(declared, name=destination_name, settings=settings, options=options)

    def configured(self, name: str | None, settings: Mapping[str, Any]) -> Destination:
        """The same with another name and further settings."""
        if name is None and not settings:
            return self
        given = dict(settings)
        options = {**self.options, **{key: given.pop(key) for key in tuple(given) if key in OPTION_NAMES}}
        changed(Options(), options)
        if self._declared is not None:
            self._declared.check(given)
        merged = {**self.settings, **given}
        return Destination(
            self._target, name=name or self._name, settings=merged, options=options, declared_type=self._declared_type
        )

    @property
    def destination_name(self) -> str:
        """The name under which its settings stand and packages are bound; a dotted path is imported for it."""
        if self._name is not None:
            return self._name
        if isinstance(self._target, str) and not is_path(self._target):
            return self._target
        return self.declared.name

    @property
    def destination_type(self) -> str:
        """The dotted path of the function."""
        if self._declared is None and isinstance(self._declared_type, str):
            return self._declared_type
        if self._declared is None and isinstance(self._target, str) and is_path(self._target):
            return self._target.replace(":", ".")
        function = self.declared.function
        while isinstance(function, partial):
            function = function.func
        where = function if hasattr(function, "__qualname__") else type(function)
        return f"{where.__module__}.{where.__qualname__}"

    @property
    def known_options(self) -> Options:
        """The settings as far as they are known without importing or reading anything, else defaults."""
        return attrs.evolve(Options() if self._declared is None else self._declared.options, **self.options)

    @property
    def known(self) -> Declared | None:
        """The decorated function, if it need not be imported."""
        return self._declared

    @property
    def declared(self) -> Declared:
        """The decorated function; imported at the first access. What is raised is that of ``declared_in``."""
        return self.declared_in(None)

    def declared_in(self, pipeline: str | None) -> Declared:
        """The decorated function, as the settings of *pipeline* name it; imported once.

        Raises:
            ReferenceNotFound: If nothing is there; it says what was tried.
            SignatureError: If something else is there.
        """
        if self._declared is None:
            declared = self._resolve(pipeline)
            declared.check(self.settings)
            self._declared = declared
        return self._declared

    def _resolve(self, pipeline: str | None) -> Declared:
        target = str(self._target)
        if self._declared_type is not None:
            return self._adopt(self._declared_type)
        if is_path(target):
            return self._adopt(target)
        configured = self._configured_type(target, pipeline)
        if configured is not None or target in BUILT_IN:
            return self._adopt(configured or target)
        known = ", ".join(sorted(BUILT_IN)) or "none in this version"
        raise ReferenceNotFound(
            f"there is no destination {target!r}; looked for destination.{target}.destination_type in the settings "
            f"and the destinations that come with sinkkit ({known})",
            hint=f"write the dotted path of a function, or set destination_type under [destination.{target}] to one",
        )

    @staticmethod
    def _configured_type(name: str, pipeline: str | None) -> str | None:
        from sinkkit.settings.resolve import Resolver
        from sinkkit.settings.wanted import MISSING

        found = Resolver(name, pipeline).peek("destination_type", str)
        return None if found is MISSING else str(found)

    def _adopt(self, reference: Any) -> Declared:
        """What *reference*, a path, the name of a built-in or a function, declares."""
        found = find(BUILT_IN.get(reference, reference)) if isinstance(reference, str) else reference
        if isinstance(found, Destination):
            declared = found.declared
            self.settings = {**found.settings, **self.settings}
            self.options = {**found.options, **self.options}
            self._name = self._name or found.destination_name
            return declared
        declared_by = _declared_by(found)
        if declared_by is not None:
            return declared_by
        if not callable(found):
            raise SignatureError(
                f"{reference} is {type(found).__name__}, not a function", hint="name a function `def sink(items, table): ...`"
            )
        return declare(found)

    def capabilities(self) -> dict[str, Any]:
        """What it can do and how it is called, without any of its settings."""
        options = attrs.evolve(self.declared.options, **self.options)
        return {
            "loader_file_format": options.loader_file_format,
            "supported_loader_file_formats": ["jsonl", "parquet"],
            "batch_size": options.batch_size,
            "workers": options.calls_at_once,
            "naming_convention": options.naming_convention,
            "max_nesting_level": options.max_nesting_level,
            "skip_internal_columns_and_tables": options.skip_internal_columns_and_tables,
            "items": str(self.declared.items_kind(options)),
            "idempotency_header": options.idempotency_header,
            "on_unknown": options.on_unknown,
            "in_order": options.calls_at_once == 1,
            "transactions": False,
        }

    def __repr__(self) -> str:
        return f"Destination({self._name or getattr(self._target, 'name', self._target)!r})"


def _declared_by(found: Any) -> Declared | None:
    """What a decorated function declares; None for anything else."""
    declared = getattr(found, "declared", None)
    return declared if isinstance(declared, Declared) and not isinstance(found, Destination) else None


def as_destination(given: Any) -> Destination:
    """Whatever a pipeline may be given, as a destination.

    Raises:
        ConfigError: If it is nothing that could be one.
    """
    if isinstance(given, Destination | str) or callable(given):
        return Destination.from_reference(given)
    raise ConfigError(
        f"{given!r} is not a destination",
        hint="give a function decorated with @sinkkit.destination, its dotted path, or a name from config",
    )
