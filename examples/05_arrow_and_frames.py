"""Arrow tables and data frames go in and come out without being taken apart into rows.

It prints::

    arrow:  600 rows, total 179700.0
    arrow:  400 rows, total 319800.0
    pandas: 600 rows, total 179700.0
    pandas: 400 rows, total 319800.0
    polars: 600 rows, total 179700.0
    polars: 400 rows, total 319800.0
    dicts:  2 rows, the first is {'id': 0, 'amount': 0.0}
"""

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

import sinkkit

TABLE = pa.table({"id": range(1_000), "amount": [float(n) for n in range(1_000)]})


@sinkkit.destination(batch_size=600, loader_file_format="parquet", workers=1)
def arrow(items: pa.Table) -> None:
    print(f"arrow:  {items.num_rows} rows, total {pc.sum(items['amount'])}")


@sinkkit.destination(batch_size=600, loader_file_format="parquet", workers=1)
def pandas(items: pd.DataFrame) -> None:
    print(f"pandas: {len(items)} rows, total {items['amount'].sum()}")


@sinkkit.destination(batch_size=600, loader_file_format="parquet", workers=1)
def polars(items: pl.DataFrame) -> None:
    print(f"polars: {items.height} rows, total {items['amount'].sum()}")


@sinkkit.destination(batch_size=1_000, workers=1)
def dicts(items: list[dict]) -> None:
    print(f"dicts:  {len(items)} rows, the first is {items[0]}")


if __name__ == "__main__":
    for destination in (arrow, pandas, polars):
        sinkkit.pipeline(destination.name, destination=destination).run(TABLE, table_name="payments")
    sinkkit.pipeline("dicts", destination=dicts).run(pl.from_arrow(TABLE).head(2), table_name="payments")
