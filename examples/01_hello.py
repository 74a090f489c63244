"""A function becomes a destination: no loop, no batching, no threads of your own.

It prints::

    people: 2 rows, the first is {'id': 0, 'name': 'person 0'}
    people: 2 rows, the first is {'id': 2, 'name': 'person 2'}
    people: 1 rows, the first is {'id': 4, 'name': 'person 4'}
    hello → show: 5 rows delivered in 0.01 s, 3 calls
"""

from collections.abc import Iterator

import sinkkit


@sinkkit.destination(batch_size=2, workers=1)
def show(items: list[dict], table: sinkkit.TableSchema) -> None:
    print(f"{table['name']}: {len(items)} rows, the first is {items[0]}")


def people() -> Iterator[dict]:
    for n in range(5):
        yield {"id": n, "name": f"person {n}"}


if __name__ == "__main__":
    pipeline = sinkkit.pipeline("hello", destination=show)
    print(pipeline.run(people(), table_name="people"))
