"""Where a pipeline keeps its state on disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import attrs

from sinkkit.errors import ConfigError, JournalError


@attrs.frozen
class Location:
    """The folder of one pipeline and what lies in it."""

    folder: Path

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / "journal.db"

    @property
    def requests(self) -> Path:
        """The file with the last requests."""
        return self.folder / "requests.db"

    @property
    def lock(self) -> Path:
        """The file that the owner locks."""
        return self.folder / "owner.lock"

    @property
    def packages(self) -> Path:
        """Where sealed packages are, as they were extracted."""
        return self.folder / "packages"

    @property
    def normalized(self) -> Path:
        """Where sealed packages are that were normalized again for their destination."""
        return self.folder / "normalized"


def default_folder() -> Path:
    """``$SINKKIT_PIPELINES_DIR``, or ``~/.sinkkit/pipelines``."""
    given = os.environ.get("SINKKIT_PIPELINES_DIR")
    return Path(given) if given else Path.home() / ".sinkkit" / "pipelines"


def limits_folder() -> Path:
    """Where shared limits are kept, for all pipelines: ``$SINKKIT_LIMITS_DIR``, or ``~/.sinkkit/limits``."""
    given = os.environ.get("SINKKIT_LIMITS_DIR")
    return Path(given).expanduser().absolute() if given else Path.home() / ".sinkkit" / "limits"


def locate(name: Any, pipelines_dir: Any) -> Location:
    """The location of pipeline *name* in the folder *pipelines_dir*, text or a path; None: the default one.

    Raises:
        ConfigError: If the name cannot be that of a folder, or *pipelines_dir* is neither text nor a path.
    """
    odd = not isinstance(name, str) or any(letter in "/\0" or "\ud800" <= letter <= "\udfff" for letter in name)
    if odd or not name.strip() or name.startswith("."):
        raise ConfigError(
            f"{name!r} cannot name a pipeline", hint="use letters, digits, _ and -: it becomes the name of a folder"
        )
    if not isinstance(pipelines_dir, str | os.PathLike | None):
        raise ConfigError(f"pipelines_dir={pipelines_dir!r} of pipeline {name!r} is no folder", hint="write the path of a folder, as text")
    parent = default_folder() if pipelines_dir is None else Path(pipelines_dir)
    return Location(parent.expanduser().absolute() / name)


def entries(place: Path) -> list[Path]:
    """What is in the folder *place*, in order; nothing if it is not there.

    Raises:
        JournalError: If it cannot be listed.
    """
    try:
        return sorted(place.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalError(
            f"the folder {place} cannot be read: {error.strerror}",
            hint="move away what is there, or set pipelines_dir to another folder",
        ) from error


SMALLEST_JOURNAL = 512
"""Bytes of the smallest page of SQLite (sqlite.org/fileformat.html, 1.2); it takes a shorter file for a new one and overwrites it."""


def check_journal(location: Location) -> None:
    """Refuse to begin a new journal where sealed load packages are: without the old one, nobody knows which of their rows were sent.

    Raises:
        JournalError: If the journal is missing or cut off, and packages are there.
    """
    if location.journal.exists() and location.journal.stat().st_size >= SMALLEST_JOURNAL:
        return
    sealed = [
        path for place in (location.packages, location.normalized) for path in entries(place) if not path.name.startswith(".")
    ]
    if sealed:
        raise JournalError(
            f"the journal {location.journal} is missing or cut off, and there are load packages whose fate only it knows: {sealed[0]}",
            hint=f"restore the journal; or, to give these rows up, move it and {sealed[0].parent} away",
        )


def empty(location: Location) -> None:
    """Remove all state of a pipeline; the caller owns it.

    Raises:
        JournalError: If the system does not let it.
    """
    try:
        for entry in location.folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry != location.lock:
                entry.unlink()
    except OSError as error:
        raise JournalError(
            f"the state in {location.folder} cannot be removed: {error}", hint="check the folder's owner and mode"
        ) from error
