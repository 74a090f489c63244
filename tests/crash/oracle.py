"""What must be true after a kill and in the end, checked against the journal and against what arrived."""

from __future__ import annotations

import json
import sqlite3
from itertools import pairwise

import attrs

from sinkkit.journal import accounts
from sinkkit.journal.keys import key_of
from sinkkit.journal.ranges import numbers_of
from sinkkit.journal.states import State

CLAIM_SECONDS = 0.005
"""What law L3 allows for calls that are faster than the journal."""

PAUSE_SECONDS = 0.001
"""A gap between two fast calls that is longer than this is the machine doing something else; it counts as no time."""

MANY = 12
"""Violations that are shown, at most."""


SPANS = (
    "SELECT load_id, name, key, first_row, batches.row_count, ranges, state, batch_count, batch_rows FROM batches JOIN jobs ON jobs.id = batches.job"
)


def batches_of(span):
    """Key, rows, state and job of each batch that *span*, a row of the journal's file, stands for."""
    load_id, job, key, first, count, ranges, state, batches, size = span
    if batches == 1:
        rows = numbers_of(first, count, ranges)
        return [(key or key_of(load_id, job, rows), rows, state, job)]
    starts = range(first, first + count, size)
    return [(key_of(load_id, job, rows), rows, state, job) for rows in (range(start, min(start + size, first + count)) for start in starts)]


@attrs.define
class Kill:
    """What one kill left behind.

    Attributes:
        in_flight: Key to rows of the batches that the journal had in flight or unknown.
        unsettled: Calls that had arrived and of which the journal did not know.
        longest: Seconds from the first to the last of them in one thread.
    """

    in_flight: dict[str, list[int]] = attrs.field(factory=dict)
    unsettled: int = 0
    longest: float = 0.0
    extracting: bool = False


@attrs.define
class Oracle:
    """Watches one pipeline over all its kills.

    Attributes:
        folder: Where the pipeline and the file that its rows arrive in are.
        plan: What the victim was told.
        doubtful: Key to rows of the batches whose fate was unknown at any kill.
        violations: What should never have happened.
    """

    folder: object
    plan: object
    doubtful: dict[str, list[int]] = attrs.field(factory=dict)
    kills: list[Kill] = attrs.field(factory=list)
    violations: list[str] = attrs.field(factory=list)

    def arrived(self):
        """Every call that arrived, in order."""
        path = self.folder / "arrived.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def after_kill(self):
        """Look at what the kill left: the accounts add up, and what arrived without the journal's knowing was in flight there."""
        kill = Kill()
        self.kills.append(kill)
        path = self.folder / "p" / "journal.db"
        calls = self.arrived()
        if not path.exists():
            self._expect(calls == [], "calls were made before there was a journal")
            return kill
        db = sqlite3.connect(path)
        try:
            if db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'packages'").fetchone() == (0,):
                self._expect(calls == [], "calls were made before there was a journal")
                return kill
            self._accounts(db)
            self._batches(db, calls, kill)
        finally:
            db.close()
        return kill

    def _accounts(self, db):
        for (load_id,) in db.execute("SELECT load_id FROM packages").fetchall():
            for name, one in accounts.counts_of(db, load_id).items():
                there = one.delivered + one.rejected + one.pending + one.unknown
                self._expect(one.extracted == there == self.plan.rows, f"accounts of {name} do not add up: {one}")

    def _batches(self, db, calls, kill):
        found = [batch for span in db.execute(SPANS).fetchall() for batch in batches_of(span)]
        (kill.extracting,) = db.execute("SELECT count(*) = 0 FROM packages").fetchone()
        firsts = dict(db.execute("SELECT name, first_index FROM jobs").fetchall())
        known = {key: State(state) for key, _, state, _ in found}
        for key, rows, state, job in found:
            if state in {State.IN_FLIGHT, State.UNKNOWN}:
                kill.in_flight[key] = [firsts[job] + row for row in rows]
        self.doubtful.update(kill.in_flight)
        if not known and calls:  # the package was completed and folded: everything that arrived is settled
            return
        self._unsettled(calls, known, kill)

    def _unsettled(self, calls, known, kill):
        settled_or_failed = {State.SETTLED, State.PLANNED}
        by_thread: dict[int, list[float]] = {}
        for call in calls:
            self._expect(call["key"] in known, f"a call with key {call['key']} arrived and the journal has no such batch")
            if call["pid"] == calls[-1]["pid"] and call["said"] == "ok" and known.get(call["key"]) not in settled_or_failed:
                by_thread.setdefault(call["thread"], []).append(call["at"])
        kill.unsettled = sum(len(times) for times in by_thread.values())
        if self.plan.mode in {"slow", "flaky"}:
            self._expect(kill.unsettled <= self.plan.workers, f"{kill.unsettled} calls unsettled with {self.plan.workers} workers")
        for times in by_thread.values():
            gaps = [later - first for first, later in pairwise(times)]
            spent = sum(gap for gap in gaps if gap <= PAUSE_SECONDS)
            kill.longest = max(kill.longest, spent)
            self._expect(spent <= CLAIM_SECONDS + PAUSE_SECONDS, f"fast calls of {spent * 1000:.1f} ms were not settled")

    def in_the_end(self, report):
        """Nothing is lost, and what was repeated was in flight at a kill or lost its answer, under one key, and is in the report."""
        calls = self.arrived()
        keys: dict[int, list[str]] = {row: [] for row in range(self.plan.rows) if not (self.plan.bad and row % self.plan.bad == 0)}
        bad = self.plan.rows - len(keys)
        for call in calls:
            for row in call["rows"]:
                keys.setdefault(row, []).append(call["key"])
        self._expect(len(keys) == self.plan.rows - bad, "rows that do not fit were sent")
        doubtful = {**self.doubtful, **{call["key"]: call["rows"] for call in calls if call["said"] == "timeout"}}
        lost = [row for row, used in keys.items() if not used]
        self._expect(lost == [], f"{len(lost)} rows are lost: {lost[:MANY]}")
        strange = [row for row, used in keys.items() if len(used) > 1 and (used.count(used[0]) != len(used) or used[0] not in doubtful)]
        self._expect(strange == [], f"{len(strange)} rows were repeated that were not in flight or had another key: {strange[:MANY]}")
        for call in calls:
            wrong = call["key"] in doubtful and doubtful[call["key"]] != call["rows"]
            self._expect(not wrong, f"key {call['key']} came with other rows than it had in the journal")
        counts = list(report["tables"].values())
        resent = sum(one["resent"] for one in counts)
        unknown = sum(len(rows) for rows in doubtful.values())
        self._expect(resent == unknown, f"the report says {resent} rows resent, {unknown} were of unknown fate")
        settled = [sum(one[end] for one in counts) for end in ("delivered", "rejected")]
        self._expect(settled == [self.plan.rows - bad, bad], f"the report says {counts}")
        for place in ("packages", "normalized"):
            left = sorted(path.name for path in (self.folder / "p" / place).glob("*"))
            self._expect(left == [], f"{place} still holds {left}")
        return sum(len(used) - 1 for used in keys.values())

    def _expect(self, true, otherwise):
        if not true:
            self.violations.append(otherwise)
