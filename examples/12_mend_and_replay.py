"""Rejected rows stay until they are delivered: some are mended and sent again, the rest goes again as it is.

It prints::

    people → crm: 3 rows delivered, 2 rejected in 0.01 s, 1 call
      no e-mail address: 'nobody'
      the CRM has no country 'Atlantis'
    people → crm: 1 row delivered in 0.01 s, 1 call
      the CRM has no country 'Atlantis'
    people → crm: 1 row delivered in 0.01 s, 1 call
    left: 0
"""

import sinkkit
from sinkkit import Outcome

COUNTRIES = ["France", "Poland"]
PEOPLE = [
    {"id": 0, "email": "ann@example.com", "country": "France"},
    {"id": 1, "email": "nobody", "country": "France"},
    {"id": 2, "email": "bo@example.com", "country": "Atlantis"},
    {"id": 3, "email": "cy@example.com", "country": "Poland"},
    {"id": 4, "email": "di@example.com", "country": "Poland"},
]


@sinkkit.destination(batch_size=10)
def crm(items: list[dict]) -> Outcome:
    """An API that says which rows are bad."""
    refused = {}
    for index, row in enumerate(items):
        if "@" not in row["email"]:
            refused[index] = f"no e-mail address: {row['email']!r}"
        elif row["country"] not in COUNTRIES:
            refused[index] = f"the CRM has no country {row['country']!r}"
    return Outcome(rejected=refused)


def show() -> None:
    for letter in pipeline.rejected():
        print(f"  {letter.reason}")


if __name__ == "__main__":
    pipeline = sinkkit.pipeline("people", destination=crm)
    print(pipeline.run(PEOPLE, table_name="people"))
    show()

    mended = [{"id": letter.id, "row": {**letter.row, "email": "eve@example.com"}} for letter in pipeline.rejected() if "e-mail" in letter.reason]
    print(pipeline.replay(rows=mended))
    show()

    COUNTRIES.append("Atlantis")  # somebody added it to the CRM
    print(pipeline.replay())
    print(f"left: {len(list(pipeline.rejected()))}")
