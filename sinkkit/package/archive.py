"""A load package as one file, to be carried to another machine: a tar archive that is complete only once it is sealed.

Its members, in this order: what travels beside the package (``sinkkit-package.json``), the package's manifest and files, its dead letters,
and the seal, which has the SHA-256 of all that stands before it. A file without its seal is refused: it is written in two goes, and between
them the journal that it comes from notes that the package was handed over.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import NoneType, TracebackType
from typing import IO, Any, Self

import attrs
from attrs.validators import in_, instance_of

from sinkkit.errors import ConfigError, SinkkitError
from sinkkit.package import manifest as manifests
from sinkkit.package.folder import fsync
from sinkkit.package.reader import Package

FORMAT_VERSION = 1
FACTS, FILES, LETTERS, SEAL = "sinkkit-package.json", "files/", "rejected.jsonl", "seal.json"
ENDINGS = {".tar": "", ".tar.gz": "gzip", ".tgz": "gzip", ".tar.zst": "zstd", ".tzst": "zstd"}
"""The ending of a file's name to how it is packed."""


@attrs.frozen(kw_only=True)
class Facts:
    """What travels with a package beside its manifest; times are seconds since the epoch.

    Attributes:
        load_id: Its name.
        pipeline_name: The pipeline that it comes from.
        run_name: The name of the run that extracted it.
        destination: The destination that it is bound to.
        state: ``extracted`` or ``normalized``.
        source: What its rows were extracted from, in words.
        begun_at: When its extraction began.
        sealed_at: When it was sealed.
        handed_over_at: When it was handed over.
        rows: How many rows it has.
        letters: How many dead letters go with it.
    """

    load_id: str = attrs.field(validator=instance_of(str))
    pipeline_name: str = attrs.field(validator=instance_of(str))
    run_name: str | None = attrs.field(validator=instance_of((str, NoneType)))
    destination: str | None = attrs.field(validator=instance_of((str, NoneType)))
    state: str = attrs.field(validator=in_(("extracted", "normalized")))
    source: str | None = attrs.field(validator=instance_of((str, NoneType)))
    begun_at: float | None = attrs.field(validator=instance_of((float, int, NoneType)))
    sealed_at: float = attrs.field(validator=instance_of((float, int)))
    handed_over_at: float = attrs.field(validator=instance_of((float, int)))
    rows: int = attrs.field(validator=instance_of(int))
    letters: int = attrs.field(default=0, validator=instance_of(int))


def packing_of(path: Path) -> str:
    """How the file at *path* is packed, by its name.

    Raises:
        ConfigError: If the name does not say so.
    """
    found = next((ending for ending in ENDINGS if path.name.lower().endswith(ending) and len(path.name) > len(ending)), None)
    if found is None:
        raise ConfigError(f"{str(path)!r} has no ending that says how to write it", hint="use one of " + ", ".join(ENDINGS))
    return ENDINGS[found]


@contextmanager
def moving(path: Path, what: str) -> Iterator[None]:
    """Turn what the system says of the file *path* into an error of ours; *what* was to be done with it.

    Raises:
        SinkkitError: With the path and what to do.
    """
    try:
        yield
    except OSError as error:
        hint = "check the folder, its mode and the space on the disk, then give the same command again"
        raise SinkkitError(f"cannot {what} {error.filename or path}: {error.strerror or error}", hint=hint) from error


class ArchiveWriter:
    """Writes one file, beside its name until it is sealed.

    Used in a ``with`` statement, it leaves a sealed file, or nothing but what a kill left of it.

    Args:
        path: The file's name in the end.
        load_id: The package that goes into it.

    Raises:
        SinkkitError: From every method, if the file cannot be written.
    """

    def __init__(self, path: Path, load_id: str) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.{load_id}.part")
        self._digest = hashlib.sha256()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        packing = packing_of(self.path)
        with moving(self.part, "write"):
            raw = self._stack.enter_context(self.part.open("wb"))
            out = self._stack.enter_context(_packed(raw, packing))
            self._tar = tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT)
            self._stack.callback(self._tar.close)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with moving(self.part, "write"):
            try:
                self._stack.close()
            finally:
                self.part.unlink(missing_ok=True)

    def add(self, name: str, content: bytes) -> None:
        """Add a member."""
        self.copy(name, len(content), io.BytesIO(content))

    def copy(self, name: str, size: int, source: IO[bytes]) -> None:
        """Add a member of *size* bytes, read from *source*."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        with moving(self.part, "write"):
            self._tar.addfile(member, _Digesting(source, self._digest, name, size))

    def package(self, facts: Facts, package: Package, letters: Iterable[bytes]) -> None:
        """Add all but the seal; every part of the package is checked first.

        Raises:
            PackageCorrupted: If the package is not what was written.
        """
        for file in package.manifest.files:
            package.job(file.name).check()
        self.add(FACTS, _json({"format_version": FORMAT_VERSION, **attrs.asdict(facts)}))
        self._copy_file(manifests.NAME, package.folder / manifests.NAME)
        for place in places_of(package.manifest):
            self._copy_file(f"{FILES}{place}", package.folder / place)
        if facts.letters:
            self.add(LETTERS, b"".join(line + b"\n" for line in letters))

    def _copy_file(self, name: str, path: Path) -> None:
        with moving(path, "read"), path.open("rb") as source:
            self.copy(name, path.stat().st_size, source)

    def seal(self) -> None:
        """Complete the file and give it its name; whatever has that name is replaced."""
        self.add(SEAL, _json({"sha256": self._digest.hexdigest()}))
        with moving(self.path, "write"):
            self._stack.close()
            fsync(self.part)
            self.part.replace(self.path)
            fsync(self.path.parent)


class _Digesting(io.RawIOBase):
    """A stream that hashes what is read from it."""

    def __init__(self, source: IO[bytes], digest: Any, name: str, size: int) -> None:
        self._source, self._digest = source, digest
        digest.update(f"{name}\0{size}\0".encode())

    def read(self, size: int = -1) -> bytes:
        """Up to *size* bytes."""
        data = self._source.read(size)
        self._digest.update(data)
        return data


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=1) + "\n").encode()


@contextmanager
def _packed(raw: IO[bytes], packing: str) -> Iterator[Any]:
    """*raw*, a file to write, behind what packs it."""
    if packing == "gzip":
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as out:
            yield out
    elif packing == "zstd":
        import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

        with pa.CompressedOutputStream(pa.PythonFile(raw, mode="w"), "zstd") as out:
            yield out
    else:
        yield raw


def places_of(manifest: manifests.Manifest) -> dict[str, int]:
    """The files of a package on disk, in the order in which they were begun, with their lengths."""
    places: dict[str, int] = {}
    for file in manifest.files:
        places[file.place] = max(places.get(file.place, 0), file.start + file.bytes)
    return places
