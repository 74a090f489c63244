"""A provider asked politely: each path once a run, no further question after a failure, and failures told without their secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import SENSITIVE, Path
from sinkkit.settings.providers.provider import Environment, Provider, is_local
from sinkkit.settings.providers.toml_files import TomlFile

if TYPE_CHECKING:
    from sinkkit.settings.redact import Redactor

T = TypeVar("T")

CHAINED = "see its own error, to which this one is chained; on the command line, --traceback shows it"


@attrs.define(eq=False, slots=False)
class Asked:
    """What stands between a run and a provider that is not one of sinkkit's own files.

    It remembers every answer, also that there is none. A provider without ``names`` may be far away: once it failed, the same error is raised for
    whatever else is asked, so that a run waits for one timeout and not for a hundred. One with ``names`` may fail on one path and answer the next.

    Args:
        provider: Whom to ask.
        beside: The other providers of the run: their secrets are masked when this one fails.
    """

    provider: Provider
    beside: Sequence[Provider] = attrs.field(default=(), repr=False)
    _answers: dict[Path, Any] = attrs.field(factory=dict, init=False, repr=False)
    _failure: ConfigError | None = attrs.field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Be ``Local`` if the provider is: as an attribute, since Python 3.12 looks for no other way."""
        if is_local(self.provider):
            self.names = self.listed

    @property
    def name(self) -> str:
        """How the provider calls itself."""
        return str(self.provider.name)

    @property
    def note(self) -> str:
        """What messages add to its name."""
        return str(getattr(self.provider, "note", ""))

    @property
    def for_secrets(self) -> bool:
        """Whether secrets may rest there."""
        return bool(getattr(self.provider, "for_secrets", True))

    @property
    def private(self) -> bool:
        """Whether all that it holds is taken for secret."""
        return bool(getattr(self.provider, "private", False))

    def get(self, path: Path) -> Any:
        """The provider's answer, asked for once.

        Raises:
            ConfigError: If the provider failed, now or before.
        """
        if path in self._answers:
            return self._answers[path]
        if self._failure is not None:
            failed = self._failure
            raise ConfigError(failed.message, hint=failed.hint) from failed.__cause__
        try:
            value = self.guarded(lambda: self.provider.get(path), lambda: f"on {self.spelled(path)}")
        except ConfigError as error:
            if not is_local(self.provider):
                self._failure = error
            raise
        self._answers[path] = value
        return value

    def spell(self, path: Path) -> str:
        """How the provider writes *path*.

        Raises:
            ConfigError: If the provider fails.
        """
        return str(self.guarded(lambda: self.provider.spell(path), lambda: f"to spell {'.'.join(path)}"))

    def listed(self, section: Path) -> Iterable[str]:
        """The names that the provider has in *section*; none if it is not ``Local``.

        Raises:
            ConfigError: If the provider fails.
        """
        names = self.provider.names if is_local(self.provider) else lambda _: ()
        return self.guarded(lambda: list(names(section)), lambda: f"to list {'.'.join(section) or 'its names'}")

    def guarded(self, ask: Callable[[], T], doing: Callable[[], str]) -> T:
        """What *ask* gives back.

        Args:
            ask: Asks the provider.
            doing: On what it failed, in words; for the message.

        Raises:
            ConfigError: If it fails: the provider's own ``ConfigError``, or one that names provider and path, chained to what went wrong. Secrets
                are masked, as far as they are known; an error whose text held one is replaced by a stand-in.
        """
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - whatever a provider of somebody else's raises is told as a failure of that provider
            failed = error
        # Out of the except clause: within it Python would tie the provider's own error, secrets included, to the new one.
        redactor = self.redactor()
        if isinstance(failed, ConfigError):
            told = ConfigError(redactor.text(failed.message), hint=failed.hint and redactor.text(failed.hint))
            raise told from (failed.__cause__ and redactor.error(failed.__cause__))
        what = f"the settings provider {self.name} failed {doing()}: {type(failed).__name__}"
        raise ConfigError(redactor.text(what), hint=CHAINED) from redactor.error(failed)

    def spelled(self, path: Path) -> str:
        """How the provider writes *path*, or the path with dots if that is what it fails on."""
        try:
            return str(self.provider.spell(path))
        except Exception:  # noqa: BLE001 - a message is being written about this very provider
            return ".".join(path)

    def redactor(self) -> Redactor:
        """One that knows what a failure of this provider could repeat: its answers, its own sensitive attributes, secrets of the other places."""
        from sinkkit.settings.learning import learn, learn_private, secret_texts
        from sinkkit.settings.redact import Redactor

        known = Redactor()
        for path, value in self._answers.items():
            learn(known, ".".join(path), value, secret=bool(path and SENSITIVE.search(path[-1])))
            learn_private(known, value)
        for name, value in (*attributes(self.provider), *variables(self.beside)):
            for text in secret_texts(value, hidden=bool(SENSITIVE.search(name))):
                known.add(text)
        for other in self.beside:
            if isinstance(other, TomlFile) and other.for_secrets:
                learn(known, "", other.table, secret=False)
                learn_private(known, other.table)
        return known


def attributes(provider: Provider) -> Iterator[tuple[str, Any]]:
    """The attributes that are kept in *provider* itself; properties are not asked."""
    yield from getattr(provider, "__dict__", {}).items()
    for kind in type(provider).__mro__:
        slots = vars(kind).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot != "__weakref__":
                yield slot, getattr(provider, slot, None)


def variables(providers: Sequence[Provider]) -> Iterator[tuple[str, str]]:
    """The environment variables that *providers* hold."""
    for provider in providers:
        held: Mapping[str, str] | None = provider.variables if isinstance(provider, Environment) else None
        yield from (held or {}).items()
