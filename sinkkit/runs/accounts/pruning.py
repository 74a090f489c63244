"""Old facts are let go of: runs, receipts, finished packages and, if asked, dead letters; never anything open."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import attrs

from sinkkit.clock import Clock
from sinkkit.errors import ConfigError
from sinkkit.journal.protocol import Journal
from sinkkit.runs.loading.delivering import remove_unregistered
from sinkkit.runs.requests.request_store import forget
from sinkkit.runs.session import Session
from sinkkit.settings.values.units import duration

DEFAULT_AGE = timedelta(days=30)
"""What is pruned where nobody says: what is older than this."""


@attrs.frozen(kw_only=True)
class Pruned:
    """What was removed, or would be by a dry run.

    Attributes:
        before: Only what ended before this time, UTC.
        runs: Rows of the list of runs; a ``run_id`` that only these knew is forgotten.
        receipts: Receipts.
        packages: Finished load packages: their counts, and their files where they were kept.
        rejected: Dead letters.
        requests: Requests that were kept for a later look.
        bytes_freed: By how much the journal's file shrank.
        dry_run: Whether nothing was removed.
    """

    before: datetime
    runs: int
    receipts: int
    packages: int
    rejected: int
    requests: int = 0
    bytes_freed: int = 0
    dry_run: bool = False

    def asdict(self) -> dict[str, Any]:
        """The same as plain values that JSON can hold."""
        return {**attrs.asdict(self), "before": self.before.isoformat()}

    def __str__(self) -> str:
        counts = ((self.runs, "run"), (self.receipts, "receipt"), (self.packages, "finished load package"), (self.rejected, "rejected row"), (self.requests, "kept request"))
        parts = [f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count]
        done = "would be removed" if self.dry_run else "removed"
        freed = f", {self.bytes_freed:,} bytes freed" if self.bytes_freed else ""
        what = f"{' and '.join([', '.join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)} {done}" if parts else f"nothing {done}"
        return f"{what}{freed} (before {self.before:%Y-%m-%d %H:%M:%S} UTC)"


def limit_of(before: date | str | None, older_than: timedelta | float | str | None, clock: Clock) -> datetime:
    """The moment before which things are old.

    Args:
        before: A day or moment, or one as ISO 8601 text; without a zone it is UTC.
        older_than: A duration: a ``timedelta``, seconds, or text such as ``30d``.
        clock: Says what time it is.

    Raises:
        ConfigError: If both are given, or one cannot be understood.
    """
    if before is not None and older_than is not None:
        raise ConfigError("before and older_than were given together", hint="give one of the two")
    if before is not None:
        return _moment(before)
    try:
        return datetime.fromtimestamp(clock.wall(), UTC) - _age(DEFAULT_AGE if older_than is None else older_than)
    except OverflowError:
        raise ConfigError(f"older_than={older_than!r} is before all time", hint="write 30d, 12h or 90m") from None


def _moment(given: Any) -> datetime:
    try:
        found = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        found = None
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime.combine(found, time(), UTC)
    if not isinstance(found, datetime):
        raise ConfigError(f"before={given!r} is no date", hint="write 2026-11-20 or 2026-11-20T08:30:00+01:00; without a zone it is UTC")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _age(given: Any) -> timedelta:
    if isinstance(given, timedelta):
        found: timedelta | None = given
    elif isinstance(given, str):
        if given.strip().replace(".", "", 1).isdigit():  # days are meant by some and seconds by others, and what is removed is gone
            raise ConfigError(f"older_than={given!r} has no unit", hint=f"write {given.strip()}d for days, {given.strip()}h for hours, or with m or s")
        try:
            found = duration(given)
        except ConfigError as error:
            raise ConfigError(f"older_than={given!r} is {error.message}", hint="write 30d, 12h or 90m") from error
    else:
        found = timedelta(seconds=given) if isinstance(given, int | float) and not isinstance(given, bool) and given >= 0 else None
    if found is None or found < timedelta():
        raise ConfigError(f"older_than={given!r} is no age", hint="write 30d, 12h or 90m, or give seconds or a timedelta, 0 or more")
    return found


def would_prune(journal: Journal | None, requests: Path, before: datetime, *, rejected: bool) -> Pruned:
    """What ``prune`` would remove now, also of the file *requests*; nothing if there is no *journal*."""
    if journal is None:
        return Pruned(before=before, runs=0, receipts=0, packages=0, rejected=0, dry_run=True)
    counted = journal.prune(before.timestamp(), rejected=rejected, run=None)
    return Pruned(before=before, **attrs.asdict(counted), requests=forget(requests, before.timestamp(), dry_run=True), dry_run=True)


def prune(session: Session, before: datetime, *, rejected: bool) -> Pruned:
    """Remove what ended before the moment *before*, with the files of packages that are forgotten, and shrink the journal where that pays."""
    session.status = "pruned"
    journal = session.runtime.journal
    counted = journal.prune(before.timestamp(), rejected=rejected, run=session.run)
    remove_unregistered(session.storage, session.runtime.journal.packages())
    requests = forget(session.storage.location.requests, before.timestamp())
    return Pruned(before=before, **attrs.asdict(counted), requests=requests, bytes_freed=journal.shrink())
