"""The nouns passed from room to room: rows, tables, batches and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

import attrs

from sinkkit.errors import CallFailed, ConfigError

Row: TypeAlias = dict[str, Any]
"""One row: column name to value."""

Number: TypeAlias = int | float


class ReadOnly(dict[str, Any]):
    """A dictionary that cannot be changed after it was made, and neither can those inside it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__((name, _frozen(value)) for name, value in values.items())

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        message = "the table a destination gets is read-only: make a copy with dict(table) to change it"
        raise TypeError(message)

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def _frozen(value: Any) -> Any:
    if isinstance(value, ReadOnly):
        return value
    if isinstance(value, Mapping):
        return ReadOnly(value)
    return tuple(value) if isinstance(value, list) else value


class TableSchema(ReadOnly):
    """A table as a destination sees it: a read-only mapping.

    Keys: ``name``; ``columns``, a mapping of column name to ``{"name", "data_type", "nullable", "primary_key"}``, ``precision``, ``scale``
    and ``timezone`` where they are known, and hints; ``write_disposition``; ``primary_key`` and ``merge_key``, tuples of column names;
    ``parent``, the name of the table that its rows were lists in, or None; ``level``, how many tables are above it; ``schema_contract``,
    a mapping, if one was given.
    """

    @classmethod
    def of(
        cls,
        name: str,
        columns: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        write_disposition: str = "append",
        primary_key: Sequence[str] = (),
        parent: str | None = None,
        level: int = 0,
        merge_key: Sequence[str] = (),
        schema_contract: Mapping[str, str] | None = None,
    ) -> TableSchema:
        """Make one from its parts; *columns* maps names to hints such as ``{"data_type": "bigint"}``, which may also say what the keys are."""
        primary_key = primary_key or [column for column, hints in (columns or {}).items() if hints.get("primary_key")]
        filled = {
            column: {"name": column, "nullable": True, **hints, "primary_key": column in primary_key}
            for column, hints in (columns or {}).items()
        }
        values = {
            "name": name,
            "columns": filled,
            "write_disposition": write_disposition,
            "primary_key": tuple(primary_key),
            "merge_key": tuple(merge_key),
            "parent": parent,
            "level": level,
        }
        return cls(values if schema_contract is None else {**values, "schema_contract": schema_contract})

    @property
    def name(self) -> str:
        """The table's name, as ``table["name"]``."""
        return str(self["name"])

    def said(self) -> dict[str, Any]:
        """What is known of the table but for its name, as the writer of a package takes it beside its rows."""
        known = {"columns": self["columns"], "primary_key": self["primary_key"], "write_disposition": self["write_disposition"]}
        also = {"merge_key": self.get("merge_key", ()), "schema_contract": self.get("schema_contract")}
        return {**known, **also, "parent": self.get("parent"), "level": self.get("level", 0)}


@attrs.define(eq=False, slots=True)
class Batch:
    """The rows of one call and what is known of them.

    Attributes:
        load_id: The load package the rows belong to; unique in the world.
        pipeline_name: The pipeline that sends them.
        table_name: Their table.
        job: The file of the package they rest in.
        rows: Their row numbers in the job, in order.
        attempt: Which call this is for these rows, from 1, counted across restarts.
        note: What an earlier call for these very rows asked to be remembered, also before a restart; None: nothing.
    """

    load_id: str
    pipeline_name: str
    table_name: str
    job: str
    rows: Sequence[int]
    _key: str | Callable[[], str] = attrs.field(repr=False)
    attempt: int
    _read: Callable[[], Any] = attrs.field(repr=False)
    note: str | None = attrs.field(default=None)
    _remember: Callable[[str | None], None] | None = attrs.field(default=None, repr=False)

    def remember(self, note: str | None) -> None:
        """Keep *note* with the batch; it is on disk when this returns.

        A destination that takes a batch as a job gives it an id: remembered, it lets every later call, after a ``kill -9`` too, find
        ``batch.note`` and ask after the job where it would send the rows once more. Calls that find a note do not count as rows
        ``resent``. The note belongs to these very rows: rows that are to be sent again in a batch of their own begin without one.

        In a coroutine it holds up the event loop for one write to the disk; ``asyncio.to_thread(batch.remember, note)`` does not.

        Args:
            note: Text without secrets; None takes away the one that is there, for a job that failed and is to be submitted anew.

        Raises:
            CallFailed: If it is no text, holds a secret, or the call is over.
        """
        if note is not None and not isinstance(note, str):
            raise CallFailed(f"batch.remember() got a {type(note).__name__}", hint="a note is text: write str(job_id)")
        if self._remember is None:
            raise CallFailed("this batch belongs to no run: there is nothing to remember it in", hint="call it in the function of a destination")
        self._remember(note)
        self.note = note

    @property
    def key(self) -> str:
        """The idempotency key: fixed by the rows and their package before the first call, the same on every attempt."""
        return self._key if isinstance(self._key, str) else self._key()

    @property
    def items(self) -> Any:
        """The rows as the function asked for them: fresh objects at every access."""
        return self._read()


