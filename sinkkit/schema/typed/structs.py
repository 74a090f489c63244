"""Rows as msgspec Structs, by msgspec's own rules; what it says of those that do not fit, in our words."""

from __future__ import annotations

from typing import Any

from sinkkit.schema.typed.misfit import MisfitError, dotted


def struct(value: Any, kind: Any) -> Any:
    """*value* as a msgspec Struct, by msgspec's own rules, which are as strict."""
    import msgspec

    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise misfit_of(str(error), value) from None


def misfit_of(text: str, value: Any) -> MisfitError:
    """What msgspec says of a value (``Expected `int`, got `str` - at `$.zip```), as an error of ours."""
    said, _, at = text.partition(" - at `$")
    place = at.rstrip("`")
    if said.startswith("Object missing required field `"):
        missing = said.removeprefix("Object missing required field `").rstrip("`")
        return MisfitError(None, message=f"the required field {missing} is missing", place=place + dotted(missing))
    expected, got, _ = said.removeprefix("Expected ").partition(", got ")
    if got and said.startswith("Expected ") and (found := value_at(value, place)) is not None:
        return MisfitError(expected.replace("`", ""), found[0], place=place)
    return MisfitError(None, message=said.replace("`", ""), place=place)


def value_at(value: Any, place: str) -> tuple[Any] | None:
    """What is at *place*, such as ``.lines[2].sku``, inside *value*; None if that cannot be told."""
    for step in place.replace("[", ".[").split(".")[1:]:
        try:
            value = value[int(step[1:-1])] if step.startswith("[") else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return (value,)
