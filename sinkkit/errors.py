"""Every error of sinkkit, one tree, each with a hint that says what to do.

::

    SinkkitError
    ├── ConfigError            a setting is missing, malformed or contradicts another
    │   ├── ReferenceNotFound  no destination, function or module of that name
    │   └── SignatureError     a function cannot be a destination as it is written
    ├── SourceError            the data given cannot be read or kept
    │   └── SchemaError        rows and columns do not fit together
    ├── PackageCorrupted       a load package is not what was written
    ├── JournalError           the journal cannot be read, written or believed
    ├── PipelineLocked         another process owns the pipeline
    ├── PendingPackages        earlier rows are not settled and the caller asked to stop then
    ├── DeliveryFailed         a run left rows pending or unknown
    ├── CallFailed             one call to a destination went wrong in a way that is ours to name
    ├── RedactedError          stands for an error of the user's whose text held a secret
    └── Answer                 raised by a user's function to say what became of a batch
        ├── Reject             the destination refused the whole batch, definitely
        ├── RetryLater         nothing of it arrived; try again
        ├── StillRunning       it was taken and is being worked on; ask again
        └── Halt               nothing of it arrived; stop the run
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "Answer",
    "CallFailed",
    "ConfigError",
    "DeliveryFailed",
    "Halt",
    "JournalError",
    "PackageCorrupted",
    "PendingPackages",
    "PipelineLocked",
    "RedactedError",
    "ReferenceNotFound",
    "Reject",
    "RetryLater",
    "SchemaError",
    "SignatureError",
    "SinkkitError",
    "SourceError",
    "StillRunning",
]


def _rebuild(kind: type[SinkkitError], args: tuple[Any, ...], state: dict[str, Any]) -> SinkkitError:
    """Make a pickled error again without calling its ``__init__``."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class SinkkitError(Exception):
    """Root of the tree.

    Args:
        message: What happened and where.
        hint: What to do next; shown on a line of its own.
    """

    hint: str | None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def message(self) -> str:
        """What happened and where, without the hint."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, dict(self.__dict__))


class ConfigError(SinkkitError):
    """A setting is missing, malformed or contradicts another; nothing was sent."""


class ReferenceNotFound(ConfigError):
    """No destination, function or module answers to the reference given."""


class SignatureError(ConfigError):
    """A function cannot be a destination as it is written."""


class SourceError(SinkkitError):
    """The data given cannot be read or kept; nothing of it was sent."""


class SchemaError(SourceError):
    """Rows and columns do not fit together."""


class PackageCorrupted(SinkkitError):
    """A file of a load package is not what was written; none of the rows concerned was sent."""


class JournalError(SinkkitError):
    """The journal cannot be read, written or believed."""


class PipelineLocked(SinkkitError):
    """Another process owns the pipeline; the message names it."""


class PendingPackages(SinkkitError):
    """Rows of earlier runs are not settled, and ``on_pending="fail"`` was asked for."""


class DeliveryFailed(SinkkitError):
    """A run ended with rows pending or unknown.

    Attributes:
        info: The report of the run, a ``LoadInfo``.
    """

    info: Any

    def __init__(self, message: str, *, info: Any = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.info = info


class CallFailed(SinkkitError):
    """One call to a destination went wrong in a way that only sinkkit can name.

    For example an answer that is not one of those a function may give, or a timeout that
    passed while the call was still running.
    """


class RedactedError(SinkkitError):
    """Stands for another error whose text, notes or chain held a secret; the secret is masked.

    Attributes:
        original_type: Module and name of the error's own type.
    """

    original_type: str

    def __init__(self, message: str, *, original_type: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.original_type = original_type


class Answer(SinkkitError):
    """What a function raises to say what became of its whole batch."""


class Reject(Answer):
    """The destination refused the whole batch, definitely; ``on_reject`` decides what follows."""


class RetryLater(Answer):
    """Nothing of the batch arrived; try it again.

    Args:
        message: Why.
        after: Seconds to wait before any further call to this destination, if it said so.
        hint: What to do next.
    """

    after: float | None

    def __init__(self, message: str = "", *, after: float | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.after = after


class StillRunning(Answer):
    """The destination took the batch and is working on it; the same batch is called again, to ask after it.

    Remember first what it is to be asked after: ``batch.remember(job_id)``. The batch alone waits, no attempt is charged, and
    while it waits it takes the place of one of the ``workers``, so that no more jobs are open at once than calls would be.

    Args:
        message: What it is doing.
        after: Seconds until it is to be asked again.
        hint: What to do next.
    """

    after: float

    def __init__(self, message: str = "", *, after: float, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.after = after


class Halt(Answer):
    """Nothing of the batch arrived and nothing more shall be sent in this run."""
