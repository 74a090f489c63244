"""Bulk APIs that take rows as jobs: submitted once, asked after, read when done, also over a kill."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import sinkkit
from sinkkit.destinations.http_api.job_settings import Job
from sinkkit.destinations.http_api.jobs import Remembered, Step, job_id, state_of
from sinkkit.destinations.http_api.settings import RestSettings
from sinkkit.errors import CallFailed, ConfigError, DeliveryFailed, Reject
from sinkkit.testing import Answer, MisbehavingApi

QUEUE = {
    "id_at": "job.id",
    "status_path": "/jobs/{@job}",
    "state_at": "job.status",
    "running": ["queued", "working"],
    "done": ["completed"],
    "failed": ["failed"],
    "message_at": ["job.message"],
    "poll_seconds": 0,
}
RESULTS = {"results": {"at": "job.results", "ok_at": "ok", "message_at": ["why"], "receipt_at": "id"}}


class Queue:
    """Answers as an API that takes jobs does: two questions find one running, the third finds it done."""

    def __init__(self, polls=3, ends="completed"):
        self.polls, self.ends = polls, ends
        self.jobs, self.asked = {}, {}
        self.lock = threading.Lock()

    def __call__(self, number, request):
        with self.lock:
            if request.method == "POST":
                job = f"j{len(self.jobs) + 1}"
                self.jobs[job], self.asked[job] = json.loads(request.body), 0
                return Answer(body={"job": {"id": job, "status": "queued"}})
            job = request.path.rsplit("/", 1)[1]
            self.asked[job] += 1
            if self.asked[job] < self.polls:
                return Answer(body={"job": {"status": "working"}})
            results = [{"ok": row["id"] != 3, "why": "three", "id": f"r{row['id']}"} for row in self.jobs[job]]
            return Answer(body={"job": {"status": self.ends, "results": results, "message": "out of order"}})


def test_a_job_is_submitted_asked_after_and_read():
    """Each batch is one job; what became of each row is read from the answer that says that it is done."""
    queue = Queue()
    with MisbehavingApi(queue) as api:
        destination = sinkkit.destinations.rest(base_url=api.url, path="/jobs", batch_size=2, job=QUEUE, answer=RESULTS)
        pipeline = sinkkit.pipeline("p", destination=destination)
        info = pipeline.run([{"id": n} for n in range(6)], table_name="t")

    assert (info.tables["t"].delivered, info.tables["t"].rejected) == (5, 1)
    assert [(row.row["id"], row.reason) for row in pipeline.rejected()] == [(3, "three")]
    assert sorted(len(rows) for rows in queue.jobs.values()) == [2, 2, 2]
    assert list(queue.asked.values()) == [3, 3, 3]


def test_a_job_that_failed_refuses_its_batch_and_is_forgotten():
    """A job that failed refuses the batch; the next run submits it anew."""
    queue = Queue(ends="failed")
    with MisbehavingApi(queue) as api:
        pipeline = sinkkit.pipeline("p", destination=sinkkit.destinations.rest(base_url=api.url, path="/jobs", job=QUEUE, answer=RESULTS))
        with pytest.raises(DeliveryFailed) as caught:
            pipeline.run([{"id": 1}], table_name="t")
        queue.ends = "completed"
        info = pipeline.resume()

    assert "out of order" in str(caught.value.__cause__)
    assert (caught.value.info.tables["t"].pending, info.tables["t"].delivered, len(queue.jobs)) == (1, 1, 2)


@pytest.mark.parametrize("status", [404, 400, 410])
def test_a_question_that_is_refused_says_nothing_of_the_rows(status):
    """When the job cannot be found any more, the rows are unknown and the job stays remembered."""
    queue, lost = Queue(polls=1), [True]
    with MisbehavingApi(lambda number, request: Answer(status) if lost[0] and request.method == "GET" else queue(number, request)) as api:
        destination = sinkkit.destinations.rest(base_url=api.url, path="/jobs", job=QUEUE, answer=RESULTS, on_reject="keep")
        with pytest.raises(DeliveryFailed) as caught:
            sinkkit.pipeline("p", destination=destination).run([{"id": 1}], table_name="t")
        lost[0] = False
        info = sinkkit.pipeline("p", destination=destination).resume()

    assert (caught.value.info.tables["t"].unknown, info.tables["t"].delivered, info.tables["t"].resent, len(queue.jobs)) == (1, 1, 0, 1)


class Bulk:
    """Answers as an API with jobs that are created, uploaded to, started, and whose failed rows are a CSV file of their own."""

    def __init__(self):
        self.log, self.rows = [], []

    def __call__(self, number, request):
        self.log.append((request.method, request.path))
        if request.path == "/ingest":
            assert json.loads(request.body) == {"object": "Contact", "operation": "upsert"}
            return Answer(body={"id": "75 0/x"})
        if request.method == "PUT":
            self.rows += csv.DictReader(io.StringIO(request.body.decode(), newline=""))
            return Answer(201)
        if request.method == "PATCH":
            assert json.loads(request.body) == {"state": "UploadComplete"}
            return Answer(body={"state": "UploadComplete"})
        if request.path.endswith("failedResults"):
            return Answer(body='"sf__Error","ext"\r\n"DUPLICATE","2"\r\n')
        return Answer(body={"state": "JobComplete", "numberRecordsProcessed": len(self.rows)})


BULK = """
[destination.sf]
destination_type = "rest"
base_url = "{url}"
method = "PUT"
path = "/ingest/{{@job}}/batches"
format = "csv"
batch_size = 1000
[destination.sf.job]
create = {{ path = "/ingest", body = {{ object = "Contact", operation = "upsert" }} }}
start = {{ path = "/ingest/{{@job}}", method = "PATCH", body = {{ state = "UploadComplete" }} }}
status_path = "/ingest/{{@job}}"
state_at = "state"
running = ["UploadComplete", "InProgress"]
done = ["JobComplete"]
failed = ["Failed", "Aborted"]
count_at = "numberRecordsProcessed"
results_path = "/ingest/{{@job}}/failedResults"
[destination.sf.answer]
format = "csv"
[destination.sf.answer.errors]
id_at = "ext"
row_id = "ext"
message_at = ["sf__Error"]
"""


def test_a_job_that_is_created_uploaded_to_and_started():
    """A job of several requests, from config alone, as bulk APIs want it; its id stays one segment of the path."""
    bulk = Bulk()
    with MisbehavingApi(bulk) as api:
        Path(".sinkkit").mkdir()
        Path(".sinkkit/config.toml").write_text(BULK.format(url=api.url))
        pipeline = sinkkit.pipeline("p", destination="sf")
        info = pipeline.run([{"ext": n, "name": f"n{n}"} for n in range(4)], table_name="t")

    assert (info.tables["t"].delivered, [row.reason for row in pipeline.rejected()]) == (3, ["DUPLICATE"])
    assert bulk.log == [
        ("POST", "/ingest"),
        ("PUT", "/ingest/75%200%2Fx/batches"),
        ("PATCH", "/ingest/75%200%2Fx"),
        ("GET", "/ingest/75%200%2Fx"),
        ("GET", "/ingest/75%200%2Fx/failedResults"),
    ]


SCRIPT = """
import sys
import sinkkit

