"""Room for SQLite's write-ahead log: a log that has its size already is synced in about two thirds of the time of one that grows.

While a file grows, each sync has to put its new size on the disk, too. Zeros behind the end of the log mean nothing to SQLite: its
readers stop at the first frame whose checksum is wrong (sqlite.org/fileformat.html, 4.1), and it writes over them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

COMMITS_BEFORE = 8
"""So many commits one after another pay for the room; most runs with few rows make fewer."""

ROOM_BYTES = 1100 << 10
"""What the log grows to before SQLite begins it anew: 1,000 pages (its default), each of 1 KiB and 24 bytes."""


class WalRoom:
    """Gives the log of one connection its room, once. Used under the journal's write lock, so that nobody else writes to the log meanwhile."""

    def __init__(self, journal: Path) -> None:
        self._log = journal.with_name(f"{journal.name}-wal")
        self._commits = 0

    def before_commit(self) -> None:
        """Count a commit, and see to the room if it is time for it."""
        self._commits += 1
        if self._commits == COMMITS_BEFORE:
            with suppress(OSError):  # a full disk is SQLite's to tell: it needs less than this
                self._make()

    def _make(self) -> None:
        with self._log.open("r+b", buffering=0) as log:
            size = log.seek(0, os.SEEK_END)
            log.write(bytes(max(0, ROOM_BYTES - size)))
