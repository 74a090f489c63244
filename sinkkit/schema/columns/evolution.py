"""Rows meet what is known of their table: which are kept, under which names of columns, and which the table's contract refuses.

Decided row by row in their order, so that chunks do not matter, but looked at a chunk at a time: a chunk in which every column has types that
went through before costs one comparison of sets. A value whose data type its column does not hold, nor one of wider numbers would (``bigint`` into
``double``), goes to a column of its own beside it, a *variant*, where rows are shaped for a destination; where they stay as given, the column becomes
wider. Where the user says what the data type is, that is the destination's to make of the value, and it stays. A value is never changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.errors import SchemaError
from sinkkit.rows import Row
from sinkkit.schema.columns.contract import DISCARD_ROW, EVERYTHING, EVOLVE, FREEZE, Contract
from sinkkit.schema.columns.data_types import arrow_data_type, data_type_of, fits, widens
from sinkkit.schema.shapes import Shape, Shapes, kinds_of, shapes_of

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types  # noqa: TC004  # heavy, and attrs does not evaluate annotations

OWN = "_sk_"
"""What columns of sinkkit's own begin with; no contract speaks of them."""

Variants = Callable[[str, str], str]
"""A column and a data type → the column for values of it."""


@attrs.frozen
class Known:
    """What a column holds.

    Attributes:
        types: Data types of its values; none while only None was seen.
        earlier: Whether it was known before this load.
        hinted: Whether the user says what its data type is: then it becomes no other.
    """

    types: frozenset[str] = frozenset()
    earlier: bool = False
    hinted: bool = False


@attrs.frozen
class Verdict:
    """What becomes of values of one type in one column: kept, kept in column *target*, or taken out (*target* None); or of their rows: *refused*, and why."""

    target: str | None
    refused: str | None = None


@attrs.frozen
class Refused:
    """A row that the contract does not let through, and why."""

    row: Row
    reason: str


@attrs.frozen
class RefusedRows:
    """Arrow rows that the contract does not let through for one reason."""

    data: pa.Table
    reason: str


