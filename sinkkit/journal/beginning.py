"""A new journal's file: whole from the moment it has a name, and synced once, where making it by SQLite's own ways syncs four times."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

NAMELESS: int = getattr(os, "O_TMPFILE", 0)
ONLY_A_PLACE: int = getattr(os, "O_PATH", 0)
"""Linux's ways to make a file that has no name yet, and to keep hold of it without having it open (open(2)). Elsewhere the folder is opened
for writing, which no system allows, and SQLite makes the file."""

FORMAT_VERSIONS = slice(18, 20)
"""Where the header says how the file is written and read (sqlite.org/fileformat.html, 1.3.3)."""

WAL = b"\x02\x02"


PAGE_BYTES = 1024
"""A commit writes whole pages, four or five of them for a batch: small ones cost the disk less."""


def begin(path: Path, schema: str, version: int) -> None:
    """Put a journal in which nothing is noted at *path*, unless somebody else does so first.

    Where the system, the file system or its permissions do not let it, nothing is changed: SQLite makes the file then, or says what is wrong.

    Args:
        path: The file, in a folder that is there.
        schema: The statements that make its tables.
        version: What these lead to.
    """
    no_serialize = AttributeError  # SQLite can be built without it
    with suppress(OSError, no_serialize), held(path.parent, os.O_RDONLY | os.O_DIRECTORY) as folder:
        with held(path.parent, NAMELESS | os.O_RDWR) as file:
            written(file, empty_journal(schema, version))
            place = os.open(f"/proc/self/fd/{file}", ONLY_A_PLACE)
        # The file has a name only once it is closed: closing it then would drop the locks that another thread's SQLite holds on it.
        try:
            os.link(f"/proc/self/fd/{place}", path.name, dst_dir_fd=folder)
        finally:
            os.close(place)
        os.fsync(folder)


@contextmanager
def held(path: Path, flags: int) -> Iterator[int]:
    """A descriptor that is closed after the block."""
    descriptor = os.open(path, flags, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def written(descriptor: int, content: bytes) -> None:
    """Write all of *content*, and return once it is on the disk."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


@cache
def empty_journal(schema: str, version: int) -> bytes:
    """The bytes of such a journal, in WAL mode; made once for each process."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        db.executescript(f"BEGIN; {schema}; PRAGMA user_version = {version}; COMMIT")
        content = bytearray(db.serialize())
    finally:
        db.close()
    content[FORMAT_VERSIONS] = WAL
    return bytes(content)
