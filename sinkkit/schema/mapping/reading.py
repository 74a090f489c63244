"""What a user writes as ``mapping`` → rules; whatever cannot be meant is refused at once.

::

    mapping = {
        "email": "email_address",                        # a column under another name
        "city": "address.city",                          # a path: keys of tables, positions in lists
        "name": "{first} {last}",                        # a template
        "source": {"const": "warehouse"},
        "country": {"from": "address.country", "default": "DE"},
        "amount": {"from": "cents", "cast": "decimal"},
        "phone": {"from": "phone", "drop_null": True},   # left out where it is null or missing
        "properties": {"fields": {"plan": "plan"}},      # a table inside the row
        "*": "keep",                                     # and every other column
        "tables": {"orders": {...}},                     # another mapping for the table "orders"
    }
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from sinkkit.errors import ConfigError
from sinkkit.schema.mapping.casts import CASTS, cast_to
from sinkkit.schema.mapping.paths import ABSENT, Unmappable, read_path
from sinkkit.schema.mapping.rules import Rule, TableMapping
from sinkkit.schema.mapping.templates import read_template

SOURCES = ("from", "const", "template", "fields")
RULE_KEYS = (*SOURCES, "default", "cast", "drop_null", "optional", "drop")
REST = "*"
TABLES = "tables"
WORDS = {"true": True, "false": False}
EXAMPLE = 'write for example mapping={"email": "email_address", "city": "address.city", "*": "keep"}'


@attrs.frozen
class Mappings:
    """What becomes of the rows of each table.

    Attributes:
        every: For tables that have none of their own; None: they stay as they are.
        tables: By the name of the table.
    """

    every: TableMapping | None = None
    tables: Mapping[str, TableMapping] = attrs.field(factory=dict)

    def of_table(self, name: str) -> TableMapping | None:
        """The mapping of a table; None: its rows stay as they are."""
        return self.tables.get(name, self.every)

    def __str__(self) -> str:
        return json.dumps(self.said(), default=str)

    def __bool__(self) -> bool:
        return self.every is not None or bool(self.tables)

    def said(self) -> dict[str, Any]:
        """The mapping as it was given, for the manifest; empty if there is none."""
        own = {name: dict(table.said) for name, table in self.tables.items()}
        return {**(self.every.said if self.every else {}), **({TABLES: own} if own else {})}


def read_mapping(given: Any) -> Mappings:
    """A mapping from what the user wrote: a table as above, or a list of columns; None and an empty one: rows stay as they are.

    Raises:
        ConfigError: If it cannot be meant; it names the field.
    """
    if given is None or isinstance(given, Mappings):
        return given or Mappings()
    if isinstance(given, Mapping) and isinstance(given.get(TABLES), Mapping):
        own = {name: read_table(table, f"mapping.{TABLES}.{name}") for name, table in given[TABLES].items()}
        rest = {name: rule for name, rule in given.items() if name != TABLES}
    else:
        own, rest = {}, given
    return Mappings(read_table(rest, "mapping"), {name: table or as_it_is() for name, table in own.items()})


def as_it_is() -> TableMapping:
    """A mapping that keeps every column, for a table that is exempt."""
    return TableMapping(rules=(), keep=True, said={REST: "keep"})


def read_table(given: Any, where: str) -> TableMapping | None:
    """The mapping of one table; None if it says nothing.

    Args:
        given: What the user wrote.
        where: What errors call it.

    Raises:
        ConfigError: If it cannot be meant.
    """
    if isinstance(given, Sequence) and not isinstance(given, str | bytes):
        if not all(isinstance(name, str) and name for name in given):
            raise ConfigError(f"{where} is a list of something else than names of columns", hint=EXAMPLE)
        given = {name: {"from": [name]} for name in given}
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}={given!r} is no mapping of fields", hint=EXAMPLE)
    if not given:
        return None
    rest = read_rest(given.get(REST, "drop"), f"{where}.{REST}")
    dropped = [name for name, rule in given.items() if isinstance(rule, Mapping) and rule.get("drop") is True and len(rule) == 1]
    rules = read_rules({name: rule for name, rule in given.items() if name != REST and name not in dropped}, where, rest["drop_null"])
    if not rules and not rest["keep"]:
        raise ConfigError(f"{where} leaves no field", hint=f'name at least one, or keep the others with "*" = "keep"; {EXAMPLE}')
    return TableMapping(rules=rules, keep=rest["keep"], dropped=tuple(dropped), said=dict(given))


def read_rest(given: Any, where: str) -> dict[str, bool]:
    """What is said of all other columns, and of all fields."""
    words = {"keep": {"keep": True}, "drop": {"keep": False}}
    table = words.get(given) if isinstance(given, str) else given
    known = ("keep", "drop_null")
    if not isinstance(table, Mapping) or not all(name in known and isinstance(value, bool) for name, value in table.items()):
        raise ConfigError(f"{where}={given!r} is not possible", hint='write "keep", "drop", or {"keep": true, "drop_null": true}')
    return {**dict.fromkeys(known, False), **table}


def read_rules(given: Mapping[Any, Any], where: str, drop_null: bool) -> tuple[Rule, ...]:
    """The rules of fields by name; *drop_null* holds where a field says nothing of it."""
    for name in given:
        if not isinstance(name, str) or not name:
            raise ConfigError(f"{where} has the field {name!r}, which is no name", hint="names of fields are text")
    return tuple(read_rule(name, rule, f"{where}.{name}", drop_null) for name, rule in given.items())


def read_rule(target: str, given: Any, where: str, drop_null: bool) -> Rule:
    """One rule.

    Raises:
        ConfigError: If it cannot be meant.
    """
    given = unpacked(given)
    if isinstance(given, str):
        if "{" in given or "}" in given:
            return Rule(target=target, template=read_template(given, where), drop_null=drop_null)
        return Rule(target=target, parts=read_path(given, where), drop_null=drop_null)
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"{where}={given!r} is no rule", hint=f'write a column, a path, a template, or for a constant {{"const": {given!r}}}'
        )
    check_keys(given, where)
    cast = read_cast(given, where)
    flags = {name: read_flag(given, name, where, otherwise) for name, otherwise in (("drop_null", drop_null), ("optional", False))}
    return Rule(
        target=target,
        parts=read_path(given["from"], where) if "from" in given else (),
        template=read_template(given["template"], where) if "template" in given else None,
        fields=read_inner(given["fields"], f"{where}.fields", flags["drop_null"]) if "fields" in given else (),
        const=read_value(given, "const", cast, where) if "const" in given else None,
        default=read_value(given, "default", cast, where) if "default" in given else ABSENT,
        cast=cast,
        **flags,
    )


def unpacked(given: Any) -> Any:
    """A rule that was written as JSON, as the environment holds it; no template begins as one does."""
    if not isinstance(given, str) or not given.lstrip().startswith('{"'):
        return given
    try:
        return json.loads(given)
    except ValueError:
        return given


def check_keys(given: Mapping[Any, Any], where: str) -> None:
    """Refuse keys of a rule that do not exist or contradict each other."""
    for key in given:
        if key not in RULE_KEYS:
            near = difflib.get_close_matches(str(key), RULE_KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(RULE_KEYS)}"
            raise ConfigError(f"{where} has the key {key!r}, which means nothing in a mapping", hint=hint)
    said = [key for key in SOURCES if key in given]
    if len(said) != 1:
        what = f"says {' and '.join(said)}, and only one can hold" if said else "does not say from where the field comes"
        raise ConfigError(f"{where} {what}", hint='give one of "from", "const", "template" and "fields"; to leave a column out {"drop": true} alone')
    pointless = [key for key in ("default", "optional") if key in given and said[0] in {"const", "fields"}]
    pointless += [key for key in ("cast",) if key in given and said[0] == "fields"]
    if pointless or "drop" in given:
        raise ConfigError(f"{where} says {said[0]} and {(*pointless, 'drop')[0]}, which do not go together", hint="leave one of them out")


def read_cast(given: Mapping[str, Any], where: str) -> str | None:
    """The name of the cast, if there is one."""
    name = given.get("cast")
    if name is None or (isinstance(name, str) and name in CASTS):
        return name
    near = difflib.get_close_matches(str(name), CASTS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(CASTS)}"
    raise ConfigError(f"{where} has the cast {name!r}, which does not exist", hint=hint)


def read_flag(given: Mapping[str, Any], name: str, where: str, otherwise: bool) -> bool:
    """``true`` or ``false``."""
    value = given.get(name, otherwise)
    value = WORDS.get(value, value) if isinstance(value, str) else value
    if not isinstance(value, bool):
        raise ConfigError(f"{where} has {name}={value!r}", hint="write true or false")
    return value


def read_value(given: Mapping[str, Any], name: str, cast: str | None, where: str) -> Any:
    """A constant, cast already."""
    value = given[name]
    if callable(getattr(value, "reveal", None)):  # a Secret, which lives in a room that this one may not look into
        raise ConfigError(
            f"{where} has a secret as {name}, and rows are kept on disk until they are delivered",
            hint="inject secrets into the function, or name them under [destination.NAME.http]",
        )
    try:
        return value if cast is None else cast_to(cast)(value)
    except Unmappable as error:
        raise ConfigError(f"{where} has a {name} that does not fit: {error.reason}", hint=f"give one that is {cast}") from None


def read_inner(given: Any, where: str, drop_null: bool) -> tuple[Rule, ...]:
    """The rules of a table inside the row."""
    if not isinstance(given, Mapping) or not given:
        raise ConfigError(f"{where} is no mapping of fields", hint='write for example {"fields": {"plan": "plan"}}')
    if REST in given:
        raise ConfigError(f"{where} cannot keep other columns", hint="name each of its fields")
    return read_rules(given, where, drop_null)
