"""A module imported by its name: what is not there is told apart from what fails on its own."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType

from sinkkit.errors import ConfigError

MACHINERY = ("importlib", "zipimport")
"""Packages whose frames in a traceback are the import itself, not a module's own code."""


def load_module(name: str, asked: str) -> ModuleType:
    """The module *name*; the program itself, where it is the file that is run.

    Args:
        name: Its full name.
        asked: The reference it is imported for, for messages.

    Raises:
        ModuleNotFoundError: If there is no module of that name, or no package that it should be in.
        ConfigError: If it is there and fails; its own error is the cause.
    """
    main = _program(name)
    if main is not None:
        return main
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if _is_absent(error, name):
            raise
        raise failure(name, asked, error) from error
    except (Exception, SystemExit) as error:
        raise failure(name, asked, error) from error


def _program(name: str) -> ModuleType | None:
    """The program itself if it is the module *name*; modules above are looked at first, since importing *name* would import them.

    Raises:
        ModuleNotFoundError: If the program is a module above *name*: it is a file, and no module is inside it.
    """
    parts = name.split(".")
    for cut in range(1, len(parts) + 1):
        main = running_as(".".join(parts[:cut]))
        if main is None:
            continue
        if cut == len(parts):
            return main
        inside = ".".join(parts[: cut + 1])
        raise ModuleNotFoundError(f"No module named {inside!r}", name=inside)
    return None


def running_as(name: str) -> ModuleType | None:
    """The module ``__main__`` if it is *name* under another name: importing it again would run the program a second time."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    spec = getattr(main, "__spec__", None)
    if main is None or name in sys.modules or file is None:
        return None
    if spec is not None:
        return main if spec.name == name else None
    if Path(file).stem != name.rpartition(".")[2]:
        return None
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # said again, and better, by the import that follows
        return None
    same = found is not None and found.origin is not None and Path(found.origin).resolve() == Path(file).resolve()
    return main if same else None


def _is_absent(error: ModuleNotFoundError, name: str) -> bool:
    """Whether *error* says that *name* itself is not there, and not that a module on the way to it misses another."""
    missing = error.name
    return missing is not None and f"{name}.".startswith(f"{missing}.") and not list(_own_frames(error))


def _own_frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    """Frames and lines of *error* in modules' own code, outermost first."""
    step = error.__traceback__
    while step is not None:
        module = str(step.tb_frame.f_globals.get("__name__", ""))
        if module not in {__name__, "sinkkit.declaration.naming.references"} and module.partition(".")[0] not in MACHINERY:
            yield step.tb_frame, step.tb_lineno
        step = step.tb_next


def failure(name: str, asked: str, error: BaseException) -> ConfigError:
    """The error for a module *name*, wanted for *asked*, that raised *error*: its type, its text, its file and line."""
    text = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    wanted = "" if asked == name else f", which {asked!r} names,"
    return ConfigError(f"the module {name!r}{wanted} fails when it is imported: {said}{_place(name, error)}", hint=_hint(name, error))


def _place(name: str, error: BaseException) -> str:
    """File and line: the last of the module's own, or of the packages it is in, or else the last of any."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename}, line {error.lineno})"
    frames = list(_own_frames(error))
    own = [one for one in frames if f"{name}.".startswith(f"{one[0].f_globals.get('__name__', '')}.")]
    if not frames:
        return ""
    frame, line = (own or frames)[-1]
    return f" ({frame.f_code.co_filename}, line {line})"


def _hint(name: str, error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "put what ends the program below `if __name__ == '__main__':`"
    if isinstance(error, ImportError) and "partially initialized module" in str(error):
        return "modules import each other in a circle: move one of the imports into the function that needs it"
    if isinstance(error, ModuleNotFoundError):
        return f"install the package that has {error.name!r}, or mend the import"
    return f"mend it there; `python -c 'import {name}'` shows the error alone"
