"""``sinkkit init``: a project to start from, which runs as it stands."""

from __future__ import annotations

import os
import shlex
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
    there = [name for name in STARTER if (folder / name).exists()]
    if there:
        raise ConfigError(
            f"{', '.join(there)} in {folder.absolute()} would be overwritten; nothing was changed", hint="name another folder: sinkkit init DIR"
        )
    try:
        made = _write(folder)
    except OSError as error:
        raise SinkkitError(f"{error.filename or folder} cannot be written: {error.strerror}", hint="name a folder that you may write to") from error
    steps = ["sinkkit check destinations.contacts", "sinkkit run destinations.contacts data/contacts.csv", "cat delivered.jsonl"]
    if directory != ".":
        steps.insert(0, f"cd {shlex.quote(directory)}")
    text = "\n".join(["made:", *(f"  {name}" for name in made), "", "try it:", *(f"  {step}" for step in steps)])
    return Answer(document={"folder": str(folder.absolute()), "files": made, "next": steps}, shown=(text,))


def _write(folder: Path) -> list[str]:
    """Write the project; returns the names of the files made or changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in STARTER.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = files("sinkkit.cli.starter").joinpath(text).read_bytes()
        mode = PRIVATE if "secrets" in name else 0o666  # the user's umask applies
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    changed = _ignore(folder / ".gitignore")
    return [*STARTER, *([".gitignore"] if changed else [])]


def _ignore(path: Path) -> bool:
    """Have git leave secrets alone; whether lines had to be added."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [line for line in IGNORED if line not in text.splitlines()]
    if missing:
        gap = "\n" if text and not text.endswith("\n") else ""
        path.write_text(text + gap + "".join(f"{line}\n" for line in missing), encoding="utf-8")
    return bool(missing)
