"""The destinations that come with sinkkit, written with its public names as a user would write them; each is loaded when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sinkkit.destinations.http_api.destination import rest
    from sinkkit.destinations.http_api.requests import Request, requests_for
    from sinkkit.destinations.http_api.settings import RestSettings

__all__ = ["Request", "RestSettings", "requests_for", "rest"]

_LATER = {
    "Request": "sinkkit.destinations.http_api.requests",
    "RestSettings": "sinkkit.destinations.http_api.settings",
    "requests_for": "sinkkit.destinations.http_api.requests",
    "rest": "sinkkit.destinations.http_api.destination",
}


def __getattr__(name: str) -> Any:
    """Names of ``__all__``, loaded when first used."""
    if name not in _LATER:
        raise AttributeError(f"module 'sinkkit.destinations' has no attribute {name!r}")
    value = getattr(importlib.import_module(_LATER[name]), name)
    globals()[name] = value
    return value
