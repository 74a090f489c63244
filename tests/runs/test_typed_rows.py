"""Destinations whose rows are objects of a class: bad rows stay behind with their path, all else is as ever."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypedDict
from uuid import UUID

import attrs
import httpx
import msgspec
import pyarrow as pa
import pytest

import sinkkit
from sinkkit import Outcome, Reject, Retry, RetryLater, Secret
from sinkkit.errors import DeliveryFailed

QUICK = Retry(attempts=3, first_wait=0.0, longest_wait=0.0)


@attrs.define
class Address:
    """Where somebody lives."""

    zip: int


@attrs.define
class Contact:
    """One row."""

    id: int
    address: Address | None = None


@dataclasses.dataclass
class Person:
    """One row, as a dataclass."""

    id: int


class Entry(TypedDict):
    """One row, as a dict."""

    id: int


class Record(msgspec.Struct):
    """One row, as a Struct."""

    id: int


@attrs.define
class Sale:
    """A row of values that JSON does not have."""

    at: datetime
    price: Decimal
    id: UUID


BAD = "expected int @ $.address.zip, got str 'x'"


def bad(number):
    """A row that does not fit."""
    return {"id": number, "address": {"zip": "x"}}


def mixed(count, *, every):
    """Rows of which each *every*-th, from the first on, does not fit."""
    return [{"id": n, "address": {"zip": n}} if n % every else bad(n) for n in range(count)]


def run_of(destination, rows, **arguments):
    """The pipeline, and the report of a run of it."""
    pipeline = sinkkit.pipeline("p", destination=destination, progress="off")
    return pipeline, pipeline.run(rows, table_name="contacts", **arguments)


@pytest.mark.parametrize("kind", [Contact, Person, Entry, Record])
def test_a_bad_row_stays_behind(kind):
    """Of a hundred thousand rows the bad ones are dead letters that say where and why, and all others arrive once, in every sort of class."""
    count = 100_000 if kind is Contact else 1_000
    got, lock = [], threading.Lock()

    def crm(items, batch: sinkkit.Batch):
        assert len(items) == len(batch.rows)
        with lock:
            got.extend(item["id"] if isinstance(item, dict) else item.id for item in items)

    crm.__annotations__["items"] = list[kind]
    pipeline, info = run_of(sinkkit.destination(batch_size=100)(crm), ({"id": n if n % 100 else f"no {n}"} for n in range(count)))
    letters = list(pipeline.rejected())

    assert sorted(got) == [n for n in range(count) if n % 100]
    assert (info.total.delivered, info.total.rejected, info.total.pending) == (count - count // 100, count // 100, 0)
    assert [(letter.index, letter.row, letter.reason) for letter in letters if letter.index < 300] == [
        (n, {"id": f"no {n}"}, f"expected int @ $.id, got str 'no {n}'") for n in (0, 100, 200)
    ]
    assert (letters[0].attempts, letters[0].status, letters[0].error) == (0, None, None)


def test_nothing_is_called_for_bad_rows_alone():
    """A batch of which no row fits is settled without a call, and the run is done."""
    calls = []

    @sinkkit.destination(batch_size=3)
    def crm(items: list[Contact]):
        calls.append([item.id for item in items])

    pipeline, info = run_of(crm, [bad(n) for n in range(6)] + [{"id": 6}])

    assert calls == [[6]]
    assert (info.calls, info.total.rejected, info.total.delivered) == (1, 6, 1)
    assert pipeline.pending == ()


def test_values_come_as_they_were_given():
    """Dates, decimals and ids that the package restored reach the function as they are."""
    got = []

    @sinkkit.destination
    def crm(items: list[Sale]):
        got.extend(items)

    row = {"at": datetime(2024, 1, 2, tzinfo=UTC), "price": Decimal("1.10"), "id": UUID(int=3)}
    run_of(crm, [row])

    assert got == [Sale(**row)]


def test_indices_are_positions_in_items():
    """What the function says by index is about the rows it got; what it wants again is sent again, alone, and what it rejects is kept."""
    calls, keys = [], []

    @sinkkit.destination(batch_size=10, workers=1, retry=QUICK)
    def crm(items: list[Contact], batch: sinkkit.Batch):
        calls.append([item.id for item in items])
        keys.append((batch.key, list(batch.rows), batch.attempt, batch.items == items))
        if len(calls) == 1:
            return Outcome(rejected={0: "no"}, retry={2}, receipts={1: "crm-2"})
        return None

    pipeline, _ = run_of(crm, mixed(5, every=5))
    letters = [(letter.index, letter.reason) for letter in pipeline.rejected()]

    assert calls == [[1, 2, 3, 4], [3]]
    assert [rest for _, *rest in keys] == [[[1, 2, 3, 4], 1, True], [[3], 2, True]]
    assert keys[0][0] != keys[1][0]
    assert letters == [(0, BAD), (1, "no")]
    assert pipeline.receipts().select(["index", "receipt"]).to_pylist() == [{"index": 2, "receipt": "crm-2"}]


def test_a_failed_call_is_made_again_with_new_objects():
    """An attempt gets objects of its own under the same key, and the bad row is no part of any."""
    seen = []

    @sinkkit.destination(batch_size=10, workers=1, retry=QUICK)
    def crm(items: list[Contact], batch: sinkkit.Batch):
        seen.append((batch.key, batch.attempt, [item.id for item in items]))
        for item in items:
            item.id = -1
        if batch.attempt < 3:
            raise RetryLater("busy") if batch.attempt == 1 else httpx.ReadTimeout("slow")

    _, info = run_of(crm, mixed(4, every=4))

    assert [(attempt, ids) for _, attempt, ids in seen] == [(1, [1, 2, 3]), (2, [1, 2, 3]), (3, [1, 2, 3])]
    assert len(dict.fromkeys(key for key, _, _ in seen)) == 1
    assert (info.total.delivered, info.total.resent, info.total.rejected, info.calls) == (3, 3, 1, 3)


def test_refusals_of_whole_batches_are_bisected():
    """What the function refuses is looked for among the rows that fit."""

    @sinkkit.destination(batch_size=8, on_reject="bisect", workers=1)
    def crm(items: list[Contact]):
        if any(item.id == 6 for item in items):
            raise Reject("not 6")

    pipeline, info = run_of(crm, [{"id": 0}] * 8 + mixed(8, every=4))

    assert [(letter.row["id"], letter.reason) for letter in pipeline.rejected()] == [(0, BAD), (4, BAD), (6, "not 6")]
    assert info.total.delivered == 13


@pytest.mark.parametrize("options", [{"order_by": "key"}, {"workers": 1}, {"batch_bytes": 150}, {"rate_limit": "1000/s"}, {"workers": "adaptive"}])
def test_every_way_to_choose_rows_works(options):
    """In order of a key, one call at a time, by size, with a limit and with adaptive workers: the good rows arrive, the bad ones are kept."""
    got, lock = [], threading.Lock()

    @attrs.define
    class Keyed:
        id: int
        key: str

    def crm(items):
        with lock:
            got.extend((item.key, item.id) for item in items)

    crm.__annotations__["items"] = list[Keyed]
    rows = [{"id": n if n % 7 else str(n), "key": f"k{n % 5}"} for n in range(200)]
    _, info = run_of(sinkkit.destination(batch_size=9, **options)(crm), rows)
    good = [(f"k{n % 5}", n) for n in range(200) if n % 7]

    assert sorted(got) == sorted(good)
    assert (info.total.delivered, info.total.rejected) == (len(good), 29)
    if "order_by" in options or options.get("workers") == 1:
        assert [[n for key, n in got if key == lane] for lane in ("k0", "k3")] == [[n for key, n in good if key == lane] for lane in ("k0", "k3")]


def test_coroutines_get_objects():
    """Coroutines side by side on one loop get objects, and bad rows stay behind."""
    got = []

    @sinkkit.destination(batch_size=5)
    async def crm(items: list[Contact]):
        got.extend(item.id for item in items)

    _, info = run_of(crm, mixed(100, every=10))

    assert sorted(got) == [n for n in range(100) if n % 10]
    assert info.total.rejected == 10


@pytest.mark.parametrize("data", ["dicts", "arrow"])
def test_rows_that_rest_as_arrow_become_objects(data):
    """With parquet packages and with Arrow data, typed rows are as with dicts."""
    got = []

    @sinkkit.destination(batch_size=5, loader_file_format="parquet", workers=1)
    def crm(items: list[Contact]):
        got.extend(items)

    rows = [{"id": n, "address": None if n == 2 else {"zip": n}} for n in range(8)]
    pipeline, _ = run_of(crm, pa.Table.from_pylist(rows) if data == "arrow" else rows)
    run_of(crm, pa.table({"id": ["x", "y"]}))

    assert got == [Contact(n, None if n == 2 else Address(n)) for n in range(8)]
    assert [letter.reason for letter in pipeline.rejected()] == [f"expected int @ $.id, got str {name!r}" for name in "xy"]


def test_edited_rows_are_looked_at_again():
    """A dead letter that was mended is delivered by a replay; one that was not stays, with its reason."""
    got = []

    @sinkkit.destination(batch_size=10)
    def crm(items: list[Contact]):
        got.extend(items)

    pipeline, _ = run_of(crm, [bad(1), bad(2), {"id": 3}])
    letters = list(pipeline.rejected())
    again = pipeline.replay()
    mended = pipeline.replay(rows=[{"id": letters[0].id, "row": {"id": 1, "address": {"zip": 9}}}])

    assert (again.total.delivered, again.total.rejected) == (0, 2)
    assert mended.total.delivered == 1
    assert [item.id for item in got] == [3, 1]
    assert [(letter.id, letter.reason) for letter in pipeline.rejected()] == [(letters[1].id, BAD)]


def test_max_rejected_counts_rows_that_do_not_fit():
    """More bad rows than allowed halt the run; what fits is delivered by the next."""

    @sinkkit.destination(batch_size=10, max_rejected=4, workers=1)
    def crm(items: list[Contact]):
        pass

    with pytest.raises(DeliveryFailed) as failed:
        run_of(crm, mixed(100, every=5))
    total = failed.value.info.total

    assert "max_rejected=4" in str(failed.value.__cause__)
    assert BAD in str(failed.value.__cause__)
    assert (total.delivered + total.rejected + total.pending, total.unknown, total.rejected) == (100, 0, 6)
    pipeline = sinkkit.pipeline("p", destination=crm(max_rejected=100), progress="off")
    assert pipeline.resume().total.delivered == 80


def test_secrets_are_not_in_reasons():
    """A bad value that is a secret of the destination is masked in its reason."""

    @sinkkit.destination
    def crm(items: list[Contact], api_key: Secret):
        pass

    pipeline, _ = run_of(crm(api_key="hunter2-and-more"), [{"id": "hunter2-and-more"}])

    assert [letter.reason for letter in pipeline.rejected()] == ["expected int @ $.id, got str '***'"]


def test_a_probe_gets_objects():
    """A probe for a batch of unknown fate sees the objects that were sent."""
    asked = []

    @sinkkit.destination(batch_size=10, on_unknown="probe", retry=QUICK)
    def crm(items: list[Contact], batch: sinkkit.Batch):
        if batch.attempt == 1:
            raise httpx.ReadTimeout("slow")

    @crm.probe
    def arrived(batch):
        asked.append(batch.items)
        return Outcome(receipts={1: "r"})

    pipeline, info = run_of(crm, mixed(3, every=3))

    assert asked == [[Contact(1, Address(1)), Contact(2, Address(2))]]
    assert (info.total.delivered, info.total.rejected) == (2, 1)
    assert pipeline.receipts()["index"].to_pylist() == [2]
