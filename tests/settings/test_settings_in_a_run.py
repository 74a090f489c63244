"""What a run says of its settings: keys that nobody knows, files that cannot be read, values that do not fit."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager

import attrs
import httpx
import pytest

import sinkkit
from sinkkit import Retry, Secret
from sinkkit.errors import ConfigError
from sinkkit.settings.secret import ExposedSecretsWarning, UnknownSettingWarning

KEY = '[destination.crm]\napi_key = "abcdefgh"\n'


@attrs.frozen
class Login:
    user: str = "ann"
    inner: Retry = attrs.field(factory=Retry)


@pytest.fixture
def run(tmp_path):
    """Runs a destination with a secret, a number and a class among its settings; returns the report, or raises."""

    @sinkkit.destination(batch_size=2)
    def crm(items, api_key: Secret, size: int = 5, login: Login | None = None):
        """Take anything."""

    def runner(name="nightly", data=({"id": 1},)):
        return sinkkit.pipeline(name, destination=crm, pipelines_dir=tmp_path / "state", progress="off").run(list(data), table_name="t")

    return runner


@contextmanager
def said():
    """The texts of the warnings of the block."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
    texts += [str(one.message) for one in caught]


def test_unknown_keys_are_warned_of_with_a_suggestion(run, write, monkeypatch):
    """Each misspelt key of the destination's own sections is named once a run, with its place and the key that was meant; the run goes on."""
    write(KEY, "secrets.toml")
    write(
        "[destination.crm]\nbatch_sise = 5\nunheard_of = 1\n[destination.crm.retry]\nattemps = 3\n"
        "[destination.crm.login.inner]\ndaedline = 3\n[nightly.destination.crm]\nszie = 2\n"
    )
    monkeypatch.setenv("DESTINATION__CRM__API_KYE", "never-shown")
    with said() as texts:
        assert run().tables["t"].delivered == 1

    assert texts == [
        "DESTINATION__CRM__API_KYE in environment: no such setting; did you mean api_key?",
        "nightly.destination.crm.szie in .sinkkit/config.toml: no such setting; did you mean size?",
        "destination.crm.batch_sise in .sinkkit/config.toml: no such setting; did you mean batch_size?",
        "destination.crm.unheard_of in .sinkkit/config.toml: no such setting",
        "destination.crm.retry.attemps in .sinkkit/config.toml: no such setting; did you mean attempts?",
        "destination.crm.login.inner.daedline in .sinkkit/config.toml: no such setting; did you mean deadline?",
    ]


def test_the_warning_has_a_class_of_its_own(run, write):
    """Whoever wants an error instead, or silence, names the class in a filter."""
    write(KEY, "secrets.toml")
    write("[destination.crm]\nbatch_sise = 5\n")
    with pytest.warns(UnknownSettingWarning, match="batch_size"):
        run()


def test_what_any_destination_may_have_is_not_warned_of(run, write, monkeypatch):
    """Keys of the house, of other sections and of other destinations are nobody's mistake."""
    write(KEY, "secrets.toml")
    write(
        'destination_typo = 1\n[destination]\nregion = "eu"\n[destination.other]\nx = 1\n[nightly]\ndrain = 5\nanything = 1\n'
        '[destination.crm]\nsize = 3\nbatch_size = 1\nworkers = 2\nrate_limit = "9/s"\ndestination_type = "sinks.crm"\n'
        '[destination.crm.http]\nbase_url = "https://x"\n[destination.crm.retry]\nattempts = 2\n[destination.crm.login]\nuser = "x"\n'
        "[destination.crm.capabilities]\nmax_identifier_length = 60\n[destination.crm.mapping]\na = 'id'\n"
    )
    monkeypatch.setenv("DESTINATION__CRM__LOGIN__INNER__FIRST_WAIT", "1")
    monkeypatch.setenv("DESTINATION__CRM__ON_REJECT", "keep")
    with said() as texts:
        run()

    assert texts == []


