"""Providers of a user's own: asked once, and told when they fail, through pipelines and the command line."""

from __future__ import annotations

import traceback
from collections import Counter

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit.cli.check import examine
from sinkkit.errors import ConfigError, RedactedError
from sinkkit.settings.providers.provider import Local
from sinkkit.settings.providers.registry import one_run, opened
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.secret import Secret
from sinkkit.settings.wanted import MISSING, Wanted

KEY = ("destination", "crm", "api_key")


@attrs.define(eq=False)
class Vault:
    """Counts what it is asked for; an error among its values is raised."""

    values: dict
    token: str = "vault-token-1"
    name: str = "vault"
    asked: list = attrs.field(factory=list)

    def get(self, path):
        self.asked.append(path)
        value = self.values.get(path)
        if isinstance(value, Exception):
            raise value
        return value

    def spell(self, path):
        return "/".join(path)


@attrs.define(eq=False)
class Listed(Vault):
    """One that says which names it has."""

    def names(self, section):
        return [path[len(section)] for path in self.values if path[: len(section)] == section and len(path) > len(section)]


GOT: list[tuple[int, str, str]] = []
"""What arrived at the destination: number of rows, region and key."""


@sinkkit.destination
def crm(items, api_key: Secret, region: str = "eu"):
    GOT.append((len(items), region, api_key.reveal()))


@pytest.fixture
def registered():
    """Appends providers to those of the process for one test."""
    GOT.clear()
    before = list(sinkkit.config.providers)
    yield sinkkit.config.providers.append
    sinkkit.config.providers[:] = before


def run():
    """Deliver a row."""
    return sinkkit.pipeline("nightly", destination=crm, progress="off").run([{"id": 1}], table_name="t")


def repeated(vault):
    """What was asked for more than once."""
    return [path for path, times in Counter(vault.asked).items() if times > 1]


def shown(error):
    """All that Python would print of an error."""
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("destination", [crm, "crm"])
@pytest.mark.parametrize("kind", [Vault, Listed])
def test_a_run_asks_for_each_path_once(registered, kind, destination):
    """A run of a real pipeline takes its settings from the provider, and asks for each path once, whether something is there or not.

    Which providers there are is asked only of one that is near at hand, whenever settings are opened.
    """
    vault = kind({KEY: "abcdefgh", (*KEY[:2], "destination_type"): f"{__name__}.crm"})
    registered(vault)
    pipeline = sinkkit.pipeline("nightly", destination=destination, progress="off")
    vault.asked.clear()
    pipeline.run([{"id": 1}], table_name="t")

    assert GOT == [(1, "eu", "abcdefgh")]
    assert [path for path in (KEY, ("nightly", *KEY)) if path not in vault.asked] == []
    assert [path for path in repeated(vault) if path != ("sinkkit", "providers")] == []
    assert (("sinkkit", "providers") in vault.asked) is (kind is Listed)


def test_the_next_run_asks_again(registered):
    """Answers are kept for one run: a value that was changed is used by the next."""
    vault = Vault({KEY: "abcdefgh"})
    registered(vault)
    run()
    vault.values[KEY] = "ijklmnop"
    run()

    assert GOT == [(1, "eu", "abcdefgh"), (1, "eu", "ijklmnop")]


def test_checking_within_one_run_asks_for_each_path_once(registered):
    """What makes several resolvers, as checking a destination does, asks for each path once if it is done as one run."""
    vault = Vault({KEY: "abcdefgh"})
    registered(vault)
    with one_run():
        found = examine(crm(), "nightly")

    assert [problem.text for problem in found.problems] == []
    assert [entry.place for entry in found.settings if entry.name == "api_key"] == ["destination/crm/api_key in vault"]
    assert repeated(vault) == []


def test_one_run_ends(registered):
    """Within one run, one inside it included, everybody is given the same providers; behind it and for another list they are opened anew."""
    vault = Vault({})
    registered(vault)
    with one_run():
        first = opened()
        with one_run():
            assert opened() is first
        registered(Vault({}, name="second"))
        assert [provider.name for provider in opened()][-2:] == ["vault", "second"]
        assert opened() is not first
    assert opened() is not opened()


