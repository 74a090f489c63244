"""The settings of a pipeline: an argument, else the config key ``[PIPELINE]``, else a default."""

from __future__ import annotations

from math import inf
from typing import Any

from sinkkit.errors import ConfigError
from sinkkit.settings.access import nearby

MAX_FILE_ROWS = 500_000
MAX_FILE_BYTES = 64 << 20
"""How large a file of a package gets before the next one is begun, in rows and bytes."""

DRAIN_SECONDS = 25.0
"""What running calls get after a signal: within the 30 s that Kubernetes gives a pod by default."""


def setting(pipeline_name: str, key: str, given: Any, default: Any) -> Any:
    """The argument *given*, else what config says under the pipeline's name, else *default*.

    Providers that may be far away are not asked: a pipeline can be declared, and its state read, while a vault is locked.
    """
    if given is not None:
        return given
    own = nearby(f"{pipeline_name}.{key}")
    return default if own is None else own[0]


def whole(pipeline_name: str, key: str, given: Any, default: int, *, least: int) -> int:
    """A setting that is a whole number, *least* or more.

    Raises:
        ConfigError: If it is not.
    """
    value = setting(pipeline_name, key, given, default)
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or int(text) < least:
        raise ConfigError(
            f"{key}={value!r} is not possible for pipeline {pipeline_name!r}{_place(pipeline_name, key, given)}",
            hint=f"write a whole number, {least} or more",
        )
    return int(text)


def seconds(pipeline_name: str, key: str, given: Any, default: float) -> float:
    """A setting that is a number of seconds, 0 or more.

    Raises:
        ConfigError: If it is not.
    """
    value = setting(pipeline_name, key, given, default)
    try:
        found = -1.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = -1.0
    if not 0 <= found < inf:
        raise ConfigError(
            f"{key}={value!r} is not possible for pipeline {pipeline_name!r}{_place(pipeline_name, key, given)}", hint="write seconds, 0 or more"
        )
    return found


def _place(pipeline_name: str, key: str, given: Any) -> str:
    """Where a setting stands that was not *given* as an argument, in brackets for a message."""
    held = nearby(f"{pipeline_name}.{key}") if given is None else None
    return "" if held is None else f" ({held[1]})"
