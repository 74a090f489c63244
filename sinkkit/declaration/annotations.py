"""What an annotation means, also where only a type checker could import it."""

from __future__ import annotations

import ast
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sinkkit.schema.items import ItemsKind


@attrs.frozen
class Unresolved:
    """An annotation that could not be evaluated: its text, and the full name it stands for, if the module's imports tell."""

    text: str
    full_name: str


def annotations_of(function: Callable[..., object]) -> dict[str, Any]:
    """Parameter name to its annotation: a type, or ``Unresolved``."""
    plain = inspect.unwrap(_underlying(function))
    given = getattr(plain, "__annotations__", {})
    return {name: _evaluate(annotation, plain) for name, annotation in given.items()}


def _underlying(function: Any) -> Any:
    """The plain function inside a bound method, a partial or a callable object."""
    while hasattr(function, "func") and not inspect.isroutine(function):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__
    return getattr(function, "__func__", function)


def _evaluate(annotation: Any, function: Any) -> Any:
    if not isinstance(annotation, str):
        return annotation
    names = {**getattr(function, "__globals__", {}), **_closure(function)}
    try:
        return eval(annotation, names)  # noqa: S307  # the text is the user's own annotation, as typing.get_type_hints does
    except (NameError, AttributeError, TypeError, SyntaxError):
        return Unresolved(annotation, _full_name(annotation, function))


def _closure(function: Any) -> dict[str, Any]:
    return dict(inspect.getclosurevars(function).nonlocals) if getattr(function, "__closure__", None) else {}


def _full_name(text: str, function: Any) -> str:
    """``pd.DataFrame`` → ``pandas.DataFrame``, by the imports that the module makes for type checkers only."""
    head, dot, rest = text.partition(".")
    return type_checking_imports(function).get(head, head) + dot + rest


def type_checking_imports(function: Any) -> dict[str, str]:
    """Names bound under ``if TYPE_CHECKING:`` in the function's module, and what they stand for."""
    module = sys.modules.get(getattr(function, "__module__", ""))
    try:
        tree = ast.parse(inspect.getsource(module)) if module else ast.Module([], [])
    except (OSError, SyntaxError):  # no source to read, as in a shell: the name stands for itself
        return {}
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for inner in ast.walk(node):
                found.update(_bound_by(inner))
    return found


def _bound_by(node: ast.AST) -> dict[str, str]:
    if isinstance(node, ast.Import):
        return {(name.asname or name.name.split(".")[0]): (name.name if name.asname else name.name.split(".")[0]) for name in node.names}
    if isinstance(node, ast.ImportFrom):
        return {(name.asname or name.name): f"{node.module}.{name.name}" for name in node.names}
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

LIST_LIKE = (list, tuple, typing.Sequence, typing.Iterable, typing.Collection)


def items_kind(annotation: Any) -> ItemsKind | None:
    """What a first parameter asks for, None if it leaves the choice to the file format.

    Raises:
        LookupError: If nothing that can be handed out is meant; its text says what was found.
    """
    if annotation in (inspect.Parameter.empty, Any, object):
        return None
    if isinstance(annotation, Unresolved) and annotation.full_name.startswith(("list", "List", "typing.List")):
        return ItemsKind.ROWS if "dict" in annotation.text.lower() or "Any" in annotation.text or "[" not in annotation.text else _typed(annotation.text)
    if full_name(annotation) in ITEMS_BY_NAME:
        return ITEMS_BY_NAME[full_name(annotation)]
    origin = typing.get_origin(annotation) or annotation
    if origin in {list, tuple} or getattr(origin, "__module__", "") == "collections.abc":
        return _rows_of(annotation)
    if origin is typing.Union or isinstance(annotation, types.UnionType):
        return None
    raise LookupError(annotation.text if isinstance(annotation, Unresolved) else inspect.formatannotation(annotation))


def _rows_of(annotation: Any) -> ItemsKind:
    inner = typing.get_args(annotation)[:1]
    if not inner or is_mapping(inner[0]) or inner[0] is Any or isinstance(inner[0], typing.TypeVar):
        return ItemsKind.ROWS
    return _typed(inspect.formatannotation(annotation))


def _typed(text: str) -> ItemsKind:
    raise LookupError(f"{text} (typed rows are not available in this version)")


def is_mapping(annotation: Any) -> bool:
    """Whether an annotation means a mapping, a ``TypedDict`` included."""
    if isinstance(annotation, Unresolved):
        return annotation.full_name.split(".")[-1].split("[")[0] in {"TableSchema", "TTableSchema", "Mapping", "dict", "Dict"}
    origin = typing.get_origin(annotation) or annotation
    return typing.is_typeddict(origin) or (isinstance(origin, type) and issubclass(origin, Mapping))
