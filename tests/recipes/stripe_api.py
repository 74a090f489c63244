"""Stripe's payment intents, as documented: one a request, form-encoded, an idempotency key, and errors with a type and a message."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import parse_qsl

import attrs
from shaped_api import ShapedApi, demand, demand_headers, demand_keys

from sinkkit.testing import Answer

REQUIRED = ("amount", "currency", "customer", "payment_method", "confirm", "off_session", "metadata[invoice]")


@attrs.define(eq=False)
class StripeApi(ShapedApi):
    """``POST /v1/payment_intents``."""

    recipe = "stripe"
    settings: ClassVar = {"HTTP__AUTH__TOKEN": "sk_test_123456"}
    table = "invoices"

    def row(self, number):
        """Some cards are declined."""
        card = "pm_card_declined" if number % 37 == 7 else "pm_card_visa"
        return {"id": number, "amount": 100 + number, "currency": "sek", "customer": f"cus_{number}", "payment_method": card}

    def key(self, row):
        """The invoice."""
        return str(row["id"])

    def refusal(self, row):
        """The bank's words."""
        return None if row["payment_method"] == "pm_card_visa" else "Your card was declined."

    def complained(self, why):
        """Its errors."""
        return Answer(400, body={"error": {"type": "invalid_request_error", "message": why}})

    def limited(self, retry_after):
        """Too many requests."""
        return Answer(429, {"Retry-After": str(retry_after)}, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests"}})

    def answer(self, request):
        """A payment, once a key."""
        demand((request.method, request.path) == ("POST", "/v1/payment_intents"), "Unrecognized request URL")
        demand_headers(request, authorization="Bearer sk_test_123456", content_type="application/x-www-form-urlencoded", stripe_version="2024-06-20")
        fields = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        demand_keys(fields, REQUIRED, [])
        demand(fields["amount"].isdigit() and (fields["confirm"], fields["off_session"]) == ("true", "true"), "Invalid value")
        return self.once_a_key(request, lambda: self.pay(fields))

    def pay(self, fields):
        """Try to take the money."""
        if why := self.refusal(fields):
            error = {"type": "card_error", "code": "card_declined", "decline_code": "generic_decline", "message": why}
            return Answer(402, body={"error": error})
        self.store(fields["metadata[invoice]"], fields)
        return Answer(200, body={"id": f"pi_{fields['customer']}", "object": "payment_intent", "status": "succeeded"})
