"""The oracle, second half: what is committed, move by move, held against what was seen; and the accounts after every commit."""

from __future__ import annotations

from typing import ClassVar

import attrs

from sinkkit.journal.keys import key_of
from sinkkit.journal.moves import Cut, Pause, Pick, Postpone, Return, Settle, SettlePlain, Split, Start
from sinkkit.journal.ranges import numbers_of


@attrs.define(eq=False)
class Known:
    """A batch of the journal: its rows by their ids, the id of its file's *first* row, and whether its life has ended."""

    key: str
    rows: list[int]
    first: int
    over: bool = False
    root: int = 0
    halved_for: str | None = None


@attrs.define(eq=False)
class Written:
    """Follows the moves that the journal commits.

    Attributes:
        seen: What happened outside.
        first_ids: Job id to the id of its first row.
        jobs: Job id to the job.
        batches: Batch id to what is known of it.
        rejected: Row to its dead letter.
        receipts: Row to its receipt.
        numbers: The numbers that functions returned, summed.
    """

    seen: object
    first_ids: dict[int, int] = attrs.field(factory=dict)
    jobs: dict[int, object] = attrs.field(factory=dict)
    batches: dict[int, Known] = attrs.field(factory=dict)
    cut: set[int] = attrs.field(factory=set)
    rejected: dict[int, object] = attrs.field(factory=dict)
    receipts: dict[int, str] = attrs.field(factory=dict)
    numbers: int = 0
    durable_until: float = 0.0

    def move(self, move):
        """One move is durable."""
        self.MOVES[type(move)](self, move)

    def _cut(self, move):
        first, job = self.first_ids[move.job], self.jobs[move.job]
        for number, since in enumerate(range(move.since, move.frontier, move.size), move.first):
            rows = range(since, min(since + move.size, move.frontier))
            ids = [first + row for row in rows]
            self._take(ids)
            self.batches[number] = Known(key_of(job.load_id, job.name, rows), ids, first, root=number)

    def _pick(self, move):
        first = self.first_ids[move.job]
        rows = rows_of(move.batch, first)
        self._take(rows)
        self.batches[move.batch.id] = Known(move.batch.key, rows, first, root=move.batch.id)

    def _take(self, rows):
        twice = [row for row in rows if row in self.cut]
        if twice:
            self.seen.accuse(f"rows {twice} were cut twice")
        self.cut.update(rows)

    def _child(self, parent, new, move):
        rows = rows_of(new, parent.first)
        if [row for row in rows if row not in parent.rows]:
            self.seen.accuse(f"{type(move).__name__} made rows {rows} of {parent.rows}")
        child = Known(new.key, rows, parent.first, root=parent.root)
        self.batches[new.id] = child
        fate = self.seen.fate(new.key, rows)
        fate.tainted = fate.tainted or self.seen.fate(parent.key, parent.rows).tainted
        return child

    def _split(self, move):
        parent = self._close(move.batch, move)
        fate = self.seen.fates[parent.key]
        if fate.tainted:
            self.seen.accuse(f"{parent.key[:6]} was halved although it may have arrived")
        last = fate.calls[-1].said
        if not self.seen.halves(fate, last):
            self.seen.accuse(f"{parent.key[:6]} was halved after it was {last}")
        parent.halved_for = last
        children = [self._child(parent, new, move) for new in move.children]
        if [row for child in children for row in child.rows] != parent.rows:
            self.seen.accuse(f"the halves of {parent.rows} are {[child.rows for child in children]}")

    def _settle_plain(self, move):
        for number in range(move.first, move.last + 1):
            batch = self._close(number, move)
            self._settle_rows(batch, batch.rows, "delivered")
            self._check_said(batch, [], [])

    def _settle(self, move):
        batch = self._close(move.batch, move)
        rejected = [self._row_of(letter) for letter in move.rejected]
        again = [] if move.child is None else self._child(batch, move.child, move).rows
        delivered = [row for row in batch.rows if row not in rejected and row not in again]
        if len(delivered) != move.delivered:
            self.seen.accuse(f"{move.delivered} rows of {batch.key[:6]} were counted as delivered, and {len(delivered)} were")
        self._settle_rows(batch, delivered, "delivered")
        self._settle_rows(batch, rejected, "rejected")
        self.rejected.update(zip(rejected, move.rejected, strict=True))
        self._check_said(batch, rejected, again)

    def _row_of(self, letter):
        return self.seen.first_of_table[letter.table] + letter.index

    def _settle_rows(self, batch, rows, how):
        for row in rows:
            if row in self.seen.settled:
                self.seen.accuse(f"row {row} was settled twice, as {self.seen.settled[row]} and as {how}")
            if row not in batch.rows:
                self.seen.accuse(f"row {row} was settled with {batch.rows}")
            self.seen.settled[row] = how

    def _check_said(self, batch, rejected, again):
        """What is written of a batch is what was said of it last."""
        if self._looked_at(batch, rejected, again):
            return
        reply = self.seen.last_reply.get(batch.key)
        if reply is None:
            self.seen.accuse(f"{batch.key[:6]} was settled and nothing was said of it")
            return
        self.receipts.update({batch.rows[i]: receipt for i, receipt in reply.receipts.items()})
        self.numbers += reply.numbers
        fate = self.seen.fates[batch.key]
        said = [batch.rows[i] for i in sorted(reply.rejected)] if reply.said == "answered" else batch.rows
        wanted = [batch.rows[i] for i in sorted(reply.retry)]
        kept = reply.said in {"refused", "too large"} and not self.seen.halves(fate, reply.said)
        if reply.said != "answered" and not kept:
            self.seen.accuse(f"{batch.key[:6]} was settled after it was said to be {reply.said}")
        if (sorted(rejected), again) != (said, wanted):
            self.seen.accuse(f"{batch.key[:6]}: {rejected} rejected and {again} to send again were written, {said} and {wanted} were said")

    def _looked_at(self, batch, rejected, again):
        """Whether a batch was settled before its call because rows of it do not fit, all of them and no others."""
        misfits = [row for row in batch.rows if row in (self.seen.case.misfits or ())]
        if not misfits:
            return False
        if sorted(rejected) != misfits or again != [row for row in batch.rows if row not in misfits]:
            self.seen.accuse(f"{batch.key[:6]}: {rejected} rejected and {again} left were written, {misfits} do not fit")
        if self.seen.fate(batch.key, batch.rows).calls:
            self.seen.accuse(f"{batch.key[:6]} was called with rows {misfits} that do not fit")
        self.seen.answered.update(misfits)
        return True

    def _close(self, number, move):
        batch = self.batches[number]
        if batch.over:
            self.seen.accuse(f"{type(move).__name__} of batch {number}, whose life has ended")
        batch.over = True
        return batch

    def _pause(self, move):
        self.durable_until = max(self.durable_until, move.until)

    def _nothing(self, move):
        """A move that changes no row."""

    MOVES: ClassVar = {
        Cut: _cut, Pick: _pick, Split: _split, Settle: _settle, SettlePlain: _settle_plain, Pause: _pause, Start: _nothing, Return: _nothing, Postpone: _nothing,
    }  # fmt: skip


def rows_of(new, first):
    """The ids of the rows of a new batch of a file whose first row has the id *first*."""
    numbers = numbers_of(new.first_row, new.row_count, new.ranges)
    return [first + number for number in numbers]
