"""Tables of settings that Python callers write as mappings, made objects of their class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.errors import ConfigError


def record(kind: type[Any], value: Any) -> Any:
    """*value*, a mapping as an object of the attrs class *kind*, anything else as it is.

    Raises:
        ConfigError: If the mapping has a key that *kind* does not know.
    """
    if not isinstance(value, Mapping):
        return value
    known = [str(field.alias) for field in attrs.fields(kind)]
    strange = [str(key) for key in value if key not in known]
    if strange:
        raise ConfigError(f"{kind.__name__} has no setting {strange[0]!r}", hint=f"its settings are: {', '.join(known)}")
    return kind(**value)
