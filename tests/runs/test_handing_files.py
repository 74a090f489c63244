"""Exported files that are not what was written: each is refused as a whole, whatever was done to it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest

from sinkkit.errors import ConfigError, PackageCorrupted


@pytest.fixture
def exported(make, rows, tmp_path):
    """A package of 30 rows, exported; its file."""
    pipeline = make("here")
    pipeline.extract(rows(30), table_name="t")
    pipeline.packages.export(tmp_path / "out.tar")
    return tmp_path / "out.tar"


def members(path):
    """The members of a file: name to content."""
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def written(path, parts):
    """Write a tar file of *parts*, names and contents or members."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in parts:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def changed(parts, **facts):
    """*parts* with other facts."""
    name = "sinkkit-package.json"
    return {**parts, name: json.dumps({**json.loads(parts[name]), **facts}).encode()}


def link(name):
    """A symbolic link that leads out of the folder."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "../../../etc/passwd"
    return member


HARM = {
    "no seal": lambda parts: [pair for pair in parts.items() if pair[0] != "seal.json"],
    "another seal": lambda parts: {**parts, "seal.json": b'{"sha256": "00"}'}.items(),
    "no manifest": lambda parts: [pair for pair in parts.items() if pair[0] != "manifest.json"],
    "another manifest": lambda parts: {**parts, "manifest.json": parts["manifest.json"].replace(b'"t"', b'"u"')}.items(),
    "a file too many": lambda parts: [*parts.items(), ("more", b"")],
    "a file in the middle": lambda parts: [*list(parts.items())[:2], ("files/more", b"x"), *list(parts.items())[2:]],
    "a name that leads out": lambda parts: [("../" + name, content) for name, content in parts.items()],
    "an absolute name": lambda parts: [("/" + name, content) for name, content in parts.items()],
    "a link": lambda parts: [pair if not pair[0].startswith("files/") else (link(pair[0]), b"") for pair in parts.items()],
    "a load id that leads out": lambda parts: changed(parts, load_id="../../x").items(),
    "another load id": lambda parts: changed(parts, load_id="1795240946401-b0ad4bc92805299a").items(),
    "no load id": lambda parts: changed(parts, load_id=3).items(),
    "a state that is none": lambda parts: changed(parts, state="completed").items(),
    "facts that are none": lambda parts: {**parts, "sinkkit-package.json": b"[]"}.items(),
    "other rows": lambda parts: {name: content.replace(b"17", b"18") for name, content in parts.items()}.items(),
    "a shorter file": lambda parts: {name: content[:-9] if name.startswith("files/") else content for name, content in parts.items()}.items(),
    "nothing": lambda parts: [],
}


@pytest.mark.parametrize("harm", HARM)
def test_a_file_that_is_not_what_was_exported(make, exported, tmp_path, harm):
    """Whatever was done to a file, it is refused as a whole, nothing is written outside of the pipeline's folder, and the good one is taken after it."""
    written(tmp_path / "bad.tar", HARM[harm](members(exported)))
    there = make("there", pipelines_dir=tmp_path / "deep" / "state")
    with pytest.raises(PackageCorrupted, match=r"bad\.tar is not what was exported"):
        there.packages.import_file(tmp_path / "bad.tar")
    left = [path.name for path in (tmp_path / "deep").rglob("*") if path.is_file()]

    assert sorted(name for name in left if not name.startswith("journal.db")) == ["owner.lock"]
    assert there.packages.import_file(exported).total.pending == 30


def test_a_newer_format(make, exported, tmp_path):
    """A file of a format that is not known yet says that sinkkit has to be upgraded."""
    written(tmp_path / "new.tar", changed(members(exported), format_version=2).items())
    with pytest.raises(PackageCorrupted, match="format version 2, newer than 1") as caught:
        make("there").packages.import_file(tmp_path / "new.tar")

    assert caught.value.hint == "upgrade sinkkit"


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.zst"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_cut_off_and_altered_files(make, rows, tmp_path, ending, share):
    """A file that was cut off anywhere, or of which bytes were altered, is refused, however it is packed."""
    pipeline, path = make("here"), tmp_path / f"out{ending}"
    pipeline.extract([{"n": n, "text": f"{n * 7919:x}" * 9} for n in range(3_000)])
    pipeline.packages.export(path)
    whole = path.read_bytes()
    place = int(len(whole) * share)
    for text in (whole[:place], whole[:place] + bytes(one ^ 0xFF for one in whole[place : place + 40]) + whole[place + 40 :]):
        path.write_bytes(text)
        with pytest.raises(PackageCorrupted, match="is not what was exported"):
            make("there").packages.import_file(path)

    assert make("there").pending == ()


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x1f\x8b", gzip.compress(b"rubbish", mtime=0), b"\x28\xb5\x2f\xfdx", bytes(10240)])
def test_rubbish(make, tmp_path, content):
    """A file that is no archive is refused, and one that is not there is named."""
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(PackageCorrupted, match="is not what was exported"):
        make().packages.import_file(tmp_path / "x.tar")
    with pytest.raises(ConfigError, match="is no file"):
        make().packages.import_file(tmp_path / "y.tar")
