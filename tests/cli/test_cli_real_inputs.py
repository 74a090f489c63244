"""Real files through `sinkkit run` to a real HTTP server that counts."""

from __future__ import annotations

import csv
import json

import pytest

from sinkkit.testing import MisbehavingApi

MODULE = """
import httpx
import sinkkit


@sinkkit.destination(batch_size=1000, workers=4, durability="process")
def api(items: list[dict], http: httpx.Client):
    http.post("/rows", json=items).raise_for_status()
"""


@pytest.fixture
def push(sinkkit_command, tmp_path):
    """Runs `sinkkit run` on a file; returns the report and the rows that the server got."""
    (tmp_path / "to_api.py").write_text(MODULE)

    def run(source, *options):
        with MisbehavingApi() as api:
            where = {"DESTINATION__API__HTTP__BASE_URL": api.url}
            done = sinkkit_command("run", "to_api.api", str(source), "--json", *options, **where)
            assert done.status == 0, done.err
            return done.document["report"], api.received

    return run


def test_all_airports_of_the_csv_arrive(push, shared_data):
    """Every airport arrives once, each value as the file has it."""
    _, received = push(shared_data / "airports.csv")
    with (shared_data / "airports.csv").open(encoding="utf-8") as file:
        given = [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]

    assert len(received) == 3_376
    assert sorted(received, key=lambda row: row["iata"]) == sorted(given, key=lambda row: row["iata"])


def test_all_flights_of_the_arrow_file_arrive(push, shared_data):
    """All 200,000 flights arrive, and their numbers sum to the same."""
    import pyarrow as pa
    import pyarrow.compute as pc

    report, received = push(shared_data / "flights-200k.arrow")
    with pa.memory_map(str(shared_data / "flights-200k.arrow")) as file:
        given = pa.ipc.open_file(file).read_all()

    assert report["tables"]["flights-200k"]["delivered"] == len(received) == 200_000
    assert sum(row["distance"] for row in received) == pc.sum(given["distance"]).as_py()


def test_all_earthquakes_of_the_json_document_arrive(push, shared_data):
    """With --at, the features of a GeoJSON document are the rows, nested as they are."""
    _, received = push(shared_data / "earthquakes.json", "--at", "features")
    given = json.loads((shared_data / "earthquakes.json").read_text(encoding="utf-8"))["features"]

    assert len(received) == 1_707
    assert sorted(received, key=lambda row: row["id"]) == sorted(given, key=lambda row: row["id"])
