"""Several things wrong with the settings, told at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from sinkkit.errors import ConfigError


@attrs.define
class Problems:
    """Collects configuration errors, so that a user mends all of them in one go."""

    found: list[ConfigError] = attrs.field(factory=list)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep a ``ConfigError`` that the block raises, and go on behind it."""
        try:
            yield
        except ConfigError as error:
            self.found.append(error)

    def raise_all(self) -> None:
        """Raise what was collected: the error itself if there is one, else one that tells each once; nothing if there is none."""
        messages = list(dict.fromkeys(error.message for error in self.found))
        if len(messages) == 1:
            raise self.found[0]
        if messages:
            hints = dict.fromkeys(error.hint for error in self.found if error.hint)
            raise ConfigError("\n".join(messages), hint="; ".join(hints) or None)
