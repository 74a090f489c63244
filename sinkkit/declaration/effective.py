"""The settings of the decorator as they hold for one run: the call goes before config, config before the decorator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinkkit.declaration.limits import Adaptive, RateLimit
from sinkkit.declaration.mapped import configured_mapping
from sinkkit.declaration.options import OPTION_NAMES, Options, changed
from sinkkit.declaration.problems import Problems
from sinkkit.errors import ConfigError
from sinkkit.rows import Retry
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.values.units import Seconds, Size, Word
from sinkkit.settings.wanted import MISSING

TYPES: Mapping[str, Any] = {
    "batch_size": int,
    "loader_file_format": str,
    "naming_convention": str,
    "max_nesting_level": int | None,
    "skip_internal_columns_and_tables": bool,
    "workers": int | Word | Adaptive | None,
    "order_by": Word | None,
    "batch_bytes": Size | None,
    "rate_limit": Word | RateLimit | None,
    "retry": Retry,
    "on_reject": str,
    "max_rejected": int | Word | None,
    "on_unknown": str,
    "idempotency_header": Word | None,
    "timeout": Seconds | None,
    "durability": str,
    "mapping": dict | list[str] | None,
}
"""What each setting of the decorator is when config gives it; ``none`` takes away one that may be None."""


def in_force(declared: Options, given: Mapping[str, Any], resolver: Resolver) -> Options:
    """The settings *declared* by the decorator, overridden by config, overridden by those *given* in the call.

    Raises:
        ConfigError: Naming every setting that config gives and that is impossible, and where it stands.
    """
    problems = Problems()
    configured = {}
    for name in OPTION_NAMES:
        if name not in given:
            with problems.collecting():
                value = _configured(name, declared, resolver)
                if value is not MISSING:
                    configured[name] = value
    problems.raise_all()
    return changed(declared, {**configured, **given})


def _configured(name: str, declared: Options, resolver: Resolver) -> Any:
    """What config says of one setting, or ``MISSING``; a policy of retries keeps what config does not say of it."""
    if name == "mapping":
        value = configured_mapping(resolver)
    else:
        value = resolver.peek(name, TYPES[name], declared.retry if name == "retry" else MISSING)
    if value is not MISSING:
        try:
            changed(Options(), {name: value})
        except ConfigError as error:
            place = resolver.place((name,))
            where = f" ({place})" if place else ""
            raise ConfigError(f"{error.message}{where}", hint=error.hint) from None
    return value
