"""Chunks of sealed files in memory, each checked before it is handed out, few at a time."""

from __future__ import annotations

import os
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import attrs

from sinkkit.errors import PackageCorrupted
from sinkkit.package.lines import NO_LINES, Lines
from sinkkit.package.manifest import GONE, Chunk

HELD_BYTES = 4 << 20
"""Bytes of chunks that are kept: neighbours share one, and only batches that are tried again go back."""

BLOCK_BYTES = 256 << 10
"""How much is read at once where chunks are much smaller."""


@attrs.define
class Block:
    """A piece of a file read in one go; small chunks that follow each other are taken from it."""

    path: Path | None = None
    offset: int = 0
    data: bytes = attrs.field(default=b"", repr=False)

    def part(self, path: Path, chunk: Chunk) -> bytes | None:
        """The bytes of *chunk*, if they are in this block."""
        start = chunk.offset - self.offset
        if self.path is not path or start < 0 or start + chunk.length > len(self.data):
            return None
        return self.data[start : start + chunk.length]


def read_chunk(path: Path, chunk: Chunk, block: Block | None = None) -> bytes:
    """The bytes of *chunk* of the file at *path*, checked; from *block*, which is filled anew if it does not have them.

    Raises:
        PackageCorrupted: If they are not what was written; names file and place.
    """
    data = None if block is None else block.part(path, chunk)
    if data is None:
        try:
            data = _read(path, chunk, block)
        except OSError as error:
            raise PackageCorrupted(f"{_where(path, chunk)}: {error.strerror or error}", hint=GONE) from error
    if len(data) != chunk.length or zlib.crc32(data) != chunk.crc:
        raise PackageCorrupted(f"{_where(path, chunk)} are not what was written: the checksum is wrong; none of these rows was sent", hint=GONE)
    return data


def _where(path: Path, chunk: Chunk) -> str:
    return f"{path}, bytes {chunk.offset} to {chunk.offset + chunk.length}"


def _read(path: Path, chunk: Chunk, block: Block | None) -> bytes:
    ahead = BLOCK_BYTES if block is not None and chunk.length < BLOCK_BYTES // 4 else chunk.length
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.pread(descriptor, ahead, chunk.offset)
    finally:
        os.close(descriptor)
    if block is not None and ahead > chunk.length:
        block.path, block.offset, block.data = path, chunk.offset, data
    return data[: chunk.length]


@attrs.define(eq=False)
class ChunkCache:
    """The chunks used last, whatever file they are of; used from any number of threads.

    Attributes:
        limit: Bytes that the chunks held may take; one chunk is held even if it is larger.
        block: What small chunks are taken from; used by the thread that loads.
        latest: The chunk of JSON Lines handed out last: neighbours mostly ask for it again, and find it without a lock.
    """

    limit: int = HELD_BYTES
    held: OrderedDict[Any, tuple[Any, int]] = attrs.field(factory=OrderedDict, init=False)
    size: int = attrs.field(default=0, init=False)
    lock: Lock = attrs.field(factory=Lock, init=False)
    loading: Lock = attrs.field(factory=Lock, init=False)
    latest: Lines = attrs.field(default=NO_LINES, init=False)
    block: Block = attrs.field(factory=Block, init=False)

    def get(self, key: Any, load: Callable[[], tuple[Any, int]]) -> Any:
        """What is held under *key*, else what *load* gives, with the bytes it takes in memory, which is then held.

        One thread loads at a time, so that neighbours wait for a chunk rather than read it again.
        """
        found = self.peek(key)
        if found is not None:
            return found
        with self.loading:
            found = self.peek(key)
            if found is None:
                found, size = load()
                self.hold(key, found, size)
            return found

    def peek(self, key: Any) -> Any:
        """What is held under *key*, or None."""
        with self.lock:
            entry = self.held.get(key)
            if entry is None:
                return None
            self.held.move_to_end(key)
            return entry[0]

    def hold(self, key: Any, value: Any, size: int) -> None:
        """Hold *value* and let go of what was not used for longest."""
        with self.lock:
            self.held[key] = (value, size)
            self.size += size
            while self.size > self.limit and len(self.held) > 1:
                _, (_, freed) = self.held.popitem(last=False)
                self.size -= freed
