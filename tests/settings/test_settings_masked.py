"""What is masked although the type does not say so: secrets read by key, ``Secret`` objects, headers and parameters of requests, texts inside JSON."""

from __future__ import annotations

import json
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit import ConnectionString, Reject, Secret
from sinkkit.cli.check import examine
from sinkkit.errors import ConfigError, DeliveryFailed
from sinkkit.settings.keys import is_sensitive
from sinkkit.settings.learning import learn, shown
from sinkkit.settings.providers.directory import Directory
from sinkkit.settings.providers.provider import Environment
from sinkkit.settings.providers.toml_files import TomlFile
from sinkkit.settings.redact import Redactor
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.wanted import Wanted

WORDS = st.text("abcXYZ059-._~", min_size=5, max_size=30).map("Q{}Q".format)


class Store:
    """A provider that gives what it holds as ``Secret``."""

    name = "store"
    for_secrets = True

    def __init__(self, values):
        self.values = values

    def get(self, path):
        """The value of that name."""
        return self.values.get(path[-1])

    def spell(self, path):
        """The name with dots."""
        return ".".join(path)


def told_by(function, folder, **settings):
    """What is said and stored of a run whose destination refuses everything, with its text."""
    sink = sinkkit.destination(on_reject="keep")(function)
    pipeline = sinkkit.pipeline("p", destination=sink(**settings), pipelines_dir=folder, progress="off")
    said = []
    try:
        pipeline.run([{"id": 1}], table_name="t")
    except DeliveryFailed as error:
        said = traceback.format_exception(error)
    stored = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    return "\n".join([*said, *map(repr, pipeline.rejected())]), stored


def checked(function, **settings):
    """All that ``sinkkit check`` shows of a destination."""
    found = examine(sinkkit.destination(function)(**settings), "p")
    return {entry.name: entry.shown for entry in found.settings}, repr(found)


def test_a_secret_read_by_its_key_is_masked(write, tmp_path):
    """What ``sinkkit.secrets[...]`` gave is masked in dead letters and in the journal, although no setting of the destination holds it."""
    write('[shared]\napi_key = "read-by-key-4711"\ntoken = "read-by-get-4711"\n', "secrets.toml")

    def lazy(items):
        key, token = sinkkit.secrets["shared.api_key"], sinkkit.secrets.get("shared.token")
        raise Reject(f"401 {key.reveal()} {token.reveal()}")

    said, stored = told_by(lazy, tmp_path / "pp")

    assert "401 *** ***" in said
    assert [data for data in stored if b"-4711" in data] == []


def test_a_telling_name_read_by_its_key_is_masked(write, tmp_path):
    """What ``sinkkit.config[...]`` gave under a name such as api_key, or with a password in its URL, is masked too."""
    write('[shared]\napi_key = "read-plainly-4711"\nurl = "https://ann:in-a-url-4711@db"\nregion = "europe-west"\n')

    def lazy(items):
        raise Reject(" ".join(sinkkit.config[f"shared.{name}"] for name in ("api_key", "url", "region")))

    said, _ = told_by(lazy, tmp_path / "pp")

    assert "*** https://ann:***@db europe-west" in said


@pytest.mark.parametrize("kind", [str, bytes, list[str], dict[str, str], str | None, ConnectionString], ids=str)
@given(text=WORDS)
def test_a_secret_object_stays_secret(kind, text):
    """A ``Secret`` given for a setting of any type, by a caller or a provider, is masked like one that the type declares."""
    raw = {list[str]: f"{text},more", dict[str, str]: json.dumps({"a": text}), ConnectionString: f"pg://ann@{text}/x"}.get(kind, text)
    for resolver in (Resolver("crm", explicit={"k": Secret(raw)}), Resolver("crm", providers=[Store({"k": Secret(raw)})])):
        resolved = resolver.resolve([Wanted("k", kind)])

        assert kind is ConnectionString or [entry for entry in resolved.found if text in entry.shown] == []
        assert resolver.redactor.text(f"see {raw}.") == "see ***."


