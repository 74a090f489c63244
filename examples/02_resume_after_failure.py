"""A run that failed in the middle is resumed by running it again; a completed one, named by run_id, sends nothing.

The destination stops in the middle of the first run, as if somebody had pulled the plug on it. The second run sends
the rest, and nothing that was delivered. The third finds that all is done.

It prints::

    first:  nightly → crm: 40 rows delivered, 60 pending in 0.02 s, 5 calls
      not everything was delivered: run again, or `sinkkit resume nightly`
    second: nightly → crm: 100 rows delivered in 0.02 s, 6 calls, 1 of them retries
    third:  nightly → crm: 100 rows delivered in 0.02 s, ... calls, 1 of them retries
    rows that arrived: 100, different ones: 100
"""

from collections.abc import Iterator

import sinkkit
from sinkkit.errors import DeliveryFailed

arrived: list[int] = []
broken = True


@sinkkit.destination(batch_size=10, workers=1)
def crm(items: list[dict]) -> None:
    if broken and {"id": 40} in items:
        raise sinkkit.Halt("the CRM is down for maintenance")
    arrived.extend(row["id"] for row in items)


def contacts() -> Iterator[dict]:
    yield from ({"id": n} for n in range(100))


if __name__ == "__main__":
    pipeline = sinkkit.pipeline("nightly", destination=crm)
    try:
        pipeline.run(contacts(), table_name="contacts", run_id="2026-11-20")
    except DeliveryFailed as error:
        print("first: ", error.info)
    broken = False
    print("second:", pipeline.run(contacts(), table_name="contacts", run_id="2026-11-20"))
    print("third: ", pipeline.run(contacts(), table_name="contacts", run_id="2026-11-20"))
    print(f"rows that arrived: {len(arrived)}, different ones: {len(set(arrived))}")
