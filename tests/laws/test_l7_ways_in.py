"""Law L7 with secrets drawn by Hypothesis: whichever way one comes in, and however it is declared, no form of it is said or stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import attrs
import pytest
from hypothesis import given, settings
from telling import SECRETS, Talkative, assert_hidden, everything_said

import sinkkit
from sinkkit import ConnectionString, Secret
from sinkkit.credentials import BasicAuth


@attrs.define
class Account:
    _token: Secret[str]
    password: str = ""


TYPES = {
    "secret": (Secret, lambda secret: secret),
    "secret of a type it is not": (Secret[int], lambda secret: secret),
    "secret bytes": (Secret[bytes], lambda secret: secret),
    "secret table": (Secret[dict], lambda secret: {"a": {"b": [secret]}}),
    "marked": (str, lambda secret: secret),
    "connection": (ConnectionString, lambda secret: f"pg://ann:{quote(secret, safe='')}@db/x"),
    "broken connection": (ConnectionString, lambda secret: f"pg://ann:{quote(secret, safe='')}@db:x"),
    "secret connection": (Secret[ConnectionString], lambda secret: {"drivername": "pg", "password": secret}),
    "basic": (BasicAuth, lambda secret: {"username": "ann", "password": secret}),
    "class": (Account, lambda secret: {"token": secret}),
    "class with a plain password": (Account, lambda secret: {"token": "abcdefgh", "password": secret}),
    "list of classes": (list[Account], lambda secret: [{"token": secret}]),
    "table with a telling name": (dict, lambda secret: {"nested": {"api_key": secret}}),
    "URL": (str, lambda secret: f"https://ann:{quote(secret, safe='')}@crm.test"),
}


def in_file(name, value):
    """A TOML file with one setting of the destination ``sink``."""

    def literal(given):
        if isinstance(given, dict):
            return "{" + ", ".join(f"{key} = {literal(inner)}" for key, inner in given.items()) + "}"
        if isinstance(given, list):
            return "[" + ", ".join(literal(inner) for inner in given) + "]"
        return json.dumps(given, ensure_ascii=False).replace("\x7f", "\\u007f")

    Path(".sinkkit").mkdir(exist_ok=True)
    path = Path(".sinkkit") / name
    path.write_text(f"[destination.sink]\nvalue = {literal(value)}\n", encoding="utf-8")
    path.chmod(0o600)


def in_environment(value):
    """The same as a variable; tables and lists as JSON."""
    os.environ["DESTINATION__SINK__VALUE"] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@pytest.fixture(autouse=True)
def here(tmp_path_factory, monkeypatch):
    """A folder and an environment of its own."""
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("DESTINATION__SINK__VALUE", "")
    monkeypatch.delenv("SINKKIT_CONFIG_DIR", raising=False)


@pytest.mark.parametrize("channel", ["argument", "environment", "secrets.toml", "config.toml", "directory"])
@pytest.mark.parametrize("sort", TYPES)
@settings(max_examples=4, deadline=None)
@given(secret=SECRETS)
def test_whichever_way_it_comes_in(channel, sort, secret):
    """As argument, variable, in a file of secrets, of settings or in a mounted one; declared in any way; right or wrong for its type."""
    kind, made = TYPES[sort]
    value = made(secret)

    def function(items, table, value):
        raise Talkative(repr(value), secret)

    function.__annotations__["value"] = kind
    if sort == "marked":
        function.__defaults__ = (sinkkit.secrets.value,)
    sink = sinkkit.destination(function, name="sink", batch_size=3, durability="process", retry=sinkkit.Retry(attempts=1))
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("DESTINATION__SINK__VALUE", None)
        for name in ("secrets.toml", "config.toml"):
            (Path(".sinkkit") / name).unlink(missing_ok=True)
        if channel == "argument":
            sink = sink(value=value)
        elif channel == "environment":
            in_environment(value)
        elif channel == "directory":
            mounted = Path("mounted")
            mounted.mkdir(exist_ok=True)
            text = value if isinstance(value, str) else json.dumps(value)
            (mounted / "destination.sink.value").write_text(text, encoding="utf-8", newline="")
            Path(".sinkkit").mkdir(exist_ok=True)
            (Path(".sinkkit") / "config.toml").write_text('[sinkkit]\nproviders = ["directory:mounted"]\n')
        else:
            in_file(channel, value)
        assert_hidden(secret, everything_said(sink, folder), folder)


MODULE = """
import sinkkit
from sinkkit import Reject, Secret


@sinkkit.destination(batch_size=2, on_reject="keep")
def picky(items, api_key: Secret):
    raise Reject(f"no access with {api_key.reveal()}")


@sinkkit.destination(batch_size=2, retry=sinkkit.Retry(attempts=1))
def bug(items, api_key: Secret, note: str = "", count: int = 1):
    raise ValueError(f"bad {api_key.reveal()}")


@sinkkit.resource
def two():
    yield from ({"id": number} for number in range(2))


@sinkkit.resource
def broken():
    yield {"id": 1}
    raise ValueError(sinkkit.secrets["destination.bug.api_key"].reveal())
"""

COMMANDS = [
    ["check", "sinks.bug"],
    ["check", "sinks.bug", "--set", "count=SECRET"],
    ["run", "sinks.picky", "sinks.two"],
    ["rejected", "picky"],
    ["rejected", "picky", "--export", "letters.jsonl"],
    ["rejected", "picky", "--export", "letters.csv"],
    ["status", "picky"],
    ["run", "sinks.bug", "sinks.two", "--traceback"],
    ["run", "sinks.bug", "sinks.two", "--set", "count=SECRET"],
    ["run", "sinks.bug", "sinks.broken", "--pipeline", "other"],
    ["resume", "bug"],
    ["status"],
]


@pytest.mark.parametrize("as_json", [False, True])
def test_whatever_the_command_line_shows(as_json, tmp_path):
    """Each command, as text and as JSON, in what it prints and in the files that it writes."""
    secret = "§pa ss/w&r%d+\"x\\y'ü§"
    (tmp_path / "sinks.py").write_text(MODULE)
    environment = {
        **os.environ,
        "SINKKIT_PIPELINES_DIR": str(tmp_path / "state"),
        "DESTINATION__PICKY__API_KEY": secret,
        "DESTINATION__BUG__API_KEY": secret,
        "DESTINATION__BUG__NOTE": f"see {secret}",
    }
    for command in COMMANDS:
        arguments = [secret.join(part.split("SECRET")) for part in command] + (["--json"] if as_json else [])
        done = subprocess.run(
            [sys.executable, "-m", "sinkkit", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert_hidden(secret, [f"{command}\n{done.stdout}{done.stderr}"], tmp_path)
