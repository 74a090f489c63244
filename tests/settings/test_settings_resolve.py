"""Which value is used, from where, and what is said when there is none."""

from __future__ import annotations

import subprocess
import sys
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError
from sinkkit.rows import Retry
from sinkkit.settings.access import config, secrets
from sinkkit.settings.credentials import ConnectionString
from sinkkit.settings.providers.provider import Environment
from sinkkit.settings.providers.toml_files import TomlFile
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret, SecretInConfigWarning
from sinkkit.settings.wanted import MISSING, Wanted

SECTIONS = [
    ("nightly", "destination", "crm"),
    ("nightly", "destination"),
    ("nightly",),
    ("destination", "crm"),
    ("destination",),
    (),
]


def one(wanted: Wanted, **options: Any) -> Any:
    return Resolver("crm", "nightly", **options).resolve([wanted]).values[wanted.name]


def table(entries: dict[tuple[str, ...], str]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for path, value in entries.items():
        inner = whole
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value
    return whole


@given(
    st.lists(st.dictionaries(st.sampled_from(SECTIONS), st.text("abcdef", min_size=4, max_size=9)), min_size=3, max_size=3),
    st.booleans(),
)
def test_first_provider_and_most_specific_section_win(held, given_explicitly):
    """The value is the argument's, else that of the first provider and its most specific section, and its place is told with all it shadows."""
    environment, first, second = ({(*section, "url"): value for section, value in entries.items()} for entries in held)
    providers = [
        Environment({"__".join(path).upper(): value for path, value in environment.items()}),
        TomlFile("first", table(first), "", for_secrets=True),
        TomlFile("second", table(second), "", for_secrets=False),
    ]
    spelled = [("environment", "__".join), ("first", ".".join), ("second", ".".join)]
    model = [
        (
            entries[*section, "url"],
            f"{spell((*section, 'url')).upper() if name == 'environment' else spell((*section, 'url'))} in {name}",
        )
        for entries, (name, spell) in zip((environment, first, second), spelled, strict=True)
        for section in SECTIONS
        if (*section, "url") in entries
    ]
    model = ([("given", "url=")] if given_explicitly else []) + model
    resolver = Resolver("crm", "nightly", {"url": "given"} if given_explicitly else {}, providers)
    if not model:
        with pytest.raises(ConfigError, match=r"url .* is missing"):
            resolver.resolve([Wanted("url", str)])
        return
    resolved = resolver.resolve([Wanted("url", str)])

    assert resolved.values == {"url": model[0][0]}
    assert [(found.place, list(found.shadows)) for found in resolved.found] == [(model[0][1], [place for _, place in model[1:]])]


def test_argument_wins_even_when_it_equals_the_default(write):
    """A factory argument that is the default is still the caller's will."""
    write('[destination.crm]\nregion = "us"')

    assert one(Wanted("region", str, "eu")) == "us"
    assert one(Wanted("region", str, "eu"), explicit={"region": "eu"}) == "eu"
    assert one(Wanted("region", str | None, "eu"), explicit={"region": None}) is None


@pytest.mark.parametrize("name", ["path", "home", "user", "lang"])
def test_system_variables_are_not_settings(monkeypatch, name):
    """``$PATH`` and its like are never taken for a setting of that name; with a section they are."""
    monkeypatch.setenv(name.upper(), "of the system")
    with pytest.raises(ConfigError, match="is missing"):
        one(Wanted(name, str))
    monkeypatch.setenv(f"DESTINATION__CRM__{name.upper()}", "mine")

    assert one(Wanted(name, str)) == "mine"


def test_plain_variable_does_not_replace_a_stated_default(monkeypatch):
    """A variable without a section fills what is required, never what the function has stated."""
    monkeypatch.setenv("REGION", "us")

    assert one(Wanted("region", str)) == "us"
    assert one(Wanted("region", str, "eu")) == "eu"
    assert Resolver("crm").peek("region", str) is MISSING


def test_nearest_folder_wins_and_others_complete_it(write, tmp_path, monkeypatch):
    """Files are looked for here, in ``$SINKKIT_CONFIG_DIR``, then at home; a key missing in one is taken from the next."""
    monkeypatch.setenv("SINKKIT_CONFIG_DIR", str(tmp_path / "shared"))
    write('[destination]\na = "here"')
    write('[destination.crm]\na = "shared"\nb = "shared"', folder=tmp_path / "shared")
    write('[destination.crm]\na = "home"\nb = "home"\nc = "home"', folder=tmp_path / "home" / ".sinkkit")
    values = Resolver("crm").resolve([Wanted(name, str) for name in "abc"]).values

    assert values == {"a": "here", "b": "shared", "c": "home"}


def test_all_problems_come_at_once_with_every_place(write, monkeypatch):
    """One error names each missing and each malformed setting, the places in order, and the key that looks like a slip."""
    write('[destination.crm]\napi_kye = "abcdefgh"')
    monkeypatch.setenv("DESTINATION__CRM__SIZE", "many")
    with pytest.raises(ConfigError) as caught:
        Resolver("crm", "nightly").resolve([Wanted("api_key", Secret), Wanted("size", int, 5), Wanted("url", str)])
    text = str(caught.value)

    assert "(2 missing, 1 malformed)" in text
    assert (
        "NIGHTLY__DESTINATION__CRM__API_KEY, NIGHTLY__DESTINATION__API_KEY, NIGHTLY__API_KEY, DESTINATION__CRM__API_KEY" in text
    )
    assert text.index("environment: ") < text.index(".sinkkit/secrets.toml (no such file)") < text.index(".sinkkit/config.toml: ")
    assert "did you mean destination.crm.api_kye in .sinkkit/config.toml?" in text
    assert "size (DESTINATION__CRM__SIZE in environment): expected a whole number, got 'many'" in text
    assert "url (text) is missing" in text


def test_a_misspelt_destination_is_suggested(write):
    """A key that stands under another destination of nearly the same name is pointed at."""
    write('[destination.cmr_contacts]\nurl = "x"')
    with pytest.raises(ConfigError, match=r"did you mean destination\.cmr_contacts\.url in"):
        Resolver("crm_contacts").resolve([Wanted("url", str)])


def test_secrets_come_from_the_secrets_file_and_are_warned_about_elsewhere(write):
    """``secrets.toml`` wins over ``config.toml``; a secret found only there is used with a warning."""
    write('[destination.crm]\napi_key = "from-config"')
    with pytest.warns(SecretInConfigWarning, match=r"api_key .* destination\.crm\.api_key in \.sinkkit/config\.toml"):
        assert one(Wanted("api_key", str, default=secrets.value)) == "from-config"
    write('[destination.crm]\napi_key = "from-secrets"', "secrets.toml")

    assert one(Wanted("api_key", Secret)) == Secret("from-secrets")


def test_short_secret_is_refused_without_being_shown(monkeypatch):
    """A secret of three characters cannot be masked, so it is refused with a hint that does not repeat it."""
    monkeypatch.setenv("DESTINATION__CRM__API_KEY", "q7z")
    with pytest.raises(ConfigError, match="fewer than 4 characters") as caught:
        one(Wanted("api_key", Secret))

    assert "q7z" not in str(caught.value)
    assert caught.value.hint is not None


def test_markers_count_as_no_default(write):
    """``config.value`` and ``secrets.value`` state no default."""
    write('url = "https://x"')
    write('[destination.crm]\nkey = "abcdefgh"', "secrets.toml")
    resolver = Resolver("crm")

    assert resolver.resolve([Wanted("url", str, config.value), Wanted("key", secrets.value)]).values == {
        "url": "https://x",
        "key": "abcdefgh",
    }
    assert resolver.redactor.text("abcdefgh") == "***"
    with pytest.raises(ConfigError, match="missing"):
        one(Wanted("other", str, config.value))


def test_free_keys_are_told_one_by_one(write, monkeypatch):
    """A table with free keys is joined from all places, each key with its own."""
    write('[destination.crm.labels]\na = "1"\nb = "2"')
    monkeypatch.setenv("DESTINATION__CRM__LABELS__A", "3")
    resolved = Resolver("crm").resolve([Wanted("labels", dict[str, int])])

    assert resolved.values == {"labels": {"a": 3, "b": 2}}
    assert [(found.name, found.place, list(found.shadows)) for found in resolved.found] == [
        ("labels.a", "DESTINATION__CRM__LABELS__A in environment", ["destination.crm.labels.a in .sinkkit/config.toml"]),
        ("labels.b", "destination.crm.labels.b in .sinkkit/config.toml", []),
    ]


def test_a_destination_that_bears_a_setting_s_name_is_no_value(write):
    """The table of a destination is not taken for a setting of the same name."""
    write('[destination.crm]\nurl = "x"')
    with pytest.raises(ConfigError, match=r"crm .* is missing"):
        one(Wanted("crm", str))
    with pytest.raises(ConfigError, match=r"destination .* is missing"):
        one(Wanted("destination", dict))


@given(st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=8, max_size=20).map("§{}".format))
def test_no_report_shows_a_secret(value):
    """Neither what was found nor an error about other settings shows a secret, given or found."""
    providers = [
        Environment({"DESTINATION__CRM__TOKEN": value, "DESTINATION__CRM__NOTE": f"see {value}", "DESTINATION__CRM__SIZE": value})
    ]
    resolver = Resolver("crm", None, {"credentials": f"mysql://ann:{value}@db"}, providers)
    wanted = [
        Wanted("token", Secret),
        Wanted("note", str),
        Wanted("credentials", ConnectionString),
        Wanted("password", str, value),
    ]
    resolved = resolver.resolve(wanted)

    assert [found for found in resolved.found if value in str(found)] == []
    assert value not in repr(resolver) + repr(resolved) + str(resolved.values["credentials"])
    with pytest.raises(ConfigError) as caught:
        resolver.resolve([Wanted("size", UUID)])
    assert value not in str(caught.value)


