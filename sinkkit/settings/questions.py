"""What is asked and what comes of it: one setting, where it was found, what is wrong with it, and all of that for one question."""

from __future__ import annotations

from typing import Any

import attrs

from sinkkit.settings.keys import Path
from sinkkit.settings.lookup import Lookup
from sinkkit.settings.redact import Redactor
from sinkkit.settings.values.kinds import Field


@attrs.frozen
class Found:
    """Where a setting came from.

    Attributes:
        name: The setting, with dots inside a table.
        shown: Its value for people, secrets masked.
        provider: The provider's name; ``argument`` and ``default`` for those.
        place: The exact key and the file or provider it stands in.
        shadows: Further places that hold the setting and were not used, in order.
    """

    name: str
    shown: str
    provider: str
    place: str
    shadows: tuple[str, ...] = ()


@attrs.frozen
class Problem:
    """What is wrong with one setting; *missing* or else malformed."""

    text: str
    hint: str | None = None
    missing: bool = False


@attrs.define(eq=False)
class Reading:
    """The answers to one question put to the settings.

    Attributes:
        lookup: Where to look.
        redactor: Learns every secret.
        thorough: Also find out what each value shadows.
        warned: Places already warned about.
    """

    lookup: Lookup
    redactor: Redactor
    thorough: bool
    warned: dict[str, None]
    found: list[Found] = attrs.field(factory=list, init=False)
    problems: list[Problem] = attrs.field(factory=list, init=False)

    def trial(self) -> Reading:
        """Another one for an attempt that may not count."""
        return Reading(self.lookup, self.redactor, self.thorough, self.warned)


@attrs.frozen
class Question:
    """One setting or one field of it.

    Attributes:
        path: Its name and, inside a table, the keys below it.
        kind: What it must be.
        secret: It is never shown, as a whole.
        stated: It has a default.
        masked: A secret is also looked for in other texts; not so the fields of a class that says itself which of them are secret.
    """

    path: Path
    kind: Any
    secret: bool = False
    stated: bool = False
    masked: bool = True

    @property
    def name(self) -> str:
        """The setting with dots."""
        return ".".join(self.path)

    def below(self, field: Field, *, masked: bool = True) -> Question:
        """The question for a field of this one."""
        return Question((*self.path, field.key), field.kind, self.secret, self.stated, masked)
