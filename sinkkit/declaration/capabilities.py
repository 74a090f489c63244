"""What a destination can take and keep, apart from how it is called: stated by its author, a call or config, told as a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

from sinkkit.declaration.naming.convention import convention_text
from sinkkit.declaration.options import Options, suggestion
from sinkkit.errors import ConfigError
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.wanted import MISSING

FORMATS = ("jsonl", "parquet")
"""How rows can rest in a load package."""

CASES = ("preserve", "lower", "upper")
"""What a destination may do to the case of a name that it is given."""

IDEMPOTENCY = ("none", "key", "probe", "transaction")
"""What keeps a batch that is sent twice from arriving twice: nothing, its key, a question asked before, the destination's own transaction."""


def _in_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@attrs.frozen(kw_only=True)
class Stated:
    """The capabilities that can be stated; making one checks every value.

    Names are those of dlt's ``DestinationCapabilitiesContext`` where it has the thing too.

    Attributes:
        supported_loader_file_formats: The forms in which rows may rest for it.
        max_identifier_length: Characters of the name of a table, at most; None: any number.
        max_column_identifier_length: Characters of the name of a column; None: as for tables.
        has_case_sensitive_identifiers: Whether names that differ in case alone are two names.
        casefold_identifier: What it does to the case of names: ``preserve``, ``lower`` or ``upper``.
        decimal_precision: Digits of a decimal in all, and behind the point; None: any number.
        timestamp_precision: Digits of a second that it keeps, 0 to 9.
        idempotency: What keeps a batch from arriving twice; None: what the settings give.
        transactions: Whether a batch arrives as a whole or not at all.
    """

    supported_loader_file_formats: tuple[str, ...] = attrs.field(default=FORMATS, converter=_in_tuple)
    max_identifier_length: int | None = None
    max_column_identifier_length: int | None = None
    has_case_sensitive_identifiers: bool = True
    casefold_identifier: str = "preserve"
    decimal_precision: tuple[int, int] | None = attrs.field(default=None, converter=_in_tuple)
    timestamp_precision: int = 6
    idempotency: str | None = None
    transactions: bool = False

    def __attrs_post_init__(self) -> None:
        """Check every value."""
        wrong = {name: write for name, (fits, write) in CHECKS.items() if not fits(getattr(self, name))}
        if wrong:
            what = ", ".join(f"{name}={getattr(self, name)!r}" for name in wrong)
            raise ConfigError(
                f"{what} {'is' if len(wrong) == 1 else 'are'} not possible as capabilities",
                hint="; ".join(f"{name}: write {write}" for name, write in wrong.items()),
            )


