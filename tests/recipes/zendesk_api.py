"""Zendesk's bulk imports of users, as documented: 100 a job, a job status to ask after, results in the order of the users."""

from __future__ import annotations

from typing import ClassVar

import attrs
from shaped_api import ShapedApi, basic, body_of, demand, demand_headers, demand_keys

from sinkkit.testing import Answer

MOST_USERS, MOST_JOBS = 100, 30
STATES = ("queued", "working")


@attrs.define(eq=False)
class ZendeskApi(ShapedApi):
    """``POST /api/v2/users/create_or_update_many.json`` and ``GET /api/v2/job_statuses/{id}.json``.

    Attributes:
        jobs: Results and how often they were asked for, by the id of the job.
    """

    recipe = "zendesk"
    settings: ClassVar = {"HTTP__AUTH__PASSWORD": "zd-token", "JOB__POLL_SECONDS": "0.05"}
    table = "users"
    jobs: dict = attrs.field(factory=dict)

    def refusal(self, row):
        """Zendesk's words."""
        return None if "@" in row["email"] else f"Email: {row['email']} is not properly formatted"

    def complained(self, why):
        """Its errors."""
        return Answer(400, body={"error": "InvalidRequest", "description": why})

    def limited(self, retry_after):
        """Too many requests."""
        return Answer(429, {"Retry-After": str(retry_after)}, {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"})

    def answer(self, request):
        """A job, or what it is doing."""
        demand_headers(request, authorization=basic("agent@example.com/token", "zd-token"))
        if request.method == "GET":
            return self.status(request.path.removeprefix("/api/v2/job_statuses/").removesuffix(".json"))
        demand((request.method, request.path) == ("POST", "/api/v2/users/create_or_update_many.json"), "no such endpoint")
        demand_headers(request, content_type="application/json")
        body = body_of(request)
        demand_keys(body, ["users"], [])
        demand(0 < len(body["users"]) <= MOST_USERS, f"{len(body['users'])} users")
        for user in body["users"]:
            demand_keys(user, ["email", "name", "external_id"], ["user_fields"])
            demand(isinstance(user["external_id"], str), "external_id")
        if sum(asked <= len(STATES) for _, asked in self.jobs.values()) >= MOST_JOBS:
            return Answer(429, {"Retry-After": "0.2"}, {"error": "TooManyJobs", "description": "Too many jobs are currently queued or running. Try again later."})
        name = f"job{len(self.jobs):08x}"
        self.jobs[name] = ([self.one(user) for user in body["users"]], 0)
        return Answer(200, body={"job_status": {"id": name, "status": "queued", "total": len(body["users"]), "results": None}})

    def status(self, name):
        """How far a job is: each question brings it further."""
        demand(name in self.jobs, "RecordNotFound", 404)
        results, asked = self.jobs[name]
        self.jobs[name] = (results, asked + 1)
        done = asked >= len(STATES)
        state = "completed" if done else STATES[asked]
        return Answer(200, body={"job_status": {"id": name, "status": state, "total": len(results), "results": results if done else None}})

    def one(self, user):
        """The result of one user."""
        if why := self.refusal(user):
            return {"id": 2, "error": "UserUpdateError", "details": why, "status": "Failed", "success": False}
        created = user["email"] not in self.stored
        self.store(user["email"], user)
        return {"id": 9000 + len(self.stored), "status": "Created" if created else "Updated", "success": True, "external_id": user["external_id"]}
