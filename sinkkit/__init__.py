"""sinkkit: decorate a function, and it becomes a destination that delivers every row once and survives being killed."""

from sinkkit.declaration.decorator import destination
from sinkkit.declaration.destination import Destination
from sinkkit.declaration.limits import RateLimit
from sinkkit.errors import Halt, Reject, RetryLater
from sinkkit.rows import Batch, Delivered, Outcome, Rejected, Retry, TableSchema
from sinkkit.runs.dead_letters import RejectedRow
from sinkkit.runs.pipeline import Pipeline, attach, pipeline
from sinkkit.runs.report import LoadInfo
from sinkkit.settings.access import config, secrets
from sinkkit.settings.credentials import ConnectionString
from sinkkit.settings.secret import Secret
from sinkkit.sources import resource

__version__ = "0.1.0"

__all__ = [
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
    "TableSchema",
    "attach",
    "config",
    "destination",
    "pipeline",
    "resource",
    "secrets",
]
