"""The keyring of the system as a place of settings: macOS Keychain, Secret Service, KWallet, by the package ``keyring``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import attrs

from sinkkit.errors import ConfigError
from sinkkit.optional import require
from sinkkit.settings.keys import Path
from sinkkit.settings.providers.provider import Provider

SERVICE = "sinkkit"
"""The service under which entries stand if the settings name no other."""

HINTS = {
    "NoKeyringError": "this machine has no keyring: use the environment or a directory of files, or install a backend of the package keyring",
    "KeyringLocked": "unlock the keyring, then run again",
    "InitError": "see whether the keyring's service runs and this session may use it",
}
"""What to do, by the name of the error (``keyring.errors``)."""


@attrs.frozen(eq=False)
class SystemKeyring:
    """Entries of one service; the user name of an entry is the setting's dotted path, as in ``keyring set sinkkit destination.crm.api_key``.

    Args:
        service: The service.
    """

    service: str = SERVICE
    for_secrets: ClassVar[bool] = True
    private: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The keyring and the service, for messages."""
        return f"keyring (service {self.service})"

    def opened(self) -> Sequence[Provider]:
        """Itself: a keyring keeps nothing from run to run that would have to be forgotten."""
        return (self,)

    def get(self, path: Path) -> Any:
        """The password of the entry for *path*, None if there is no such entry.

        Raises:
            ConfigError: If the package is missing, there is no keyring, or it is locked or fails.
        """
        package = require("keyring", extra="keyring", wanted_by=f"the settings provider {self.name}")
        try:
            return package.get_password(self.service, self.spell(path))
        except Exception as error:  # noqa: BLE001 - backends let errors of D-Bus, of macOS and of their own pass
            kind = type(error).__name__
        hint = HINTS.get(kind, "see whether `keyring get` of the package keyring works for the same entry in this session")
        # Not chained: what a backend says may repeat what it holds.
        raise ConfigError(f"the entry {self.spell(path)} of the {self.name} cannot be read: {kind}", hint=hint)

    def spell(self, path: Path) -> str:
        """The user name of the entry."""
        return ".".join(path)