info = sinkkit.pipeline("p", destination="jobs", pipelines_dir="pipelines").run([{"id": n} for n in range(6)], table_name="t", run_id="once")
print(info.tables["t"].delivered, info.tables["t"].rejected, info.tables["t"].resent)
"""


@pytest.mark.parametrize("deadly", [1, 2, 4])
def test_polling_goes_on_after_a_kill(deadly):
    """A process that is killed while a request is answered submits no job twice, but for one whose answer it never saw."""
    queue, seen, process = Queue(), [], []

    def answer(number, request):
        seen.append(request)
        if len(seen) == deadly:
            process[-1].kill()
            process[-1].wait()
        return queue(number, request)

    with MisbehavingApi(answer) as api:
        Path(".sinkkit").mkdir()
        job = "\n".join(f"{name} = {json.dumps(value)}" for name, value in QUEUE.items())
        config = f'[destination.jobs]\ndestination_type = "rest"\nbase_url = "{api.url}"\npath = "/jobs"\nbatch_size = 2\nworkers = 1\n'
        results = '[destination.jobs.answer.results]\nat = "job.results"\nok_at = "ok"\nmessage_at = ["why"]\n'
        Path(".sinkkit/config.toml").write_text(f"{config}[destination.jobs.job]\n{job}\n{results}")
        Path("script.py").write_text(SCRIPT)
        for _ in range(2):
            process.append(subprocess.Popen([sys.executable, "script.py"], stdout=subprocess.PIPE, text=True))
            told, _ = process[-1].communicate(timeout=60)
            if process[-1].returncode == 0:
                break
    submitted = [tuple(row["id"] for row in rows) for rows in queue.jobs.values()]
    lost = seen[deadly - 1].method == "POST"

    assert told.split()[:2] == ["5", "1"]
    assert len(submitted) == 3 + lost
    assert sorted(set(submitted)) == [(0, 1), (2, 3), (4, 5)]
    assert told.split()[2] == ("2" if lost else "0")


@pytest.mark.parametrize(
    ("said", "status", "expected"),
    [({"s": "done"}, 200, True), ({"s": "on"}, 200, False), ({"s": "bad"}, 200, Reject), ({"s": "odd"}, 200, CallFailed), ({}, 200, CallFailed), ([], 200, CallFailed)],
)
def test_states(said, status, expected):
    """A job is running, done, or failed; any other word leaves the batch unknown."""
    job = Job(status_path="/j/{@job}", state_at="s", running=["on"], done=["done"], failed=["bad"])
    if isinstance(expected, bool):
        assert state_of(said, status, job, 1) is expected
    else:
        with pytest.raises(expected):
            state_of(said, status, job, 1)


def test_202_means_running_where_nothing_else_says_so():
    """Without a place for the state, the status tells."""
    job = Job(status_path="/j/{@job}")

    assert [state_of(None, status, job, 1) for status in (202, 200, 204)] == [False, True, True]


def test_a_job_that_went_through_other_rows():
    """A job that counts other rows than were sent leaves the batch unknown."""
    job = Job(status_path="/j/{@job}", count_at="n")

    assert state_of({"n": 3}, 200, job, 3)
    with pytest.raises(CallFailed):
        state_of({"n": 2}, 200, job, 3)


@pytest.mark.parametrize("said", [{}, {"id": None}, {"id": ""}, {"id": ".."}, {"id": "../x"}, {"id": True}, {"id": [1]}, []])
def test_ids_that_are_none(said):
    """An answer without an id, or with one that leads elsewhere, is not believed."""
    with pytest.raises(CallFailed):
        job_id(said, "id")


def test_what_is_remembered_is_read_back():
    """A note says which job, and how far it was brought; one that says something else is not believed."""
    known = Remembered('a"b', Step.CREATED)

    assert Remembered.of(known.note()) == known
    assert Remembered.of(None) is None
    for wrong in ("", "{}", "7", '{"job": "1", "step": "odd"}'):
        with pytest.raises(CallFailed):
            Remembered.of(wrong)


@pytest.mark.parametrize(
    "job",
    [{}, {"status_path": "/jobs"}, {"status_path": "/j/{@job}/{id}"}, {"status_path": "/j/{@job}", "state_at": "s"}, {"status_path": "/j/{@job}", "poll_seconds": -1},
     {"status_path": "/j/{@job}", "create": {"path": "/x"}}, {"status_path": "/../{@job}"}],
)  # fmt: skip
def test_jobs_that_cannot_work(job):
    """Settings of a job that cannot work are a ConfigError with a hint."""
    with pytest.raises(ConfigError) as caught:
        RestSettings(job=job)

    assert caught.value.hint
