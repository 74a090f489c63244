"""sinkkit: decorate a function, and it becomes a destination that delivers every row once and survives being killed.

Declaring destinations loads little; what runs pipelines is loaded when it is first asked for.
"""

import importlib
import typing

from sinkkit.declaration.decorator import destination
from sinkkit.declaration.destination import Destination
from sinkkit.declaration.limits import Adaptive, RateLimit
from sinkkit.errors import Halt, Reject, RetryLater, StillRunning
from sinkkit.rows import Batch, Delivered, Outcome, Rejected, Retry, TableSchema
from sinkkit.settings.access import config, secrets
from sinkkit.settings.secret import Secret

if typing.TYPE_CHECKING:
    from sinkkit.declaration.client.json_body import to_json
    from sinkkit.runs.accounts.report import LoadInfo
    from sinkkit.runs.factory import attach, pipeline
    from sinkkit.runs.pipeline import Pipeline
    from sinkkit.runs.rejected.dead_letters import RejectedRow
    from sinkkit.settings.credentials import ConnectionString
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

_LATER = {
    "ConnectionString": "sinkkit.settings.credentials",
    "LoadInfo": "sinkkit.runs.accounts.report",
    "Pipeline": "sinkkit.runs.pipeline",
    "RejectedRow": "sinkkit.runs.rejected.dead_letters",
    "attach": "sinkkit.runs.factory",
    "pipeline": "sinkkit.runs.factory",
    "resource": "sinkkit.sources.resource",
    "source": "sinkkit.sources.grouping",
    "to_json": "sinkkit.declaration.client.json_body",
}

_MODULES = frozenset({"credentials", "destinations", "errors", "events", "sources", "testing"})


def __getattr__(name: str) -> typing.Any:
    """Names of ``__all__`` and public modules that are loaded when first used."""
    if name in _LATER:
        value = getattr(importlib.import_module(_LATER[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"sinkkit.{name}")
    else:
        raise AttributeError(f"module 'sinkkit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
