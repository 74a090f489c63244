"""A dry run: what would be sent, without sending it or leaving anything behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import attrs
import httpx
import pyarrow as pa
import pytest

import sinkkit
from sinkkit import Secret
from sinkkit.errors import ConfigError, SourceError
from sinkkit.runs.extracting.extraction import TableArguments
from sinkkit.runs.extracting.taking import Intake
from sinkkit.runs.requests.rehearsal import rehearse

NOWHERE = {"base_url": "http://127.0.0.1:9/v1"}
"""A port that nothing listens on: a request that is sent fails."""


@attrs.define
class Person:
    """What a typed destination asks for."""

    id: int
    mail: str


def rehearsed(destination, data, batches=3, limit=None, mapping=None):
    """What a run of *destination* would send."""
    return rehearse(destination, data, Intake.of(TableArguments("people"), mapping, limit), pipeline="p", batches=batches)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder in which temporary ones are made."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before, tempfile.tempdir = tempfile.tempdir, None
    yield tmp_path
    tempfile.tempdir = before


def test_requests_are_shown_and_not_sent(rows, folder):
    """Method, URL, headers, body and key of each call's requests; nothing reaches the network, nothing stays on disk."""

    @sinkkit.destination(batch_size=10, idempotency_header="Idempotency-Key")
    def crm(items, table, http: httpx.Client):
        http.post(f"/{table['name']}", json=items, params={"v": 1}).raise_for_status()
        http.post("/done")

    found = rehearsed(crm(http=NOWHERE), iter(rows(100)))

    first = found.batches[0]
    assert [(batch.table, batch.row_count, len(batch.requests)) for batch in found.batches] == [("people", 10, 2)] * 3
    assert (first.requests[0].method, first.requests[0].url) == ("POST", "http://127.0.0.1:9/v1/people?v=1")
    assert first.requests[0].body.startswith('[{"n":0},{"n":1}')
    assert dict(first.requests[0].headers)["idempotency-key"] == first.key
    assert dict(first.requests[1].headers)["idempotency-key"] == f"{first.key}-2"
    assert (found.more, first.stopped, list(folder.iterdir())) == (True, None, [])


def test_a_coroutine_is_rehearsed_as_a_function_is(rows):
    """Its client sends nothing either."""

    @sinkkit.destination(batch_size=2)
    async def crm(items, table, http: httpx.AsyncClient):
        (await http.post("/x", json=items)).raise_for_status()

    found = rehearsed(crm(http=NOWHERE), rows(3))

    assert [batch.requests[0].body for batch in found.batches] == ['[{"n":0},{"n":1}]', '[{"n":2}]']
    assert not found.more


def test_a_function_without_a_client_is_not_called(rows, folder):
    """The rows it would be called with are shown as it would get them."""

    @sinkkit.destination(batch_size=2, loader_file_format="parquet")
    def tables(items, table):
        raise SystemExit

    @sinkkit.destination(batch_size=0)
    def whole(path: Path):
        raise SystemExit

    found = rehearsed(tables, rows(3))

    assert [batch.items.to_pylist() for batch in found.batches] == [[{"n": 0}, {"n": 1}], [{"n": 2}]]
    assert [batch.requests for batch in found.batches] == [None, None]
    assert rehearsed(whole, rows(2)).batches[0].items == '{"n":0}\n{"n":1}\n'
    assert list(folder.iterdir()) == []


def test_a_function_that_reads_the_answer_may_stop(rows):
    """What it raised is told with its batch, and the next one is looked at all the same."""

    @sinkkit.destination(batch_size=1)
    def crm(items, table, http: httpx.Client):
        http.post("/x", json=items).json()["results"]

    found = rehearsed(crm(http=NOWHERE), rows(2))

    assert [(len(batch.requests), batch.stopped) for batch in found.batches] == [(1, "KeyError: 'results'")] * 2


def test_no_secret_is_shown(rows):
    """Known secrets are masked wherever they stand; what is secret by its name, too."""

    @sinkkit.destination
    def crm(items, table, http: httpx.Client, api_key: Secret):
        url = f"http://me:passphrase@127.0.0.1:9/x/{api_key.reveal()}?token=abcdefgh&page=2"
        http.post(url, json=[*items, api_key.reveal()], headers={"X-Api-Key": "something", "X-Signature": "else", "X-Team": api_key.reveal()})
        raise ValueError(api_key.reveal())

    (batch,) = rehearsed(crm(api_key="hunter2hunter2", http=NOWHERE), rows(1)).batches

    shown = attrs.asdict(batch)
    assert [word for word in ("hunter2", "passphrase", "abcdefgh", "something", "else") if word in repr(shown)] == []
    assert batch.requests[0].url == "http://me:***@127.0.0.1:9/x/***?token=***&page=2"
    assert dict(batch.requests[0].headers)["x-team"] == "***"
    assert batch.stopped == "ValueError: ***"


