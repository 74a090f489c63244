"""Writes the tables of ``reference/settings.md`` from the code: names, types, defaults, and meanings from docstrings.

``python docs/generate_settings.py`` writes the page anew; with ``--check`` it only says, by exit status 1, that the page is not what the code says. What
stands between ``<!-- generated: NAME -->`` and ``<!-- end -->`` is made here; everything else on the page is written by hand.
"""  # noqa: INP001  # a script beside the pages, no package

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import attrs

import sinkkit
from sinkkit import credentials
from sinkkit.declaration.client.auth.reading import KINDS
from sinkkit.declaration.client.client_settings import MEANINGS
from sinkkit.declaration.client.values import READERS
from sinkkit.declaration.effective import TYPES
from sinkkit.declaration.limits import RateLimit
from sinkkit.declaration.options import Options
from sinkkit.rows import Retry
from sinkkit.runs import tuning
from sinkkit.settings.values.kinds import described
from sinkkit.settings.values.scalars import SCALARS

PAGE = Path(__file__).parent / "reference" / "settings.md"

REGION = re.compile(r"(<!-- generated: (?P<name>[\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

POLICY = [name for name in inspect.signature(Retry).parameters if name != "after"]
"""The parts of ``retry``; the last one belongs to what a function answers."""

PIPELINE = {
    "pipelines_dir": ("`$SINKKIT_PIPELINES_DIR`, else `~/.sinkkit/pipelines`", "a path"),
    "keep_packages": ("`0`", "a whole number"),
    "max_file_rows": (f"`{tuning.MAX_FILE_ROWS}`", "a whole number"),
    "max_file_bytes": (f"`{tuning.MAX_FILE_BYTES}`", "a whole number"),
    "drain": (f"`{tuning.DRAIN_SECONDS}`", "a number"),
}
"""Settings of a pipeline: default and type; what they mean stands in the docstring of ``sinkkit.pipeline``."""


def entries(documented: Any, heading: str) -> dict[str, str]:
    """What a docstring says under *heading* (``Attributes`` or ``Args``): name to one line in Markdown."""
    text = inspect.getdoc(documented) or ""
    found = re.search(rf"^{heading}:\n((?:    .*\n?|\n)*)", text, flags=re.MULTILINE)
    told = re.findall(r"^    (\w+): ((?:.*)(?:\n        .*)*)", found[1] if found else "", flags=re.MULTILINE)
    return {name: in_cell(meaning) for name, meaning in told}


def in_cell(text: str) -> str:
    """Text of a docstring as the end of a line of a table: one line, no full stop, small at its beginning."""
    line = " ".join(text.split()).replace("``", "`").removesuffix(".")
    line = re.sub(r"; default .*$", "", line)
    return line if line.startswith("`") or line[:2].isupper() else line[:1].lower() + line[1:]


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [list(headings), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines).replace("| --- |", "|---|").replace(" --- |", "---|")


def code(value: Any) -> str:
    """A value as code: text in double quotes."""
    return f'`"{value}"`' if isinstance(value, str) else f"`{value!r}`"


def required_or(default: Any) -> str:
    """A default for people; an empty table as such."""
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs.Factory is a class at run time
        return "empty"
    return "required" if default is attrs.NOTHING else code(default)


def options() -> str:
    """The settings of the decorator."""
    meanings = entries(Options, "Attributes")
    defaults = Options()
    rows = []
    for name, kind in TYPES.items():
        default = getattr(defaults, name)
        rows.append([f"`{name}`", "`Retry()`" if isinstance(default, Retry) else code(default), described(kind), meanings[name]])
    return table(["setting", "default", "type", "meaning"], rows)


def parts_of(kind: type, names: Iterable[str], prefix: str = "") -> str:
    """Fields of a class of ours."""
    meanings = entries(kind, "Attributes")
    hints = get_type_hints(kind)
    fields = {field.name: field for field in attrs.fields(kind)}
    rows = [[f"`{prefix}{name}`", required_or(fields[name].default), described(hints[name]), meanings[name]] for name in names]
    return table(["setting", "default", "type", "meaning"], rows)


def client() -> str:
    """The settings of the injected client."""
    rows = [[f"`http.{name}`", MEANINGS[name][0], MEANINGS[name][1].replace("``", "`")] for name in READERS]
    return table(["setting", "type", "meaning"], rows)


def logins() -> str:
    """Each type of ``http.auth`` with the keys that stand beside it."""
    rows = []
    for name, kind in KINDS.items():
        required = [field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING]
        keys = [f"**`{field.name}`**" if field.name in required else f"`{field.name}`" for field in attrs.fields(kind)]
        rows.append([f'`"{name}"`', ", ".join(keys), f"[`{kind.__name__}`](#{kind.__name__.lower()})"])
    return table(["`type`", "keys beside it, those required in bold", "meaning"], rows)


def pipeline() -> str:
    """The settings of a pipeline."""
    meanings = entries(sinkkit.pipeline, "Args")
    names = {"pipelines_dir": "the folder with the state of all pipelines"}
    rows = [[f"`{name}`", default, kind, names.get(name, meanings[name])] for name, (default, kind) in PIPELINE.items()]
    return table(["setting", "default", "type", "meaning"], rows)


def kinds() -> str:
    """Scalars, by what is written for them."""
    named = {getattr(kind, "__name__", str(kind)): text for kind, (text, _) in SCALARS.items() if kind is not type(None)}
    modules = {**dict.fromkeys(("Seconds", "Size", "Url", "Word"), "sinkkit.settings.values.units."), "SplitResult": "urllib.parse."}
    return table(["annotation", "what is written"], [[f"`{modules.get(name, '')}{name}`", text] for name, text in named.items()])


def credential_classes() -> str:
    """Each class of credentials with its fields."""
    text = []
    for name in credentials.__all__:
        kind = getattr(credentials, name)
        summary = (inspect.getdoc(kind) or "").partition("\n")[0].replace("``", "`")
        text.append(f"### `{name}`\n\n{summary}\n\n{parts_of(kind, inspect.signature(kind).parameters)}")
    return "\n".join(text)


REGIONS: Mapping[str, Callable[[], str]] = {
    "options": options,
    "retry": lambda: parts_of(Retry, POLICY, "retry."),
    "rate limit": lambda: parts_of(RateLimit, inspect.signature(RateLimit).parameters, "rate_limit."),
    "client": client,
    "logins": logins,
    "pipeline": pipeline,
    "kinds": kinds,
    "credentials": credential_classes,
}
"""Name of a region of the page to what makes its text."""


def written(page: str, regions: Mapping[str, Callable[[], str]] = REGIONS) -> str:
    """*page* with each of its regions as what makes it says, by name.

    Raises:
        LookupError: If a region is missing, or one is there that nothing makes.
    """
    there = [found["name"] for found in REGION.finditer(page)]
    if sorted(there) != sorted(regions):
        raise LookupError(f"the page has the regions {there}, and {sorted(regions)} are made")
    return REGION.sub(lambda found: f"{found[1]}\n{regions[found['name']]()}\n{found[3]}", page)


def write(path: Path, regions: Mapping[str, Callable[[], str]]) -> int:
    """Write the page at *path*, or with ``--check`` compare it; returns the exit status."""
    page = path.read_text(encoding="utf-8")
    now = written(page, regions)
    if "--check" in sys.argv[1:]:
        sys.stdout.write("" if now == page else f"{path} is not what the code says: run make docs\n")
        return int(now != page)
    path.write_text(now, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(write(PAGE, REGIONS))
