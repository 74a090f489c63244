"""The one way to ask for a package that sinkkit does not install by itself."""

from __future__ import annotations

import importlib
from typing import Any

from sinkkit.errors import ConfigError


def require(module: str, *, extra: str, wanted_by: str | None = None) -> Any:
    """Import *module* and give it back.

    Args:
        module: Dotted name, for example ``"pandas"``.
        extra: The extra of sinkkit that installs it.
        wanted_by: What needs it, for the message.

    Raises:
        ConfigError: If the package is not installed; the hint says how to install it.
        ModuleNotFoundError: If the package is there and something that it needs itself is not.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        what = f"{top} is not installed" if wanted_by is None else f"{wanted_by} needs the package {top}, which is not installed"
        raise ConfigError(what, hint=f'pip install "sinkkit[{extra}]"') from error
