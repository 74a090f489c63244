"""Slack's incoming webhooks, as documented: JSON in, a word of plain text out, one message a second."""

from __future__ import annotations

from typing import ClassVar

import attrs
from shaped_api import ShapedApi, body_of, demand, demand_headers, demand_keys

from sinkkit.testing import Answer

PLAIN = {"Content-Type": "text/html"}


@attrs.define(eq=False)
class SlackApi(ShapedApi):
    """``POST /services/T…/B…/…``."""

    recipe = "slack"
    settings: ClassVar = {"BASE_URL": "{url}/services/T000/B000/XXXX"}
    table = "orders"

    def row(self, number):
        """Some have nothing to say."""
        return {"id": number, "text": "" if number % 37 == 7 else f"Order {number}: 12 €"}

    def key(self, row):
        """Messages have no ids; these are told apart by their text."""
        return row["text"]

    def refusal(self, row):
        """One word."""
        return None if row["text"] else "no_text"

    def complained(self, why):
        """One word, too."""
        return Answer(400, PLAIN, "invalid_payload")

    def limited(self, retry_after):
        """Too fast."""
        return Answer(429, {**PLAIN, "Retry-After": str(retry_after)}, "rate_limited")

    def answer(self, request):
        """A message."""
        demand((request.method, request.path) == ("POST", "/services/T000/B000/XXXX"), "no_service")
        demand_headers(request, content_type="application/json")
        body = body_of(request)
        demand_keys(body, ["text"], ["blocks"])
        if why := self.refusal(body):
            return Answer(400, PLAIN, why)
        self.store(body["text"], body)
        return Answer(200, PLAIN, "ok")
