"""Which providers are asked, in which order, and further ones that the settings themselves name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias, TypeGuard

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import SENSITIVE, nearest
from sinkkit.settings.providers.asked import CHAINED, Asked, variables
from sinkkit.settings.providers.plug_ins import maker, points
from sinkkit.settings.providers.provider import Environment, Opens, Provider, is_local
from sinkkit.settings.providers.toml_files import CONFIG, SECRETS, TomlFile, TomlFiles

KEY = ("sinkkit", "providers")
"""The setting that names further providers."""

registered: Final[list[Provider]] = [Environment(), TomlFiles(SECRETS), TomlFiles(CONFIG)]
"""The providers of this process, first wins; ``sinkkit.config.providers`` is this list."""

Shared: TypeAlias = dict[tuple[int, ...], list[Provider]]

sharing: Final[ContextVar[Shared | None]] = ContextVar("sinkkit.settings.providers.registry.sharing", default=None)
"""What ``one_run`` keeps: the providers as they were opened, for the list of providers that was registered then."""


def directory(argument: str | None) -> Provider:
    """A directory of files; *argument* is its path."""
    from sinkkit.settings.providers.directory import DOCKER, Directory

    return Directory(argument or DOCKER)


def keyring(argument: str | None) -> Provider:
    """The system's keyring; *argument* is the service under which its entries stand."""
    from sinkkit.settings.providers.system_keyring import SERVICE, SystemKeyring

    return SystemKeyring(argument or SERVICE)


def aws(argument: str | None) -> Provider:
    """AWS Secrets Manager; *argument* is ``PREFIX`` or ``PREFIX@REGION``."""
    from sinkkit.settings.providers.aws_secrets import from_argument

    return from_argument(argument)


SHIPPED: dict[str, Callable[[str | None], Provider]] = {"directory": directory, "keyring": keyring, "aws": aws}
"""Name in the key ``sinkkit.providers`` to a function that makes the provider from what stands after the colon."""


@contextmanager
def one_run() -> Iterator[None]:
    """Within the block all that reads settings shares one opening of the providers: one state of files and environment, each path asked for once.

    A ``Resolver`` has that by itself; the block is for work that makes several of them. Inside another such block it changes nothing.
    """
    if sharing.get() is not None:
        yield
        return
    token = sharing.set({})
    try:
        yield
    finally:
        sharing.reset(token)


def opened(providers: Sequence[Provider] | None = None) -> list[Provider]:
    """The providers to ask during one run; each asks its place for a path once.

    Args:
        providers: Those to open; None: the registered ones, then those that the key ``sinkkit.providers`` names, as in
            ``[sinkkit] providers = ["directory:/run/secrets"]`` or ``SINKKIT__PROVIDERS``. Providers that may be far away, those
            without ``names``, are not asked for that key.

    Raises:
        ConfigError: If a file cannot be read or a name means nothing.
    """
    if providers is not None:
        return guarded([one for provider in providers for one in unfolded(provider)])
    shared, key = sharing.get(), tuple(id(provider) for provider in registered)
    if shared is not None and key in shared:
        return shared[key]
    found = guarded([one for provider in registered for one in unfolded(provider)])
    for provider in found:
        names = provider.get(KEY) if is_local(provider) else None
        if names is not None:
            further = [one for name in listed(names, provider) for one in unfolded(made(name))]
            found = guarded([*found, *further])
            break
    if shared is not None:
        shared[key] = found
    return found


def guarded(providers: Sequence[Provider]) -> list[Provider]:
    """*providers*, those that are not the environment or a file of settings as ``Asked`` ones.

    Raises:
        ConfigError: If one of them is no provider.
    """
    own = (Environment, TomlFile, Asked)
    for provider in providers:
        if not is_provider(provider):
            what = f"sinkkit.config.providers holds {called(provider)}, which is no settings provider"
            raise ConfigError(what, hint="a provider is an object with a name, get(path) and spell(path)")
    return [provider if isinstance(provider, own) else Asked(provider, providers) for provider in providers]


def called(given: Any) -> str:
    """What *given* is, without its value."""
    return f"the class {given.__name__}" if isinstance(given, type) else f"an object of type {type(given).__name__}"


def unfolded(provider: Provider) -> Sequence[Provider]:
    """The provider itself, or those it opens for a run.

    Raises:
        ConfigError: If it cannot be opened.
    """
    if isinstance(provider, Environment | TomlFiles):
        return provider.opened()
    if not isinstance(provider, Opens):
        return (provider,)
    return Asked(provider, Environment().opened()).guarded(lambda: tuple(provider.opened()), lambda: "when it was opened")


def listed(names: Any, provider: Provider) -> list[str]:
    """*names* as a list: text is split at commas.

    Raises:
        ConfigError: If it is neither text nor a list of text.
    """
    given = names.split(",") if isinstance(names, str) else names
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise ConfigError(
            f"{provider.spell(KEY)} in {provider.name} is no list of names", hint='write providers = ["directory:/run/secrets"]'
        )
    return [name.strip() for name in given if name.strip()]


def made(reference: str) -> Provider:
    """The provider that *reference*, ``name`` or ``name:argument``, means: one that is shipped, or an entry point.

    Raises:
        ConfigError: If there is none of that name, it cannot be imported or made, or what is made is no provider.
    """
    name, _, argument = reference.partition(":")
    if name in SHIPPED:
        return SHIPPED[name](argument or None)
    plugged = maker(name)
    if plugged is None:
        known = [*SHIPPED, *(point.name for point in points())]
        close = nearest(name, known)
        hint = f"did you mean {close}?" if close else f"known are: {', '.join(known)}"
        raise ConfigError(f"there is no settings provider {name!r}", hint=hint)
    make, where = plugged
    try:
        provider = make(argument or None)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever somebody else's function raises is told as a failure of that provider
        failed = error
    else:
        if not is_provider(provider):
            what = f"what {name!r} ({where}) makes is no settings provider but {called(provider)}"
            raise ConfigError(what, hint="it needs a name, get(path) and spell(path)")
        return provider
    what = f"the settings provider {name!r} ({where}) cannot be made: {type(failed).__name__}"
    raise ConfigError(what, hint=CHAINED) from without(argument, failed)


def is_provider(given: Any) -> TypeGuard[Provider]:
    """Whether *given* is an object with what a provider needs; a class is none, however good its objects would be."""
    methods = (getattr(given, member, None) for member in ("get", "spell"))
    return not isinstance(given, type) and hasattr(given, "name") and all(callable(method) for method in methods)


def without(argument: str, error: Exception) -> BaseException:
    """*error* for chaining; a stand-in if it repeats *argument*, which may hold a password, or a secret of the environment."""
    from sinkkit.settings.redact import Redactor

    redactor = Redactor()
    for text in (argument, *(value for name, value in variables(Environment().opened()) if SENSITIVE.search(name))):
        redactor.add(text)
    return redactor.error(error)
