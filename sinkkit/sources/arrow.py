"""Whatever hands out Arrow data, as record batches of bounded size; pyarrow is imported here and only when called."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sinkkit.errors import SourceError
from sinkkit.sources.pages import ARROW_ROWS_A_PAGE

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

PANDAS_INDEX = re.compile(r"__index_level_\d+__")
"""The name pyarrow gives to a pandas index without one (``pyarrow.Table.from_pandas``)."""


def record_batches(data: Any) -> Iterator[pa.RecordBatch]:
    """*data*, which has ``__arrow_c_stream__`` or ``__arrow_c_array__``, as batches of at most ``ARROW_ROWS_A_PAGE`` rows.

    A pandas index is a column where it has a name, and left out where it has none. Empty batches are left out.

    Raises:
        SourceError: If *data* is a single column, or two columns bear one name.
    """
    data = with_named_index(data)
    refuse_objects(data)
    for batch in opened(data):
        names = [name for name in batch.schema.names if not PANDAS_INDEX.fullmatch(name)]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise SourceError(f"two columns of the Arrow data are named {twice!r}", hint="rename one of them")
        kept = batch if len(names) == len(batch.schema.names) else batch.select(names)
        for start in range(0, kept.num_rows, ARROW_ROWS_A_PAGE):
            yield kept if kept.num_rows <= ARROW_ROWS_A_PAGE else kept.slice(start, ARROW_ROWS_A_PAGE)


def refuse_objects(data: Any) -> None:
    """Raise for a polars frame with a column of Python objects: Arrow would be given their addresses."""
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(data, polars.DataFrame):
        for name, kind in data.schema.items():
            if kind == polars.Object:
                raise SourceError(
                    f"column {name!r} of the polars frame holds Python objects, which Arrow cannot hold",
                    hint="give rows as dicts (frame.to_dicts()), or cast the column",
                )


def with_named_index(data: Any) -> Any:
    """*data*; if it is a pandas frame, with the named levels of its index as columns, which some versions of pandas drop."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, pandas.DataFrame):
        return data
    named = [name for name in data.index.names if name is not None and name not in data.columns]
    return data.reset_index(level=named) if named else data


def opened(data: Any) -> Iterator[pa.RecordBatch]:
    """The batches of *data* as its owner made them."""
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return iter(data.to_batches())
    if isinstance(data, pa.RecordBatch):
        return iter([data])
    if isinstance(data, pa.RecordBatchReader):
        return iter(data)
    if isinstance(data, pa.Array | pa.ChunkedArray) or is_column(data):
        raise SourceError(
            f"{type(data).__module__}.{type(data).__name__} is one column, not a table",
            hint="give it a name: a table, or for a pandas or polars series series.to_frame('name')",
        )
    if hasattr(type(data), "__arrow_c_stream__"):
        return iter(pa.RecordBatchReader.from_stream(data))
    return iter([pa.record_batch(data)])


def is_column(data: Any) -> bool:
    """Whether *data* is a pandas or polars series, told by its type without importing either."""
    return type(data).__name__ == "Series" and type(data).__module__.partition(".")[0] in {"pandas", "polars"}