@pytest.mark.parametrize(("text", "place"), [("destination = 5", "destination"), ("[destination]\ncrm = 5", r"destination\.crm")])
def test_a_value_in_place_of_a_section_is_warned_of(run, write, text, place):
    """A section that is no table holds no settings, which is said."""
    write('api_key = "abcdefgh"', "secrets.toml")
    write(text)
    with pytest.warns(UnknownSettingWarning, match=rf"^{place} in \.sinkkit/config\.toml: no table of settings"):
        run()


BROKEN = {
    "syntax": (b"[destination.crm]\nsize = \n", r"config\.toml, line 2, column 8: Invalid value", "quotes"),
    "open end": (b'a = "x', r"config\.toml, line 1, column 7: ", "quotes"),
    "not UTF-8": (b'a = 1\nb = "\xff"', r"config\.toml, line 2, byte 6 of the line: not UTF-8", "UTF-8"),
    "UTF-16": ("a = 1".encode("utf-16"), r"config\.toml, line 1, byte 1 of the line: not UTF-8", "UTF-8"),
    "key twice": (b"[destination.crm]\nsize = 1\nsize = 2\n", r"config\.toml, line 3, column 9: ", "once in a section"),
    "section twice": (b"[destination.crm]\n[destination.crm]\n", r"config\.toml, line 2, column 17: .*twice", "once in a file"),
    "NUL": (b'a = "x\x00"\n', r"config\.toml, line 1, column 7: Illegal character", "control characters"),
    "too deep": (b"a = " + b"[" * 20_000 + b"]" * 20_000, r"config\.toml: .*nested too deeply", "few levels"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_file_ends_the_run_before_it_begins(run, write, tmp_path, broken):
    """A file that cannot be understood is an error with file, line and column; no row was taken, and no state is there."""
    data, message, hint = BROKEN[broken]
    write(KEY, "secrets.toml")
    write(data)
    with pytest.raises(ConfigError, match=message) as caught:
        run()

    assert hint in caught.value.hint
    assert not (tmp_path / "state" / "nightly" / "journal.db").exists()


@pytest.mark.parametrize("data", [b"", b"\n\n# nothing\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf[destination.crm]\nsize = 3\n", b"[destination.crm]\r\nsize = 3\r\n"])
def test_an_empty_file_a_byte_order_mark_and_other_line_ends_are_fine(run, write, data):
    """What editors leave behind is no mistake."""
    write(KEY, "secrets.toml")
    write(data)

    assert run().tables["t"].delivered == 1


def in_place_of(project, what):
    """Something else than a file where ``config.toml`` would be."""
    path = project / ".sinkkit" / "config.toml"
    if what == "directory":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "circle":
        path.symlink_to("config.toml")
    elif what == "folder":
        (project / ".sinkkit" / "secrets.toml").unlink()
        path.parent.rmdir()
        path.parent.touch()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("directory", r"config\.toml is a directory, not a file"),
        ("pipe", r"config\.toml is a named pipe, not a file"),
        ("circle", r"config\.toml cannot be read: Too many levels"),
        ("folder", r"\.sinkkit/secrets\.toml cannot be read: Not a directory"),
    ],
)
def test_what_is_no_file_ends_the_run(run, write, project, what, message):
    """A directory, a pipe or a circle of links in place of a file is named; nothing waits for it."""
    write(KEY, "secrets.toml")
    in_place_of(project, what)
    with pytest.raises(ConfigError, match=message) as caught:
        run()

    assert caught.value.hint is not None


