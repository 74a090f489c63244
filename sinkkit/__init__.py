"""sinkkit: decorate a function, and it becomes a destination that delivers every row once and survives being killed.

Each name is loaded when it is first asked for: declaring a destination loads little, and a program that only imports this pays nothing.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from sinkkit.declaration.client.json_body import to_json
    from sinkkit.declaration.decorator import destination
    from sinkkit.declaration.destination import Destination
    from sinkkit.declaration.limits import Adaptive, RateLimit
    from sinkkit.errors import Halt, Reject, RetryLater, StillRunning
    from sinkkit.rows import Batch, Delivered, Outcome, Rejected, Retry, TableSchema
    from sinkkit.runs.accounts.report import LoadInfo
    from sinkkit.runs.factory import attach, pipeline
    from sinkkit.runs.pipeline import Pipeline
    from sinkkit.runs.rejected.dead_letters import RejectedRow
    from sinkkit.settings.access import config, secrets
    from sinkkit.settings.credentials import ConnectionString
    from sinkkit.settings.secret import Secret
    from sinkkit.sources.grouping import source
    from sinkkit.sources.resource import resource

__version__ = "0.1.0"

__all__ = [
    "Adaptive",
    "Batch",
    "ConnectionString",
    "Delivered",
    "Destination",
    "Halt",
    "LoadInfo",
    "Outcome",
    "Pipeline",
    "RateLimit",
    "Reject",
    "Rejected",
    "RejectedRow",
    "Retry",
    "RetryLater",
    "Secret",
    "StillRunning",
    "TableSchema",
    "attach",
    "config",
    "destination",
    "pipeline",
    "resource",
    "secrets",
    "source",
    "to_json",
]

_HOMES = {
    "Adaptive": "declaration.limits",
    "Batch": "rows",
    "ConnectionString": "settings.credentials",
    "Delivered": "rows",
    "Destination": "declaration.destination",
    "Halt": "errors",
    "LoadInfo": "runs.accounts.report",
    "Outcome": "rows",
    "Pipeline": "runs.pipeline",
    "RateLimit": "declaration.limits",
    "Reject": "errors",
    "Rejected": "rows",
    "RejectedRow": "runs.rejected.dead_letters",
    "Retry": "rows",
    "RetryLater": "errors",
    "Secret": "settings.secret",
    "StillRunning": "errors",
    "TableSchema": "rows",
    "attach": "runs.factory",
    "config": "settings.access",
    "destination": "declaration.decorator",
    "pipeline": "runs.factory",
    "resource": "sources.resource",
    "secrets": "settings.access",
    "source": "sources.grouping",
    "to_json": "declaration.client.json_body",
}
"""The module of each name, below ``sinkkit``."""

_MODULES = frozenset({"credentials", "destinations", "errors", "events", "sources", "testing"})


def __getattr__(name: str) -> typing.Any:
    """Names of ``__all__`` and public modules, which are loaded when first used (PEP 562)."""
    if name in _HOMES:
        value = getattr(importlib.import_module(f"sinkkit.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"sinkkit.{name}")
    else:
        raise AttributeError(f"module 'sinkkit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
