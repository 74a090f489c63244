"""A destination for replays: it refuses what it is told to, and remembers its calls."""

from __future__ import annotations

import attrs

from sinkkit import Outcome


@attrs.define
class Picky:
    """A destination that refuses what it is told to, and remembers its calls.

    Attributes:
        bad: Ids of rows that it rejects.
        later: Ids of rows that it wants to have again, once.
        broken: Raised by every call while it is set.
        calls: The ids of each call.
        keys: The key of each call.
        got: Ids of rows delivered.
    """

    bad: list = attrs.field(factory=list)
    later: list = attrs.field(factory=list)
    broken: BaseException | None = None
    calls: list = attrs.field(factory=list)
    keys: list = attrs.field(factory=list)
    got: list = attrs.field(factory=list)
    rows: list = attrs.field(factory=list)
    tables: list = attrs.field(factory=list)

    def __call__(self, items, table, batch):
        ids = [row["id"] for row in items]
        self.calls.append(ids)
        self.keys.append(batch.key)
        self.tables.append(table)
        if self.broken is not None:
            raise self.broken
        again = [place for place, one in enumerate(ids) if one in self.later]
        self.later = [one for one in self.later if one not in ids]
        bad = {place: f"bad e-mail {one}" for place, one in enumerate(ids) if one in self.bad and place not in again}
        self.got += [one for place, one in enumerate(ids) if place not in bad and place not in again]
        self.rows += [row for place, row in enumerate(items) if place not in bad and place not in again]
        return Outcome(rejected=bad, retry=again, receipts={place: f"crm-{one}" for place, one in enumerate(ids) if one in self.got})


def people(*numbers):
    """Rows with these ids."""
    return [{"id": number} for number in numbers]