@pytest.fixture
def nobody():
    """A user who may read little, if the tests run as root."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


def test_a_file_that_may_not_be_read_ends_the_run(run, write, nobody):
    """Who may not read a file of settings is told so, instead of being sent on with defaults."""
    os.seteuid(os.getuid())
    write(KEY, "secrets.toml", mode=0)
    if os.getuid() == 0:
        os.seteuid(65534)
    with pytest.raises(ConfigError, match=r"secrets\.toml cannot be read: Permission denied") as caught:
        run()

    assert "who may read" in caught.value.hint


def test_a_file_that_vanishes_counts_as_missing(run, write):
    """Settings are read anew by each run: what is gone is asked for with the place where it was."""
    path = write(KEY, "secrets.toml")
    run()
    path.unlink()
    with pytest.raises(ConfigError, match=r"\.sinkkit/secrets\.toml \(no such file\): "):
        run()


def test_a_folder_that_vanishes_is_no_crash(run, project, monkeypatch):
    """Where the current folder was removed, files of others are still found."""
    monkeypatch.setenv("DESTINATION__CRM__API_KEY", "abcdefgh")
    (project / ".sinkkit").rmdir()
    project.rmdir()

    assert run().tables["t"].delivered == 1


def test_readable_secrets_are_warned_of_by_a_run(run, write):
    """A file of secrets that every user can read is used, and warned of in one text, with what to type."""
    write(KEY, "secrets.toml", mode=0o644)
    with pytest.warns(ExposedSecretsWarning, match=r"chmod 600 \.sinkkit/secrets\.toml") as caught:
        run()

    assert len(dict.fromkeys(str(one.message) for one in caught)) == 1


@pytest.mark.parametrize(("name", "given"), [("SIZE", "many"), ("SIZE", ""), ("SIZE", "1.5"), ("BATCH_SIZE", "1e3"), ("RETRY__ATTEMPTS", "x"), ("MAX_NESTING_LEVEL", "two")])
def test_a_variable_that_is_no_integer_is_named(run, write, monkeypatch, name, given):
    """The variable, what was expected and what was there."""
    write(KEY, "secrets.toml")
    monkeypatch.setenv(f"DESTINATION__CRM__{name}", given)
    with pytest.raises(ConfigError, match=rf"\(DESTINATION__CRM__{name} in environment\): expected a whole number, got {given!r}"):
        run()


def test_a_variable_that_is_no_text_is_named(run, monkeypatch):
    """Bytes that are no UTF-8 are refused where they come in, not by whatever sends them."""
    monkeypatch.setenv("DESTINATION__CRM__API_KEY", os.fsdecode(b"abcdefgh\xff"))
    with pytest.raises(ConfigError, match=r"api_key \(DESTINATION__CRM__API_KEY in environment\): the value holds a character") as caught:
        run()

    assert "abcdefgh" not in str(caught.value)


def test_everything_wrong_comes_at_once(tmp_path, write, monkeypatch):
    """Missing, malformed and impossible settings of the function, of the decorator and of the client stand in one error."""

    @sinkkit.destination
    def crm(items, http: httpx.Client, api_key: Secret, url: str = sinkkit.config.value, size: int = 5):
        """Take anything."""

    write('[destination.crm]\napi_kye = "x"\nbatch_size = "many"\nworkers = 0\n[destination.crm.http]\nbase_url = "crm"\ntimeuot = 5\n')
    monkeypatch.setenv("DESTINATION__CRM__SIZE", "many")
    with pytest.raises(ConfigError) as caught:
        sinkkit.pipeline("nightly", destination=crm, pipelines_dir=tmp_path, progress="off").run([1], table_name="t")
    text = str(caught.value)

    parts = [
        "batch_size (destination.crm.batch_size in .sinkkit/config.toml): expected a whole number, got 'many'",
        "workers=0 is not possible (destination.crm.workers in .sinkkit/config.toml)",
        "api_key (text that is a secret) is missing",
        "did you mean destination.crm.api_kye in .sinkkit/config.toml?",
        "url (text) is missing",
        "size (DESTINATION__CRM__SIZE in environment): expected a whole number",
        "http.base_url (destination.crm.http.base_url in .sinkkit/config.toml) is not a URL",
        "the HTTP client has no setting 'timeuot' (destination.crm.http.timeuot in .sinkkit/config.toml)",
        "did you mean 'timeout'?",
    ]
    assert [part for part in parts if part not in text] == []
