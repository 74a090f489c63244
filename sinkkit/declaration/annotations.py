"""What an annotation means, also where only a type checker could import it."""

from __future__ import annotations

import ast
import collections.abc
import functools
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sinkkit.declaration.naming.importing import load_module
from sinkkit.schema.items import ItemsKind
from sinkkit.schema.typed.classes import is_type_of_rows


@attrs.frozen
class Unresolved:
    """An annotation that could not be evaluated where it stands.

    Attributes:
        text: As it is written.
        full_name: What it stands for, as far as the module's imports for type checkers tell.
        names: What its module and those imports bind: objects, or full names to import.
    """

    text: str
    full_name: str
    names: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    def found(self) -> Any:
        """The annotation itself, evaluated with what the module imports for type checkers only; this object if it cannot be."""
        names = {name: what for name, what in self.names.items() if not isinstance(what, Unresolved)}
        for name, what in self.names.items():
            if isinstance(what, Unresolved) and (found := _imported(what.full_name)) is not None:
                names[name] = found
        try:
            return eval(self.text, names)  # noqa: S307  # the text is the user's own annotation, as typing.get_type_hints does
        except Exception:  # noqa: BLE001  # whatever keeps it from being evaluated: the caller names the annotation in its error
            return self


def annotations_of(function: Callable[..., object]) -> dict[str, Any]:
    """Parameter name to its annotation: a type, or ``Unresolved``."""
    plain = inspect.unwrap(_underlying(function))
    given = getattr(plain, "__annotations__", {})
    return {name: _evaluate(annotation, plain) for name, annotation in given.items()}


def _underlying(function: Any) -> Any:
    """The plain function inside a bound method, a partial or a callable object."""
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__
    return getattr(function, "__func__", function)


def _evaluate(annotation: Any, function: Any) -> Any:
    if not isinstance(annotation, str):
        return annotation
    names = {**getattr(function, "__globals__", {}), **_closure(function)}
    try:
        found = eval(annotation, names)  # noqa: S307  # the text is the user's own annotation, as typing.get_type_hints does
    except Exception:  # noqa: BLE001  # not known when the program runs: known by its name, or named in an error
        later = {name: Unresolved(name, full) for name, full in type_checking_imports(function).items()}
        return Unresolved(annotation, _full_name(annotation, later), {**names, **later})
    return _evaluate(found, function)  # text in quotes, in a module whose annotations are text already


def _closure(function: Any) -> dict[str, Any]:
    """The variables of enclosing functions that have a value by now, by name."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    found = {}
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # assigned further down
            continue
    return found


def _full_name(text: str, later: Mapping[str, Unresolved]) -> str:
    """``pd.DataFrame`` → ``pandas.DataFrame``, by the imports that the module makes for type checkers only."""
    head, dot, rest = text.partition(".")
    return (later[head].full_name if head in later else head) + dot + rest


def _imported(full: str) -> Any:
    """The module or object of that full name; None if it cannot be imported, as in a circle of modules."""
    try:
        return load_module(full, full)
    except Exception:  # noqa: BLE001  # most often the name of an object in a module, tried next
        module, _, name = full.rpartition(".")
    try:
        return getattr(load_module(module, full), name, None)
    except Exception:  # noqa: BLE001  # a module that cannot be imported now: the annotation stays unresolved and is named
        return None


def type_checking_imports(function: Any) -> dict[str, str]:
    """Names bound under ``if TYPE_CHECKING:`` in the function's module, and what they stand for."""
    module = sys.modules.get(getattr(function, "__module__", ""))
    try:
        tree = ast.parse(inspect.getsource(module)) if module else ast.Module([], [])
    except (OSError, SyntaxError, TypeError):  # no source to read, as in a shell: the name stands for itself
        return {}
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for inner in ast.walk(node):
                found.update(_bound_by(inner, getattr(module, "__package__", None) or ""))
    return found


