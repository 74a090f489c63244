"""Keys and values that are nearly right: what is said of them, instead of leaving them unread."""

from __future__ import annotations

import attrs
import pytest

from sinkkit.errors import ConfigError
from sinkkit.rows import Retry
from sinkkit.settings.access import config, secrets
from sinkkit.settings.connection_string import ConnectionString
from sinkkit.settings.providers.directory import Directory
from sinkkit.settings.providers.toml_files import MissingFolderWarning
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import Wanted


@attrs.frozen
class Inner:
    zone: int = 0


@attrs.frozen
class Opt:
    size: int = 0
    inner: Inner = attrs.field(factory=Inner)


def unknown(kind, explicit=None, providers=None):
    """What is said of unknown keys to a destination with the setting ``opt`` of that kind."""
    resolver = Resolver("o", explicit=explicit or {}, providers=providers)
    resolver.resolve([Wanted("opt", kind, None)])
    return resolver.unknown([])


@pytest.mark.parametrize("key", ["dry-run", "DRY_RUN", "Dry-Run"])
def test_another_spelling_in_a_file_is_told(write, key):
    """A file is read letter by letter: a key in capitals or with a hyphen is not used, and is told as the one that was meant."""
    write(f"[destination.crm]\n{key} = true")
    resolver = Resolver("crm")
    resolver.resolve([Wanted("dry_run", bool, False)])

    assert resolver.unknown([]) == [f"destination.crm.{key} in .sinkkit/config.toml: no such setting; did you mean dry_run?"]


def test_another_spelling_inside_a_table_is_told(write):
    """The same holds inside a table with fixed fields."""
    write("[destination.crm.retry]\nAttempts = 1\nfirst-wait = 1")
    resolver = Resolver("crm")
    resolver.peek("retry", Retry, Retry())

    assert resolver.unknown([]) == [
        "destination.crm.retry.Attempts in .sinkkit/config.toml: no such setting; did you mean attempts?",
        "destination.crm.retry.first-wait in .sinkkit/config.toml: no such setting; did you mean first_wait?",
    ]


def test_a_missing_setting_written_in_capitals_is_suggested(write):
    """What is missing and stands there in other letters is named in the error."""
    write('[destination.crm]\nAPI_KEY = "abcdefgh"', "secrets.toml")
    with pytest.raises(ConfigError, match=r"did you mean destination\.crm\.API_KEY in \.sinkkit/secrets\.toml\?"):
        Resolver("crm").resolve([Wanted("api_key", Secret)])


def test_places_that_know_no_case_are_not_told(monkeypatch, tmp_path):
    """The environment and a directory of files find a name in any case, with hyphens too."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "destination.o.dry-run").write_text("1")
    monkeypatch.setenv("DESTINATION__O__OPT__SIZE", "3")
    resolver = Resolver("o", providers=[*config.providers, Directory(tmp_path / "files")])

    assert resolver.resolve([Wanted("dry_run", bool), Wanted("opt", Opt)]).values == {"dry_run": True, "opt": Opt(3)}
    assert resolver.unknown([]) == []


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (Opt, '{"szie": 5}', "szie inside it: no such setting; did you mean size?"),
        (Opt | None, '{"inner": {"zoen": 1}}', "inner.zoen inside it: no such setting; did you mean zone?"),
        (dict[str, Opt], '{"first": {"unheard": 5}}', "first.unheard inside it: no such setting"),
        (list[Opt], '[{"size": 1}, {"SIZE": 5}]', "[1].SIZE inside it: no such setting; did you mean size?"),
        (tuple[int, Opt], '[3, {"szie": 5}]', "[1].szie inside it: no such setting; did you mean size?"),
    ],
)
def test_unknown_keys_inside_json_are_told(monkeypatch, kind, text, told):
    """A key that no field takes is told also where a table, or a list of tables, was written as JSON."""
    monkeypatch.setenv("DESTINATION__O__OPT", text)

    assert unknown(kind) == [f"DESTINATION__O__OPT in environment: {told}"]


def test_json_in_a_field_of_a_table_is_looked_into(monkeypatch):
    """The same for JSON that stands in a variable below the setting."""
    monkeypatch.setenv("DESTINATION__O__OPT__INNER", '{"zoen": 1}')

    assert unknown(Opt) == ["DESTINATION__O__OPT__INNER in environment: zoen inside it: no such setting; did you mean zone?"]


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (
            dict[str, Opt],
            "[destination.o.opt.first]\nszie = 5",
            "destination.o.opt.first.szie in .sinkkit/config.toml: no such setting",
        ),
        (
            list[Opt],
            "[[destination.o.opt]]\nszie = 5",
            "destination.o.opt in .sinkkit/config.toml: [0].szie inside it: no such setting",
        ),
    ],
)
def test_unknown_keys_in_tables_of_tables_are_told(write, kind, text, told):
    """A key that no field takes is told under a free key and in a list of a file."""
    write(text)

    assert unknown(kind) == [f"{told}; did you mean size?"]


def test_unknown_keys_in_an_argument_are_told():
    """A table given by the caller is looked into as well."""
    assert unknown(Opt, {"opt": {"szie": 5}}) == ["argument opt: szie inside it: no such setting; did you mean size?"]


@pytest.mark.parametrize("text", ['{"size": 5}', "none"])
def test_what_fits_is_not_told(monkeypatch, text):
    """JSON whose keys are fields is nobody's mistake, and neither is a setting that is taken away."""
    monkeypatch.setenv("DESTINATION__O__OPT", text)

    assert unknown(Opt | None) == []


