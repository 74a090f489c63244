"""Notion's pages, as documented: one a request under a database, versions in a header, errors with a code and a message."""

from __future__ import annotations

from typing import ClassVar

import attrs
from shaped_api import ShapedApi, body_of, demand, demand_headers, demand_keys

from sinkkit.testing import Answer


@attrs.define(eq=False)
class NotionApi(ShapedApi):
    """``POST /v1/pages``."""

    recipe = "notion"
    settings: ClassVar = {"HTTP__AUTH__TOKEN": "ntn_123456"}
    table = "tasks"

    def row(self, number):
        """Some have an address that is none."""
        return {"id": number, "title": f"Task {number}", "email": "none" if number % 37 == 7 else f"p{number}@example.com", "due": "2026-05-01"}

    def key(self, row):
        """The title."""
        return row["title"]

    def complained(self, why):
        """Its errors."""
        return Answer(400, body={"object": "error", "status": 400, "code": "validation_error", "message": why})

    def limited(self, retry_after):
        """Three requests a second."""
        body = {"object": "error", "status": 429, "code": "rate_limited", "message": "You have been rate limited."}
        return Answer(429, {"Retry-After": str(retry_after)}, body)

    def refusal(self, row):
        """Notion's words."""
        return None if "@" in row["email"] else "body.properties.Email.email should be a valid email"

    def answer(self, request):
        """A page."""
        demand((request.method, request.path) == ("POST", "/v1/pages"), "Invalid request URL.")
        demand_headers(request, authorization="Bearer ntn_123456", content_type="application/json", notion_version="2022-06-28")
        body = body_of(request)
        demand_keys(body, ["parent", "properties"], ["children"])
        demand(body["parent"] == {"database_id": "0123456789abcdef0123456789abcdef"}, "parent")
        properties = body["properties"]
        demand_keys(properties, ["Name", "Email", "Due", "Warehouse ID"], [])
        title = properties["Name"]["title"][0]["text"]["content"]
        demand(isinstance(properties["Warehouse ID"]["number"], int) and properties["Due"]["date"]["start"], "properties")
        if why := self.refusal(properties["Email"]):
            return self.complained(why)
        if self.busy_row(title):
            return Answer(409, body={"object": "error", "status": 409, "code": "conflict_error", "message": "Conflict occurred while saving."})
        self.store(title, body)
        return Answer(200, body={"object": "page", "id": f"page-{title}"})
