"""The bulk endpoint of Elasticsearch and OpenSearch, as documented: lines of actions and documents, an item each, in their order."""

from __future__ import annotations

import json
from typing import ClassVar

import attrs
from shaped_api import ShapedApi, demand, demand_headers, demand_keys

from sinkkit.testing import Answer


@attrs.define(eq=False)
class ElasticsearchApi(ShapedApi):
    """``POST /contacts/_bulk``."""

    recipe = "elasticsearch"
    settings: ClassVar = {"HTTP__AUTH__KEY": "ApiKey c2VjcmV0"}

    def row(self, number):
        """Some have an age that is no number."""
        return {"id": f"c-{number}", "name": f"Åsa {number}", "age": "old" if number % 37 == 7 else number % 90}

    def key(self, row):
        """The id of the document."""
        return row["id"]

    def refusal(self, row):
        """What does not fit the mapping."""
        return None if isinstance(row["age"], int) else f"failed to parse field [age] of type [integer] in document with id '{row['id']}'"

    def limited(self, retry_after):
        """The whole request is one too many."""
        error = {"type": "es_rejected_execution_exception", "reason": "rejected execution of coordinating operation"}
        return Answer(429, {"Retry-After": str(retry_after)}, {"error": error, "status": 429})

    def answer(self, request):
        """Item by item."""
        demand((request.method, request.path) == ("POST", "/contacts/_bulk"), "no handler found")
        demand_headers(request, authorization="ApiKey c2VjcmV0", content_type="application/x-ndjson")
        demand(request.body.endswith(b"\n"), "The bulk request must be terminated by a newline [\\n]")
        lines = [json.loads(line) for line in request.body.splitlines()]
        demand(len(lines) % 2 == 0, "an action without a document")
        items = [self.one(action, document) for action, document in zip(lines[::2], lines[1::2], strict=True)]
        return Answer(200, body={"took": 3, "errors": any("error" in item["index"] for item in items), "items": items})

    def one(self, action, document):
        """The item of one action."""
        demand_keys(action, ["index"], [])
        demand_keys(action["index"], ["_id"], ["_index"])
        demand_keys(document, ["id", "name", "age"], [])
        key = str(action["index"]["_id"])
        item = {"_index": "contacts", "_id": key}
        if why := self.refusal(document):
            return {"index": {**item, "status": 400, "error": {"type": "document_parsing_exception", "reason": why}}}
        if self.busy_row(key):
            return {"index": {**item, "status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "rejected execution"}}}
        status = 200 if key in self.stored else 201
        self.store(key, document)
        return {"index": {**item, "_version": 1, "result": "updated" if status == 200 else "created", "status": status}}
