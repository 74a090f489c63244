"""The last requests of a run: which are kept, without secrets, and how one is made again."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

import sinkkit
from sinkkit import Secret
from sinkkit.clock import SystemClock
from sinkkit.errors import ConfigError, DeliveryFailed, JournalError
from sinkkit.runs.accounts.state import reading
from sinkkit.runs.location import Location
from sinkkit.runs.requests.request_store import FAILURES_KEPT, kept
from sinkkit.runs.requests.sending_again import said, send_again
from sinkkit.testing import Answer, MisbehavingApi

QUICK = sinkkit.Retry(attempts=1, first_wait=0.0, longest_wait=0.0)


@pytest.fixture
def api():
    """A server that answers as told."""
    with MisbehavingApi([]) as server:
        yield server


def pipeline_to(url, record=100, **options):
    """A pipeline whose destination posts to *url*."""

    @sinkkit.destination(**{"batch_size": 2, "workers": 1, "retry": QUICK, "on_reject": "keep", **options})
    def crm(items, table, http: httpx.Client, api_key: Secret = sinkkit.secrets.value):
        http.post("/rows", json=items, headers={"X-Note": api_key.reveal()}).raise_for_status()

    http = {"base_url": url} if record is None else {"base_url": url, "record": record}
    return sinkkit.pipeline("p", crm(http=http, api_key="hunter2hunter2"), progress="off", keep_packages=3)


def location(pipeline):
    """Where its state is."""
    return Location(Path(pipeline.folder))


def counts(pipeline, info):
    """What the journal says of the rows of a run."""
    with reading(location(pipeline), SystemClock()) as journal:
        return [journal.counts(load_id) for load_id in info.load_ids]


def requests(pipeline, **chosen):
    """The requests that it kept."""
    return kept(location(pipeline).requests, **chosen)


def test_requests_and_answers_are_kept_when_asked_for(api, rows):
    """The last so many that succeeded, in order, each with the batch that it was made for."""
    pipeline = pipeline_to(api.url, record=3)

    info = pipeline.run(rows(10), table_name="people")

    found = requests(pipeline)
    assert [request.body for request in found] == ['[{"n":4},{"n":5}]', '[{"n":6},{"n":7}]', '[{"n":8},{"n":9}]']
    last = found[-1]
    assert (last.destination, last.method, last.url, last.status, last.failed) == ("crm", "POST", f"{api.url}/rows", 200, False)
    assert (last.load_id, last.table, last.rows, last.attempt) == (info.load_ids[0], "people", "8-9", 1)
    assert dict(last.headers)["content-type"] == "application/json"
    assert last.seconds > 0


def test_only_failures_are_kept_otherwise(rows):
    """Without ``record`` a failed request is there with its answer, and those that succeeded are not."""
    with MisbehavingApi([None, Answer(422, body=b'{"error": "no"}'), None]) as api:
        pipeline = pipeline_to(api.url, record=None)
        pipeline.run(rows(6))

        (failed,) = requests(pipeline)
    assert (failed.status, failed.body, failed.answer, failed.failed) == (422, '[{"n":2},{"n":3}]', '{"error": "no"}', True)


def test_a_request_without_an_answer_is_kept(rows):
    """What was raised stands instead of it."""
    pipeline = pipeline_to("http://127.0.0.1:9", record=None)
    with pytest.raises(DeliveryFailed):
        pipeline.run(rows(1))

    (failed,) = requests(pipeline)
    assert (failed.status, failed.error, failed.answer) == (None, "ConnectError", None)


def test_failures_outlast_successes_and_both_are_bounded(rows):
    """However many there are, the file keeps the last of both."""
    with MisbehavingApi([None, *[Answer(422)] * (FAILURES_KEPT + 20)]) as api:
        pipeline = pipeline_to(api.url, record=7, batch_size=1)
        for _ in range(2):
            pipeline.run(rows(FAILURES_KEPT + 40))

    found = requests(pipeline)
    assert len([request for request in found if request.failed]) == FAILURES_KEPT
    assert len([request for request in found if not request.failed]) == 7
    assert len(requests(pipeline, failed=True, last=5)) == 5
    assert [request.id for request in found] == sorted(request.id for request in found)


def test_no_secret_is_kept(api, rows):
    """No byte of one is in the file."""
    pipeline = pipeline_to(api.url)
    pipeline.run([{"note": "hunter2hunter2"}])

    (request,) = requests(pipeline)
    assert request.body == '[{"note":"***"}]'
    assert dict(request.headers)["x-note"] == "***"
    assert [path.name for path in Path(pipeline.folder).glob("requests*") if b"hunter2" in path.read_bytes()] == []


def test_a_damaged_file_is_begun_anew(api, rows):
    """Nothing depends on it."""
    pipeline = pipeline_to(api.url)
    pipeline.run(rows(2))
    location(pipeline).requests.write_bytes(b"this is no database, and long enough to be taken for one" * 100)

    pipeline.run(rows(4))

    assert len(requests(pipeline)) == 2


def test_a_run_goes_on_where_requests_cannot_be_kept(api, rows):
    """One warning says so; all rows are delivered."""
    said_of = []
    pipeline = pipeline_to(api.url)
    location(pipeline).requests.mkdir(parents=True)

    watched = sinkkit.pipeline("p", pipeline.destination, progress=said_of.append)

    assert watched.run(rows(6)).total.delivered == 6
    assert [event.message for event in said_of if type(event).__name__ == "Warned" and "not kept" in event.message] != []
    with pytest.raises(JournalError, match="cannot be used"):
        requests(pipeline)


VICTIM = """
import os, signal, threading
import httpx, sinkkit