def _whole(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _length(value: Any) -> bool:
    return value is None or _whole(value, 1)


def _formats(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(one in FORMATS for one in value)


def _digits(value: Any) -> bool:
    if value is None:
        return True
    pair = isinstance(value, tuple) and len(value) == len(("in all", "behind the point")) and all(_whole(one) for one in value)
    return pair and value[0] >= max(1, value[1])


MOST_DIGITS = 9
"""Digits of a second, at most: nanoseconds, as in Arrow."""

CHECKS: Mapping[str, tuple[Any, str]] = {
    "supported_loader_file_formats": (_formats, 'a list of "jsonl" and "parquet", or of one of them'),
    "max_identifier_length": (_length, "a number of characters, 1 or more"),
    "max_column_identifier_length": (_length, "a number of characters, 1 or more"),
    "has_case_sensitive_identifiers": (lambda value: isinstance(value, bool), "true or false"),
    "casefold_identifier": (lambda value: value in CASES, "one of " + ", ".join(CASES)),
    "decimal_precision": (_digits, "two numbers of digits, in all and behind the point, such as [38, 9]"),
    "timestamp_precision": (lambda value: _whole(value) and value <= MOST_DIGITS, f"a number of digits, 0 to {MOST_DIGITS}"),
    "idempotency": (lambda value: value is None or value in IDEMPOTENCY, "one of " + ", ".join(IDEMPOTENCY)),
    "transactions": (lambda value: isinstance(value, bool), "true or false"),
}
"""Capability to a function that knows a possible value, and to what to write."""

STATED_NAMES = tuple(field.name for field in attrs.fields(Stated))

FROM_SETTINGS: Mapping[str, str | None] = {
    "loader_file_format": "loader_file_format",
    "preferred_loader_file_format": "loader_file_format",
    "batch_size": "batch_size",
    "batch_bytes": "batch_bytes",
    "naming_convention": "naming_convention",
    "max_nesting_level": "max_nesting_level",
    "skip_internal_columns_and_tables": "skip_internal_columns_and_tables",
    "workers": "workers",
    "ordering": "workers",
    "on_unknown": "on_unknown",
    "idempotency_header": "idempotency_header",
    "items": None,
}
"""Capabilities that follow from the destination itself: from that setting, or from its function."""


def stated(base: Stated, given: Mapping[str, Any]) -> Stated:
    """*base* with the capabilities *given* in their place.

    Raises:
        ConfigError: If one is unknown, is no capability that can be stated, or has an impossible value.
    """
    for name in given:
        refuse_unknown(str(name), "")
    return attrs.evolve(base, **given) if given else base


def refuse_unknown(name: str, place: str) -> None:
    """Raise ``ConfigError`` for a *name*, found at *place*, that cannot be stated."""
    if name in STATED_NAMES:
        return
    setting = FROM_SETTINGS.get(name)
    if setting is not None:
        raise ConfigError(f"the capability {name!r}{place} follows from the setting {setting!r}", hint=f"set {setting} itself")
    raise ConfigError(f"there is no capability {name!r}{place}", hint=suggestion(name, STATED_NAMES))


def effective(base: Stated, given: Mapping[str, Any], resolver: Resolver) -> Stated:
    """The capabilities that the author stated, overridden by config, overridden by the factory's call.

    Raises:
        ConfigError: If config names one that there is not, or gives an impossible value; it says where.
    """
    table = resolver.section("capabilities")
    for name in table:
        place = next((f" ({hit.place})" for hit in resolver.lookup.hits(("capabilities", name), stated=True, tables=True)), "")
        refuse_unknown(name, place)
    if table:
        configured = resolver.peek("capabilities", Stated, base)
        base = base if configured is MISSING else configured
    return stated(base, given)


def told(options: Options, known: Stated, *, items: str) -> Mapping[str, Any]:
    """The read-only mapping that ``Destination.capabilities`` gives.

    Args:
        options: The destination's settings.
        known: What was stated.
        items: What its function gets as items.

    Raises:
        ConfigError: If rows would rest in a form that it does not support.
    """
    if options.loader_file_format not in known.supported_loader_file_formats:
        raise ConfigError(
            f"loader_file_format={options.loader_file_format!r} is not among the destination's supported_loader_file_formats",
            hint=f"set loader_file_format to one of: {', '.join(known.supported_loader_file_formats)}",
        )
    in_order = "rows" if options.calls_at_once == 1 else "none"
    idempotency = "key" if options.idempotency_header is not None else "probe" if options.on_unknown == "probe" else "none"
    columns = known.max_column_identifier_length
    return MappingProxyType({
        "loader_file_format": options.loader_file_format,
        "preferred_loader_file_format": options.loader_file_format,
        "supported_loader_file_formats": list(known.supported_loader_file_formats),
        "items": items,
        "batch_size": options.batch_size,
        "batch_bytes": options.batch_bytes,
        "workers": options.calls_at_once,
        "ordering": in_order if options.order_by is None else "keys",
        "naming_convention": convention_text(options.naming_convention),
        "max_identifier_length": known.max_identifier_length,
        "max_column_identifier_length": known.max_identifier_length if columns is None else columns,
        "has_case_sensitive_identifiers": known.has_case_sensitive_identifiers,
        "casefold_identifier": known.casefold_identifier,
        "decimal_precision": known.decimal_precision,
        "timestamp_precision": known.timestamp_precision,
        "max_nesting_level": options.max_nesting_level,
        "skip_internal_columns_and_tables": options.skip_internal_columns_and_tables,
        "idempotency": idempotency if known.idempotency is None else known.idempotency,
        "idempotency_header": options.idempotency_header,
        "on_unknown": options.on_unknown,
        "transactions": known.transactions,
    })