def test_a_variable_below_a_text_is_named_itself(write, monkeypatch):
    """Where a text is asked for and variables continue its name, the message names those that there are, and no quotes."""
    write('[destination.sink]\nurl = "https://x"')
    monkeypatch.setenv("DESTINATION__SINK__URL__HOST", "x")
    with pytest.raises(
        ConfigError, match=r"url \(DESTINATION__SINK__URL__HOST in environment\): expected text, got a table"
    ) as caught:
        Resolver("sink").resolve([Wanted("url", str)])

    assert "quotes" not in caught.value.hint
    assert "one value" in caught.value.hint


def test_of_many_variables_below_a_text_some_are_named(monkeypatch):
    """Three names are enough to find the others; those in tables further below are written out."""
    for end in ("A", "B__C", "B__D", "E"):
        monkeypatch.setenv(f"DESTINATION__SINK__URL__{end}", "x")
    with pytest.raises(ConfigError, match=r"url \(\S+__URL__A, \S+__URL__B__C, \S+__URL__B__D, \.\.\. in environment\)"):
        Resolver("sink").resolve([Wanted("url", str)])


def test_a_file_with_an_ending_is_named_itself(tmp_path):
    """A file ``api_key.txt`` is the part ``txt`` of a setting, which is said with its whole name."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "destination.crm.api_key.txt").write_text("abcdefgh")
    with pytest.raises(ConfigError, match=r"api_key \(destination__crm__api_key__txt in files in .*got a table") as caught:
        Resolver("crm", providers=[Directory(tmp_path / "files")]).resolve([Wanted("api_key", Secret)])

    assert "quotes" not in caught.value.hint


@pytest.mark.parametrize("value", ["{ a = 1 }", '["a"]'])
def test_quotes_are_not_advised_for_tables_and_lists(write, value):
    """A table or a list in place of a text is not mended by quotes."""
    write(f"[destination.crm]\nurl = {value}")
    with pytest.raises(ConfigError, match="expected text, got a") as caught:
        Resolver("crm").resolve([Wanted("url", str)])

    assert "put it in quotes" not in caught.value.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('path = "C:\\Users"', "single quotes"),
        ('path = "C:\\data"', "single quotes"),
        ('path = "x\nb = 1', "closing quote"),
        ('path = "x', "closing quote"),
        ("path = 'x\n", "closing quote"),
        ('path = "x\x07"', "control characters"),
    ],
)
def test_advice_for_a_broken_file_fits_what_is_broken(write, text, hint):
    """Backslashes and missing quotes are told as such."""
    write(text)
    with pytest.raises(ConfigError, match=r"line \d, column") as caught:
        Resolver("crm").peek("path", str)

    assert hint in caught.value.hint


def test_a_folder_of_settings_that_is_not_there_is_warned_of(tmp_path, monkeypatch):
    """``$SINKKIT_CONFIG_DIR`` names a place where settings are meant to be: every run says so if there is none."""
    monkeypatch.setenv("SINKKIT_CONFIG_DIR", str(tmp_path / "nowhere"))
    with pytest.warns(MissingFolderWarning, match=r"SINKKIT_CONFIG_DIR names .*nowhere, and there is no such folder") as caught:
        Resolver("crm").peek("url", str)

    assert len(caught) == 1


def test_a_system_s_own_variable_is_said_not_to_be_asked_for():
    """The error about ``config["PATH"]`` does not claim that the environment holds none."""
    with pytest.raises(ConfigError, match=r"PATH in environment \(left out: systems set it for themselves\)"):
        config["PATH"]


@pytest.mark.parametrize("place", [config, secrets], ids=["config", "secrets"])
def test_keys_can_be_asked_for_and_are_text(write, place):
    """``in`` says whether a key stands somewhere; what is no text, and a list of all keys, are refused with what to do."""
    write('[shared]\nurl = "https://x"')

    assert ["shared.url" in place, "shared.nothing" in place, 5 in place] == [True, False, False]
    for wrong in (lambda: place[5], lambda: place.get(5), lambda: list(place)):
        with pytest.raises(ConfigError) as caught:
            wrong()
        assert caught.value.hint is not None


def test_a_connection_string_is_made_of_text():
    """Something else than text is refused with its type."""
    with pytest.raises(ConfigError, match="is text, and int was given"):
        ConnectionString.parse(5)