@sinkkit.destination(batch_size=1, workers=1, retry=sinkkit.Retry(attempts=1), on_reject="keep")
def crm(items, table, http: httpx.Client):
    http.post("/rows", json=items)
    if items[0]["n"] == 5:
        from pathlib import Path
        from sinkkit.runs.requests.request_store import kept
        for _ in range(600):
            if len(kept(Path(os.environ["KEPT"]))) == 6:
                break
            threading.Event().wait(0.1)
        os.kill(os.getpid(), signal.SIGKILL)

sinkkit.pipeline("p", crm(http={"base_url": os.environ["URL"], "record": 100}), progress="off").run([{"n": n} for n in range(10)])
"""


def test_what_was_written_outlives_a_kill(api):
    """Requests are on disk within a second or so, not only at the end of the run; the next run adds to them."""
    pipeline = pipeline_to(api.url)
    environment = {**os.environ, "URL": api.url, "KEPT": str(location(pipeline).requests)}

    done = subprocess.run([sys.executable, "-c", VICTIM], env=environment, check=False)

    assert done.returncode == -signal.SIGKILL
    assert [request.body for request in requests(pipeline)] == [f'[{{"n":{number}}}]' for number in range(6)]


def test_old_requests_are_pruned(api, rows):
    """As runs and receipts are; a dry run counts them."""
    pipeline = pipeline_to(api.url)
    pipeline.run(rows(6))

    would, is_now = pipeline.prune(older_than=timedelta(0), dry_run=True), pipeline.prune(older_than=timedelta(0))

    assert (would.requests, is_now.requests, requests(pipeline)) == (3, 3, [])
    assert "3 kept requests" in str(is_now)


def test_a_batch_is_sent_again(api, rows):
    """Whole, under its key, as the next attempt; what the journal says of it stays as it was."""
    pipeline = pipeline_to(api.url, idempotency_header="Idempotency-Key")
    info = pipeline.run(rows(6), table_name="people")
    before = counts(pipeline, info)

    found = send_again(location(pipeline), requests(pipeline)[1], pipeline.destination, SystemClock())

    assert (found.row_count, found.error, said(found)) == (2, None, "all were delivered")
    assert api.received == [*rows(6), *rows(2, first=2)]
    keys = [request.headers["idempotency-key"] for request in api.requests]
    assert keys[3] == keys[1]
    assert [request.attempt for request in requests(pipeline)] == [1, 1, 1, 2]
    assert counts(pipeline, info) == before


def test_what_a_destination_says_to_a_batch_sent_again_is_told(rows):
    """An error is named as in a run, and the accounts stay as they are."""
    with MisbehavingApi([None, Answer(422, body=b"no")]) as api:
        pipeline = pipeline_to(api.url)
        pipeline.run(rows(2))

        found = send_again(location(pipeline), requests(pipeline)[0], pipeline.destination, SystemClock())

    assert found.error.startswith("HTTPStatusError: ")
    assert said(found).startswith("it failed: HTTPStatusError")
    assert list(pipeline.rejected()) == []


def test_what_cannot_be_sent_again_is_refused(api, rows):
    """A package that is gone, one that is not finished, and another destination are errors that say what to do."""
    pipeline = pipeline_to(api.url)
    pipeline.run(rows(2))
    gone = sinkkit.pipeline("p", pipeline.destination, progress="off", keep_packages=0)
    other = pipeline.destination.configured("other", {})
    (request,) = requests(pipeline)

    with pytest.raises(ConfigError, match="bound to destination 'crm'"):
        send_again(location(pipeline), request, other, SystemClock())
    gone.run(rows(1))
    with pytest.raises(ConfigError, match="are gone") as raised:
        send_again(location(pipeline), request, pipeline.destination, SystemClock())
    assert "keep_packages" in raised.value.hint


def test_an_unfinished_batch_is_left_to_resume(rows):
    """It may still be pending, and would be sent twice."""
    with MisbehavingApi([Answer(401)]) as api:
        pipeline = pipeline_to(api.url)
        with pytest.raises(DeliveryFailed):
            pipeline.run(rows(2))
        (request,) = requests(pipeline)

        with pytest.raises(ConfigError, match="is not finished") as raised:
            send_again(location(pipeline), request, pipeline.destination, SystemClock())
    assert "sinkkit resume p" in raised.value.hint


def test_the_file_is_no_larger_than_it_need_be(api, rows):
    """Ten thousand requests leave as many rows as are kept."""
    pipeline = pipeline_to(api.url, record=5, batch_size=1)
    pipeline.run(rows(200))

    with sqlite3.connect(location(pipeline).requests) as db:
        assert db.execute("SELECT count(*) FROM requests").fetchone() == (5,)
