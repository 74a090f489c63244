"""Providers that other distributions bring: a real distribution on the path of a real process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PLUG_IN = '''
"""A plug-in with providers, one that works and others that do not."""

import json
from pathlib import Path


class Vault:
    """Keeps a note of every path it is asked for."""

    name = "vault"

    def __init__(self, argument):
        self.argument = argument

    def get(self, path):
        with Path("asked.jsonl").open("a") as file:
            file.write(json.dumps(path) + "\\n")
        return {"api_key": "abcdefgh", "region": self.argument}.get(path[-1]) if path[:2] == ("destination", "crm") else None

    def spell(self, path):
        return "/".join(path)


def nonsense(argument):
    return {"api_key": "abcdefgh"}


def a_class(argument):
    return Vault


def refusing(argument):
    raise OSError(f"no connection to {argument}")


a_value = 5
'''

SINKS = """
import sinkkit
from sinkkit import Secret


@sinkkit.destination
def crm(items, api_key: Secret, region: str = "eu"):
    print(len(items), region, api_key, api_key.reveal() == "abcdefgh")
"""

RUN = """
import sinkkit
from sinkkit.errors import ConfigError
from sinks import crm

try:
    sinkkit.pipeline("nightly", destination=crm, progress="off").run([{"id": 1}], table_name="t")
except ConfigError as error:
    print(error)
    print("cause:", repr(error.__cause__))
"""


def distribution(folder, name, entries, version="1.2"):
    """Install what pip would: the metadata that says which entry points there are."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("[sinkkit.providers]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items()))


@pytest.fixture
def site(tmp_path):
    """A folder of installed distributions."""
    folder = tmp_path / "site"
    entries = {
        "vault": "vaulty:Vault",
        "gone": "vaulty:Nowhere",
        "broken": "broken_vaulty",
        "value": "vaulty:a_value",
        "nonsense": "vaulty:nonsense",
        "a-class": "vaulty:a_class",
        "refusing": "vaulty:refusing",
    }
    distribution(folder, "vaulty", entries)
    (folder / "vaulty.py").write_text(PLUG_IN)
    (folder / "broken_vaulty.py").write_text("import a_package_that_nobody_has")
    (folder / "sinks.py").write_text(SINKS)
    return folder


@pytest.fixture
def python(site, tmp_path):
    """Runs Python with those distributions and a provider named in the environment; returns what it printed."""

    def run(providers, *arguments, code=RUN):
        environment = {**os.environ, "PYTHONPATH": str(site), "SINKKIT__PROVIDERS": providers, "SINKKIT_PIPELINES_DIR": str(tmp_path / "state")}
        command = [sys.executable, *(arguments or ("-c", code))]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout

    return run


def test_a_plug_in_gives_settings(python):
    """A provider of another distribution is found by its name, made with what stands after the colon, and used in a run."""
    assert python("vault:us") == "1 us Secret(***) True\n"


@pytest.mark.parametrize(
    ("reference", "messages"),
    [
        ("broken", ["'broken' (broken_vaulty of vaulty 1.2) cannot be imported: ModuleNotFoundError: No module named 'a_package_that_nobody_has'"]),
        ("gone", ["'gone' (vaulty:Nowhere of vaulty 1.2) cannot be imported: AttributeError", "Nowhere", "mend or uninstall vaulty 1.2"]),
        ("value", ["'value' (vaulty:a_value of vaulty 1.2) is no function but int"]),
        ("nonsense", ["'nonsense' (vaulty:nonsense of vaulty 1.2) makes is no settings provider but an object of type dict"]),
        ("a-class", ["(vaulty:a_class of vaulty 1.2) makes is no settings provider but the class Vault"]),
        ("refusing:host", ["'refusing' (vaulty:refusing of vaulty 1.2) cannot be made: OSError", "cause: RedactedError("]),
        ("vaullt", ["there is no settings provider 'vaullt'", "did you mean vault?"]),
        ("what", ["there is no settings provider 'what'", "known are: directory, keyring, aws", "vault"]),
    ],
)
def test_a_plug_in_that_does_not_work_is_said(python, reference, messages):
    """What is wrong with a plug-in is an error that names it, its distribution and the reason."""
    printed = python(reference)

    assert [message for message in messages if message not in printed] == []


def test_what_stands_after_the_colon_is_not_repeated(python):
    """An argument may hold a password: no error of ours shows it, chained ones included."""
    assert "hunter22" not in python("refusing:https://ann:hunter22@host")


def test_two_plug_ins_of_one_name_are_said(python, site):
    """A name that two distributions bring is an error that names both, for whoever uses it."""
    distribution(site, "other", {"vault": "other:Vault"})

    printed = python("vault")
    assert "there are 2 settings providers 'vault'" in printed
    assert "vaulty:Vault of vaulty 1.2" in printed
    assert "other:Vault of other 1.2" in printed
    assert "cannot be imported" in python("broken")


def test_a_run_without_providers_looks_for_no_plug_ins(python):
    """Where the settings name no provider, no metadata of distributions is read and no package of a provider is imported."""
    heavy = "('importlib.metadata', 'boto3', 'keyring', 'asyncio', 'pyarrow', 'cattrs', 'httpx')"
    code = (
        "import sys, sinkkit\nfrom sinkkit.settings.providers.registry import opened\n"
        f"opened()\nprint(*[name for name in {heavy} if name in sys.modules])"
    )

    assert python("", code=code).split() == []