@attrs.frozen(kw_only=True)
class Retry:
    """How often and how long a failed call is tried again.

    As the setting ``retry=`` of a destination: *attempts* calls a batch and run, waits that grow from *first_wait*
    to *longest_wait* with full jitter, no longer than *deadline* since the first failure (all in
    seconds; None: no deadline). As an entry of ``Outcome.reported``: this row did not arrive, send it again, *after*
    seconds if given.

    Attributes:
        attempts: Calls a batch and run; ``1``: call once, never again.
        first_wait: Seconds before the second call, at most.
        longest_wait: Seconds to which later waits grow, at most.
        deadline: Seconds since the first failure after which no call starts; ``None``: no deadline.
        after: Only for ``Outcome.reported``: seconds to wait, as the destination asked.
    """

    attempts: int = attrs.field(default=5)
    first_wait: float = 0.5
    longest_wait: float = 60.0
    deadline: float | None = None
    after: float | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be a policy."""
        attempts: Any = self.attempts
        if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
            raise ConfigError(f"Retry(attempts={self.attempts!r}) is not possible", hint="1 means: call once, never again")
        for name in ("first_wait", "longest_wait", "deadline", "after"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int | float) or not value >= 0):
                raise ConfigError(f"Retry({name}={value!r}) is not possible", hint="waits are seconds, 0 or more")


@attrs.frozen
class Delivered:
    """This row arrived; *receipt* is the destination's own id for it, if it gave one."""

    receipt: str | None = None


@attrs.frozen
class Rejected:
    """This row was refused, definitely; *reason* is the destination's own message."""

    reason: str


def _frozen_indices(indices: Iterable[int]) -> frozenset[int]:
    return frozenset(indices)


def _frozen_groups(groups: Iterable[Iterable[int]]) -> tuple[frozenset[int], ...]:
    return tuple(frozenset(group) for group in groups)


@attrs.frozen
class Outcome:
    """What became of each row of a batch, by its index in ``items``; a row not named was delivered.

    Attributes:
        rejected: Index to reason: refused definitely, kept as a dead letter.
        retry: Indices that did not arrive and are sent again, in a batch of their own.
        receipts: Index to the destination's own id for the row.
        metrics: Numbers to sum in the report.
        retry_after: Seconds to wait before the retry, if the destination said so.
        length: How many rows were reported on, if every one was; checked against the batch.
        unsent: Groups of indices that this call did not send, such as those for another endpoint: each goes out in a call of its
            own, at once; none is charged with an attempt. One request a call keeps what is known of it simple.
    """

    rejected: Mapping[int, str] = attrs.field(factory=dict)
    retry: frozenset[int] = attrs.field(factory=frozenset, converter=_frozen_indices)
    receipts: Mapping[int, str] = attrs.field(factory=dict)
    metrics: Mapping[str, Number] = attrs.field(factory=dict, kw_only=True)
    retry_after: float | None = attrs.field(default=None, kw_only=True)
    length: int | None = attrs.field(default=None, kw_only=True)
    unsent: tuple[frozenset[int], ...] = attrs.field(default=(), kw_only=True, converter=_frozen_groups)

    @classmethod
    def reported(cls, results: Iterable[Delivered | Rejected | Retry]) -> Outcome:
        """An outcome that names every row, in the order of ``items``.

        Raises:
            CallFailed: If an entry is neither ``Delivered``, ``Rejected`` nor ``Retry``.
        """
        entries = list(results)
        for index, entry in enumerate(entries):
            if not isinstance(entry, Delivered | Rejected | Retry):
                raise CallFailed(
                    f"Outcome.reported() got {type(entry).__name__} for row {index}",
                    hint="give one Delivered(), Rejected(reason) or Retry() for each row",
                )
        waits = [entry.after for entry in entries if isinstance(entry, Retry) and entry.after is not None]
        return cls(
            rejected={i: entry.reason for i, entry in enumerate(entries) if isinstance(entry, Rejected)},
            retry={i for i, entry in enumerate(entries) if isinstance(entry, Retry)},
            receipts={
                i: entry.receipt for i, entry in enumerate(entries) if isinstance(entry, Delivered) and entry.receipt is not None
            },
            retry_after=max(waits, default=None),
            length=len(entries),
        )


ALL_DELIVERED = Outcome()
"""Every row arrived and nothing else is to be said: the outcome of a function that returns None."""
