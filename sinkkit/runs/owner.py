"""One process owns a pipeline at a time: a record lock, which the system drops when the owner dies and no child inherits."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sinkkit.clock import Clock
from sinkkit.errors import JournalError, PipelineLocked

_held: dict[str, int] = {}
_held_lock = threading.Lock()
"""Locks of this process, by path: the system lets a process lock what it holds already, so a second thread is refused here."""


@contextmanager
def owning(path: Path, clock: Clock) -> Iterator[None]:
    """Own the pipeline whose lock is the file *path* while the block runs.

    Raises:
        PipelineLocked: If another process, or another thread of this one, owns it; names the owner.
        JournalError: If the file cannot be made.
    """
    key = os.path.realpath(path)
    with _held_lock:
        if _held.get(key) == os.getpid():
            raise PipelineLocked(
                f"pipeline {path.parent.name!r} is in use by this process already", hint="one run at a time: wait for the other"
            )
        _held[key] = os.getpid()
    try:
        descriptor = _open(path)
        try:
            _lock(descriptor, path)
            _sign(descriptor, clock)
            yield
        finally:
            os.close(descriptor)
    finally:
        with _held_lock:
            _held.pop(key, None)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise JournalError(
            f"the pipeline's folder {path.parent} cannot be used: {error.strerror}",
            hint="check the folder's owner and mode, or set pipelines_dir or SINKKIT_PIPELINES_DIR to another one",
        ) from error


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EAGAIN}:
            raise JournalError(f"{path} cannot be locked: {error.strerror}", hint="set pipelines_dir to a local disk") from error
        raise PipelineLocked(
            f"pipeline {path.parent.name!r} is owned by {_owner(descriptor)}",
            hint="wait for it to end, or stop it; its lock goes with it",
        ) from error


def _sign(descriptor: int, clock: Clock) -> None:
    since = datetime.fromtimestamp(clock.wall(), UTC).isoformat(timespec="seconds")
    text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since})  # no arguments: they may hold secrets
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _owner(descriptor: int) -> str:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {found['pid']} on {found['host']} since {found['since']}"
    except (ValueError, KeyError, TypeError):  # the owner has locked and not yet signed
        return "another process"


def refuse_fork(name: str, pid: int) -> None:
    """Raise ``PipelineLocked`` if the pipeline *name*, made in process *pid*, is used in a fork of it, which holds none of its locks."""
    if os.getpid() != pid:
        raise PipelineLocked(
            f"pipeline {name!r} was made in process {pid} and is used in its fork {os.getpid()}",
            hint="call sinkkit.pipeline(...) in the process that uses it",
        )


def owner_of(path: Path) -> str | None:
    """Who owns the pipeline now, for reports; None if nobody does. Nothing is locked to find out, so nobody is kept from owning it."""
    if not path.exists():
        return None
    with _held_lock:  # opening and closing the file here would drop the lock that this process holds on it
        if _held.get(os.path.realpath(path)) == os.getpid():
            return f"process {os.getpid()} (this one)"
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return _owner(descriptor) if _is_locked(descriptor) else None
    finally:
        os.close(descriptor)


LOCK_FIELDS = {"darwin": ("qqihh", (0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET), 3)}
OTHER_FIELDS = ("hhqqi", (fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0), 0)
"""The C structure ``flock`` (fcntl(2)): its layout, the question "may I lock the whole file?", and where the answer's type stands."""


def _is_locked(descriptor: int) -> bool:
    """Whether another process holds the record lock; asks without taking it."""
    layout, question, kind = LOCK_FIELDS.get(sys.platform, OTHER_FIELDS)
    answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(layout, *question))
    return bool(struct.unpack(layout, answer)[kind] != fcntl.F_UNLCK)
