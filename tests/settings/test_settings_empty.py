"""Nothing, written down: empty variables, and ``none`` for what can be left out."""

from __future__ import annotations

from pathlib import Path

import pytest

import sinkkit
from sinkkit.declaration.client.client_settings import client_plan
from sinkkit.declaration.effective import TYPES, in_force
from sinkkit.declaration.options import Options
from sinkkit.errors import ConfigError
from sinkkit.settings.credentials import BearerToken
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret
from sinkkit.settings.values.typed import convert
from sinkkit.settings.wanted import Wanted

DECLARED = Options(
    max_nesting_level=2,
    workers=3,
    order_by="id",
    batch_bytes=100,
    rate_limit="9/s",
    max_rejected="1%",
    idempotency_header="Idempotency-Key",
    timeout=5.0,
)
OPTIONAL = ["max_nesting_level", "workers", "order_by", "batch_bytes", "rate_limit", "max_rejected", "idempotency_header", "timeout"]


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("text", ["none", "None", ""])
def test_an_option_that_may_be_none_is_taken_away_by_config(monkeypatch, name, text):
    """``none`` in config undoes what the decorator says, for each option that can be None."""
    monkeypatch.setenv(f"DESTINATION__CRM__{name.upper()}", text)

    assert getattr(in_force(DECLARED, {}, Resolver("crm")), name) is None


@pytest.mark.parametrize("name", [name for name in TYPES if name not in OPTIONAL])
def test_other_options_cannot_be_none(monkeypatch, name):
    """An option without None refuses ``none``, and says where it stands."""
    monkeypatch.setenv(f"DESTINATION__CRM__{name.upper()}", "none")
    with pytest.raises(ConfigError, match=f"DESTINATION__CRM__{name.upper()} in environment"):
        in_force(DECLARED, {}, Resolver("crm"))


def test_an_option_that_may_be_none_still_takes_its_values(write):
    """Numbers, words and tables are read as before."""
    write(
        '[destination.crm]\nworkers = "adaptive"\norder_by = "region"\nbatch_bytes = "4MB"\nmax_rejected = 7\ntimeout = "1m"\n'
        "[destination.crm.rate_limit]\ncalls = 5\n"
    )
    found = in_force(DECLARED, {}, Resolver("crm"))

    assert [found.workers, found.order_by, found.batch_bytes] == [sinkkit.Adaptive(), "region", 4_000_000]
    assert [found.max_rejected, found.timeout, found.rate_limit] == [7, 60.0, sinkkit.RateLimit(calls=5)]


def test_an_empty_secret_is_called_empty(monkeypatch):
    """An empty variable is not told as a short secret."""
    monkeypatch.setenv("DESTINATION__CRM__API_KEY", "")
    with pytest.raises(ConfigError, match=r"api_key \(DESTINATION__CRM__API_KEY in environment\): is empty"):
        Resolver("crm").resolve([Wanted("api_key", Secret)])


def test_an_empty_variable_is_no_optional_secret(monkeypatch):
    """A secret that may be None is None if its variable is empty, as other types are, and shown as that."""
    monkeypatch.setenv("DESTINATION__CRM__API_KEY", "")
    resolved = Resolver("crm").resolve([Wanted("api_key", Secret | None)])

    assert resolved.values == {"api_key": None}
    assert [found.shown for found in resolved.found] == ["None"]


def test_the_word_none_is_a_secret_like_any_other():
    """Only what is empty counts as no secret."""
    assert convert("none", Secret | None) == Secret("none")


def test_an_empty_path_is_refused(monkeypatch):
    """An empty variable is not the current folder, and None where the path may be left out."""
    monkeypatch.setenv("DESTINATION__CRM__FOLDER", "")
    with pytest.raises(ConfigError, match=r"folder \(DESTINATION__CRM__FOLDER in environment\): expected a path, got ''"):
        Resolver("crm").resolve([Wanted("folder", Path)])

    assert Resolver("crm").resolve([Wanted("folder", Path | None, Path("x"))]).values == {"folder": None}


@pytest.mark.parametrize(
    ("text", "items"), [("a,b,", ["a", "b"]), ("a, b , ", ["a", "b"]), ("a,,b", ["a", "", "b"]), ("", []), (",", [""])]
)
def test_a_comma_at_the_end_adds_nothing(text, items):
    """As in a list of TOML or Python, the last comma may stand there."""
    assert convert(text, list[str]) == items


def test_a_client_s_timeout_takes_a_unit():
    """``http.timeout`` is written like ``timeout``."""
    assert client_plan({"timeout": "30s"}, timeout=None, workers=1).arguments["timeout"].read == 30.0


def test_an_empty_place_of_certificates_is_refused():
    """An empty ``http.verify`` does not mean the current folder."""
    with pytest.raises(ConfigError, match="neither true nor false"):
        client_plan({"verify": ""}, timeout=None, workers=1)


@pytest.mark.parametrize("token", ["Bearer abcdefgh", "bearer  abcdefgh"])
def test_a_token_does_not_bring_the_word_bearer(token):
    """A header with the word twice would be refused by every server."""
    with pytest.raises(ConfigError, match="the word Bearer") as caught:
        BearerToken(token)

    assert "abcdefgh" not in str(caught.value)