@attrs.define(eq=False)
class Evolution:
    """What is known of one table while a load is taken.

    Attributes:
        table: Its name.
        contract: What becomes of what is new.
        variants: How the columns for values of other types are called; None: rows stay as given.
        columns: Its columns.
        new: Whether no earlier load had the table; such a one may have any columns.
        rows: How many rows came so far.
    """

    table: str
    contract: Contract
    variants: Variants | None
    columns: dict[str, Known]
    new: bool
    rows: int = 0
    _kept: set[Shape] = attrs.field(factory=set, init=False, repr=False)
    _verdicts: dict[Shape, Verdict] = attrs.field(factory=dict, init=False, repr=False)

    @classmethod
    def of(
        cls,
        table: str,
        contract: Contract | None,
        variants: Variants | None,
        *,
        known: Mapping[str, frozenset[str]] | None = None,
        hints: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Evolution:
        """One at the beginning of a load.

        Args:
            table: The table's name.
            contract: None takes everything as it comes.
            variants: As the attribute.
            known: Column name to data types, from earlier loads; None if there was none.
            hints: What the user says of columns.
        """
        columns = {name: Known(types, earlier=True) for name, types in (known or {}).items()}
        for name, hint in (hints or {}).items():
            types = columns.get(name, Known()).types
            stated = frozenset({hint["data_type"]}) if "data_type" in hint else None
            columns[name] = Known(stated or types, earlier=True, hinted=stated is not None)
        return cls(table, contract or EVERYTHING, variants, columns, new=known is None)

    def take(self, rows: list[Row], shapes: Shapes | None = None) -> tuple[list[Row], list[Refused]]:
        """The rows that are kept (the very list given, if all are as they were), and those that are not; the rows given are not changed.

        Args:
            rows: Any number of rows.
            shapes: What ``shapes_of(rows)`` gave, if it is known.

        Raises:
            SchemaError: If the contract is frozen and a row does not fit it, or if a variant has the name of another column.
        """
        refused = self._refused_table()
        if refused is not None:
            return [], [Refused(row, refused) for row in rows]
        unseen = (shapes_of(rows) if shapes is None else shapes).pairs - self._kept
        if unseen:
            unseen = unseen - self._plain(unseen)
        first, self.rows = self.rows, self.rows + len(rows)
        if not unseen:
            return rows, []
        kept: list[Row] = []
        out: list[Refused] = []
        suspects = frozenset(name for name, _ in unseen)
        for number, row in enumerate(rows, first):
            taken = self._row(row, suspects, number)
            if isinstance(taken, Refused):
                out.append(taken)
            else:
                kept.append(taken)
        return kept, out

    def _plain(self, unseen: frozenset[Shape]) -> frozenset[Shape]:
        """Those of *unseen* that can be kept whatever the order of the rows; they are kept from now on."""
        found = set()
        for name, kinds in kinds_of(unseen).items():
            column = self.columns.get(name)
            types = {kind: data_type_of(kind) for kind in kinds}
            if column is not None and (column.types or set(types.values()) == {None}):
                found |= {(name, kind) for kind, data_type in types.items() if fits(data_type, column.types)}
            elif self.contract == EVERYTHING and len(stated := {each for each in types.values() if each is not None}) <= 1:
                self.columns[name] = Known(frozenset(stated), earlier=column is not None)
                found |= {(name, kind) for kind in kinds}
        self._kept |= found
        return frozenset(found)

    def _row(self, row: Row, suspects: frozenset[str], number: int) -> Row | Refused:
        """What becomes of one row, of which columns in *suspects* may have to be looked at."""
        looked: dict[Shape, Verdict] = {}
        staged: dict[str, Known] = {}
        for name, value in row.items():
            shape = (name, type(value))
            if name not in suspects or shape in self._kept:
                continue
            verdict = self._verdicts.get(shape) or self._verdict(name, data_type_of(shape[1]), staged, number)
            if verdict.refused is not None:
                self._verdicts[shape] = verdict
                return Refused(row, verdict.refused)
            looked[shape] = verdict
        self.columns.update(staged)
        targets = {}
        for shape, verdict in looked.items():
            if verdict.target == shape[0]:
                self._kept.add(shape)
            else:
                self._verdicts[shape] = verdict
                targets[shape[0]] = verdict.target
        return self._moved(row, targets, number) if targets else row

    def _moved(self, row: Row, targets: Mapping[str, str | None], number: int) -> Row:
        """*row* with values under other names, or taken out."""
        moved: Row = {}
        for name, value in row.items():
            target = targets.get(name, name)
            if target is None:
                continue
            if target in moved or (target != name and target in row):
                raise SchemaError(
                    f"table {self.table!r}, row {number} (counted from 0) has a column {target!r}, which values of another type in column "
                    f"{target.rpartition('__v_')[0]!r} go to",
                    hint="rename that column",
                )
            moved[target] = value
        return moved

    def _verdict(self, name: str, data_type: str | None, staged: dict[str, Known], number: int) -> Verdict:
        """What becomes of values of *data_type* in column *name*; what that makes known goes to *staged*."""
        column = staged.get(name) or self.columns.get(name)
        if column is None:
            return self._of_new_column(name, data_type, staged, number)
        if data_type is None or fits(data_type, column.types):
            return Verdict(name)
        mode = self.contract.data_type
        free = not column.hinted and (not column.earlier or mode == EVOLVE)
        mixes = mode == EVOLVE and self.variants is None
        if not column.types or (free and (mixes or widens(data_type, column.types))):
            staged[name] = attrs.evolve(column, types=column.types | {data_type})
            return Verdict(name)
        if mode != EVOLVE:
            return self._refused_value(name, data_type, column, number)
        return Verdict(name) if self.variants is None or column.hinted else self._variant(name, data_type, self.variants, staged)

    def _of_new_column(self, name: str, data_type: str | None, staged: dict[str, Known], number: int) -> Verdict:
        mode = EVOLVE if self.new or str(name).lower().startswith(OWN) else self.contract.columns
        if mode != EVOLVE:
            return self._refused_column(name, data_type, mode, number)
        staged[name] = Known(frozenset() if data_type is None else frozenset({data_type}))
        return Verdict(name)

    def _variant(self, name: str, data_type: str, variants: Variants, staged: dict[str, Known]) -> Verdict:
        target = variants(name, data_type)
        known = staged.get(target) or self.columns.get(target)
        if known is not None and known.types and not fits(data_type, known.types):
            raise SchemaError(
                f"table {self.table!r}: values of type {data_type} in column {name!r} go to column {target!r}, which holds {_told(known)}",
                hint="rename one of the two columns",
            )
        staged[target] = attrs.evolve(known or Known(), types=frozenset({data_type}) | (known.types if known else frozenset()))
        return Verdict(target)

    def _refused_table(self) -> str | None:
        """Why no row of the table is let through, if that is so."""
        mode = self.contract.tables if self.new else EVOLVE
        if mode == EVOLVE:
            return None
        if mode == FREEZE:
            raise SchemaError(
                f"table {self.table!r}, row {self.rows} (counted from 0): no earlier load had this table, and its schema contract for tables is freeze",
                hint='take it once with schema_contract={"tables": "evolve"}, or send only tables that are known',
            )
        return f"table {self.table!r} is not known (schema contract: tables {mode})"

    def _refused_column(self, name: str, data_type: str | None, mode: str, number: int) -> Verdict:
        if mode == FREEZE:
            known = ", ".join(map(repr, self.columns)) or "none"
            near = difflib.get_close_matches(str(name), self.columns, n=1)
            meant = f"did you mean {near[0]!r}? Else " if near else ""
            raise SchemaError(
                f"table {self.table!r}, row {number} (counted from 0): column {name!r} with a value of type {data_type or 'None'} is not known, "
                f"and the schema contract for columns is freeze; known: {shortened(known)}",
                hint=meant + 'take it once with schema_contract={"columns": "evolve"}, or leave the column out',
            )
        return Verdict(None, f"column {name!r} is not known (schema contract: columns {mode})" if mode == DISCARD_ROW else None)

    def _refused_value(self, name: str, data_type: str, column: Known, number: int) -> Verdict:
        mode = self.contract.data_type
        if mode == FREEZE:
            raise SchemaError(
                f"table {self.table!r}, row {number} (counted from 0), column {name!r}: the value is of type {data_type}, the column of "
                f"type {_told(column)}, and the schema contract for data_type is freeze",
                hint='mend the value, or take it with schema_contract={"data_type": "evolve"}',
            )
        reason = f"column {name!r} holds {_told(column)}, not {data_type} (schema contract: data_type {mode})"
        return Verdict(None, reason if mode == DISCARD_ROW else None)

    def take_arrow(self, data: pa.Table | pa.RecordBatch) -> tuple[pa.Table, list[RefusedRows]]:
        """As ``take``, for Arrow data: column by column, as all values of one have one type; a null is no value.

        Raises:
            SchemaError: As ``take``.
        """
        import pyarrow as pa

        whole = data if isinstance(data, pa.Table) else pa.Table.from_batches([data])
        refused = self._refused_table()
        if refused is not None:
            return whole.slice(0, 0), [RefusedRows(whole, refused)]
        verdicts = list(self._of_columns(whole))
        self.rows += len(whole)
        out: list[RefusedRows] = []
        if all(verdict.target == name for name, verdict in zip(whole.column_names, verdicts, strict=True)):
            return whole, out
        kept = whole
        for name, verdict in zip(whole.column_names, verdicts, strict=True):
            if verdict.refused is not None:
                there = kept.column(name).is_valid()
                if (some := kept.filter(there)).num_rows:
                    out.append(RefusedRows(some, verdict.refused))
                    kept = kept.filter(kept.column(name).is_null())
        return self._renamed(kept, [verdict.target for verdict in verdicts]), out

    def _of_columns(self, data: pa.Table) -> Iterator[Verdict]:
        """What becomes of each column."""
        for field, column in zip(data.schema, data.columns, strict=True):
            staged: dict[str, Known] = {}
            number = self.rows + (column.is_valid().index(True).as_py() if column.null_count < len(column) else 0)
            yield self._verdict(field.name, arrow_data_type(field.type), staged, number)
            self.columns.update(staged)

    def _renamed(self, data: pa.Table, targets: list[str | None]) -> pa.Table:
        """*data* with columns called *targets*, without those of which that is None."""
        names = [name for name in targets if name is not None]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise SchemaError(f"table {self.table!r} has a column {twice!r}, which a variant would be called", hint="rename that column")
        return data.select([at for at, target in enumerate(targets) if target is not None]).rename_columns(names)


def _told(column: Known) -> str:
    """What a column holds, for people."""
    return " and ".join(sorted(column.types)) or "nothing yet"


def shortened(text: str, most: int = 300) -> str:
    """*text*, cut where it is longer than *most* characters."""
    return text if len(text) <= most else f"{text[:most]}..."


