"""A provider may rule a setting out at once, and never one that it holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinkkit.settings.keys import sections, variable
from sinkkit.settings.providers.provider import Environment
from sinkkit.settings.providers.toml_files import TomlFile
from sinkkit.settings.resolve import Resolver
from sinkkit.settings.wanted import MISSING

NAMES = st.sampled_from(
    ["retry", "Retry", "batch_size", "batch", "size", "batch__size", "re-try", "crm", "destination", "p", "é", "_x_"]
)
SECTIONS = st.sampled_from(sections("crm", "p"))
PATHS = st.builds(lambda section, rest: (*section, *rest), SECTIONS, st.lists(NAMES, min_size=1, max_size=3))


def table_of(paths):
    """Nested tables in which the last of *paths* stands for sure."""
    table = {}
    for path in paths:
        inner = table
        for part in path[:-1]:
            if not isinstance(inner.get(part), dict):
                inner[part] = {}
            inner = inner[part]
        inner[path[-1]] = 1
    return table


@given(paths=st.lists(PATHS, max_size=4), section=SECTIONS, name=NAMES, below=st.lists(NAMES, max_size=2))
def test_what_a_provider_holds_is_never_ruled_out(paths, section, name, below):
    """Whatever the environment or a file answers with, in any section, alone or inside a table, it also mentions."""
    environment = Environment({variable(path): "1" for path in paths})
    file = TomlFile("config.toml", table_of(paths), "", for_secrets=False)
    for provider in (environment, file):
        held = provider.get((*section, name, *below)) is not None

        assert provider.mentions(name) or not held


def test_a_live_environment_is_read_anew(monkeypatch):
    """An environment that was not copied for a run mentions what was set after it was first asked."""
    environment = Environment()
    before = environment.mentions("sinkkit_was_here")
    monkeypatch.setenv("SINKKIT_WAS_HERE", "1")

    assert (before, environment.mentions("sinkkit_was_here")) == (False, True)


def test_only_what_may_hold_a_setting_is_asked_section_by_section():
    """The environment and files that mention no such name are left out; a provider that cannot say is asked."""

    class Far:
        name = "vault"
        asked = 0

        def get(self, path):
            self.asked += 1

        def spell(self, path):
            return "/".join(path)

    far = Far()
    near = Environment({"DESTINATION__CRM__WORKERS": "3"})
    resolver = Resolver("crm", providers=[near, far])
    answers = [resolver.peek("workers", int), resolver.peek("batch_size", int)]

    assert (answers, far.asked) == ([3, MISSING], 3)
    assert [provider.name for _, provider in resolver.lookup.holders("batch_size")] == ["vault"]


def test_a_class_made_from_ours_is_asked():
    """A provider of the user's that takes the environment for its base, and reads it in its own way, is not ruled out by what the base would say."""

    class Prefixed(Environment):
        """Reads MYAPP_URL for the setting url, wherever it is looked for."""

        def opened(self):
            return (self,)

        def get(self, path):
            return "https://crm.example" if path[-1] == "url" else None

    assert Resolver("crm", providers=[Prefixed({})]).peek("url", str) == "https://crm.example"
