"""``sinkkit init``: a project to start from, which runs as it stands."""

from __future__ import annotations

import os
import shlex
from codecs import BOM_UTF8
from contextlib import ExitStack, suppress
from functools import partial
from importlib.resources import files
from pathlib import Path

import click

from sinkkit.cli import options
from sinkkit.cli.answer import Answer
from sinkkit.errors import ConfigError, SinkkitError

STARTER = {
    "destinations.py": "destinations.txt",
    ".sinkkit/config.toml": "config.toml",
    ".sinkkit/secrets.toml": "secrets.toml",
    "data/contacts.csv": "contacts.csv",
    "README.md": "readme.md",
}
"""Files of the project, and where their text is beside this module, in ``starter``."""

IGNORED = (".sinkkit/secrets.toml", "delivered.jsonl", "__pycache__/")
PRIVATE = 0o600


@click.command(short_help="Make a project to start from.")
@click.argument("directory", metavar="[DIR]", default=".")
@options.everywhere
def init(directory: str) -> Answer:
    """Make a project to start from in DIR (default: here): a destination, its settings, and a little data. It runs as it stands."""
    folder = Path(directory).expanduser()
    try:
        there = [name for name in STARTER if (folder / name).exists()]
        if there:
            raise ConfigError(
                f"{', '.join(there)} in {folder.absolute()} would be overwritten; nothing was changed", hint="name another folder: sinkkit init DIR"
            )
        made = _write(folder)
    except OSError as error:
        what = f"{error.filename or folder} cannot be written: {error.strerror}; nothing was changed"
        raise SinkkitError(what, hint="name a folder that you may write to") from error
    steps = ["sinkkit check destinations.contacts", "sinkkit run destinations.contacts data/contacts.csv", "cat delivered.jsonl"]
    if directory != ".":
        steps.insert(0, f"cd {shlex.quote(directory)}")
    text = "\n".join(["made:", *(f"  {name}" for name in made), "", "try it:", *(f"  {step}" for step in steps)])
    return Answer(document={"folder": str(folder.absolute()), "files": made, "next": steps}, shown=(text,))


def _write(folder: Path) -> list[str]:
    """Write the project, secrets after what has git leave them alone; returns the names of the files made or changed.

    Raises:
        OSError: If something is in the way; what was written until then is taken away again.
        ConfigError: If the lines for git cannot be added; nothing was changed.
    """
    with ExitStack() as undo:
        _make_folder(folder, undo)
        changed = _ignore(folder / ".gitignore", undo)
        for name, text in STARTER.items():
            path = folder / name
            _make_folder(path.parent, undo)
            content = files("sinkkit.cli.starter").joinpath(text).read_bytes()
            mode = PRIVATE if "secrets" in name else 0o666  # the user's umask applies
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                undo.callback(path.unlink, missing_ok=True)
                file.write(content)
        undo.pop_all()
    return [*STARTER, *([".gitignore"] if changed else [])]


def _make_folder(folder: Path, undo: ExitStack) -> None:
    """Make *folder* and those above it that are not there."""
    if not folder.is_dir():
        _make_folder(folder.parent, undo)
        folder.mkdir()
        undo.callback(_remove_folder, folder)


def _remove_folder(folder: Path) -> None:
    with suppress(OSError):  # somebody else has put something in it: then it is theirs
        folder.rmdir()


def _ignore(path: Path, undo: ExitStack) -> bool:
    """Have git leave secrets alone; whether lines had to be added. Git reads bytes, and so does this: lines in any encoding stay as they are."""
    there = path.exists()
    before = path.read_bytes() if there else b""
    if b"\0" in before:
        raise ConfigError(
            f"{path.absolute()} is no text that git could read (UTF-16?), and lines must be added to it; nothing was changed",
            hint="save it as UTF-8, or name another folder: sinkkit init DIR",
        )
    lines = before.removeprefix(BOM_UTF8).splitlines()
    missing = [line for line in IGNORED if line.encode() not in lines]
    if missing:
        gap = b"\n" if lines and not before.endswith(b"\n") else b""
        with path.open("ab") as file:
            undo.callback(partial(os.truncate, path, len(before)) if there else partial(path.unlink, missing_ok=True))
            file.write(gap + b"".join(line.encode() + b"\n" for line in missing))
    return bool(missing)
