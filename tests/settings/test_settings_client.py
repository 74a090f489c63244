"""What is wrong with the settings of the injected client: said before a run starts, with the setting and where it stands, and without its value."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit import Secret
from sinkkit.cli.check import examine
from sinkkit.declaration.client.client_settings import client_plan
from sinkkit.errors import ConfigError


@sinkkit.destination
def crm(items, http: httpx.Client):
    """Sends nothing; what is wrong is said before."""


def said_by_run(folder):
    """The error with which a run ends before it starts."""
    pipeline = sinkkit.pipeline("p", destination=crm, pipelines_dir=folder, progress="off")
    with pytest.raises(ConfigError) as caught:
        pipeline.run([{"id": 1}], table_name="t")
    assert list(pipeline.pending) == []
    return str(caught.value)


def said_by_check():
    """What ``sinkkit check`` says is wrong."""
    return "\n".join(problem.text for problem in examine(crm(), "p").problems)


BASE = "DESTINATION__CRM__HTTP"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("BASE_URL", "4711.example.com", f"http.base_url ({BASE}__BASE_URL in environment) is not a URL with a host"),
        ("TIMEOUT", "-4711", f"http.timeout ({BASE}__TIMEOUT in environment) is not a number of seconds above 0"),
        ("VERIFY", "/no/such/4711.pem", f"http.verify ({BASE}__VERIFY in environment) is neither true nor false nor a file"),
        ("TRUST_ENV", "4711", f"http.trust_env ({BASE}__TRUST_ENV in environment) is neither true nor false"),
        ("PROXY", "gopher://4711", f"http.proxy ({BASE}__PROXY in environment) is not the URL of a proxy"),
        ("BASE_URLL", "4711", f"the HTTP client has no setting 'base_urll' ({BASE}__BASE_URLL in environment)"),
        ("HEADERS", "X-Team: 4711", f"http.headers ({BASE}__HEADERS in environment) is not a table of texts"),
        ("HEADERS__X", "é-4711", f"http.headers.x ({BASE}__HEADERS__X in environment) holds a character that a header cannot carry"),
        ("HEADERS__X_TEAM", "4711\n", f"http.headers.x_team ({BASE}__HEADERS__X_TEAM in environment) holds a character"),
        ("HEADERS", '{"X": "tok€n-4711"}', f"http.headers.X ({BASE}__HEADERS in environment) holds a character that a header"),
        ("HEADERS", '{"X: 4711": "a"}', f"a key of http.headers ({BASE}__HEADERS in environment) is no name of a header"),
        ("PARAMS__KEY", "4711\udcff", f"http.params.key ({BASE}__PARAMS__KEY in environment) holds a character that cannot be written"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(monkeypatch, tmp_path, name, value, told):
    """Run and check name the setting and the exact key, before anything is sent."""
    monkeypatch.setenv(f"{BASE}__{name}", value)
    run, check = said_by_run(tmp_path), said_by_check()

    assert told in run
    assert told in check
    assert "4711" not in (run + check).replace("/no/such/4711.pem", "")


def test_the_place_is_that_of_the_value_used(write, monkeypatch, tmp_path):
    """Of several places it is the first that counts, in files too, for each key of a table."""
    write('[p.destination.crm.http]\ntimeout = 0\n[destination.crm.http]\nproxy = "x"\n[destination.crm.http.headers]\nX = "é"\nY = "é"\n')
    monkeypatch.setenv(f"{BASE}__HEADERS__Y", "ü")
    told = said_by_run(tmp_path)

    assert "http.timeout (p.destination.crm.http.timeout in .sinkkit/config.toml)" in told
    assert "http.proxy (destination.crm.http.proxy in .sinkkit/config.toml)" in told
    assert "http.headers.X (destination.crm.http.headers.X in .sinkkit/config.toml)" in told
    assert f"http.headers.y ({BASE}__HEADERS__Y in environment)" in told


def test_secret_objects_go_into_the_client():
    """A provider or a caller may give what the client needs as ``Secret``."""
    section = {"base_url": Secret("https://crm.test"), "headers": {"X-Api-Key": Secret("abcdefgh")}, "params": Secret('{"a": "b"}')}
    made = client_plan(section, timeout=None, workers=1).arguments

    assert (made["base_url"], made["headers"]["X-Api-Key"], made["params"]) == ("https://crm.test", "abcdefgh", {"a": "b"})


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
def test_headers_are_refused_before_a_run_or_never(headers):
    """Whatever stands in the table of headers: it is refused with an error of ours, or httpx can send it as it is."""
    try:
        made = client_plan({"headers": headers}, timeout=None, workers=1).arguments
    except ConfigError:
        return
    sent = httpx.Request("GET", "https://crm.test", headers=made["headers"]).headers

    assert [sent.get(name) for name in headers] == [made["headers"].get(name) for name in headers] or len({n.lower().replace("_", "-") for n in headers}) < len(headers)
