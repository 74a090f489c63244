"""What the call of a factory or a reference says of a destination, sorted into settings of three kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.declaration.capabilities import STATED_NAMES, Stated, stated
from sinkkit.declaration.declared import Declared
from sinkkit.declaration.options import OPTION_NAMES, Options, changed, suggestion
from sinkkit.errors import ConfigError


@attrs.frozen
class Given:
    """Settings by name.

    Attributes:
        settings: Those of the function; of a function that was not imported yet, any that are no options.
        options: Those of ``Options``.
        stated: Capabilities.
    """

    settings: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    options: Mapping[str, Any] = attrs.field(factory=dict)
    stated: Mapping[str, Any] = attrs.field(factory=dict)

    def over(self, below: Given) -> Given:
        """These, and those of *below* that these do not say."""
        return Given(
            {**below.settings, **self.settings}, {**below.options, **self.options}, {**below.stated, **self.stated}
        )

    def checked(self, declared: Declared) -> Given:
        """The same, sorted by what the function of *declared* takes.

        Raises:
            ConfigError: If a setting is unknown, with the nearest that is known, or impossible.
        """
        own = declared.setting_names
        for name in self.settings:
            if name not in own and name not in STATED_NAMES:
                known = (*own, *OPTION_NAMES, *STATED_NAMES, "capabilities", "destination_name")
                raise ConfigError(f"destination {declared.name!r} has no setting {name!r}", hint=suggestion(name, known))
        moved = {name: value for name, value in self.settings.items() if name not in own}
        changed(declared.options, self.options)
        stated(declared.stated, {**self.stated, **moved})
        return Given({name: value for name, value in self.settings.items() if name in own}, self.options, {**self.stated, **moved})


def sort_given(settings: Mapping[str, Any]) -> Given:
    """The keywords of a call, as far as they can be told apart without knowing the function.

    Raises:
        ConfigError: If an option or a capability is impossible.
    """
    rest = dict(settings)
    said = rest.pop("capabilities", None)
    if said is not None and not isinstance(said, Mapping):
        raise ConfigError(
            f"capabilities={said!r} is no mapping", hint='write capabilities={"max_identifier_length": 63} or max_identifier_length=63'
        )
    options = {name: rest.pop(name) for name in tuple(rest) if name in OPTION_NAMES}
    changed(Options(), options)
    stated(Stated(), said or {})
    return Given(rest, options, dict(said or {}))