def test_a_secret_at_the_cut_is_not_shown_in_half(rows):
    """A body is cut after secrets were taken out of it."""
    secret = "s3cr3t" * 40

    @sinkkit.destination
    def crm(items, table, http: httpx.Client, api_key: Secret):
        http.post("/x", content="x" * 2000 + api_key.reveal())

    (request,) = rehearsed(crm(api_key=secret, http=NOWHERE), rows(1)).batches[0].requests

    assert "s3cr" not in request.body
    assert (len(request.body), request.cut, request.size) == (2003, False, 2240)


def test_bodies_that_are_no_text_are_counted(rows):
    """Packed bodies are not thrown at the terminal."""

    @sinkkit.destination
    def crm(items, table, http: httpx.Client):
        http.post("/x", content=bytes(range(256)) * 20)
        http.post("/x", content=b"abc", headers={"Content-Encoding": "gzip"})
        http.get("/x")

    requests = rehearsed(crm(http=NOWHERE), rows(1)).batches[0].requests

    assert [request.body for request in requests] == ["<5,120 bytes that are no text>", "<3 bytes that are no text, gzip>", ""]


def test_rows_are_mapped_and_named_as_in_a_run(rows):
    """A dry run shows what the destination would get, not what was given."""

    @sinkkit.destination(naming_convention="snake_case", mapping={"theNumber": "n"})
    def crm(items, table):
        pass

    assert rehearsed(crm, rows(1)).batches[0].items == [{"the_number": 0}]
    assert rehearsed(crm, rows(1), mapping={"X": {"const": 1}}).batches[0].items == [{"x": 1}]


def test_only_as_many_rows_are_read_as_are_shown(rows):
    """A source of a million rows is not taken to look at three batches; with a limit, no more than that."""
    taken = []

    def source():
        for row in rows(1000):
            taken.append(row)
            yield row

    @sinkkit.destination(batch_size=10)
    def crm(items, table):
        pass

    assert [len(rehearsed(crm, source()).batches), len(taken)] == [3, 31]
    assert [batch.row_count for batch in rehearsed(crm, source(), limit=12).batches] == [10, 2]


def test_what_a_run_would_refuse_is_refused(rows):
    """Missing settings and bad data are errors of a dry run, too."""

    @sinkkit.destination
    def crm(items, table, api_key: Secret):
        pass

    with pytest.raises(ConfigError, match="api_key"):
        rehearsed(crm, rows(1))
    with pytest.raises(SourceError, match="no 'x'"):
        rehearsed(crm(api_key="long enough"), rows(1), mapping={"y": "x"})


def test_rows_that_would_be_refused_are_told_of():
    """They are in no batch, and their reasons are shown, also where so many are refused that a run would halt."""

    @sinkkit.destination(batch_size=2)
    def crm(items: list[Person]):
        pass

    some = rehearsed(crm, [{"id": 1, "mail": "a"}, {"id": 2}])
    all_of_them = rehearsed(crm, [{"id": "x", "mail": "a"}] * 50, batches=25)

    assert ([len(batch.items) for batch in some.batches], some.refused) == ([1], 1)
    assert some.reasons[0].startswith("table 'people', row 1 (counted from 0): ")
    assert (all_of_them.batches, all_of_them.refused > 0, len(all_of_them.reasons)) == ((), True, 5)


def test_a_dry_run_without_rows_shows_nothing():
    """There is no batch, and no more of them."""

    @sinkkit.destination
    def crm(items, table):
        pass

    found = rehearsed(crm, pa.table({"a": pa.array([], pa.int64())}))

    assert (found.batches, found.more) == ((), False)


def test_a_pipeline_is_untouched(make, memory, rows):
    """No run is counted, no package kept, no lock needed."""
    pipeline = make()
    pipeline.run(rows(1))
    before = sorted(str(path) for path in Path(pipeline.folder).rglob("*"))

    rehearsed(pipeline.destination, rows(5))

    assert sorted(str(path) for path in Path(pipeline.folder).rglob("*")) == before
    assert (len(pipeline.state().runs), memory.rows) == (1, rows(1))
