"""Folders and files that are there as a whole or not at all, and errors that say why one could not be written."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sinkkit.errors import SourceError

HINTS = {
    errno.ENOSPC: "the disk is full: make room, or set pipelines_dir to another disk; nothing was sent, so run again",
    errno.EDQUOT: "the disk quota is used up: make room, or set pipelines_dir to another disk; nothing was sent, so run again",
    errno.EFBIG: "the file may not grow so large: raise the limit (ulimit -f) or write smaller files",
    errno.EROFS: "the file system is read-only: set pipelines_dir to a folder that can be written",
    errno.EACCES: "check the owner and the mode of the folder, or set pipelines_dir to another one",
    errno.EPERM: "check the owner and the mode of the folder, or set pipelines_dir to another one",
    errno.ENOTDIR: "a file stands where a folder should be: move it, or set pipelines_dir to another folder",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n)",
    errno.ENAMETOOLONG: "the path is too long: set pipelines_dir to a shorter one",
}
SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")
LONGEST_NAME = 150
"""Bytes of a table's name that go into a file's name; file systems take 255, and a number and an ending follow."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says while *path* is written into an error of ours.

    Raises:
        SourceError: What went wrong, at which path, and what to do.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or path
        hint = HINTS.get(error.errno or 0, "the load package was not written and nothing was sent; mend the cause and run again")
        raise SourceError(f"cannot write {where}: {error.strerror or error}", hint=hint) from error


def fsync(path: Path) -> None:
    """Wait until the disk has the file, or the entries of the folder, at *path*.

    Raises:
        OSError: If the system cannot.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def seal(part: Path, sealed: Path, *, durable: bool) -> None:
    """Give the finished folder *part* its name *sealed*, in one step.

    Args:
        part: A folder beside *sealed*; its files must be on disk.
        sealed: The name; nothing may be there.
        durable: Wait for the disk.

    Raises:
        OSError: If the system cannot; *part* is then as it was.
    """
    if durable:
        fsync(part)
    part.rename(sealed)
    if durable:
        fsync(sealed.parent)


def remove(folder: Path) -> None:
    """Remove *folder* and what is in it; one that is not there is fine.

    It is renamed first, so that no reader meets half a package.

    Raises:
        SourceError: If the system cannot.
    """
    with writing(folder):
        doomed = folder if folder.name.startswith(".") else folder.with_name(f".{folder.name}.removed")
        try:
            if doomed != folder:
                folder.rename(doomed)
            shutil.rmtree(doomed)
        except FileNotFoundError:
            return


def part_of(parent: Path, load_id: str) -> Path:
    """The folder in which package *load_id* is written before it is sealed."""
    return parent / f".{load_id}.part"


def safe_name(table: str) -> str:
    """*table* as a part of a file's name: other characters as %XX, no leading dot, cut if very long.

    Two tables may get the same part: a number has to follow.
    """
    raw = table.encode("utf-8", "surrogatepass")
    name = "".join(
        chr(byte) if byte in SAFE and not (byte == ord(".") and at == 0) else f"%{byte:02X}" for at, byte in enumerate(raw)
    )
    return name[:LONGEST_NAME]
