"""Time limits of the injected client: one for each step of a request, and one for the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinkkit.errors import ConfigError
from sinkkit.settings.values import units

DEFAULT_TIMEOUT_SECONDS = 60.0
"""For a destination without ``timeout``: long enough for slow bulk endpoints, short enough to notice a dead one."""

STEPS = ("connect", "read", "write", "pool")
"""What httpx knows limits for: to connect, for the next bytes to arrive or leave, for a connection to become free."""


def seconds(value: Any) -> float:
    """*value* as a number of seconds above 0.

    Raises:
        ConfigError: If it is none; the message begins with a verb.
    """
    try:
        found = units.seconds(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, ConfigError):
        found = 0.0
    if not found > 0 or isinstance(value, bool):
        raise ConfigError("is not a number of seconds above 0", hint='write for example timeout = 30, or timeout = "2m"')
    return found


def limits_of(given: float | Mapping[str, float] | None, own: float | None) -> tuple[dict[str, float], float]:
    """Seconds for each step, and for the whole.

    Args:
        given: What stands under ``http``; a step that a table leaves out gets 60 seconds, and the whole what all steps together get.
        own: The destination's own ``timeout``: it takes the place of a number, and cuts down what a table says.
    """
    if not isinstance(given, Mapping):
        usual = DEFAULT_TIMEOUT_SECONDS if given is None else given
        number = usual if own is None else own
        return dict.fromkeys(STEPS, number), number
    most = float("inf") if own is None else own
    steps = {step: min(given.get(step, DEFAULT_TIMEOUT_SECONDS), most) for step in STEPS}
    return steps, min(given.get("total", sum(steps.values())), most)


def whole(steps: Mapping[str, float | None]) -> float | None:
    """Seconds for a request as a whole whose *steps* a function has set itself: as long as one if all are alike, else all together; None: no limit."""
    numbers = [number for number in (steps.get(step) for step in STEPS) if number is not None]
    if len(numbers) < len(STEPS):
        return None
    return numbers[0] if min(numbers) == max(numbers) else sum(numbers)
