"""The settings of one destination in one pipeline: found, typed, all problems told at once, and where each value came from."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import SENSITIVE, Path, sections
from sinkkit.settings.learning import learn, learn_private, secret_texts, shown
from sinkkit.settings.lookup import Arguments, Lookup
from sinkkit.settings.providers.provider import Provider
from sinkkit.settings.providers.registry import opened
from sinkkit.settings.questions import Found, Problem, Question, Reading
from sinkkit.settings.reading import built, demanded, read, too_short
from sinkkit.settings.redact import Redactor
from sinkkit.settings.secret import MASK, SHORTEST, Secret, UnknownSettingWarning
from sinkkit.settings.strangers import strangers
from sinkkit.settings.values.kinds import ANYTHING, fields, is_secret, members
from sinkkit.settings.values.tables import as_table, overlaid, place_of
from sinkkit.settings.wanted import MISSING, Wanted

__all__ = ["Found", "Resolved", "Resolver"]


@attrs.frozen(eq=False)
class Resolved:
    """The values of the settings asked for, by name."""

    values: dict[str, Any] = attrs.field(repr=False)
    _found: list[Found] = attrs.field(repr=False)
    _redactor: Redactor = attrs.field(repr=False)

    @property
    def found(self) -> tuple[Found, ...]:
        """Where each value came from; a table's keys one by one. Secrets are masked, which is work that only a reader of this pays."""
        return tuple(attrs.evolve(entry, shown=self._redactor.text(entry.shown)) for entry in self._found)


