"""The system's keyring as a place of settings, with a backend of the tests in its place."""

from __future__ import annotations

import subprocess
import sys
import traceback

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest

from sinkkit.errors import ConfigError
from sinkkit.settings.providers.registry import made
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import MISSING, Wanted


class Drawer(keyring.backend.KeyringBackend):
    """A backend that keeps its entries in memory, and fails while it is told to."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.entries, self.failing, self.asked = {}, None, []

    def get_password(self, service, username):
        self.asked.append((service, username))
        if self.failing is not None:
            raise self.failing
        return self.entries.get((service, username))

    def set_password(self, service, username, password):
        self.entries[service, username] = password


@pytest.fixture
def drawer():
    """The backend in use."""
    before, backend = keyring.get_keyring(), Drawer()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.mark.parametrize(("reference", "service"), [("keyring", "sinkkit"), ("keyring:", "sinkkit"), ("keyring:growth team", "growth team")])
def test_entries_are_found_by_service_and_path(drawer, monkeypatch, reference, service):
    """The user name of an entry is the setting's path, its service that of the reference."""
    keyring.set_password(service, "destination.crm.api_key", "abcdefgh")
    keyring.set_password("another", "destination.crm.url", "https://x")
    monkeypatch.setenv("SINKKIT__PROVIDERS", reference)
    resolved = Resolver("crm").resolve([Wanted("api_key", Secret)])

    assert resolved.values == {"api_key": Secret("abcdefgh")}
    assert resolved.found[0].place == f"destination.crm.api_key in keyring (service {service})"
    assert Resolver("crm").peek("url", str) is MISSING


def test_each_entry_is_asked_for_once(drawer):
    """A resolver asks for an entry once, also for one that is not there."""
    resolver = Resolver("crm", providers=[made("keyring")])
    for _ in range(3):
        assert resolver.peek("url", str) is MISSING

    assert drawer.asked == [("sinkkit", "destination.crm.url"), ("sinkkit", "destination.url"), ("sinkkit", "url")]


@pytest.mark.parametrize(
    ("failing", "hint"),
    [
        (keyring.errors.KeyringLocked("locked: hunter22"), "unlock the keyring"),
        (keyring.errors.InitError("no D-Bus"), "keyring's service"),
        (RuntimeError("hunter22"), "keyring get"),
    ],
)
def test_a_backend_that_fails_is_said(drawer, failing, hint):
    """A failure names keyring and entry and says what to do; it repeats and chains nothing that the backend said, and asks no second time."""
    drawer.failing = failing
    resolver = Resolver("crm", providers=[made("keyring")])
    for _ in range(2):
        with pytest.raises(ConfigError, match=rf"destination\.crm\.url of the keyring \(service sinkkit\) .*: {type(failing).__name__}") as caught:
            resolver.peek("url", str)

    assert hint in caught.value.hint
    shown = "".join(traceback.format_exception(caught.value))
    assert [word for word in ("hunter22", "KeyError") if word in shown] == []
    assert len(drawer.asked) == 1


def test_a_machine_without_a_keyring_is_said(drawer):
    """Where there is no backend the error says so and what to use instead."""
    keyring.set_keyring(keyring.backends.fail.Keyring())
    with pytest.raises(ConfigError, match="NoKeyringError") as caught:
        Resolver("crm", providers=[made("keyring")]).peek("url", str)

    assert "this machine has no keyring" in caught.value.hint


@pytest.mark.parametrize(("reference", "package", "extra"), [("keyring", "keyring", "keyring"), ("aws:x", "botocore", "aws")])
def test_a_package_that_is_not_installed_is_named(reference, package, extra):
    """In a Python without the package the error names provider, package and extra."""
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from sinkkit.errors import ConfigError\nfrom sinkkit.settings.providers.registry import made\n"
        f"try:\n    made({reference!r}).get(('url',))\nexcept ConfigError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert f"needs the package {package}, which is not installed" in done.stdout
    assert f'pip install "sinkkit[{extra}]"' in done.stdout
