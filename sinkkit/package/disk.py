"""Chunks on their way to the disk: large ones are written by a thread of their own, while the next is encoded."""

from __future__ import annotations

import os
import queue
import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LARGE_BYTES = 256 << 10
"""From here on a write is worth the change of threads."""

WAITING_CHUNKS = 4
"""How many chunks may wait for the disk before their writer waits too: about 4 MiB."""


Parts = Sequence[Any]
"""Bytes, or buffers of Arrow, that make up a chunk; they are not changed while they wait."""

Done = Callable[[int], None]
"""Told the CRC-32 of a chunk once it was written."""


class Disk:
    """Appends to files in the order in which it is asked to. Used from one thread.

    Args:
        durable: Whether what is written will have to be on the disk in the end.
    """

    def __init__(self, *, durable: bool) -> None:
        self._durable = durable
        self._line: queue.Queue[tuple[Path, Parts, Done] | None] = queue.Queue(WAITING_CHUNKS)
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def append(self, path: Path, parts: Parts, size: int, done: Done) -> None:
        """Write *parts*, *size* bytes in all, at the end of the file at *path*, now or soon.

        Raises:
            OSError: If the system cannot, or could not write what was asked for earlier.
        """
        if self._error is not None:
            raise self._error
        if self._thread is None and size < LARGE_BYTES:
            done(append(path, parts))
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="sinkkit-disk", daemon=True)
            self._thread.start()
        self._line.put((path, parts, done))

    def finish(self) -> None:
        """Wait until everything was written.

        Raises:
            OSError: If something was not.
        """
        self.stop()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Write what waits, if that is still possible, and let the thread end."""
        if self._thread is not None:
            self._line.put(None)
            self._thread.join()
            self._thread = None

    def _write(self) -> None:
        while (asked := self._line.get()) is not None:
            path, parts, done = asked
            if self._error is None:
                try:
                    done(append(path, parts, soon=self._durable))
                except OSError as error:  # kept for the thread that asked
                    self._error = error


def append(path: Path, parts: Parts, *, soon: bool = False) -> int:
    """Write all of *parts* at the end of the file at *path*; returns their CRC-32.

    Args:
        path: The file.
        parts: What to write.
        soon: Let the system begin to carry it to the disk at once, so that little is left to wait for when the file is sealed.

    Raises:
        OSError: If the system cannot.
    """
    crc = 0
    with path.open("ab", buffering=0) as file:
        start = file.tell()
        for part in parts:
            crc = zlib.crc32(part, crc)
            rest = memoryview(part)
            while rest:
                rest = rest[file.write(rest) or 0 :]
        if soon and hasattr(os, "posix_fadvise"):
            # Linux begins to write such pages out; those still dirty stay in its cache, from where they are read next.
            os.posix_fadvise(file.fileno(), start, file.tell() - start, os.POSIX_FADV_DONTNEED)
    return crc
