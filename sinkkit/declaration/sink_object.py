"""Objects that implement the ``Sink`` protocol, and classes and functions that make one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import attrs

from sinkkit.declaration.annotations import Unresolved, annotations_of, full_name
from sinkkit.declaration.answers import read_answer
from sinkkit.declaration.client.trace import CURRENT, Trace
from sinkkit.declaration.sink import Sink
from sinkkit.errors import CallFailed, ConfigError, SignatureError, SinkkitError
from sinkkit.rows import Batch, Outcome, TableSchema
from sinkkit.settings.values.kinds import fields, is_record

METHODS = ("prepare", "deliver", "probe", "complete", "close")
"""What the ``Sink`` protocol asks for."""


class Form(StrEnum):
    """What stands behind a destination."""

    FUNCTION = "function"
    SINK = "sink"
    MAKER = "maker of sinks"


def form_of(found: Any) -> Form:
    """Whether *found* is a sink, makes one, or is to be called with rows.

    Raises:
        SignatureError: If it has part of the protocol only, or its calls are coroutines.
    """
    plain = found.func if isinstance(found, functools.partial) else found
    if inspect.isclass(plain):
        return Form.MAKER if _is_sink(plain, plain.__name__) else Form.FUNCTION
    if not inspect.isroutine(plain):
        return Form.SINK if _is_sink(plain, type(plain).__name__) else Form.FUNCTION
    made: Any = annotations_of(plain).get("return")
    made = made.found() if isinstance(made, Unresolved) else made
    if made is Sink or (isinstance(made, Unresolved) and full_name(made).split(".")[-1] == "Sink"):
        return Form.MAKER
    return Form.MAKER if inspect.isclass(made) and _is_sink(made, made.__name__) else Form.FUNCTION


def _is_sink(found: Any, name: str) -> bool:
    held = [method for method in METHODS if callable(getattr(found, method, None))]
    if "deliver" not in held or (len(held) < len(METHODS) and callable(found) and not inspect.isclass(found)):
        return False
    if len(held) < len(METHODS):
        lacking = ", ".join(f"{method}()" for method in METHODS if method not in held)
        raise SignatureError(
            f"{name} has deliver() and lacks {lacking}", hint="a sink has prepare(tables), deliver(batch), probe(batch), complete() and close()"
        )
    waiting = [method for method in METHODS if inspect.iscoroutinefunction(getattr(found, method))]
    if waiting:
        raise SignatureError(f"{name}.{waiting[0]}() is a coroutine, and threads call it", hint=f"write it as `def {waiting[0]}(...)`")
    return True


def maker_annotations(maker: Callable[..., Any]) -> dict[str, Any]:
    """Parameter to annotation of what makes a sink; a class's are those of its fields or its ``__init__``."""
    plain = maker.func if isinstance(maker, functools.partial) else maker
    if not inspect.isclass(plain):
        return annotations_of(plain)
    if not is_record(plain):
        return annotations_of(plain.__init__)
    record: Any = plain
    return {field.key: field.kind for field in fields(record)}


@attrs.frozen(kw_only=True)
class GuardedSink:
    """A user's sink as the engine calls it: its answers read, the errors of its other methods named.

    Attributes:
        sink: The user's own.
        name: The destination's name.
        traced: Whether it has an injected client, whose requests are to be known by their batch.
        clients: What to close in the end.
    """

    sink: Any
    name: str
    traced: bool = False
    clients: Sequence[Any] = ()

    def prepare(self, tables: Sequence[TableSchema]) -> None:
        """Prepare the sink; what was opened for it is closed if that fails.

        Raises:
            ConfigError: If it fails.
        """
        try:
            self.sink.prepare(tables)
        except Exception as error:
            self.close()
            raise _failed(ConfigError, f"destination {self.name!r} could not be prepared; nothing was sent", error) from error

    def deliver(self, batch: Batch) -> Outcome:
        """Send one batch; what the sink raises passes through."""
        if self.traced:
            CURRENT.set(Trace(batch.key, batch.attempt, batch=batch))
        return read_answer(self.sink.deliver(batch))

    def probe(self, batch: Batch) -> Outcome | None:
        """Ask the sink whether a batch arrived."""
        CURRENT.set(None)  # as in FunctionSink: what a probe asks is no part of a call
        answer = self.sink.probe(batch)
        return None if answer is None else read_answer(answer)

    def complete(self) -> None:
        """Tell the sink that the whole package is settled.

        Raises:
            CallFailed: If it fails; the next run tells it again.
        """
        try:
            self.sink.complete()
        except Exception as error:
            raise _failed(CallFailed, f"every row is settled, and destination {self.name!r} failed to complete the package", error) from error

    def close(self) -> None:
        """Close the sink and the injected clients.

        Raises:
            CallFailed: If the sink fails to.
        """
        try:
            self.sink.close()
        except Exception as error:
            raise _failed(CallFailed, f"destination {self.name!r} could not be closed", error) from error
        finally:
            for client in self.clients:
                client.close()


def _failed(kind: type[ConfigError | CallFailed], what: str, error: Exception) -> SinkkitError:
    return kind(f"{what}: {type(error).__name__}: {error}", hint=getattr(error, "hint", None) or "mend the cause and run again")


def made_sink(maker: Any, arguments: Mapping[str, Any], form: Form, name: str) -> Any:
    """The sink of a destination: the object itself, or what its maker makes of its settings.

    Raises:
        ConfigError: If the maker fails.
        SignatureError: If what it makes is no sink.
    """
    if form is Form.SINK:
        return maker
    try:
        made = maker(**arguments)
    except Exception as error:
        raise _failed(ConfigError, f"destination {name!r} could not be opened; nothing was sent", error) from error
    if not _is_sink(made, type(made).__name__):
        raise SignatureError(f"what opens destination {name!r} gave {type(made).__name__}, which is no sink", hint=f"a sink has {', '.join(METHODS)}")
    return made
