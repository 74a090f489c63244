"""The import ladder of docs: a room imports only from lower rungs, third-party packages have homes, nothing goes in circles."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import attrs
import pytest

import sinkkit

PACKAGE = Path(sinkkit.__file__).parent

PUBLIC = "the public names"
RUNGS = [
    ["errors"],
    ["rows", "clock", "faults", "optional"],
    ["events"],
    ["settings", "schema"],
    ["sources", "package", "journal", "declaration"],
    ["delivery", "observers"],
    ["runs"],
    [PUBLIC, "credentials"],
    ["destinations", "testing"],
    ["cli"],
    ["__main__"],
]
RUNG = {room: number for number, rooms in enumerate(RUNGS, 1) for room in rooms}

CLIENT = ["declaration.client"]  # where the injected client is made
HOMES = {
    "cattrs": ["settings", "schema"],
    "click": ["cli"],
    "httpcore": CLIENT,
    "httpx": [*CLIENT, "destinations", "cli"],
    "openapi_schema_validator": ["destinations.openapi"],
    "referencing": ["destinations.openapi"],
    "yaml": ["destinations.openapi"],
    "msgspec": ["schema", "sources", "package", "journal", "destinations"],  # schema has the codec of rows at rest, sources read JSON Lines
    "orjson": [*CLIENT, "schema", "package", "journal", "destinations"],
    "pandas": ["schema"],
    "polars": ["schema"],
    "pyarrow": ["sources", "package", "schema", "runs", "destinations"],
    "pytest": ["testing"],
    "rich": ["observers", "cli"],
}
EVERYWHERE = ["attr", "attrs", "sinkkit"]


@attrs.frozen
class Import:
    """One imported module; *typing* if only type checkers follow the import."""

    target: str
    typing: bool = False


def modules():
    """Every module of the package by its dotted name, with its file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(["sinkkit", *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
    return found


MODULES = modules()


def room(module):
    """The room a module of ours lives in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else PUBLIC


def imports(text, module, *, is_package=False, known=frozenset(MODULES)):
    """Every import in *text*, wherever it stands, with relative ones resolved as in *module*."""
    tree = ast.parse(text)
    typing = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for part in node.body
        for inner in ast.walk(part)
    }
    package = module.split(".") if is_package else module.split(".")[:-1]
    return [Import(target, id(node) in typing) for node in ast.walk(tree) for target in targets(node, package, known)]


def targets(node, package, known):
    """The modules that one statement or call imports."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        return [full if (full := f"{base}.{name.name}") in known else base for name in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
        return [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return []


def imports_of(module):
    """The imports of one of our modules."""
    path = MODULES[module]
    return imports(path.read_text(encoding="utf-8"), module, is_package=path.name == "__init__.py")


@pytest.mark.parametrize("module", MODULES)
def test_each_module_has_a_rung(module):
    """A room that the ladder does not know belongs nowhere."""
    assert room(module) in RUNG, f"{module}: put the room {room(module)!r} on a rung"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_the_ladder(module):
    """A module imports from its own room and from lower rungs, never from a neighbour or a higher one."""
    here = room(module)
    wrong = [
        used.target
        for used in imports_of(module)
        if used.target.split(".")[0] == "sinkkit"
        and room(used.target) != here
        and RUNG.get(room(used.target), len(RUNGS) + 1) >= RUNG[here]
    ]

    assert wrong == [], f"{module} (rung {RUNG[here]}) may not import {wrong}"


@pytest.mark.parametrize("module", MODULES)
def test_third_party_packages_stay_in_their_homes(module):
    """A third-party package is imported only in the rooms that are its home; type checkers may look at it anywhere."""
    short = module.removeprefix("sinkkit").lstrip(".")
    wrong = []
    for used in imports_of(module):
        top = used.target.split(".")[0]
        if used.typing or top in EVERYWHERE or top in sys.stdlib_module_names:
            continue
        homes = HOMES.get(top, [])
        if not any(short == home or short.startswith(f"{home}.") for home in homes):
            wrong.append(used.target)

    assert wrong == [], f"{module} is no home of {wrong}"


def test_no_module_reaches_itself():
    """Following the imports, those inside functions too, never leads back to where one started."""
    uses = {name: {used.target for used in imports_of(name)} & MODULES.keys() - {name} for name in MODULES}
    while uses:
        leaves = [name for name, used in uses.items() if not used & uses.keys()]
        assert leaves, f"these modules import each other: {sorted(uses)}"
        for name in leaves:
            del uses[name]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("import sinkkit.runs.load", "sinkkit.runs.load"),
        ("from sinkkit.runs import load", "sinkkit.runs.load"),
        ("from sinkkit import runs", "sinkkit.runs"),
        ("from sinkkit import pipeline", "sinkkit"),
        ("from ..runs.load import go", "sinkkit.runs.load"),
        ("from .. import runs", "sinkkit.runs"),
        ("from . import lines", "sinkkit.journal.lines"),
        ("def f():\n    from sinkkit.runs import load", "sinkkit.runs.load"),
        ("importlib.import_module('sinkkit.runs')", "sinkkit.runs"),
        ("class A:\n    def f(self):\n        if True:\n            import pyarrow.csv", "pyarrow.csv"),
    ],
)
def test_no_way_of_importing_is_overlooked(text, target):
    """Relative imports, those inside functions and those by name are read as what they import."""
    known = frozenset(["sinkkit", "sinkkit.runs", "sinkkit.runs.load", "sinkkit.journal", "sinkkit.journal.lines"])

    assert imports(text, "sinkkit.journal.commits", known=known) == [Import(target)]


def test_imports_for_type_checkers_are_told_apart():
    """What stands under TYPE_CHECKING is read, and known to load nothing."""
    text = "if TYPE_CHECKING:\n    import pyarrow\nimport attrs"

    assert sorted(imports(text, "sinkkit.rows"), key=str) == [Import("attrs"), Import("pyarrow", typing=True)]