@attrs.define(eq=False)
class Resolver:
    """Finds the settings of one destination. Files and environment are read once, when it is first used; each place is asked once.

    Attributes:
        destination: Its name.
        pipeline: The pipeline's name, if one is known.
        explicit: What the caller gave, by name; wins over everything, also when it equals a default. ``None`` is a value.
        providers: Whom to ask instead of ``sinkkit.config.providers``, first wins.
        redactor: Knows every secret that was found.
    """

    destination: str
    pipeline: str | None = None
    explicit: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    providers: Sequence[Provider] | None = attrs.field(default=None, repr=False)
    redactor: Redactor = attrs.field(factory=Redactor, repr=False)
    _lookup: Lookup | None = attrs.field(default=None, init=False, repr=False)
    _warned: dict[str, None] = attrs.field(factory=dict, init=False, repr=False)
    _kinds: dict[str, Any] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def lookup(self) -> Lookup:
        """Where this resolver looks.

        Raises:
            ConfigError: If a file cannot be read.
        """
        if self._lookup is None:
            providers = (Arguments(self.explicit), *opened(self.providers))
            self._lookup = Lookup(self.destination, sections(self.destination, self.pipeline), providers)
        return self._lookup

    def resolve(self, wanted: Sequence[Wanted]) -> Resolved:
        """The values of all settings *wanted*.

        Raises:
            ConfigError: Once, naming every missing and malformed setting, each with every place where it was looked for, in order.
        """
        reading = Reading(self.lookup, self.redactor, thorough=True, warned=self._warned)
        values: dict[str, Any] = {}
        for want in wanted:
            values[want.name] = self.one(reading, want)
        self.raise_on(reading.problems)
        return Resolved(values, reading.found, self.redactor)

    def one(self, reading: Reading, want: Wanted) -> Any:
        """The value of one setting, its default included; problems are noted in *reading*."""
        default = want.stated
        self.know(want.name, want.kind)
        question = Question((want.name,), want.kind, want.is_secret, stated=default is not MISSING)
        if want.name in self.explicit and self.explicit[want.name] is None:
            return self.nothing(reading, question, default)
        before = len(reading.problems)
        value = read(reading, question, default)
        if len(reading.problems) > before:
            if want.from_default:
                reading.problems[-1] = attrs.evolve(
                    reading.problems[-1], text=f"{reading.problems[-1].text} (the type of its default)"
                )
            return value
        if value is not MISSING:
            return value
        if default is MISSING:
            return demanded(reading, question)
        hidden = want.is_secret or is_secret(want.kind)
        if any(0 < len(text) < SHORTEST for text in secret_texts(default, hidden)):
            reading.problems.append(too_short(want.name, "its default"))
        learn(self.redactor, want.name, default, secret=hidden)
        masked = hidden or SENSITIVE.search(want.name)
        reading.found.append(
            Found(want.name, MASK if masked and default is not None else shown(want.name, default), "default", "the default that the function states")
        )
        return default

    def nothing(self, reading: Reading, question: Question, default: Any) -> None:
        """The argument ``None``, where the type or the default allows it."""
        allowed = question.kind in ANYTHING or type(None) in members(question.kind) or default is None
        if allowed:
            reading.found.append(Found(question.name, "None", "argument", f"{question.name}="))
        else:
            reading.problems.append(
                Problem(
                    f"{question.name} ({question.name}=): None is not allowed", "leave it out, or declare the type as optional"
                )
            )

    def peek(self, name: str, kind: Any, default: Any = MISSING) -> Any:
        """One optional setting, or ``MISSING`` if it stands nowhere; the environment counts with a section only.

        Args:
            name: The setting.
            kind: Its type.
            default: An object of an attrs class that gives the fields which no place has, if some place has others.

        Raises:
            ConfigError: If it is malformed; the message names the place and what was expected.
        """
        self.know(name, kind)
        if name in self.explicit and self.explicit[name] is None:
            return None
        if not self.lookup.holders(name):
            return MISSING
        reading = Reading(self.lookup, self.redactor, thorough=False, warned=self._warned)
        value = read(reading, Question((name,), kind, stated=True), default)
        self.raise_on(reading.problems)
        return value

    def at(self, path: Path, kind: Any) -> Any:
        """What stands at *path*, a key inside a table of the destination, as a *kind*, a class whose fields are looked for one by one.

        Raises:
            ConfigError: Once, naming everything in it that is missing or malformed, and each place where it was looked for.
        """
        reading = Reading(self.lookup, self.redactor, thorough=False, warned=self._warned)
        question = Question(path, kind, stated=True)
        value = read(reading, question)
        if value is MISSING and not reading.problems:
            values = {field.key: demanded(reading, question.below(field)) for field in fields(kind) if field.required}
            value = MISSING if reading.problems else built(reading, question, kind, values)
        self.raise_on(reading.problems)
        return value

    def section(self, name: str) -> dict[str, Any]:
        """The table *name* of the destination, joined key by key from all providers and sections, most specific first; empty if there is none.

        Texts of sensitive names, of the client's headers and parameters, and the longer ones from a file of secrets become known to the redactor.

        Raises:
            ConfigError: If something else than a table stands there.
        """
        self.know(name, dict)
        tables: list[Mapping[str, Any]] = []
        for hit in self.lookup.hits((name,), stated=True, tables=True):
            try:
                table = as_table(hit.raw, dict)
            except ConfigError as error:
                what = f"{name} of destination {self.destination!r} ({hit.place}): {error.message}"
                raise ConfigError(what, hint=f"write it as [destination.{self.destination}.{name}]") from None
            learn(self.redactor, name, table, secret=isinstance(hit.raw, Secret))
            if hit.private:
                learn_private(self.redactor, table)
            tables.append(table)
        return overlaid(tables)

    def place(self, path: Path) -> str:
        """The exact key and provider of what stands at *path*, a key inside a table of the destination; empty if nothing does.

        Raises:
            ConfigError: If a provider fails.
        """
        return place_of(self.lookup, path)

    def unknown(self, known: Collection[str]) -> list[str]:
        """A message for each key in the destination's own sections that is neither in *known* nor was asked for here, with a suggestion.

        Keys inside a table whose class has fixed fields are looked at as well.
        """
        kinds = {**dict.fromkeys((*known, *self.explicit), Any), **self._kinds}
        return list(strangers(self.lookup, kinds))

    def warn_of_unknown(self, known: Collection[str]) -> None:
        """Warn of each key that ``unknown`` tells of."""
        for message in self.unknown(known):
            warnings.warn(UnknownSettingWarning(self.redactor.text(message)), stacklevel=2)

    def know(self, name: str, kind: Any) -> None:
        """Count *name* as asked for: ``unknown`` tells of keys inside it, if *kind* has fixed fields, and not of itself."""
        self._kinds[name] = kind

    def raise_on(self, problems: list[Problem]) -> None:
        """Raise one error for all *problems*, secrets masked; nothing if there are none."""
        if not problems:
            return
        lines = [f"  {problem.text}" for problem in problems]
        lost = sum(problem.missing for problem in problems)
        counts = [f"{lost} missing"] if lost else []
        counts += [f"{len(problems) - lost} malformed"] if len(problems) > lost else []
        hints = list(dict.fromkeys(problem.hint for problem in problems if problem.hint))
        if lost:
            hints.append(f"set what is missing in one of these places, for example under [destination.{self.destination}]")
        message = f"the settings of destination {self.destination!r} cannot be used ({', '.join(counts)}):\n" + "\n".join(lines)
        raise ConfigError(self.redactor.text(message), hint=self.redactor.text("; ".join(hints)) or None)
