"""Bad rows are kept with their reasons, by index or by halving a batch that was refused as a whole.

It prints::

    by_row → by_row: 4 rows delivered, 1 rejected in 0.01 s, 1 call
      row 2 {'id': 2, 'email': 'nobody'}: not an e-mail address
    by_batch → by_batch: 4 rows delivered, 1 rejected in 0.01 s, 5 calls, 4 of them retries
      row 2 {'id': 2, 'email': 'nobody'}: 422: the batch is not valid
"""

import sinkkit
from sinkkit import Outcome, Reject

PEOPLE = [{"id": n, "email": "nobody" if n == 2 else f"{n}@example.com"} for n in range(5)]  # noqa: PLR2004  # one bad row


@sinkkit.destination(batch_size=5)
def by_row(items: list[dict]) -> Outcome:
    """An API that says which rows are bad."""
    return Outcome(rejected={i: "not an e-mail address" for i, row in enumerate(items) if "@" not in row["email"]})


@sinkkit.destination(batch_size=5, on_reject="bisect", workers=1)
def by_batch(items: list[dict]) -> None:
    """An API that refuses all for one."""
    if not all("@" in row["email"] for row in items):
        raise Reject("422: the batch is not valid")


if __name__ == "__main__":
    for destination in (by_row, by_batch):
        pipeline = sinkkit.pipeline(destination.name, destination=destination)
        print(pipeline.run(PEOPLE, table_name="people"))
        for letter in pipeline.rejected():
            print(f"  row {letter.index} {letter.row}: {letter.reason}")