@given(text=WORDS)
def test_a_secret_object_inside_a_table_or_list_stays_secret(text):
    """The same inside tables and lists."""
    explicit = {"table": {"a": Secret(text)}, "listed": [Secret(text)]}
    resolver = Resolver("crm", explicit=explicit)
    resolved = resolver.resolve([Wanted("table", dict[str, str]), Wanted("listed", list[str])])

    assert resolved.values == {"table": {"a": text}, "listed": [text]}
    assert [entry for entry in resolved.found if text in entry.shown] == []


def test_a_secret_object_too_short_to_mask_is_refused():
    """A ``Secret`` of fewer than four characters is refused for a plain type as it is for ``Secret``."""
    with pytest.raises(ConfigError, match=r"k \(k=\): a secret of fewer than 4 characters"):
        Resolver("crm", explicit={"k": Secret("abc")}).resolve([Wanted("k", str)])


def test_a_secret_object_is_hidden_by_check_and_in_a_run(write, tmp_path):
    """Neither ``sinkkit check`` nor a dead letter shows it."""
    write('[shared]\nval = "of-a-store-4711"\n', "secrets.toml")

    def kk(items, k: str, other: str):
        raise Reject(f"{k} {other}")

    settings = {"k": Secret("shh-given-4711"), "other": sinkkit.secrets["shared.val"]}
    said, stored = told_by(kk, tmp_path / "pp", **settings)

    assert "*** ***" in said
    assert [data for data in stored if b"-4711" in data] == []
    assert "-4711" not in checked(kk, **settings)[1]


HEADERS = {
    "a table": {"destination": {"sink": {"http": {"headers": {"Authorization": "Bearer token-4711", "X-Team": "my-4711"}}}}},
    "as JSON": {"destination": {"sink": {"http": {"headers": '{"Authorization": "Bearer token-4711", "X-Team": "my-4711"}'}}}},
    "all as JSON": {"destination": {"sink": {"http": '{"headers": {"Authorization": "Bearer token-4711", "X-Team": "my-4711"}}'}}},
}


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("way", list(HEADERS))
def test_headers_of_the_client_are_masked(way, private):
    """However the headers of the client are written, their values and the token after the scheme are masked."""
    resolver = Resolver("sink", providers=[TomlFile("the file", HEADERS[way], "", for_secrets=private)])
    resolver.section("http")

    assert resolver.redactor.text("Bearer token-4711, token-4711, my-4711, Bearer") == "***, ***, ***, Bearer"


def test_headers_of_a_mounted_file_are_masked(tmp_path):
    """JSON in a file of a folder of secrets is looked into."""
    (tmp_path / "destination.sink.http.headers").write_text('{"Authorization": "Bearer token-4711", "X-Api-Key": "abc4711"}')
    resolver = Resolver("sink", providers=[Directory(tmp_path)])
    resolver.section("http")

    assert resolver.redactor.text("token-4711 abc4711") == "*** ***"


@pytest.mark.parametrize("name", ["secrets.toml", "config.toml"])
def test_check_shows_no_header_and_no_parameter(write, monkeypatch, name):
    """``sinkkit check`` shows names of headers and parameters, and values of those alone that are known to be harmless."""
    write(
        '[destination.sink.http]\nbase_url = "https://crm.test"\n[destination.sink.http.headers]\nX-API-Key = "abc"\nX-Tenant = "abc4711"\n'
        'Accept = "text/csv"\nX-Crm-Version = "2026-11-20"\n[destination.sink.http.params]\nkey = "AIza4711"\nformat = "json"\n',
        name,
    )
    monkeypatch.setenv("DESTINATION__SINK__HTTP__PARAMS__SIG", "sig4711")

    def sink(items, http: sinkkit.config.value):
        """Takes the table as a setting, so that no client is needed."""

    resolver = Resolver("sink")
    found = resolver.resolve([Wanted("http", dict)]).found
    told = {entry.name: entry.shown for entry in found}

    accept, version = ("***", "***") if name == "secrets.toml" else ("text/csv", "2026-11-20")  # of that file all longer texts are masked
    assert told["http.headers"] == f"{{'X-API-Key': '***', 'X-Tenant': '***', 'Accept': '{accept}', 'X-Crm-Version': '{version}'}}"
    assert told["http.params"] == "{'sig': '***', 'key': '***', 'format': 'json'}"
    assert resolver.redactor.text("GET /rows?key=AIza4711&sig=sig4711&format=json abc4711") == "GET /rows?key=***&sig=***&format=json ***"


