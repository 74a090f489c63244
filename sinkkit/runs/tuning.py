"""The settings of a pipeline: an argument, else the config key ``[PIPELINE]``, else a default."""

from __future__ import annotations

from math import inf
from typing import Any

from sinkkit.errors import ConfigError
from sinkkit.settings.access import config

MAX_FILE_ROWS = 500_000
MAX_FILE_BYTES = 64 << 20
"""How large a file of a package gets before the next one is begun, in rows and bytes."""

DRAIN_SECONDS = 25.0
"""What running calls get after a signal: within the 30 s that Kubernetes gives a pod by default."""


def setting(pipeline_name: str, key: str, given: Any, default: Any) -> Any:
    """The argument *given*, else what config says under the pipeline's name, else *default*."""
    if given is not None:
        return given
    own = config.get(f"{pipeline_name}.{key}")
    return own if own is not None else default


def whole(pipeline_name: str, key: str, given: Any, default: int, *, least: int) -> int:
    """A setting that is a whole number, *least* or more.

    Raises:
        ConfigError: If it is not.
    """
    value = setting(pipeline_name, key, given, default)
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or int(text) < least:
        raise ConfigError(
            f"{key}={value!r} is not possible for pipeline {pipeline_name!r}", hint=f"write a whole number, {least} or more"
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
        raise ConfigError(f"{key}={value!r} is not possible for pipeline {pipeline_name!r}", hint="write seconds, 0 or more")
    return found