def _bound_by(node: ast.AST, package: str) -> dict[str, str]:
    if isinstance(node, ast.Import):
        tops = [alias.name.split(".")[0] for alias in node.names]
        return {alias.asname or top: alias.name if alias.asname else top for alias, top in zip(node.names, tops, strict=True)}
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level and package:
            module = importlib.util.resolve_name("." * node.level + module, package)
        return {(alias.asname or alias.name): f"{module}.{alias.name}" for alias in node.names}
    return {}


def full_name(annotation: Any) -> str:
    """The dotted name of a type, by its module's top: ``pyarrow.Table``, ``pandas.DataFrame``, ``httpx.Client``."""
    if isinstance(annotation, Unresolved):
        parts = annotation.full_name.split(".")
        return f"{parts[0]}.{parts[-1]}" if len(parts) > 1 else parts[0]
    origin = typing.get_origin(annotation) or annotation
    module = str(getattr(origin, "__module__", "")).split(".")[0]
    return f"{module}.{getattr(origin, '__name__', origin)}"


ITEMS_BY_NAME: Mapping[str, ItemsKind] = {
    "pyarrow.Table": ItemsKind.TABLE,
    "pyarrow.RecordBatch": ItemsKind.RECORD_BATCH,
    "pandas.DataFrame": ItemsKind.PANDAS,
    "polars.DataFrame": ItemsKind.POLARS,
    "pathlib.Path": ItemsKind.PATH,
    "builtins.str": ItemsKind.PATH,
}

LIST_LIKE = (
    list,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Collection,
    collections.abc.Reversible,
    collections.abc.Iterable,
)
"""What a list of rows may be announced as."""


def items_kind(annotation: Any) -> ItemsKind | None:
    """What a first parameter asks for, None if it leaves the choice to the file format.

    Raises:
        LookupError: If nothing that can be handed out is meant; its text says what was found.
    """
    if annotation is inspect.Parameter.empty or annotation is Any or annotation is object:
        return None
    if full_name(annotation) in ITEMS_BY_NAME:
        return ITEMS_BY_NAME[full_name(annotation)]
    if isinstance(annotation, Unresolved):
        found = annotation.found()
        return _by_text(annotation.text) if found is annotation else items_kind(found)
    origin = typing.get_origin(annotation) or annotation
    if origin in LIST_LIKE:
        return _rows_of(annotation)
    if origin is typing.Union or isinstance(annotation, types.UnionType):
        return None
    raise LookupError(inspect.formatannotation(annotation))


def _by_text(text: str) -> ItemsKind:
    """The same of an annotation of which no more is known than its text."""
    if not text.startswith(("list", "List", "typing.List")):
        raise LookupError(text)
    if "[" not in text or "dict" in text.lower() or "Any" in text:
        return ItemsKind.ROWS
    raise LookupError(text)


def _rows_of(annotation: Any) -> ItemsKind:
    inner = typing.get_args(annotation)[:1]
    if not inner or is_mapping(inner[0]) or inner[0] is Any or isinstance(inner[0], typing.TypeVar) or is_type_of_rows(inner[0]):
        return ItemsKind.ROWS
    raise LookupError(inspect.formatannotation(annotation))


def row_type(annotation: Any) -> Any:
    """The class that rows are to be objects of, ``Contact`` in ``list[Contact]``; None if a first parameter asks for plain dicts or for no rows."""
    if isinstance(annotation, Unresolved):
        found = annotation.found()
        return None if found is annotation else row_type(found)
    inner = typing.get_args(annotation)[:1] if (typing.get_origin(annotation) or annotation) in LIST_LIKE else ()
    return inner[0] if inner and is_type_of_rows(inner[0]) else None


def is_mapping(annotation: Any) -> bool:
    """Whether an annotation means a mapping, a ``TypedDict`` included."""
    if isinstance(annotation, Unresolved):
        named = annotation.full_name.split("[")[0].split(".")[-1]
        return named in {"TableSchema", "TTableSchema", "Mapping", "dict", "Dict"}
    origin = typing.get_origin(annotation) or annotation
    return typing.is_typeddict(origin) or (isinstance(origin, type) and issubclass(origin, Mapping))


def is_table_schema(annotation: Any) -> bool:
    """Whether an annotation names ``TableSchema``."""
    return full_name(annotation).split(".")[-1] == "TableSchema"
