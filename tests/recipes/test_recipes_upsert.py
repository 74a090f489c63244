"""Recipes that write rows under ids of their own: through spoiled requests, refused rows and a kill, and repeats write over themselves."""

from __future__ import annotations

from elasticsearch_api import ElasticsearchApi
from hubspot_api import HubspotApi
from mailchimp_api import MailchimpApi
from recipe_run import check, deliver_through_a_kill, repeated
from salesforce_api import SalesforceApi


def test_hubspot(monkeypatch):
    """5,000 contacts in batches of 100; each is there, refused ones with HubSpot's words, and repeats are by upsert."""
    shaped = HubspotApi()
    pipeline, info, rows = deliver_through_a_kill(shaped, monkeypatch, rows=5_000, at=20, RATE_LIMIT="200/s")

    counts = check(shaped, pipeline, info, rows)
    assert repeated(shaped) <= counts.resent


def test_salesforce(monkeypatch):
    """5,000 contacts in batches of 200; each is there, refused ones with Salesforce's words, and repeats are by upsert."""
    shaped = SalesforceApi()
    pipeline, info, rows = deliver_through_a_kill(shaped, monkeypatch, rows=5_000, at=12)

    counts = check(shaped, pipeline, info, rows)
    assert repeated(shaped) <= counts.resent
    assert len(pipeline.receipts()) == counts.delivered


def test_mailchimp(monkeypatch):
    """5,000 members in batches of 500; each is there, refused ones with Mailchimp's words, and repeats are by upsert."""
    shaped = MailchimpApi()
    pipeline, info, rows = deliver_through_a_kill(shaped, monkeypatch, rows=5_000, at=6)

    counts = check(shaped, pipeline, info, rows)
    assert repeated(shaped) <= counts.resent


def test_elasticsearch(monkeypatch):
    """5,000 documents in batches of 250; each is there, refused ones with its words, those it had no time for come again."""
    shaped = ElasticsearchApi()
    pipeline, info, rows = deliver_through_a_kill(shaped, monkeypatch, rows=5_000, at=10, BATCH_SIZE="250")

    counts = check_ids(shaped, pipeline, info, rows)
    assert repeated(shaped) <= counts.resent


def check_ids(shaped, pipeline, info, rows):
    """As `check`, with the receipts that are the ids."""
    counts = check(shaped, pipeline, info, rows)
    assert sorted(pipeline.receipts()["receipt"].to_pylist()) == sorted(shaped.stored)
    return counts
