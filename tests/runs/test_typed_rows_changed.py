"""Typed rows where things have changed: another class, a damaged file; and what cannot be typed."""

from __future__ import annotations

from pathlib import Path

import attrs
import httpx
import pytest

import sinkkit
from sinkkit import Halt, Retry
from sinkkit.clock import SystemClock
from sinkkit.errors import ConfigError, DeliveryFailed, SignatureError
from sinkkit.runs.location import Location
from sinkkit.runs.requests.request_store import kept
from sinkkit.runs.requests.sending_again import send_again
from sinkkit.testing import MisbehavingApi


@attrs.define
class Address:
    """Where somebody lives."""

    zip: int


@attrs.define
class Contact:
    """One row."""

    id: int
    address: Address | None = None


BAD = "expected int @ $.address.zip, got str 'x'"


def test_a_batch_of_unknown_fate_is_not_cut():
    """If the class has changed so that a row of a batch of unknown fate no longer fits, the run halts and says so; nothing is guessed."""

    @sinkkit.destination(name="crm", batch_size=10, retry=Retry(attempts=1))
    def before(items: list[dict]):
        raise httpx.ReadTimeout("slow")

    @sinkkit.destination(name="crm", batch_size=10, retry=Retry(attempts=1))
    def after(items: list[Contact]):
        pass

    with pytest.raises(DeliveryFailed):
        sinkkit.pipeline("p", destination=before, progress="off").run([{"id": 0, "address": {"zip": "x"}}, {"id": 1}], table_name="contacts")
    with pytest.raises(DeliveryFailed) as failed:
        sinkkit.pipeline("p", destination=after, progress="off").resume()

    assert f"row 0 (counted from 0) no longer fits: {BAD}" in str(failed.value.__cause__)
    assert failed.value.info.total.unknown == 2


def test_a_damaged_package_halts_the_run(tmp_path):
    """A file of the package that is not what was written is named, before anything of it is claimed."""

    @sinkkit.destination(batch_size=2, workers=1)
    def crm(items: list[Contact], batch: sinkkit.Batch):
        raise Halt("stop")

    pipeline = sinkkit.pipeline("p", destination=crm, progress="off", pipelines_dir=tmp_path)
    with pytest.raises(DeliveryFailed):
        pipeline.run([{"id": n} for n in range(4)], table_name="t")
    (file,) = (tmp_path / "p" / "packages").glob("*/t*")
    file.write_bytes(bytes(len(file.read_bytes())))

    @sinkkit.destination(name="crm", batch_size=2, workers=1)
    def later(items: list[Contact]):
        pass

    with pytest.raises(DeliveryFailed) as failed:
        sinkkit.pipeline("p", destination=later, progress="off", pipelines_dir=tmp_path).resume()
    assert file.name in str(failed.value.__cause__)


def test_a_request_sent_again_is_made_of_objects():
    """A batch that is sent again by hand reaches the function as it did in the run."""
    got = []
    with MisbehavingApi([]) as api:

        @sinkkit.destination(batch_size=2, workers=1)
        def crm(items: list[Contact], http: httpx.Client):
            got.append(items)
            http.post("/rows", json=[item.id for item in items]).raise_for_status()

        pipeline = sinkkit.pipeline("p", destination=crm(http={"base_url": api.url, "record": 9}), progress="off", keep_packages=3)
        pipeline.run([{"id": 0}, {"id": "x"}, {"id": 2}, {"id": 3}], table_name="t")
        place = Location(Path(pipeline.folder))
        (request, _) = kept(place.requests)
        found = send_again(place, request, pipeline.destination, SystemClock())

    assert found.error is None
    assert got == [[Contact(0)], [Contact(2), Contact(3)], [Contact(0)]]


def test_files_cannot_be_objects():
    """Typed rows and whole files exclude each other, at the decorator; so do classes that rows cannot be."""
    with pytest.raises(ConfigError, match="batch_size=0"):

        @sinkkit.destination(batch_size=0)
        def crm(items: list[Contact]):
            pass

    with pytest.raises(SignatureError, match=r"list\[int\]"):

        @sinkkit.destination
        def numbers(items: list[int]):
            pass
