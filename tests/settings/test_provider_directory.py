"""Directories of files as Docker and Kubernetes mount them: what is read, and what is said when that fails."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError
from sinkkit.settings.providers.directory import Directory, canonical
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import MISSING, Wanted

CRM = ("destination", "crm", "api_key")


@pytest.fixture
def mount(tmp_path):
    """A directory of files, as a function that writes one of them."""
    folder = tmp_path / "mount"
    folder.mkdir()

    def write(name, content="abcdefgh"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    write.folder = folder
    return write


def kubernetes(folder, version, files):
    """Write *files* as kubelet mounts a volume: a folder for each version, ``..data`` that leads to it, and links by way of that."""
    inner = folder / f"..{version}"
    inner.mkdir(parents=True)
    for name, text in files.items():
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        (inner / name).write_text(text)
        top = name.partition("/")[0]
        if not (folder / top).is_symlink():
            (folder / top).symlink_to(f"..data/{top}")
    following = folder / "..data_tmp"
    following.symlink_to(inner.name)
    following.rename(folder / "..data")


@pytest.mark.parametrize(
    "name",
    [
        "destination__crm__api_key",
        "destination.crm.api_key",
        "destination.crm.api-key",
        "DESTINATION__CRM__API_KEY",
        "destination/crm/api_key",
        "destination/crm.api-key",
        "destination.crm/api_key",
        "destination__crm/API_KEY",
    ],
)
def test_every_way_to_write_a_name_is_read(mount, name):
    """A name may have ``__``, dots, dashes, any case, and folders for its first parts."""
    folder = mount(name, "abcdefgh\n")

    assert Resolver("crm", providers=[Directory(folder)]).resolve([Wanted("api_key", Secret)]).values == {"api_key": Secret("abcdefgh")}


@given(st.lists(st.from_regex(r"[a-z][a-z0-9]{0,6}(_[a-z0-9]{1,4})?", fullmatch=True), min_size=1, max_size=4))
def test_separators_mean_the_same(parts):
    """Dots and double underscores between the parts of a name make no difference, nor does case."""
    assert canonical(".".join(parts)) == canonical("__".join(parts)) == canonical("__".join(parts).upper())


@pytest.mark.parametrize(
    ("content", "value"),
    [("key\n", "key"), ("key\r\n", "key"), ("key", "key"), ("key\n\n", "key\n"), (" key ", " key "), ("a\nb\n", "a\nb"), ("\ufeffkey\n", "key"), ("", "")],
)
def test_one_line_break_at_the_end_is_not_part_of_the_value(mount, content, value):
    """Editors and ``echo`` end a file with a line break; everything else in it is the value."""
    assert Directory(mount("url", content)).get(("url",)) == value


def test_a_volume_of_kubernetes_is_read_and_followed_when_it_changes(mount):
    """The links of a mounted volume are read, nested ones too; the next run sees the next version, and no version counts twice."""
    provider = Directory(mount.folder)
    kubernetes(mount.folder, "2026_11_20", {"destination.crm.api-key": "first one", "crm/url": "https://x"})
    before = provider.opened()[0]
    assert before.get(CRM) == "first one"
    assert provider.get(("crm", "url")) == "https://x"
    kubernetes(mount.folder, "2026_11_21", {"destination.crm.api-key": "second one"})

    assert provider.opened()[0].get(CRM) == "second one"
    assert list(provider.names(())) == ["crm", "destination"]


def test_a_mount_for_each_secret(mount):
    """Secrets mounted side by side in folders are sections, so that a database's parts come together as a table."""
    kubernetes(mount.folder / "destination.crm.credentials", "2026", {"username": "ann", "password": "abcdefgh"})
    mount("destination/crm/url", "https://x")
    provider = Directory(mount.folder)

    assert provider.get(("destination", "crm", "credentials")) == {"username": "ann", "password": "abcdefgh"}
    assert provider.get(("destination", "crm")) == {"credentials": {"username": "ann", "password": "abcdefgh"}, "url": "https://x"}


def test_a_directory_that_is_not_there_holds_nothing_and_says_so(tmp_path):
    """A directory that does not exist is empty, and the error about what is missing names it as such."""
    resolver = Resolver("crm", providers=[Directory(tmp_path / "nowhere")])
    assert resolver.peek("url", str) is MISSING
    with pytest.raises(ConfigError, match=r"files in \S+nowhere \(no such directory\): destination__crm__api_key"):
        resolver.resolve([Wanted("api_key", Secret)])


