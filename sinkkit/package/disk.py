"""Chunks on their way to the disk: large ones are written by a thread of their own, while the next is encoded."""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from typing import Any

LARGE_BYTES = 256 << 10
"""From here on a write is worth the change of threads."""

WAITING_CHUNKS = 8
"""How many chunks may wait for the disk before their writer waits too: about 8 MiB."""


class Disk:
    """Appends to files in the order in which it is asked to. Used from one thread."""

    def __init__(self) -> None:
        self._line: queue.Queue[tuple[Path, Any] | None] = queue.Queue(WAITING_CHUNKS)
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def append(self, path: Path, data: Any) -> None:
        """Write *data*, bytes or a buffer, at the end of the file at *path*, now or soon.

        Raises:
            OSError: If the system cannot, or could not write what was asked for earlier.
        """
        if self._error is not None:
            raise self._error
        if self._thread is None and len(data) < LARGE_BYTES:
            append(path, data)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="sinkkit-disk", daemon=True)
            self._thread.start()
        self._line.put((path, data))

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
            if self._error is None:
                try:
                    append(*asked)
                except OSError as error:  # kept for the thread that asked
                    self._error = error


def append(path: Path, data: Any) -> None:
    """Write all of *data* at the end of the file at *path*.

    Raises:
        OSError: If the system cannot.
    """
    with path.open("ab", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) or 0 :]
