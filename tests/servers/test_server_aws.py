"""Records to Kinesis, as moto's server takes them: signed requests through a kill of the sender."""

from __future__ import annotations

import json
import urllib.request

import pytest
from foreign_servers import configure, killed, need

import sinkkit
from sinkkit.errors import DeliveryFailed

REGION = "eu-central-1"


@pytest.fixture
def moto(monkeypatch):
    """The address of moto's server, with made-up credentials and nothing in it."""
    need("moto", "moto[server]")
    from moto.server import ThreadedMotoServer

    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "sesame-of-aws", "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    urllib.request.urlopen(urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    yield f"http://{host}:{port}"
    server.stop()


def client_of(service, url):
    """AWS's own client."""
    import boto3

    return boto3.client(service, endpoint_url=url, region_name=REGION)


def numbered(count, *, long):
    """Rows, of which the one of number *long* is longer than a message may be."""
    return [{"id": number, "name": "long" * 300_000 if number == long else f"Näme {number}"} for number in range(count)]


def test_kinesis(moto, monkeypatch):
    """Every row is a record, twice only where the report says so; Kinesis's own words stand with the one that is too long."""
    kinesis = client_of("kinesis", moto)
    kinesis.create_stream(StreamName="contacts", ShardCount=1)
    rows = numbered(300, long=290)
    configure("kinesis", moto, monkeypatch, BATCH_SIZE="10")
    start = kinesis.get_shard_iterator(StreamName="contacts", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]

    def records():
        return [json.loads(record["Data"]) for record in kinesis.get_records(ShardIterator=start, Limit=10_000)["Records"]]

    killed("kinesis", rows, lambda: len(records()) >= 60, rate="12/s")
    assert 60 <= len(records()) < 280
    pipeline = sinkkit.pipeline("p", destination="kinesis", progress="off")
    counts = pipeline.resume().tables["contacts"]

    assert (counts.extracted, counts.delivered, counts.rejected, counts.pending, counts.unknown) == (300, 299, 1, 0, 0)
    assert once(records()) == [row for row in rows if row["id"] != 290]
    assert len(records()) - 299 <= counts.resent
    [letter] = pipeline.rejected()
    assert letter.row["id"] == 290
    assert "'records.1.member.data' failed to satisfy constraint: Member must have length less than or equal to 1048576" in letter.reason


def once(rows):
    """*rows* by their number, each once."""
    return list({row["id"]: row for row in sorted(rows, key=lambda row: row["id"])}.values())


def test_a_stream_that_is_not_there(moto, monkeypatch):
    """What any other request would fail of, too, stops the run with the server's words: there are no dead letters."""
    configure("kinesis", moto, monkeypatch)
    pipeline = sinkkit.pipeline("p", destination="kinesis", progress="off")
    with pytest.raises(DeliveryFailed) as caught:
        pipeline.run(numbered(20, long=None), table_name="contacts")

    counts = caught.value.info.tables["contacts"]
    assert (counts.delivered, counts.rejected, counts.pending, counts.unknown) == (0, 0, 20, 0)
    assert "Stream contacts under account" in str(caught.value.__cause__)
