"""A webhook of one's own: rows as JSON, an idempotency key, and a signature of the body that is checked."""

from __future__ import annotations

import hashlib
import hmac
from typing import ClassVar

import attrs
from shaped_api import ShapedApi, body_of, demand, demand_headers, demand_keys

from sinkkit.testing import Answer

SECRET = "whsec-123456"


@attrs.define(eq=False)
class WebhookApi(ShapedApi):
    """``POST /rows``."""

    recipe = "webhook"
    settings: ClassVar = {"HTTP__AUTH__SECRET": SECRET}
    table = "contacts"

    def complained(self, why):
        """Plainly."""
        return Answer(400, body={"error": why})

    def answer(self, request):
        """Rows, once a key."""
        demand((request.method, request.path) == ("POST", "/rows"), "not found")
        demand_headers(request, content_type="application/json")
        self.check_signature(request)
        body = body_of(request)
        demand_keys(body, ["event", "rows"], [])
        demand(0 < len(body["rows"]) <= 100, f"{len(body['rows'])} rows")
        return self.once_a_key(request, lambda: Answer(200, body={"results": [self.one(row) for row in body["rows"]]}))

    def check_signature(self, request):
        """Over the time and the body, as the settings say."""
        stamp = request.headers.get("x-timestamp", "")
        wanted = hmac.new(SECRET.encode(), f"{stamp}.".encode() + request.body, hashlib.sha256).hexdigest()
        demand(hmac.compare_digest(request.headers.get("x-signature", ""), f"sha256={wanted}"), "the signature is wrong", 401)

    def one(self, row):
        """The result of one row."""
        demand_keys(row, ["id", "email"])
        if why := self.refusal(row):
            return {"id": row["id"], "ok": False, "error": why}
        if self.busy_row(row["email"]):
            return {"id": row["id"], "ok": False, "error": "busy"}
        self.store(row["email"], row)
        return {"id": row["id"], "ok": True}
