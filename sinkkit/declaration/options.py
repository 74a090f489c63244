"""The settings of a destination as one frozen value: what the decorator, the factory and config may say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.declaration.limits import Adaptive, RateLimit, read_limit, read_workers
from sinkkit.declaration.naming.convention import convention_problem
from sinkkit.errors import ConfigError
from sinkkit.rows import Retry

DEFAULT_WORKERS = 16


def _mapping(given: Any) -> Any:
    """The rules that a user wrote; they are read by code that few declarations need."""
    if given is None:
        return None
    from sinkkit.schema.mapping.reading import read_mapping

    return read_mapping(given)


@attrs.frozen(kw_only=True)
class Options:
    """How rows are cut, called, limited and judged; sizes in rows, times in seconds.

    Making one checks every value: a wrong one is a ``ConfigError`` that says what is possible.

    Attributes:
        batch_size: Rows a call; ``0``: one call a file, with its path.
        loader_file_format: How rows rest between being taken and being sent: ``"jsonl"``, or ``"parquet"`` for Arrow and frames.
        naming_convention: What tables and columns are called: ``"direct"`` as given, ``"snake_case"``, ``"duck_case"``, ``"sql_cs_v1"``, ``"sql_ci_v1"``, or
            a class or module of your own or its dotted path.
        max_nesting_level: Levels down to which nested lists become tables of their own, and nested dicts columns; ``0``: rows stay as they are; ``None``: all.
        skip_internal_columns_and_tables: Whether keys of rows (``_sk_id`` and so on) and tables about loads are kept from the destination.
        workers: Calls at once; ``None`` means 16; ``1``: one thread, in order; ``"adaptive"`` or ``Adaptive(min, max)``: as many as the destination
            takes well.
        order_by: A column: rows of one key never overtake each other, keys run side by side; with ``workers=1`` no row overtakes any other.
        batch_bytes: Most bytes a batch, as a JSON array (``"4MB"`` in config), beside *batch_size*; a larger row goes alone.
        rate_limit: ``"100/s"``, ``"5000/min"`` or ``RateLimit(calls=, rows=, per=)``.
        retry: How often and how long a failed call is tried again; in config a table.
        on_reject: What the refusal of a whole batch does: ``"halt"``, ``"keep"``, ``"bisect"``.
        max_rejected: More dead letters than ``100``, or than ``"1%"`` of the package, halt the run.
        on_unknown: What a batch of unknown fate does: ``"resend"``, ``"probe"``, ``"hold"``.
        idempotency_header: The header in which the injected client sends the batch's key, e.g. ``"Idempotency-Key"``.
        timeout: Seconds a call may take; without one the injected client has 60.
        durability: ``"full"``: fsync before going on; ``"process"``: survives the process, not the power.
        mapping: What fields rows get before they are kept: columns under other names, paths, templates, constants; in config a table; a run's own goes before it.
    """

    batch_size: int = 10
    loader_file_format: str = "jsonl"
    naming_convention: Any = "direct"
    max_nesting_level: int | None = 0
    skip_internal_columns_and_tables: bool = True
    workers: int | Adaptive | None = attrs.field(default=None, converter=read_workers)
    order_by: str | None = None
    batch_bytes: int | None = None
    rate_limit: RateLimit | None = attrs.field(default=None, converter=read_limit)
    retry: Retry = attrs.field(factory=Retry)
    on_reject: str = "halt"
    max_rejected: int | str | None = None
    on_unknown: str = "resend"
    idempotency_header: str | None = None
    timeout: float | None = None
    durability: str = "full"
    mapping: Any = attrs.field(default=None, converter=_mapping)

    def __attrs_post_init__(self) -> None:
        """Check every value, and the pairs that cannot go together."""
        wrong = {name: hint for name, check in CHECKS.items() if (hint := check(getattr(self, name))) is not None}
        if wrong:
            what = ", ".join(f"{name}={getattr(self, name)!r}" for name in wrong)
            told = next(iter(wrong.values())) if len(wrong) == 1 else "; ".join(f"{name}: {hint}" for name, hint in wrong.items())
            raise ConfigError(f"{what} {'is' if len(wrong) == 1 else 'are'} not possible", hint=told)
        if self.batch_size == 0 and self.on_reject == "bisect":
            raise ConfigError(
                "batch_size=0 and on_reject='bisect' do not go together: a file is not halved", hint="write on_reject='halt' or 'keep'"
            )

        chosen = [name for name in ("order_by", "batch_bytes") if getattr(self, name) is not None]
        if self.batch_size == 0 and chosen:
            raise ConfigError(
                f"batch_size=0 and {chosen[0]} do not go together: a file goes as a whole", hint="write batch_size as a number of rows"
            )

    @property
    def calls_at_once(self) -> int:
        """How many calls may run at the same time."""
        if isinstance(self.workers, Adaptive):
            return self.workers.max
        return DEFAULT_WORKERS if self.workers is None else self.workers

    @property
    def adaptive(self) -> Adaptive | None:
        """The bounds of a number of calls that follows the destination; None: the number is fixed."""
        return self.workers if isinstance(self.workers, Adaptive) else None


def _whole(least: int, meaning: str) -> Any:
    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
        return None if fits else f"write a whole number, {least} or more: {meaning}"

    return check


def _workers(value: Any) -> str | None:
    if value is None or isinstance(value, Adaptive) or _whole(1, "")(value) is None:
        return None
    return 'write a whole number, 1 or more: calls at once; or "adaptive", or Adaptive(min=1, max=100)'


def _one_of(*choices: str) -> Any:
    def check(value: Any) -> str | None:
        return None if value in choices else "write one of " + ", ".join(repr(choice) for choice in choices)

    return check


def _optional(check: Any) -> Any:
    return lambda value: None if value is None else check(value)


def _seconds(value: Any) -> str | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return None if fits else "write a number of seconds above 0"


def _share(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return None
    if isinstance(value, str) and value.endswith("%") and value[:-1].strip().replace(".", "", 1).isdigit():
        return None
    return 'write a number of rows such as 100, or a share such as "1%"'


def _header(value: Any) -> str | None:
    fits = isinstance(value, str) and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", value) is not None
    return None if fits else 'write the name of a header, such as "Idempotency-Key"'


def _column(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "write the name of a column"


def _retry(value: Any) -> str | None:
    if not isinstance(value, Retry):
        return "write Retry(attempts=5, first_wait=0.5, longest_wait=60.0, deadline=None)"
    return None if value.after is None else "after= belongs to Outcome.reported, not to the policy"


CHECKS: Mapping[str, Any] = {
    "batch_size": _whole(0, "rows a call; 0 gives the path of a whole file"),
    "loader_file_format": _one_of("jsonl", "parquet"),
    "naming_convention": convention_problem,
    "max_nesting_level": _optional(_whole(0, "levels of nested lists that become tables; None: all of them")),
    "skip_internal_columns_and_tables": lambda value: None if isinstance(value, bool) else "write true or false",
    "workers": _workers,
    "order_by": _optional(_column),
    "batch_bytes": _optional(_whole(1, "bytes a batch as JSON; a larger row goes alone")),
    "retry": _retry,
    "on_reject": _one_of("halt", "keep", "bisect"),
    "max_rejected": _optional(_share),
    "on_unknown": _one_of("resend", "probe", "hold"),
    "idempotency_header": _optional(_header),
    "timeout": _optional(_seconds),
    "durability": _one_of("full", "process"),
}
"""Setting to a function that returns None for a possible value, and otherwise what to write."""

OPTION_NAMES = tuple(field.name for field in attrs.fields(Options))


def changed(options: Options, settings: Mapping[str, Any]) -> Options:
    """*options* with *settings* in their place.

    Raises:
        ConfigError: If one is unknown or has an impossible value.
    """
    for name in settings:
        if name not in OPTION_NAMES:
            raise ConfigError(f"there is no setting {name!r}", hint=suggestion(name, OPTION_NAMES))
    return attrs.evolve(options, **settings) if settings else options


def suggestion(name: str, known: Any) -> str:
    """What to write instead of a *name* that is not among the *known*."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "known are " + ", ".join(sorted(known))
