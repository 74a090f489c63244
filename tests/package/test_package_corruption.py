"""A package that is not what was written is found out before any row concerned is handed out."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinkkit.errors import PackageCorrupted
from sinkkit.package import manifest as manifests
from sinkkit.package.reader import Package
from sinkkit.package.writer import PackageWriter

WIDE = "x" * 100_000
FORMS = ["jsonl", "arrow", "parquet"]


def sealed(folder, form="jsonl", rows=80):
    """A package with one file of several chunks."""
    page = [{"id": number, "text": f"{number}{WIDE}"} for number in range(rows)]
    settings = {"file_format": "parquet", "exact_files": True} if form == "parquet" else {}
    with PackageWriter(folder, "load", "p", durability="process", **settings) as writer:
        if form == "jsonl":
            writer.write_rows("t", page)
        else:
            writer.write_arrow("t", pa.Table.from_pylist(page))
        writer.seal()
    return folder / "load"


def read_all(folder):
    """Every row of the package, read afresh."""
    package = Package.open(folder)
    return [row for file in package.manifest.files for row in package.job(file.name).read(range(file.rows))]


def flip(path, at, mask=0x10):
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= mask
    path.write_bytes(data)


@pytest.mark.parametrize("form", FORMS)
@given(where=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_of_a_file_is_found(form, where, mask, tmp_path):
    """Whichever byte is changed, rows of its chunk are not handed out, and the error names the file."""
    folder = tmp_path / form
    if not folder.exists():
        sealed(folder, form)
    [file] = Package.open(folder / "load").manifest.files
    path = folder / "load" / file.name
    at = int(where * file.bytes)
    flip(path, at, mask)
    try:
        package = Package.open(folder / "load")
        chunk = next(chunk for chunk in file.chunks if chunk.offset <= at < chunk.offset + chunk.length)
        if chunk.rows:
            with pytest.raises(PackageCorrupted, match=file.name) as caught:
                package.job(file.name).read(range(chunk.first_row, chunk.first_row + 1))
            assert "bytes" in str(caught.value)
            assert caught.value.hint
        with pytest.raises(PackageCorrupted, match=file.name):
            _ = package.job(file.name).path
    finally:
        flip(path, at, mask)


def test_other_chunks_are_still_read(tmp_path):
    """A changed byte costs the rows of its chunk, not those of others; the error names the place."""
    folder = sealed(tmp_path)
    [file] = Package.open(folder).manifest.files
    first, second, last = file.chunks[0], file.chunks[1], file.chunks[-1]
    flip(folder / file.name, second.offset + 5)
    job = Package.open(folder).job(file.name)

    assert [row["id"] for row in job.read(range(first.rows))] == list(range(first.rows))
    assert job.read(range(79, 80))[0]["id"] == 79
    with pytest.raises(PackageCorrupted, match=f"bytes {second.offset} to {second.offset + second.length}"):
        job.read(range(first.rows - 1, first.rows + 1))
    assert last is not second


def test_each_changed_byte_of_the_manifest_is_found(tmp_path):
    """Whichever byte of the manifest is changed, the package is not opened."""
    folder = sealed(tmp_path, rows=3)
    path = folder / manifests.NAME
    for at in range(path.stat().st_size):
        flip(path, at, 0x01)
        with pytest.raises(PackageCorrupted, match="manifest"):
            Package.open(folder)
        flip(path, at, 0x01)

    assert len(read_all(folder)) == 3


def test_lost_and_cut_files_are_found_at_opening(tmp_path):
    """A file, or the manifest, that is missing, shorter or longer than written is named when the package is opened."""
    folder = sealed(tmp_path, rows=3)
    [file] = Package.open(folder).manifest.files
    for name in (file.name, manifests.NAME):
        path = folder / name
        whole = path.read_bytes()
        for other in (whole[:-1], b"", whole + b"\n"):
            path.write_bytes(other)
            with pytest.raises(PackageCorrupted, match=name):
                Package.open(folder)
        path.unlink()
        with pytest.raises(PackageCorrupted, match=name):
            Package.open(folder)
        path.write_bytes(whole)

    assert len(read_all(folder)) == 3


def test_exchanged_files_are_found(tmp_path):
    """Two files of the same length that changed places are found out at their first row."""
    with PackageWriter(tmp_path, "load", "p", max_file_rows=1, exact_files=True) as writer:
        writer.write_rows("t", [{"a": 1}, {"a": 2}])
        one, two = writer.seal().files
    folder = tmp_path / "load"
    shutil.move(folder / one.name, folder / "elsewhere")
    shutil.move(folder / two.name, folder / one.name)
    shutil.move(folder / "elsewhere", folder / two.name)

    for name in (one.name, two.name):
        with pytest.raises(PackageCorrupted, match=name):
            Package.open(folder).job(name).read(range(1))


def test_a_newer_format_is_refused(tmp_path):
    """A package written by a later version is not guessed at."""
    folder = sealed(tmp_path, rows=1)
    path = folder / manifests.NAME
    path.write_bytes(path.read_bytes().replace(b'"format_version": 1', b'"format_version": 2'))

    with pytest.raises(PackageCorrupted, match="format version 2, newer than 1") as caught:
        Package.open(folder)
    assert caught.value.hint == "upgrade sinkkit"


def test_rows_and_files_that_are_not_there_are_refused(tmp_path):
    """Row numbers beyond the file and names of other files are errors, not empty answers."""
    folder = sealed(tmp_path, rows=3)
    package = Package.open(folder)
    job = package.job(package.manifest.files[0].name)

    for rows in (range(2, 4), (0, 3), range(-1, 1)):
        with pytest.raises(PackageCorrupted, match="has 3 rows"):
            job.read(rows)
    with pytest.raises(PackageCorrupted, match=r"no file 'other\.0\.jsonl'"):
        package.job("other.0.jsonl")