@given(
    st.dictionaries(st.sampled_from([("a",), ("b",), ("a", "b")]), st.text() | st.none(), max_size=3),
    st.lists(st.sampled_from([("a",), ("b",), ("a", "b"), ("c",)]), max_size=8),
)
def test_what_stands_between_changes_no_answer(values, questions):
    """Whatever is asked, in any order: the answers are those of the provider, which is asked for each path once."""
    vault = Vault(values)
    asked = opened([vault])[0]

    assert [asked.get(path) for path in questions] == [values.get(path) for path in questions]
    assert vault.asked == list(dict.fromkeys(questions))


@pytest.mark.parametrize("raised", [RuntimeError("sealed"), OSError(5, "sealed"), KeyError("sealed"), sinkkit.Halt("sealed")])
def test_whatever_a_provider_raises_is_told(registered, raised):
    """Any exception becomes one ``ConfigError`` that names provider and path, chained to it."""
    registered(Vault({KEY: raised}))
    with pytest.raises(ConfigError, match=rf"the settings provider vault failed on destination/crm/api_key: {type(raised).__name__}") as caught:
        run()

    assert caught.value.__cause__ is raised
    assert "--traceback" in caught.value.hint


def test_a_provider_may_raise_errors_of_sinkkit(registered):
    """A ``ConfigError`` of the provider itself is told as it is."""
    registered(Vault({KEY: ConfigError("the vault is sealed", hint="unseal it")}))
    with pytest.raises(ConfigError, match="the vault is sealed\n  hint: unseal it"):
        run()


@pytest.mark.parametrize("kind", [ConfigError, RuntimeError])
@pytest.mark.parametrize(
    "leak",
    ["vault-token-1", "first answer", "of the environment", "of secrets.toml", "dmF1bHQtdG9rZW4tMQ=="],
)
def test_no_secret_is_in_what_a_provider_raises(registered, monkeypatch, tmp_path, kind, leak):
    """The provider's own token, its earlier answers and the secrets of other places are masked in its errors, chained ones and encoded ones too."""
    monkeypatch.setenv("VAULT_TOKEN", "of the environment")
    (tmp_path / "project" / ".sinkkit" / "secrets.toml").write_text('[other]\nkey = "of secrets.toml"')
    (tmp_path / "project" / ".sinkkit" / "secrets.toml").chmod(0o600)
    error = kind(f"403 for {leak}")
    error.__cause__ = ValueError(f"inner {leak}")
    registered(Vault({("first",): "first answer", KEY: error}))
    providers = opened()
    assert providers[-1].get(("first",)) == "first answer"
    with pytest.raises(ConfigError) as caught:
        providers[-1].get(KEY)

    assert leak not in shown(caught.value)
    assert "***" in shown(caught.value)
    assert isinstance(caught.value.__cause__, RedactedError)


def test_a_provider_that_failed_is_left_alone():
    """A provider that may be far away is asked nothing more after a failure; one that lists its names is asked for other paths."""
    far, near = (kind({("a",): OSError("no route"), ("b",): "there"}) for kind in (Vault, Listed))
    asked = opened([far, near])
    for provider, answers in zip(asked, (False, True), strict=True):
        for _ in range(2):
            with pytest.raises(ConfigError, match="failed on a: OSError"):
                provider.get(("a",))
        if answers:
            assert provider.get(("b",)) == "there"
        else:
            with pytest.raises(ConfigError, match="failed on a: OSError"):
                provider.get(("b",))

    assert far.asked == [("a",)]


