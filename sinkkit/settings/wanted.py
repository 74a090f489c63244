"""What is asked of the settings: a name, a type, a default, and whether it is a secret."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, Literal

import attrs


class Sentinel(Enum):
    """Values that stand for no value; as members of an enum they stay themselves when pickled."""

    MISSING = "sinkkit.settings.wanted.MISSING"
    CONFIG = "sinkkit.config.value"
    SECRET = "sinkkit.secrets.value"  # noqa: S105 - the name of the sentinel, no password

    def __repr__(self) -> str:
        return self.value


MISSING: Final[Literal[Sentinel.MISSING]] = Sentinel.MISSING
"""Nothing was stated, nothing was found. ``None`` is a value, this is not."""


@attrs.frozen
class Wanted:
    """One setting that a destination asks for.

    Attributes:
        name: The key.
        type: What the value must be; ``Any`` takes it as it is found.
        default: What the function states in its signature, given on as it is; ``MISSING``: the setting is required. The sentinels
            ``config.value`` and ``secrets.value`` count as ``MISSING``.
        secret: Mask the value everywhere, whatever its type is. A type of ``Secret`` or a default of ``secrets.value`` implies it.
        from_default: The type was not written down, it is that of the default; error messages say so.
    """

    name: str
    type: Any = Any
    default: Any = MISSING
    secret: bool = False
    from_default: bool = False

    @property
    def stated(self) -> Any:
        """The default, or ``MISSING`` if there is none."""
        return MISSING if isinstance(self.default, Sentinel) else self.default

    @property
    def kind(self) -> Any:
        """The type, or ``Any`` if a sentinel stands in its place."""
        return Any if isinstance(self.type, Sentinel) else self.type

    @property
    def is_secret(self) -> bool:
        """Whether the value as a whole is a secret, apart from what its type says."""
        return self.secret or Sentinel.SECRET in {marker for marker in (self.default, self.type) if isinstance(marker, Sentinel)}
