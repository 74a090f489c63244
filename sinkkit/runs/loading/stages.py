"""Parents before children: the tables of a package in the order in which they are delivered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import attrs

from sinkkit.errors import PendingPackages
from sinkkit.journal.protocol import Journal
from sinkkit.journal.records import Counts
from sinkkit.rows import TableSchema


@attrs.frozen
class Stage:
    """Tables that are delivered together, once all before them are settled.

    Attributes:
        tables: Their names.
        in_order: Whether their rows have an order to keep: child tables without the ordering column have none.
    """

    tables: frozenset[str]
    in_order: bool

    def settled(self, counts: Mapping[str, Counts]) -> bool:
        """Whether every row is delivered or rejected, as *counts* say."""
        return all(count.settled for name, count in counts.items() if name in self.tables)


def stages_of(tables: Sequence[TableSchema], order_by: str | None, own: Collection[str] = ()) -> list[Stage]:
    """The stages of *tables*: those of one level together, parents first, and sinkkit's *own* at the end, as they tell of all others."""
    stages: dict[tuple[bool, int, bool], list[str]] = {}
    for table in tables:
        level = int(table.get("level", 0))
        lacks = order_by is not None and level > 0 and order_by not in table["columns"]
        stages.setdefault((table.name in own, level, lacks), []).append(table.name)
    return [Stage(frozenset(names), not lacks) for (_, _, lacks), names in sorted(stages.items(), key=lambda stage: stage[0])]


def held_above(stage: Stage, load_id: str, journal: Journal) -> PendingPackages | None:
    """Why the tables after *stage* wait, if rows of it are on hold; None: for another reason, which is told elsewhere."""
    held = sorted({record.table for record in journal.held() if record.load_id == load_id and record.table in stage.tables})
    if not held:
        return None
    return PendingPackages(
        f"rows of table {', '.join(map(repr, held))} are on hold, and the rows of other tables wait for them",
        hint="find out whether they arrived, then say so with `sinkkit resolve` or pipeline.resolve(), and run again",
    )
