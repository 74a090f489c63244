"""Salesforce's Bulk API 2.0, as documented: a job is created, gets one upload of CSV, is closed, and asked after; then it has a list of failed rows."""

from __future__ import annotations

import csv
import io
from typing import ClassVar

import attrs
from salesforce_api import CREDENTIALS, TOKENS, token_for
from shaped_api import ShapedApi, body_of, demand, demand_headers, demand_keys

from sinkkit.testing import Answer

JOBS = "/services/data/v62.0/jobs/ingest"
COLUMNS = ["Warehouse_Id__c", "Email", "FirstName", "LastName", "MailingCity"]


@attrs.define
class Job:
    """One job: its state, what was uploaded to it, and what failed."""

    state: str = "Open"
    rows: list = None
    failed: list = attrs.field(factory=list)
    asked: int = 0


@attrs.define(eq=False)
class SalesforceBulkApi(ShapedApi):
    """``/services/data/vNN.0/jobs/ingest``."""

    recipe = "salesforce_bulk"
    settings: ClassVar = {**CREDENTIALS, "JOB__POLL_SECONDS": "0.05"}
    doubtful_at = (3, 6, 7, 10, 11, 15)
    jobs: dict = attrs.field(factory=dict)

    def row(self, number):
        """Some have no last name, which a contact needs."""
        return {**super().row(number), "email": f"p{number}@example.com", "last_name": None if number % 37 == 7 else f'Öberg, "{number}"'}

    def key(self, row):
        """The external id."""
        return str(row["id"])

    def refusal(self, row):
        """Salesforce's words."""
        return None if row["last_name"] else "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"

    def complained(self, why):
        """Errors of a request are a list."""
        return Answer(400, body=[{"message": why, "errorCode": "INVALIDJOBSTATE"}])

    def limited(self, retry_after):
        """Too many requests at once."""
        return Answer(503, {"Retry-After": str(retry_after)}, [{"message": "Server Too Busy", "errorCode": "SERVER_UNAVAILABLE"}])

    def answer(self, request):
        """By method and path."""
        if request.path == TOKENS:
            return token_for(request)
        demand_headers(request, authorization="Bearer 00Dxx!token")
        demand(request.path.startswith(JOBS), "NOT_FOUND", 404)
        name, _, below = request.path.removeprefix(JOBS).strip("/").partition("/")
        if request.method == "POST":
            return self.create(request, name)
        demand(name in self.jobs, "The requested resource does not exist", 404)
        job = self.jobs[name]
        does = {("PUT", "batches"): self.upload, ("PATCH", ""): self.close, ("GET", ""): self.status, ("GET", "failedResults"): self.results}
        demand((request.method, below) in does, "NOT_FOUND", 404)
        return does[request.method, below](name, job, request)

    def create(self, request, name):
        """A job."""
        demand(name == "", "NOT_FOUND", 404)
        demand_headers(request, content_type="application/json")
        body = body_of(request)
        demand_keys(body, ["object", "operation", "externalIdFieldName", "contentType", "lineEnding"], [])
        demand(list(body.values()).count(None) == 0 and (body["operation"], body["lineEnding"]) == ("upsert", "CRLF"), "operation")
        name = f"7505{len(self.jobs):011}"
        self.jobs[name] = Job()
        return Answer(200, body={"id": name, "state": "Open", "contentUrl": f"{JOBS[1:]}/{name}/batches", **body})

    def upload(self, name, job, request):
        """All of its rows, in one go and once."""
        demand_headers(request, content_type="text/csv")
        demand(job.state == "Open", f"state {job.state}")
        demand(job.rows is None, f"Found multiple contents for job: <{name}>")
        text = request.body.decode()
        demand(text.endswith("\r\n"), "LineEnding is invalid on user data")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        job.rows = list(reader)
        demand(reader.fieldnames == COLUMNS, f"columns {reader.fieldnames}")
        return Answer(201, body=b"")

    def close(self, name, job, request):
        """From now on it is worked on."""
        demand(body_of(request) == {"state": "UploadComplete"}, "state")
        demand(job.state == "Open" and job.rows is not None, f"Job state {job.state} cannot be changed to UploadComplete")
        job.state = "UploadComplete"
        for row in job.rows:
            if why := self.refusal({"last_name": row["LastName"]}):
                job.failed.append({"sf__Id": "", "sf__Error": why, **row})
            else:
                self.store(row["Warehouse_Id__c"], row)
        return Answer(200, body={"id": name, "state": job.state})

    def status(self, name, job, request):
        """How far it is: each question brings it further."""
        job.asked += 1
        state = job.state if job.state == "Open" or job.asked == 1 else "InProgress" if job.asked == 2 else "JobComplete"
        done = len(job.rows or ()) if state == "JobComplete" else 0
        return Answer(200, body={"id": name, "state": state, "numberRecordsProcessed": done, "numberRecordsFailed": len(job.failed)})

    def results(self, name, job, request):
        """Those that failed, as they came, and why."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["sf__Id", "sf__Error", *COLUMNS], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(job.failed)
        return Answer(200, {"Content-Type": "text/csv"}, text.getvalue())