def test_headers_that_are_no_table_are_not_shown():
    """Text that stands where headers should, and is none, is masked as a whole."""
    assert shown("http.headers", "Authorization: Bearer 4711") == "***"
    assert shown("http.headers", '{"Authorization": "Bearer 4711", "Accept": "text/csv"}') == "{'Authorization': '***', 'Accept': 'text/csv'}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("api_key", True),
        ("api-key", True),
        ("X-API-Key", True),
        ("apikey", True),
        ("private-key", True),
        ("crm.private_key", True),
        ("region", False),
        ("headers", False),
        ("http.headers", False),
        ("http.headers.X-Team", True),
        ("http.headers.x_team", True),
        ("http.headers.Accept", False),
        ("http.headers.user_agent", False),
        ("http.headers.User-Agent", False),
        ("http.headers.Content-Type", False),
        ("http.headers.X-GitHub-Api-Version", False),
        ("extra_headers.X-Team", True),
        ("extra-headers.X.Team", True),
        ("crm.default_headers.X-Team", True),
        ("http.params.key", True),
        ("http.params.format", False),
        ("params.key", False),
        ("http.base_url", False),
        ("http.headers.cookie", True),
    ],
)
def test_names_that_say_secret(name, expected):
    """Sensitive are telling names, hyphens or not, and headers and parameters of requests unless they are known to be harmless."""
    assert is_sensitive(name) == expected


@given(text=WORDS, deep=WORDS)
def test_texts_inside_a_secret_s_json_are_masked(text, deep):
    """A ``Secret`` whose text is JSON hides the texts inside, those inside JSON in it too; words such as true and short numbers stay."""
    inner = json.dumps({"deep": deep})
    redactor = Redactor()
    learn(redactor, "account", Secret(json.dumps({"client_secret": text, "port": 443, "tls": True, "more": [inner]})), secret=True)

    assert redactor.text(f"{text} {deep} 443 True") == "*** *** 443 True"


@given(text=WORDS)
def test_json_in_a_plain_text_is_looked_into(text):
    """In text that is JSON, names speak for their values as they do in a table; the rest stays readable."""
    redactor = Redactor()
    learn(redactor, "options", json.dumps({"api-key": text, "region": "europe"}), secret=False)
    resolver = Resolver("crm", providers=[Environment({"DESTINATION__CRM__SIZE": json.dumps({"api-key": text})})])

    assert redactor.text(f"{text} europe") == "*** europe"
    with pytest.raises(ConfigError) as caught:
        resolver.resolve([Wanted("size", int)])
    assert text not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[", "{broken", "[" * 5000, '{"a": ' * 5000, "{}", "[]", '{"a": null}'])
def test_text_that_looks_like_json_is_no_trouble(text):
    """Text that begins as JSON and is none, or is nested without end, is a text like others."""
    redactor = Redactor()
    learn(redactor, "k", Secret(text), secret=True)
    learn(redactor, "plain", text, secret=False)

    assert redactor.text(f"see {text}") == ("see ***" if len(text) >= 4 else f"see {text}")


def test_what_a_source_raises_while_only_extracting_is_masked(tmp_path, monkeypatch):
    """A secret that a source has read for itself is not in the error of a run that has no destination either."""
    monkeypatch.setenv("SHARED__TOKEN", "sesame-open-up")

    def rows():
        yield {"id": 1}
        raise ValueError(sinkkit.secrets["shared.token"].reveal())

    pipeline = sinkkit.pipeline("extracting", pipelines_dir=tmp_path, progress="off")
    with pytest.raises(sinkkit.errors.SourceError) as failed:
        pipeline.extract(rows(), table_name="t")

    assert "sesame-open-up" not in f"{failed.value} {failed.value.__cause__!r} {failed.value.__context__!r}"
