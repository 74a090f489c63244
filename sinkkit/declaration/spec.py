"""``spec=``: a class whose fields are further settings of a destination, each read by its type, with its default."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.errors import ConfigError, SignatureError
from sinkkit.settings.access import secrets
from sinkkit.settings.learning import learn, secret_texts
from sinkkit.settings.reading import too_short
from sinkkit.settings.redact import Redactor
from sinkkit.settings.secret import SHORTEST
from sinkkit.settings.values.kinds import ANYTHING, bare, fields, is_record, is_secret
from sinkkit.settings.wanted import MISSING, Sentinel, Wanted


@attrs.frozen(init=False)
class MadeByClass:
    """Stands for a default that the class itself makes for each object.

    Its ``__init__`` takes the name by hand, so that it has no field that a search for secrets would look into: it holds no setting.
    """

    name: str = attrs.field(init=False)

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "name", name)

    def __str__(self) -> str:
        return f"(made by {self.name})"


def client_defaults(made: Any) -> Mapping[str, Any]:
    """What the object of a spec says of the injected client, below what config says under ``http``; see ``check_together`` too."""
    ask = getattr(made, "http_defaults", None)
    return ask() if callable(ask) else {}


def option_defaults(made: Any) -> Mapping[str, Any]:
    """What the object of a spec says of the settings of the decorator, below what config and the call say of them."""
    ask = getattr(made, "option_defaults", None)
    return ask() if callable(ask) else {}


def check_together(made: Any, options: Mapping[str, Any], http: Mapping[str, Any] | None, redactor: Redactor) -> None:
    """Let the object of a spec see the settings of the decorator and of the client, if it has a method ``check_together(options, http)``.

    Raises:
        ConfigError: If it raises one, or anything else. No secret is in it.
    """
    check = getattr(made, "check_together", None)
    if not callable(check):
        return
    try:
        check(options, {} if http is None else http)
    except Exception as error:  # noqa: BLE001  # as for the class itself: whatever it raises is told as a wrong setting
        raise _refused(error, "the settings do not go together", redactor) from redactor.error(error)


def _refused(error: Exception, what: str, redactor: Redactor) -> ConfigError:
    """An error of a spec's class as one of ours; a ``ConfigError`` says itself what is wrong and what to write."""
    if isinstance(error, ConfigError):
        return ConfigError(redactor.text(error.message), hint=None if error.hint is None else redactor.text(error.hint))
    why = redactor.text(f"{type(error).__name__}: {error}")
    return ConfigError(f"{what}: {why}", hint="change one of them; `sinkkit check` shows where each comes from")


@attrs.frozen
class Spec:
    """A class of settings, read.

    Attributes:
        kind: The class.
        wanted: Each field as a setting, by the name that its ``__init__`` takes.
        attributes: That name to the object's attribute.
    """

    kind: type
    wanted: Mapping[str, Wanted]
    attributes: Mapping[str, str] = attrs.field(repr=False)


def read_spec(kind: Any) -> Spec:
    """The fields of the attrs class or dataclass *kind*.

    Raises:
        SignatureError: If it is neither, or its annotations cannot be read.
    """
    if not is_record(kind):
        what = kind.__qualname__ if inspect.isclass(kind) else repr(kind)
        raise SignatureError(
            f"spec={what} is no attrs class and no dataclass",
            hint="write `@attrs.define class Settings: ...` with a field for each setting, and give the class itself",
        )
    try:
        found = fields(kind)
    except ConfigError as error:
        raise SignatureError(f"spec={kind.__qualname__}: {error.message}", hint=error.hint) from error
    defaults, attributes = _defaults(kind)
    wanted = {one.key: Wanted(one.key, one.kind, defaults.get(one.key, MISSING), secret=_is_secret(one.kind, defaults.get(one.key))) for one in found}
    return Spec(kind, wanted, attributes)


def _is_secret(kind: Any, default: Any) -> bool:
    return is_secret(kind) or default is secrets.value


def _defaults(kind: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """By the name that ``__init__`` takes: the default, where there is one; and the attribute."""
    made = MadeByClass(kind.__name__)
    if attrs.has(kind):
        own = [one for one in attrs.fields(kind) if one.init]
        stated = {
            one.alias or one.name: made if isinstance(one.default, attrs.Factory) else one.default  # type: ignore[arg-type]  # a class at run time
            for one in own
            if one.default is not attrs.NOTHING
        }
        return stated, {one.alias or one.name: one.name for one in own}
    import dataclasses

    found = [one for one in dataclasses.fields(kind) if one.init]
    defaults = {one.name: one.default for one in found if one.default is not dataclasses.MISSING}
    factories = {one.name: made for one in found if one.default_factory is not dataclasses.MISSING}
    return {**defaults, **factories}, {one.name: one.name for one in found}


def agreed(where: str, parameter: inspect.Parameter, annotation: Any, field: Wanted) -> Wanted:
    """The setting of a *parameter* that bears the name of a *field*: the field says what it is, and the parameter may not contradict it.

    Raises:
        SignatureError: If its annotation is another type than the field's, or its default another value.
    """
    kind = Any if isinstance(annotation, Sentinel) or annotation is parameter.empty else annotation
    if kind not in ANYTHING and field.kind not in ANYTHING and bare(kind) != bare(field.kind):
        raise SignatureError(
            f"{where} is {inspect.formatannotation(kind)}, and {inspect.formatannotation(field.kind)} in the spec",
            hint="write the type in one of the two places, or the same in both",
        )
    default = parameter.default
    if default is not parameter.empty and not isinstance(default, Sentinel) and not _same(default, field.default):
        raise SignatureError(
            f"{where} has the default {default!r}, and {'none' if field.stated is MISSING else 'another'} in the spec",
            hint="write the default in the spec alone",
        )
    marked = annotation is secrets.value or default is secrets.value
    return attrs.evolve(field, secret=field.secret or marked)


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def fill(spec: Spec, values: Mapping[str, Any], redactor: Redactor) -> tuple[Any, dict[str, Any]]:
    """The object with the settings found, and what each of its fields holds, by the name of its setting.

    Args:
        spec: The class.
        values: Settings by name.
        redactor: Learns the secrets that the class itself has made.

    Raises:
        ConfigError: If the class refuses them, or makes a secret that is too short to be masked. No secret is in it.
    """
    given = {name: values[name] for name in spec.wanted if not isinstance(values[name], MadeByClass)}
    try:
        made = spec.kind(**given)
    except Exception as error:  # noqa: BLE001  # whatever a user's class raises on these values, it is told as a wrong setting
        name = spec.kind.__name__
        what = f"the settings {', '.join(given)} do not go together: {name} refuses them" if given else f"{name} cannot be made of its defaults"
        raise _refused(error, what, redactor) from redactor.error(error)
    held = {name: getattr(made, spec.attributes[name], values[name]) for name in spec.wanted}
    for name, wanted in spec.wanted.items():
        if name not in given and any(0 < len(text) < SHORTEST for text in secret_texts(held[name], wanted.is_secret)):
            problem = too_short(name, f"made by {spec.kind.__name__}")
            raise ConfigError(problem.text, hint=problem.hint)
        learn(redactor, name, held[name], secret=wanted.is_secret)
    return made, held