def test_a_file_in_place_of_the_directory_is_said(tmp_path):
    """A directory that is a file is an error that names it."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file cannot be listed: Not a directory"):
        Resolver("crm", providers=[Directory(tmp_path / "file")]).peek("url", str)


def test_bytes_that_are_no_text_are_said(mount):
    """A file that is not UTF-8 is an error that names it and repeats nothing of it; other settings are read."""
    mount("destination.crm.url", "https://x")
    provider = Directory(mount("destination.crm.api_key", b"hunter22\xff"))
    with pytest.raises(ConfigError, match=r"destination\.crm\.api_key is not UTF-8") as caught:
        Resolver("crm", providers=[provider]).resolve([Wanted("api_key", Secret)])

    assert "hunter22" not in repr(caught.value)
    assert provider.get(("destination", "crm", "url")) == "https://x"


def test_a_link_that_leads_nowhere_is_no_missing_setting(mount):
    """A broken link is an error that names it once the setting is asked for."""
    (mount.folder / "destination.crm.api_key").symlink_to("gone")
    resolver = Resolver("crm", providers=[Directory(mount.folder)])
    assert resolver.peek("url", str) is MISSING
    with pytest.raises(ConfigError, match=r"destination\.crm\.api_key cannot be read: No such file"):
        resolver.resolve([Wanted("api_key", Secret)])


@contextmanager
def without_privileges():
    """As a user who is not root, who may read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize(
    ("closed", "mode", "message"),
    [
        ("destination/crm/api_key", 0, "destination/crm/api_key cannot be read: Permission denied"),
        ("destination/crm", 0, "destination/crm cannot be listed: Permission denied"),
        ("destination/crm", 0o444, "destination/crm/api_key cannot be read: Permission denied"),
    ],
)
def test_what_may_not_be_read_is_said(mount, monkeypatch, closed, mode, message):
    """A file or folder that this user may not read is an error that names it, for the settings that it may hold and no others."""
    mount("url", "https://x")
    mount("destination/crm/api_key")
    mount("destination/erp/api_key", "ijklmnop")
    monkeypatch.chdir(mount.folder)
    (mount.folder / closed).chmod(mode)
    try:
        with without_privileges():
            provider = Directory(".").opened()[0]
            assert provider.get(("url",)) == "https://x"
            assert provider.get(("destination", "erp", "api_key")) == "ijklmnop"
            for path in (CRM, CRM[:2], CRM[:1]):
                with pytest.raises(ConfigError, match=message):
                    provider.get(path)
    finally:
        (mount.folder / closed).chmod(0o700)


def test_a_directory_that_may_not_be_listed_is_said(mount, monkeypatch):
    """A directory that this user may not list is an error that names it, not an empty one."""
    mount("inner/url", "https://x")
    monkeypatch.chdir(mount.folder)
    (mount.folder / "inner").chmod(0)
    try:
        with without_privileges(), pytest.raises(ConfigError, match="inner cannot be listed: Permission denied"):
            Directory("inner").get(("url",))
    finally:
        (mount.folder / "inner").chmod(0o700)


def test_files_that_mean_the_same_are_said(mount):
    """Two files for one setting are an error that names both, and only if that setting is asked for."""
    mount("a.b", "one")
    mount("other", "fine")
    provider = Directory(mount("a__b", "two"))

    assert provider.get(("other",)) == "fine"
    with pytest.raises(ConfigError, match=r"a\.b and \S+a__b mean the same setting"):
        provider.get(("a", "b"))


def test_a_folder_that_leads_back_to_itself_is_left(mount):
    """A link to a folder above is not followed, and what is no file is not read."""
    mount("destination/crm/api_key")
    (mount.folder / "destination" / "again").symlink_to(mount.folder)
    os.mkfifo(mount.folder / "url")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(mount.folder)
        listening.bind("size")
        provider = Directory(mount.folder)

        assert list(provider.listed().files) == ["DESTINATION__CRM__API_KEY"]
        assert provider.get(("url",)) is None


def test_hidden_files_are_left_alone(mount):
    """Names that begin with a dot are no settings."""
    mount(".gitkeep")
    mount(".old/destination.crm.api_key")

    assert Directory(mount.folder).get(CRM) is None
