"""Tagged values back to what they were; the other half of ``tags``."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sinkkit.errors import ConfigError, PackageCorrupted
from sinkkit.rows import Row
from sinkkit.schema.encoding.tags import TAG


def restore_rows(rows: list[Row]) -> None:
    """Restore, in place, every tagged value of *rows*.

    Raises:
        PackageCorrupted: If a tag is not one of ours.
        ConfigError: If a time zone is not known on this machine.
    """
    for index, row in enumerate(rows):
        if TAG in row:
            rows[index] = restore(row)
            continue
        for name, value in row.items():
            if type(value) is dict:
                found = RESTORERS.get(value.get(TAG))  # type: ignore[arg-type]  # a dict without a tag finds nothing
                row[name] = restore(value) if found is None else found(value)
            elif type(value) is list:
                row[name] = restore(value)


def restore(value: Any) -> Any:
    """What *value* was before it was tagged; lists and dicts within it are new objects.

    Raises:
        PackageCorrupted: If a tag is not one of ours.
        ConfigError: If a time zone is not known on this machine.
    """
    if type(value) is list:
        return list(map(restore, value))
    if type(value) is not dict:
        return value
    if TAG not in value:
        return dict(zip(value, map(restore, value.values()), strict=True))
    found = RESTORERS.get(value[TAG])
    if found is None:
        raise PackageCorrupted(
            f"a value is tagged {value[TAG]!r}, which this version of sinkkit does not know", hint="upgrade sinkkit"
        )
    return found(value)


def zone(key: str) -> ZoneInfo:
    """The time zone called *key*.

    Raises:
        ConfigError: If this machine does not know it.
    """
    try:
        return ZoneInfo(key)
    except ZoneInfoNotFoundError as error:
        raise ConfigError(f"the time zone {key!r} is not known on this machine", hint="pip install tzdata") from error


def restore_datetime(tagged: dict[str, Any]) -> datetime:
    """A moment with its zone and fold."""
    value = datetime.fromisoformat(tagged["v"])
    if len(tagged) == 2:  # noqa: PLR2004  the tag and the text, neither zone nor fold
        return value
    if "zone" in tagged:
        value = value.replace(tzinfo=zone(tagged["zone"]))
    return value.replace(fold=tagged.get("fold", 0))


def restore_time(tagged: dict[str, Any]) -> time:
    """A time of day with its zone and fold."""
    value = time.fromisoformat(tagged["v"])
    if "zone" in tagged:
        value = value.replace(tzinfo=zone(tagged["zone"]))
    return value.replace(fold=tagged.get("fold", 0))


RESTORERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "decimal": lambda tagged: Decimal(tagged["v"]),
    "float": lambda tagged: float(tagged["v"]),
    "int": lambda tagged: int(tagged["v"], 16),
    "datetime": restore_datetime,
    "date": lambda tagged: date.fromisoformat(tagged["v"]),
    "time": restore_time,
    "timedelta": lambda tagged: timedelta(*tagged["v"]),
    "uuid": lambda tagged: UUID(tagged["v"]),
    "bytes": lambda tagged: b64decode(tagged["v"]),
    "str": lambda tagged: tagged["v"].encode("ascii").decode("unicode_escape"),
    "tuple": lambda tagged: tuple(map(restore, tagged["v"])),
    "set": lambda tagged: set(map(restore, tagged["v"])),
    "frozenset": lambda tagged: frozenset(map(restore, tagged["v"])),
    "dict": lambda tagged: {restore(key): restore(item) for key, item in tagged["v"]},
}
