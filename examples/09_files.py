"""Files in, by a pattern; and whole files out, by their path.

It prints::

    a row: {'id': 1, 'city': 'Malmö', 'since': datetime.date(2024, 1, 1)}
    a row: {'id': 2, 'city': 'Łódź', 'since': datetime.date(2025, 6, 30)}
    a row: {'id': 3, 'city': 'Huế', 'since': datetime.date(2026, 2, 28)}
    a .parquet file with 3 rows of people
"""

from pathlib import Path

import pyarrow.parquet as pq

import sinkkit
from sinkkit.sources import files

FILES = {"people_1.csv": "id,city,since\n1,Malmö,2024-01-01\n2,Łódź,2025-06-30\n", "people_2.csv": "id,city,since\n3,Huế,2026-02-28\n"}
COLUMNS = {"id": {"data_type": "bigint"}, "since": {"data_type": "date"}}


@sinkkit.destination(workers=1)
def show(items: list[dict]) -> None:
    for row in items:
        print("a row:", row)


@sinkkit.destination(batch_size=0, loader_file_format="parquet")
def upload(path: Path, table: sinkkit.TableSchema) -> None:
    print(f"a {path.suffix} file with {pq.read_metadata(path).num_rows} rows of {table['name']}")


if __name__ == "__main__":
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")
    people = files("people_*.csv", columns=COLUMNS)
    for destination in (show, upload):
        sinkkit.pipeline(destination.name, destination=destination).run(people, table_name="people")