def test_peek_reads_tables_and_scalars_and_nothing(write, monkeypatch):
    """One optional setting at a time: a class completed by a default, a scalar, an argument, or the mark for nothing."""
    write('[destination.crm]\nbatch_size = 500\n[destination.crm.retry]\nattempts = 3\nlongest_wait = "x"')
    monkeypatch.setenv("DESTINATION__CRM__RETRY__LONGEST_WAIT", "9")
    resolver = Resolver("crm", explicit={"timeout": None})

    assert resolver.peek("batch_size", int) == 500
    assert resolver.peek("retry", Retry, Retry(first_wait=2.0)) == Retry(attempts=3, first_wait=2.0, longest_wait=9.0)
    assert resolver.peek("workers", int | None) is MISSING
    assert resolver.peek("timeout", float) is None
    monkeypatch.setenv("DESTINATION__CRM__BATCH_SIZE", "many")
    with pytest.raises(ConfigError, match="DESTINATION__CRM__BATCH_SIZE in environment"):
        Resolver("crm").peek("batch_size", int)


def test_section_is_joined_from_all_providers(write, monkeypatch):
    """A table is joined key by key, the most specific place first, and what looks like a credential in it is masked."""
    write(
        '[destination.http]\nbase_url = "https://all"\nverify = true\n[destination.http.headers]\nAuthorization = "Bearer abcdefgh"'
    )
    write('[destination.crm.http]\nbase_url = "https://crm"\n[destination.crm.http.headers]\nA = "b"')
    write('[destination.http.headers]\nAuthorization = "Bearer abcdefgh"', "secrets.toml")
    monkeypatch.setenv("DESTINATION__CRM__HTTP__TIMEOUT", "5")
    monkeypatch.setenv("HTTP__TIMEOUT", "6")
    resolver = Resolver("crm")

    assert resolver.section("http") == {
        "timeout": "5",
        "headers": {"Authorization": "Bearer abcdefgh", "A": "b"},
        "base_url": "https://crm",
    }
    assert resolver.redactor.text("token abcdefgh") == "token ***"
    assert resolver.section("nothing") == {}


