"""Chunks on their way to the disk: large ones are written by a thread of their own, while the next is encoded."""

from __future__ import annotations

import os
import queue
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

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
            with Appended(path) as file:
                done(file.append(parts))
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
        try:
            with ExitStack() as opened:
                self._write_asked(opened)
        except OSError as error:  # of closing what was open last
            self._error = self._error or error

    def _write_asked(self, opened: ExitStack) -> None:
        """Write what is asked for; the file written last stays open, as most often the next chunk is its own."""
        latest: tuple[Path, Appended] | None = None
        while (asked := self._line.get()) is not None:
            path, parts, done = asked
            if self._error is not None:
                continue
            try:
                if latest is None or latest[0] != path:
                    opened.close()
                    latest = path, opened.enter_context(Appended(path, soon=self._durable))
                done(latest[1].append(parts))
            except OSError as error:  # kept for the thread that asked
                self._error = error


class Appended:
    """A file that grows at its end.

    Whatever lets other threads run may cost its thread milliseconds behind one that computes, so there is little of it.

    Args:
        path: Where it is; it is made if there is none.
        soon: Let the system begin to carry all to the disk at once, so that little is left to wait for when the file is sealed.

    Raises:
        OSError: From any method, if the system cannot.
    """

    def __init__(self, path: Path, *, soon: bool = False) -> None:
        self._file = path.open("ab", buffering=0)
        self._size = self._file.tell()
        self._soon = soon and hasattr(os, "posix_fadvise")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, parts: Parts) -> int:
        """Write all of *parts*, in one piece; returns their CRC-32."""
        whole = b"".join(parts)
        rest = memoryview(whole)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]
        if self._soon:
            # Linux begins to write such pages out; those still dirty stay in its cache, from where they are read next.
            os.posix_fadvise(self._file.fileno(), self._size, len(whole), os.POSIX_FADV_DONTNEED)
        self._size += len(whole)
        return zlib.crc32(whole)
