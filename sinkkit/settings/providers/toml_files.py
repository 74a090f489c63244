"""``config.toml`` and ``secrets.toml``: where they are, and reading them with errors that say where."""

from __future__ import annotations

import os
import re
import stat
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import Path
from sinkkit.settings.providers.provider import Provider
from sinkkit.settings.secret import ExposedSecretsWarning

FOLDER = ".sinkkit"
SECRETS = "secrets.toml"
CONFIG = "config.toml"


class MissingFolderWarning(UserWarning):
    """``SINKKIT_CONFIG_DIR`` names a folder that is not there: whatever was meant to stand in it is not used."""


def named_folder() -> FilePath | None:
    """The folder that ``$SINKKIT_CONFIG_DIR`` names, None if it names none."""
    own = os.environ.get("SINKKIT_CONFIG_DIR")
    home = os.environ.get("HOME")
    if own and home and own.startswith("~/"):  # no shell has seen a variable of a container or of a service
        own = home + own[1:]
    return FilePath(own) if own else None


def folders() -> list[FilePath]:
    """Where files are looked for, in order: ``.sinkkit`` here, ``$SINKKIT_CONFIG_DIR``, ``.sinkkit`` in the home folder."""
    own, home = named_folder(), os.environ.get("HOME")
    return [FilePath(FOLDER), *([own] if own else []), *([FilePath(home) / FOLDER] if home else [])]


def warn_of_no_folder() -> None:
    """Warn if ``$SINKKIT_CONFIG_DIR`` names a folder that is not there."""
    own = named_folder()
    if own is not None and not own.exists():
        message = f"SINKKIT_CONFIG_DIR names {shown(own)}, and there is no such folder"
        warnings.warn(MissingFolderWarning(message), stacklevel=2)


def shown(path: FilePath) -> str:
    """*path* for people, the home folder as ``~``."""
    home = os.environ.get("HOME")
    text = str(path)
    return f"~{text[len(home) :]}" if home and home != "/" and text.startswith(f"{home}/") else text


def load(path: FilePath, *, private: bool) -> dict[str, Any] | None:
    """The content of the TOML file *path*, or None if there is none.

    Args:
        path: The file.
        private: It may hold secrets: warn if every user can read it.

    Raises:
        ConfigError: If it cannot be read, is no UTF-8 or no TOML; the message names file, line and column and repeats no content.
    """
    try:
        with open(path, "rb", opener=without_waiting) as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISFIFO(mode):
                raise ConfigError(f"{shown(path)} is a named pipe, not a file", hint="write a TOML file there")
            data = file.read()
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise ConfigError(
            f"{shown(path)} is a directory, not a file", hint="remove it, or move it away, and write a TOML file there"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{shown(path)} cannot be read: {error.strerror}", hint="check the file, its folder and who may read them"
        ) from error
    if private and mode & stat.S_IROTH:
        message = f"{shown(path)} can be read by every user of this machine; run: chmod 600 {shown(path)}"
        warnings.warn(ExposedSecretsWarning(message), stacklevel=2)
    return parse(data, path)


def without_waiting(path: str, flags: int) -> int:
    """Open *path*; a named pipe would otherwise wait for somebody who writes."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse(data: bytes, path: FilePath) -> dict[str, Any]:
    """The table that *data*, the bytes of *path*, holds.

    The errors of the parsers are not chained: they keep the whole content.

    Raises:
        ConfigError: If it is no UTF-8 or no TOML.
    """
    import tomllib  # 6 ms that a run without files does not pay

    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"{shown(path)}, line {line}, byte {column} of the line: not UTF-8"
        raise ConfigError(message, hint="save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error))
        what = str(error)[: place.start()] if place else str(error)
        lines = data.decode("utf-8-sig").split("\n")
        line, column = (int(place[1]), int(place[2])) if place and place[1] else (len(lines), len(lines[-1]) + 1)
        raise ConfigError(f"{shown(path)}, line {line}, column {column}: {what}", hint=advice(what)) from None
    except RecursionError:
        raise ConfigError(f"{shown(path)}: its tables and lists are nested too deeply", hint="settings need few levels") from None


def advice(what: str) -> str:
    """What to do about *what* the TOML parser says."""
    if "twice" in what or "overwrite" in what or "uplicate" in what:
        return "a key stands once in a section, and a [section] once in a file"
    if "hex value" in what or "Unescaped" in what or "Escaped character" in what:
        return r"a backslash stands twice in double quotes; in single quotes text stands as it is, as in path = 'C:\data'"
    if what.startswith(("Unterminated", "Expected \"'")) or what == r"Illegal character '\n'":
        return 'write the closing quote on the same line; text of several lines stands in three double quotes (""")'
    if "invalid character" in what or "Illegal character" in what:
        return "remove the character: control characters cannot stand in TOML"
    return 'text stands in quotes in TOML, as in url = "https://example.com"'


def dig(table: Any, path: Path) -> Any:
    """What stands at *path* in nested mappings, or None."""
    for part in path:
        if not isinstance(table, dict):
            return None
        table = table.get(part)
    return table


def mentioned(table: Mapping[str, Any], name: str) -> bool:
    """Whether *name* is a key of *table* or of a table in it."""
    return name in table or any(mentioned(value, name) for value in table.values() if isinstance(value, dict))


@attrs.frozen(eq=False)
class TomlFile:
    """One file, read already.

    Attributes:
        name: Its path, for messages.
        table: Its content; empty if there is no such file.
        note: What messages add to its name.
        for_secrets: Whether secrets may rest in it.
    """

    name: str
    table: dict[str, Any] = attrs.field(repr=False)
    note: str
    for_secrets: bool

    def get(self, path: Path) -> Any:
        """The value or table at *path*."""
        return dig(self.table, path)

    def spell(self, path: Path) -> str:
        """The key with dots between its parts, those that TOML cannot write bare in quotes."""
        return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"' for part in path)

    def mentions(self, name: str) -> bool:
        """Whether *name* is a key in any section: only then may a setting of that name, or one inside it, be held."""
        return mentioned(self.table, name)

    def names(self, section: Path) -> Iterable[str]:
        """The keys of *section*."""
        found = dig(self.table, section)
        return list(found) if isinstance(found, dict) else []


def real_path(path: FilePath) -> str:
    """*path* without symbolic links; as it is if the current folder was removed."""
    try:
        return os.path.realpath(path)
    except OSError:
        return str(path)


@attrs.frozen(eq=False)
class TomlFiles:
    """The files of one name in all folders, nearest first; read anew whenever a run opens them.

    Args:
        name: ``secrets.toml`` or ``config.toml``.
    """

    name: str

    def opened(self) -> Sequence[Provider]:
        """One provider for each folder; a file reached in two ways counts once."""
        private = self.name == SECRETS
        if not private:  # once for both files
            warn_of_no_folder()
        files: list[Provider] = []
        seen: list[str] = []
        for folder in folders():
            path = folder / self.name
            real = real_path(path)
            if real not in seen:
                seen.append(real)
                table = load(path, private=private)
                files.append(TomlFile(shown(path), table or {}, "" if table is not None else " (no such file)", private))
        return files

    def get(self, path: Path) -> Any:
        """The value at *path* in the nearest file that has one."""
        return next((value for file in self.opened() if (value := file.get(path)) is not None), None)

    def spell(self, path: Path) -> str:
        """The key with dots between its parts."""
        return TomlFile(self.name, {}, "", for_secrets=False).spell(path)
