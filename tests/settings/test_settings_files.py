"""Files, directories and further providers: what is read, and what is said when that fails."""

from __future__ import annotations

import os

import attrs
import pytest

from sinkkit.errors import ConfigError
from sinkkit.settings.access import config, secrets
from sinkkit.settings.providers.directory import Directory
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import ExposedSecretsWarning, Secret
from sinkkit.settings.wanted import MISSING, Wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[destination.crm]\nurl = "a"\nkey = hunter22', r"\.sinkkit/secrets\.toml, line 3, column 7"),
        ('a = "hunter22', r"\.sinkkit/secrets\.toml, line 1, column 14"),
        (b'a = "x"\nb = "\xff hunter22"', r"\.sinkkit/secrets\.toml, line 2, byte 6 of the line: not UTF-8"),
    ],
)
def test_a_broken_file_is_named_with_line_and_column(write, text, message):
    """A file that cannot be read is an error with its place, which repeats nothing of the content."""
    write(text, "secrets.toml")
    with pytest.raises(ConfigError, match=message) as caught:
        Resolver("crm").peek("url", str)

    assert "hunter" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.hint is not None


def test_a_directory_in_place_of_a_file_is_said(project):
    """A directory called ``config.toml`` is an error that says so."""
    (project / ".sinkkit" / "config.toml").mkdir()
    with pytest.raises(ConfigError, match=r"\.sinkkit/config\.toml is a directory"):
        Resolver("crm").peek("url", str)


def test_a_file_in_place_of_the_folder_is_said(tmp_path, monkeypatch):
    """A file called ``.sinkkit`` is an error that says so."""
    other = tmp_path / "other"
    other.mkdir()
    (other / ".sinkkit").touch()
    monkeypatch.chdir(other)
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        Resolver("crm").peek("url", str)


@pytest.mark.parametrize("text", ["", "\ufeff", "# nothing\n"])
def test_an_empty_file_is_fine(write, text):
    """A file without settings holds none."""
    write(text)

    assert Resolver("crm").peek("url", str) is MISSING


def test_readable_secrets_are_warned_about_once(write):
    """A ``secrets.toml`` that every user can read is used with a warning that says what to run."""
    write('api_key = "abcdefgh"', "secrets.toml", mode=0o644)
    resolver = Resolver("crm")
    with pytest.warns(ExposedSecretsWarning, match=r"chmod 600 \.sinkkit/secrets\.toml") as caught:
        assert resolver.resolve([Wanted("api_key", Secret)]).values == {"api_key": Secret("abcdefgh")}

    assert len(caught) == 1


def test_files_are_read_once_for_each_resolver(write):
    """A change on disk is seen by the next resolver, not by one that has begun."""
    path = write("[destination.crm]\nsize = 1")
    resolver = Resolver("crm")
    assert resolver.peek("size", int) == 1
    path.write_text("[destination.crm]\nsize = 2")

    assert resolver.peek("size", int) == 1
    assert Resolver("crm").peek("size", int) == 2


def test_directory_of_files(tmp_path):
    """Each file is a setting, named with ``__`` or dots in any case; the last line break is not part of it."""
    (tmp_path / "run").mkdir()
    for name, text in {
        "destination.crm.api-key": "abcdefgh\n",
        "DESTINATION__CRM__LOGIN__USER": "ann",
        "url": "https://x\r\n",
        "..data": "no",
    }.items():
        (tmp_path / "run" / name).write_text(text, newline="")
    resolver = Resolver("crm", providers=[Directory(tmp_path / "run")])
    resolved = resolver.resolve([Wanted("api_key", Secret), Wanted("url", str)])

    assert resolved.values == {"api_key": Secret("abcdefgh"), "url": "https://x"}
    assert resolved.found[0].place == f"destination__crm__api_key in files in {tmp_path / 'run'}"
    assert resolver.section("login") == {"user": "ann"}
    assert resolver.unknown(["api_key"]) == []
    assert Resolver("crm", providers=[Directory(tmp_path / "nowhere")]).peek("url", str) is MISSING


def test_directory_is_named_by_the_settings(tmp_path, monkeypatch):
    """``SINKKIT__PROVIDERS`` adds providers after the others."""
    (tmp_path / "url").write_text("https://x")
    monkeypatch.setenv("SINKKIT__PROVIDERS", f"directory:{tmp_path}")

    assert Resolver("crm").peek("url", str) == "https://x"


@pytest.mark.parametrize(
    ("text", "message"),
    [('providers = "directori"', "did you mean directory"), ("providers = 5", "is no list of names")],
)
def test_a_provider_that_does_not_exist_is_said(write, text, message):
    """A name of a provider that means nothing is an error with a suggestion."""
    write(f"[sinkkit]\n{text}")
    with pytest.raises(ConfigError, match=message):
        Resolver("crm").peek("url", str)


def test_unreadable_content_of_a_file_in_the_directory(tmp_path):
    """A file that is not UTF-8 is an error that names it."""
    (tmp_path / "url").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        Resolver("crm", providers=[Directory(tmp_path)]).peek("url", str)


@attrs.define
class Vault:
    name: str = "vault"

    def get(self, path):
        return {("destination", "crm", "url"): "https://vault", ("destination", "crm", "key"): "abcdefgh"}.get(path)

    def spell(self, path):
        return "/".join(path)


def test_config_lists_and_takes_providers():
    """A provider appended to ``config.providers`` is asked after the others."""
    config.providers.append(Vault())
    try:
        resolved = Resolver("crm").resolve([Wanted("url", str)])
        assert resolved.values == {"url": "https://vault"}
        assert resolved.found[0].place == "destination/crm/url in vault"
        assert [provider.name for provider in config.providers] == ["environment", "secrets.toml", "config.toml", "vault"]
        assert secrets["destination.crm.key"] == Secret("abcdefgh")
    finally:
        config.providers.pop()


def test_single_keys_are_read(write, monkeypatch):
    """``config[...]`` reads a dotted key; what is not there is an error that names every place, or the default of ``get``."""
    write('[destination.crm]\nurl = "https://x"\nport = 5')
    monkeypatch.setenv("DESTINATION__CRM__URL", "https://y")

    assert config["destination.crm.url"] == "https://y"
    assert config["destination.crm.port"] == 5
    assert config.get("destination.crm.nothing", 7) == 7
    assert secrets.get("nothing") is None
    assert config.get("path") is None
    assert "PATH" in os.environ
    with pytest.raises(
        ConfigError,
        match=r"(?s)DESTINATION__CRM__PROT in environment.*destination\.crm\.prot in \.sinkkit/config\.toml.*did you mean",
    ) as caught:
        config["destination.crm.prot"]
    assert caught.value.hint == "did you mean destination.crm.port?"
    with pytest.raises(ConfigError, match="nothing"):
        secrets["nothing"]


def test_markers_may_be_annotations():
    """``config.value`` and ``secrets.value`` stand as annotation or default."""

    def push(items, key: secrets.value, url: str = config.value):
        return key, url

    assert [repr(config.value), repr(secrets.value), repr(config), repr(secrets)] == [
        "sinkkit.config.value",
        "sinkkit.secrets.value",
        "sinkkit.config",
        "sinkkit.secrets",
    ]
    assert push.__defaults__ == (config.value,)
