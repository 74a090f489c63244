"""Writes the tables of ``reference/rest.md`` from the classes of settings, as ``generate_settings.py`` does for the other page.

``python docs/generate_rest.py`` writes the page anew; with ``--check`` it only says whether that would change it.
"""  # noqa: INP001  # a script beside the pages, no package

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import attrs
from generate_settings import entries, table, write

from sinkkit.destinations.http_api.answer_settings import Answer, Errors, Results, Rules
from sinkkit.destinations.http_api.job_settings import Job, JobRequest
from sinkkit.destinations.http_api.settings import DeleteEndpoint, Endpoint, File, RestSettings, Statuses
from sinkkit.settings.values.kinds import described

PAGE = Path(__file__).parent / "reference" / "rest.md"


def default_of(field: attrs.Attribute[Any]) -> str:
    """A default as it would be written in TOML."""
    value = field.default
    if isinstance(value, attrs.Factory):  # type: ignore[arg-type]  # attrs.Factory is a class at run time
        value = value.factory()  # type: ignore[union-attr]  # the same
    if value is attrs.NOTHING:
        return "required"
    if value is None or value in ("", [], {}) or attrs.has(type(value)):
        return ""
    return f"`{str(value).lower()}`" if isinstance(value, bool | list) else f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`"


def rows_of(kind: type, *, but: type | None = None) -> str:
    """The fields of *kind*, without those that *but* has too."""
    left_out = [field.name for field in attrs.fields(but)] if but else []
    meanings: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        meanings.update(entries(base, "Attributes") if attrs.has(base) and inspect.getdoc(base) else {})
    hints = get_type_hints(kind)
    told = [field for field in attrs.fields(kind) if field.name not in left_out]
    return table(
        ["setting", "default", "type", "meaning"],
        [[f"`{field.name}`", default_of(field), described(hints[field.name]), meanings[field.name]] for field in told],
    )


REGIONS: Mapping[str, Callable[[], str]] = {
    "endpoint": lambda: rows_of(Endpoint),
    "operations": lambda: rows_of(RestSettings, but=Endpoint),
    "delete": lambda: rows_of(DeleteEndpoint, but=Endpoint),
    "statuses": lambda: rows_of(Statuses),
    "file": lambda: rows_of(File),
    "rules": lambda: rows_of(Rules),
    "answer": lambda: rows_of(Answer, but=Rules),
    "results": lambda: rows_of(Results, but=Rules),
    "errors": lambda: rows_of(Errors, but=Rules),
    "job": lambda: rows_of(Job),
    "job request": lambda: rows_of(JobRequest),
}
"""Name of a region of the page to what makes its text."""


if __name__ == "__main__":
    sys.exit(write(PAGE, REGIONS))
