"""Recipes for APIs that take rows as jobs: through spoiled requests, refused rows and a kill, jobs are asked after and repeats write over themselves."""

from __future__ import annotations

from recipe_run import check, deliver_through_a_kill, repeated
from salesforce_bulk_api import SalesforceBulkApi
from zendesk_api import ZendeskApi


def test_zendesk(monkeypatch):
    """5,000 users in jobs of 100, no more of them than Zendesk takes at once; each is there, refused ones with its words."""
    shaped = ZendeskApi(share=0.03)
    pipeline, info, rows = deliver_through_a_kill(shaped, monkeypatch, rows=5_000, at=60, RATE_LIMIT="500/s")

    counts = check(shaped, pipeline, info, rows)
    assert repeated(shaped) <= counts.resent
    assert len(list(pipeline.receipts()["receipt"])) == counts.delivered


def test_salesforce_bulk(monkeypatch):
    """5,000 contacts in jobs of 250; each was worked on by one job, refused ones have Salesforce's words, and no job gets two uploads."""
    shaped = SalesforceBulkApi(share=0.03)
    pipeline, info, rows = deliver_through_a_kill(shaped, monkeypatch, rows=5_000, at=30, BATCH_SIZE="250")

    counts = check(shaped, pipeline, info, rows)
    assert sorted((shaped.taken + shaped.unheard).values()) == [1] * counts.delivered
