"""Recipes for APIs that honour idempotency keys: through spoiled requests, refused rows and a kill, and nothing is done twice."""

from __future__ import annotations

import os

from recipe_run import check, deliver_through_a_kill
from stripe_api import StripeApi
from webhook_api import WebhookApi

ONE_BY_ONE = 5_000 if "RECIPES_IN_FULL" in os.environ else 600


def times(shaped):
    """How often each row was taken, whether the client heard of it or not."""
    return sorted((shaped.taken + shaped.unheard).values())


def test_stripe(monkeypatch):
    """Payments, one a request; each was made once, declined ones have the bank's words."""
    shaped = StripeApi(share=0.03)
    pipeline, info, rows = deliver_through_a_kill(shaped, monkeypatch, rows=ONE_BY_ONE, at=ONE_BY_ONE // 2, latency=0.002, RATE_LIMIT="5000/s")

    counts = check(shaped, pipeline, info, rows)
    assert times(shaped) == [1] * counts.delivered
    assert len(pipeline.receipts()) == counts.delivered


def test_webhook(monkeypatch):
    """5,000 rows in batches of 100; each was taken once."""
    shaped = WebhookApi()
    pipeline, info, rows = deliver_through_a_kill(shaped, monkeypatch, rows=5_000, at=20)

    counts = check(shaped, pipeline, info, rows)
    assert times(shaped) == [1] * counts.delivered