def test_names_and_spelling_may_fail_too():
    """A provider that fails to list or to spell is named as well."""

    @attrs.define(eq=False)
    class Broken:
        name: str = "broken"

        def get(self, path):
            raise LookupError

        def spell(self, path):
            raise TypeError

        def names(self, section):
            raise OSError

    provider = opened([Broken()])[0]
    assert isinstance(provider, Local)
    for ask, message in ((provider.names, "to list a.b: OSError"), (provider.spell, "to spell a.b: TypeError"), (provider.get, "on a.b: LookupError")):
        with pytest.raises(ConfigError, match=f"the settings provider broken failed {message}"):
            ask(("a", "b"))


def test_a_provider_that_cannot_be_opened_is_told(registered):
    """A failure to open is an error that names the provider."""

    @attrs.define(eq=False)
    class Closed(Vault):
        def opened(self):
            raise OSError("vault-token-1")

    registered(Closed({}))
    with pytest.raises(ConfigError, match="the settings provider vault failed when it was opened: OSError") as caught:
        opened()

    assert "vault-token-1" not in shown(caught.value)


@pytest.mark.parametrize(("given", "called"), [("directory:/run/secrets", "an object of type str"), (Vault, "the class Vault"), (None, "an object of type NoneType")])
def test_what_is_no_provider_is_refused(registered, given, called):
    """Something else in the list of providers is an error that says what it is."""
    registered(given)
    with pytest.raises(ConfigError, match=rf"sinkkit\.config\.providers holds {called}, which is no settings provider"):
        Resolver("crm").peek("url", str)


def test_optional_members_are_passed_on():
    """What a provider says of itself beside its values is known to whoever asks: a note, and whether secrets may rest there."""

    @attrs.define(eq=False)
    class Noted(Vault):
        note: str = " (a test)"
        for_secrets: bool = False
        private: bool = True

    plain, noted = opened([Vault({}), Noted({})])
    assert (plain.note, plain.for_secrets, plain.private) == ("", True, False)
    assert (noted.note, noted.for_secrets, noted.private) == (" (a test)", False, True)
    with pytest.raises(ConfigError, match=r"vault \(a test\): destination/crm/url"):
        Resolver("crm", providers=[Noted({})]).resolve([Wanted("url", str)])


def test_single_keys_are_guarded_as_well(registered):
    """``sinkkit.config[...]`` tells a failure in the same way, and gives what is there."""
    registered(Vault({("team", "url"): "https://x", ("team", "bad"): OSError("no route")}))

    assert sinkkit.config["team.url"] == "https://x"
    with pytest.raises(ConfigError, match="the settings provider vault failed on team/bad: OSError"):
        sinkkit.config["team.bad"]
    assert Resolver("crm").peek("url", str) is MISSING


def test_what_may_be_far_away_is_not_asked_for_a_pipeline_s_own_settings(registered, write):
    """Declaring, extracting and reading a pipeline asks only places that list their names; those are asked after the files, as always."""
    far = Vault({KEY: "key-from-vault"})
    registered(far)
    registered(Listed({("nightly", "keep_packages"): "3", ("nightly", "drain"): "7"}))
    write("[nightly]\ndrain = 9")
    pipeline = sinkkit.pipeline("nightly", destination=crm, progress="off")
    pipeline.extract([{"id": 1}], table_name="t")
    sinkkit.attach("nightly")

    assert far.asked == []
    assert [pipeline.keep_packages, pipeline.drain] == [3, 9.0]


def test_a_locked_vault_does_not_stop_a_pipeline_from_being_read(registered):
    """A place that fails when asked stands in the way of deliveries only."""
    registered(Vault({("nightly", "drain"): OSError("locked")}))

    assert sinkkit.pipeline("nightly", progress="off").pending == ()


def test_a_pipeline_s_impossible_setting_is_named_with_its_place(write):
    """A number of seconds that is none is told with the key and the file."""
    write('[nightly]\ndrain = "x"\nkeep_packages = -1')
    with pytest.raises(ConfigError, match=r"keep_packages=-1 is not possible .* \(nightly\.keep_packages in \.sinkkit/config\.toml\)"):
        sinkkit.pipeline("nightly", progress="off")
