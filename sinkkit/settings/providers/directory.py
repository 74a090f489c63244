"""A directory in which each file is one setting, as Docker and Kubernetes mount secrets."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import Any, ClassVar

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import Path, variable
from sinkkit.settings.providers.provider import Provider, nested
from sinkkit.settings.providers.toml_files import shown

DOCKER = "/run/secrets"
"""Where Docker and Podman mount secrets."""

DEEPEST = 8
"""How many folders below the directory are looked into: more than a setting has parts, and an end for a directory named by mistake."""


def canonical(file_name: str) -> str:
    """The variable that a file name means: ``destination.crm.api-key`` and ``destination__crm__api_key`` are one."""
    return variable(tuple(file_name.replace("__", ".").split(".")))


@attrs.frozen
class Listing:
    """What stands in a directory.

    Attributes:
        files: Variable name to the files that mean it; more than one is a mistake if that setting is asked for.
        closed: Variable name to a folder that cannot be listed, and why.
        there: Whether the directory exists.
    """

    files: dict[str, list[FilePath]] = attrs.field(factory=dict)
    closed: dict[str, tuple[FilePath, str]] = attrs.field(factory=dict)
    there: bool = True


@attrs.define(eq=False)
class Directory:
    """Files named ``destination__crm__api_key`` or ``destination.crm.api_key``, in any case; the content, without the line break at its end, is the value.

    A folder inside counts as the first parts of the names of its files: ``destination/crm/api_key`` and ``destination.crm/api_key`` are the same
    setting again. Names that begin with a dot are left alone: Kubernetes keeps its versions of a volume in such, and links the files to them.
    A directory that does not exist is empty.

    Args:
        folder: The directory.
    """

    folder: FilePath = attrs.field(default=FilePath(DOCKER), converter=FilePath)
    _listing: Listing | None = attrs.field(default=None, init=False, repr=False)
    for_secrets: ClassVar[bool] = True
    private: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The directory, for messages."""
        return f"files in {shown(self.folder)}"

    @property
    def note(self) -> str:
        """That the directory does not exist, if so."""
        return "" if self.listed().there else " (no such directory)"

    def opened(self) -> Sequence[Provider]:
        """The directory as it is now, listed once."""
        now = Directory(self.folder)
        now._listing = now.listed()
        return (now,)

    def listed(self) -> Listing:
        """What stands in the directory.

        Raises:
            ConfigError: If the directory itself cannot be listed.
        """
        if self._listing is not None:
            return self._listing
        found = Listing()
        try:
            entries = entries_of(self.folder)
        except FileNotFoundError:
            return Listing(there=False)
        except OSError as error:
            raise ConfigError(
                f"{shown(self.folder)} cannot be listed: {error.strerror}", hint="name a directory that this user may read"
            ) from error
        gather(entries, (), found, (os.path.realpath(self.folder),))
        return found

    def get(self, path: Path) -> Any:
        """The content of the file for *path*, or a table of those that continue it.

        Raises:
            ConfigError: If a file cannot be read, several files mean the same setting, or it may stand in a folder that cannot be listed.
        """
        listing, name = self.listed(), variable(path)
        if name in listing.files:
            return content(only(listing.files[name]))
        for closed, (folder, why) in listing.closed.items():
            if f"{name}__".startswith(f"{closed}__") or closed.startswith(f"{name}__"):
                raise ConfigError(f"{shown(folder)} cannot be listed: {why}", hint="let this user list the folder, or take it away")
        return nested(listing.files, f"{name}__", lambda found: content(only(listing.files[found])))

    def spell(self, path: Path) -> str:
        """The file's name as it is usually written."""
        return variable(path).lower()

    def names(self, section: Path) -> Iterable[str]:
        """First parts of the files of *section*, lower case."""
        prefix = f"{variable(section)}__" if section else ""
        return dict.fromkeys(
            name[len(prefix) :].partition("__")[0].lower() for name in self.listed().files if name.startswith(prefix)
        )


def entries_of(folder: FilePath) -> list[FilePath]:
    """What stands in *folder*, in order, without names that begin with a dot."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def gather(entries: Iterable[FilePath], above: tuple[str, ...], found: Listing, way: tuple[str, ...]) -> None:
    """Add *entries* to *found*, and what stands in the folders among them.

    Args:
        entries: Files and folders; links count as what they lead to, one that leads nowhere as a file that cannot be read.
        above: The folders passed on the way, as parts of names.
        found: What is added to.
        way: Their real paths: a link back to one of them is not followed.
    """
    for path in entries:
        parts = (*above, canonical(path.name))
        name = "__".join(parts)
        mode = mode_of(path)
        if mode is not None and stat.S_ISDIR(mode):
            real = os.path.realpath(path)
            if real in way or len(parts) > DEEPEST:
                continue
            try:
                inner = entries_of(path)
            except OSError as error:
                found.closed[name] = path, error.strerror or type(error).__name__
            else:
                gather(inner, parts, found, (*way, real))
        elif mode is None or stat.S_ISREG(mode):  # not sockets, pipes and devices: reading those may never end
            found.files.setdefault(name, []).append(path)


def mode_of(path: FilePath) -> int | None:
    """Type and permissions of what *path* leads to; None if that cannot be known: reading the file will tell why, if it is asked for."""
    try:
        return path.stat().st_mode
    except OSError:
        return None


def only(paths: Sequence[FilePath]) -> FilePath:
    """The one file that means a setting.

    Raises:
        ConfigError: If there are several.
    """
    if len(paths) > 1:
        raise ConfigError(f"{' and '.join(shown(path) for path in paths)} mean the same setting", hint="keep one of the files")
    return paths[0]


def content(path: FilePath) -> str:
    """The text of *path* without the line break at its end.

    Raises:
        ConfigError: If it cannot be read or is no UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ConfigError(f"{shown(path)} is not UTF-8", hint="write the value as UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{shown(path)} cannot be read: {error.strerror}", hint="check who may read the file") from error
