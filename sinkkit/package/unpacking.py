"""A package out of the file that it was carried in: every name, length and checksum is checked before anything of it counts."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import attrs

from sinkkit.errors import PackageCorrupted
from sinkkit.package import manifest as manifests
from sinkkit.package.archive import FACTS, FILES, FORMAT_VERSION, LETTERS, SEAL, Facts, moving, places_of
from sinkkit.package.folder import fsync
from sinkkit.package.reader import Package

COPY_AGAIN = "copy the file again from where it was exported, or export the package again to the same file"
UNSEALED = "it has no seal: its export was not finished, or the file was cut off"
LOAD_ID = re.compile(r"\d{13,15}-[0-9a-f]{16}")
PLACE = re.compile(r"[A-Za-z0-9_%-][A-Za-z0-9_.%-]{0,254}")
"""What load ids and the names of files in a package look like; both become names on the disk."""

LONGEST_TEXT = 1 << 28
"""Bytes of a member that is read into memory, such as the manifest: 256 MiB, that of some terabytes."""

PIECE = 1 << 20
"""Bytes that are copied at once."""

BROKEN = (tarfile.TarError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading raises if a file is not what was written."""


@attrs.define(eq=False)
class Archive:
    """A file that a package is in, read from its beginning to its end, once.

    Attributes:
        path: The file.
        facts: What it says of the package.
    """

    path: Path
    tar: Any = attrs.field(repr=False)
    digest: Any = attrs.field(factory=hashlib.sha256, init=False, repr=False)
    facts: Facts = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Read what is said of the package."""
        known = json.loads(self.text(self.member(FACTS)))
        version = known.pop("format_version")
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise PackageCorrupted(f"{self.path} has format version {version}, newer than {FORMAT_VERSION}", hint="upgrade sinkkit")
        self.facts = Facts(**known)
        if not LOAD_ID.fullmatch(self.facts.load_id):
            raise ValueError(f"{self.facts.load_id!r} is no load id")

    def member(self, name: str) -> tarfile.TarInfo:
        """The next member, which has to be a plain file called *name*."""
        found = self.tar.next()
        if found is None:
            raise ValueError(UNSEALED)
        if found.name != name or not found.isreg() or found.issparse():
            raise ValueError(f"it holds {found.name!r} where {name!r} should be")
        if name != SEAL:
            self.digest.update(f"{name}\0{found.size}\0".encode())
        return found  # type: ignore[no-any-return]  # tarfile's own

    def text(self, member: tarfile.TarInfo) -> bytes:
        """All of a *member* that is small."""
        if member.size > LONGEST_TEXT:
            raise ValueError(f"{member.name} has {member.size:,} bytes")
        data: bytes = self.tar.extractfile(member).read()
        if member.name != SEAL:
            self.digest.update(data)
        return data

    def unpack(self, folder: Path) -> tuple[manifests.Manifest, list[bytes]]:
        """Write the package into *folder*, which is there and empty, and check all of it; its manifest, and its dead letters.

        Raises:
            PackageCorrupted: If anything is not what was written.
            SinkkitError: If it cannot be written.
        """
        with moving(self.path, "read"), reported(self.path):
            place = folder / manifests.NAME
            content = self.text(self.member(manifests.NAME))
            with moving(place, "write"):
                place.write_bytes(content)
            manifest = manifests.read(place)
            if manifest.load_id != self.facts.load_id:
                raise ValueError(f"it holds package {manifest.load_id}, and says {self.facts.load_id}")
            for name, size in places_of(manifest).items():
                self._file(folder, name, size)
            letters = self.text(self.member(LETTERS)).splitlines() if self.facts.letters else []
            self._check_seal(self.member(SEAL))
            package = Package.open(folder)
            for file in manifest.files:
                package.job(file.name).check()
            with moving(folder, "write"):
                for name in (manifests.NAME, *places_of(manifest)):
                    fsync(folder / name)
            return manifest, letters

    def verify(self) -> None:
        """Read all of it and check its seal.

        Raises:
            PackageCorrupted: If it is not what was written.
        """
        with moving(self.path, "read"), reported(self.path):
            while (member := self.tar.next()) is not None and member.name != SEAL:
                self.digest.update(f"{member.name}\0{member.size}\0".encode())
                self._pass(self.tar.extractfile(member), None)
            self._check_seal(member)

    def _pass(self, source: IO[bytes], out: IO[bytes] | None) -> None:
        while data := source.read(PIECE):
            self.digest.update(data)
            if out is not None:
                out.write(data)

    def _check_seal(self, member: tarfile.TarInfo | None) -> None:
        digest = self.digest.hexdigest()
        if member is None:
            raise ValueError(UNSEALED)
        if json.loads(self.text(member))["sha256"] != digest:
            raise ValueError("its checksum is wrong")
        if self.tar.next() is not None:
            raise ValueError("something follows its seal")

    def _file(self, folder: Path, name: str, size: int) -> None:
        if not PLACE.fullmatch(name) or name == manifests.NAME:
            raise ValueError(f"{name!r} is no name of a file of a package")
        member = self.member(f"{FILES}{name}")
        if member.size != size:
            raise ValueError(f"{name} has {member.size:,} bytes, and {size:,} were written")
        source: IO[bytes] = self.tar.extractfile(member)
        with moving(folder / name, "write"), (folder / name).open("xb") as out:
            self._pass(source, out)


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Whatever shows that the file at *path* is not what was written becomes an error that names it.

    Raises:
        PackageCorrupted: What is wrong with it.
    """
    try:
        yield
    except PackageCorrupted as error:
        if error.message.startswith(str(path)):
            raise
        hint = error.hint if error.hint == "upgrade sinkkit" else COPY_AGAIN
        raise PackageCorrupted(f"{path} is not what was exported: {error.message}", hint=hint) from error
    except BROKEN as error:
        raise PackageCorrupted(f"{path} is not what was exported: {error}", hint=COPY_AGAIN) from error


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The file at *path*, packed in whatever way, with what it says of its package read.

    Raises:
        PackageCorrupted: If no package was exported to it, or not all of one.
        SinkkitError: If it cannot be read.
    """
    with ExitStack() as stack:
        with moving(path, "read"):
            raw = stack.enter_context(path.open("rb"))
            with reported(path):
                stream = stack.enter_context(_unpacked(raw))
                archive = Archive(path, stack.enter_context(tarfile.open(fileobj=stream, mode="r|")))
        yield archive


@contextmanager
def _unpacked(raw: IO[bytes]) -> Iterator[Any]:
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=raw) as stream:
            yield _Checked(stream)
    elif magic == b"\x28\xb5\x2f\xfd":
        import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

        with pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd") as stream:
            yield _Checked(stream)
    else:
        yield raw


@attrs.define(eq=False)
class _Checked:
    """A packed stream, of which errors of the packing are told from those of the disk."""

    stream: Any

    def read(self, size: int = -1) -> bytes:
        """Up to *size* bytes."""
        try:
            data: bytes = self.stream.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"it cannot be unpacked: {error}") from error
        return data
