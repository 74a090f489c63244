"""Jobs of several requests whose answers get lost: no job gets two uploads, and none is started twice."""

from __future__ import annotations

import json

import pytest

import sinkkit
from sinkkit.testing import Answer, Drop, MisbehavingApi


class Strict:
    """An API that takes one upload a job, starts a job once, and loses the first answer to a *lost* kind of request."""

    def __init__(self, lost):
        self.lost, self.rows, self.started = lost, {}, []

    def __call__(self, number, request):
        answer = self.answer(request)
        if request.method == self.lost:
            self.lost = None
            return Drop.after
        return answer

    def answer(self, request):
        job = request.path.split("/")[2] if request.path.count("/") > 1 else ""
        if request.method == "POST":
            job = f"j{len(self.rows) + 1}"
            self.rows[job] = None
            return Answer(body={"id": job})
        if request.method == "PUT":
            if self.rows[job] is not None:
                return Answer(409, body="multiple contents")
            self.rows[job] = json.loads(request.body)
            return Answer(201)
        if request.method == "PATCH":
            if job in self.started:
                return Answer(400, body="started already")
            self.started.append(job)
        return Answer(body={"state": "done" if job in self.started else "open"})


def settings(**changed):
    """A job that is created, uploaded to, started, and asked after."""
    start = {"path": "/jobs/{@job}", "method": "PATCH", "body": {"state": "go"}}
    job = {"create": {"path": "/jobs"}, "start": start, "status_path": "/jobs/{@job}", "state_at": "state", "running": ["busy"], "done": ["done"]}
    return {"method": "PUT", "path": "/jobs/{@job}/rows", "retry": sinkkit.Retry(first_wait=0.01), "job": {**job, **changed}}


@pytest.mark.parametrize(("lost", "jobs"), [("POST", 2), ("PUT", 2), ("PATCH", 1), ("GET", 1)])
def test_an_answer_that_is_lost(lost, jobs):
    """Whichever answer is lost, the rows are uploaded once to each job, and one job is started, once."""
    strict = Strict(lost)
    with MisbehavingApi(strict) as api:
        pipeline = sinkkit.pipeline("p", destination=sinkkit.destinations.rest(base_url=api.url, **settings()))
        info = pipeline.run([{"id": 1}, {"id": 2}], table_name="t")

    assert (info.total.delivered, info.total.rejected) == (2, 0)
    assert (len(strict.rows), strict.started) == (jobs, [f"j{jobs}"])
    assert strict.rows[f"j{jobs}"] == [{"id": 1}, {"id": 2}]


def test_a_job_that_its_upload_starts_goes_on():
    """Without a request that starts it, a job may be at work after an upload whose answer was lost: it is uploaded to again, not replaced."""
    strict = Strict("PUT")
    strict.started = ["j1"]
    with MisbehavingApi(lambda number, request: strict(number, request) if request.method != "PUT" or strict.lost else Answer(200)) as api:
        pipeline = sinkkit.pipeline("p", destination=sinkkit.destinations.rest(base_url=api.url, **settings(start=None)))
        info = pipeline.run([{"id": 1}], table_name="t")

    assert (info.total.delivered, list(strict.rows)) == (1, ["j1"])
