"""Recipes for APIs that know neither keys nor upserts: what is in doubt after a lost answer or a kill waits for a person, and nothing is done twice."""

from __future__ import annotations

import os

import pytest
from notion_api import NotionApi
from recipe_run import check, deliver_through_a_kill
from slack_api import SlackApi

ONE_BY_ONE = 5_000 if "RECIPES_IN_FULL" in os.environ else 300


@pytest.mark.parametrize("shaped", [SlackApi(share=0.03), NotionApi(share=0.03)], ids=["slack", "notion"])
def test_what_is_in_doubt_waits(shaped, monkeypatch):
    """Rows, one a request; those whose answer was lost are on hold, and once a person has looked for them each was taken once."""
    pipeline, info, rows = deliver_through_a_kill(
        shaped, monkeypatch, rows=ONE_BY_ONE, at=ONE_BY_ONE // 2, latency=0.002, RATE_LIMIT="5000/s", WORKERS="8"
    )

    counts = check(shaped, pipeline, info, rows)
    assert sorted((shaped.taken + shaped.unheard).values()) == [1] * counts.delivered