def test_unknown_keys_are_told_with_a_suggestion(write, monkeypatch):
    """A key that nobody knows, at the top of the destination's section or inside a class, gets a message."""
    write(
        "[destination.crm]\nbatch_sise = 5\nurl = 'x'\n[destination.crm.retry]\nattemps = 3\n[destination.crm.http]\nanything = 1"
    )
    monkeypatch.setenv("DESTINATION__CRM__URLL", "x")
    resolver = Resolver("crm")
    resolver.peek("retry", Retry)
    resolver.section("http")

    assert resolver.unknown(["url", "batch_size"]) == [
        "DESTINATION__CRM__URLL in environment: no such setting; did you mean url?",
        "destination.crm.batch_sise in .sinkkit/config.toml: no such setting; did you mean batch_size?",
        "destination.crm.retry.attemps in .sinkkit/config.toml: no such setting; did you mean attempts?",
    ]


@attrs.define
class Counting:
    asked: list[tuple[str, ...]] = attrs.field(factory=list)
    name: str = "counting"

    def get(self, path):
        self.asked.append(path)
        if path[-1] == "broken":
            raise OSError("no route")

    def spell(self, path):
        return "/".join(path)


def test_every_place_is_asked_once():
    """A missing value is asked for once during the life of a resolver, and a failing provider is named."""
    provider = Counting()
    resolver = Resolver("crm", providers=[provider])
    for _ in range(3):
        assert resolver.peek("url", str) is MISSING

    assert provider.asked == [("destination", "crm", "url"), ("destination", "url"), ("url",)]
    with pytest.raises(ConfigError, match="provider counting failed on destination/crm/broken: OSError"):
        resolver.peek("broken", str)


def test_plain_settings_load_nothing_heavy(write, project):
    """Resolving plain settings and secrets imports neither cattrs nor any HTTP or data package."""
    write("[destination.crm]\nbatch_size = 5")
    code = (
        "import sys; from sinkkit.settings.resolve import Resolver; from sinkkit.settings.secret import Secret;"
        "from sinkkit.settings.wanted import Wanted; from sinkkit.rows import Retry;"
        "r = Resolver('crm', explicit={'key': 'abcdefgh'}); r.peek('batch_size', int); r.peek('retry', Retry); r.resolve([Wanted('key', Secret)]);"
        "print(*sorted({'cattrs', 'httpx', 'asyncio', 'pyarrow', 'orjson', 'msgspec', 'rich'} & sys.modules.keys()))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=project)

    assert loaded.stdout.split() == []
