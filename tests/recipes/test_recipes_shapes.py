"""The servers of the recipes are strict: a recipe that were wrong would be found out."""

from __future__ import annotations

import tomllib

import pytest
from elasticsearch_api import ElasticsearchApi
from hubspot_api import HubspotApi
from mailchimp_api import MailchimpApi
from notion_api import NotionApi
from recipe_run import RECIPES, configure
from salesforce_api import SalesforceApi
from salesforce_bulk_api import SalesforceBulkApi
from slack_api import SlackApi
from stripe_api import StripeApi
from webhook_api import WebhookApi
from zendesk_api import ZendeskApi

import sinkkit
from sinkkit.errors import DeliveryFailed
from sinkkit.testing import MisbehavingApi

SHAPES = [
    ElasticsearchApi, HubspotApi, MailchimpApi, NotionApi, SalesforceApi, SalesforceBulkApi, SlackApi, StripeApi, WebhookApi, ZendeskApi,
]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "edit", "complaint"),
    [
        (HubspotApi, ("batch_size = 100", "batch_size = 101"), "101 inputs"),
        (HubspotApi, ("idProperty", "id_property"), "not allowed ['id_property']"),
        (HubspotApi, ('order_by = "email"', ""), "Duplicate id found"),
        (SalesforceApi, ("batch_size = 200", "batch_size = 201"), "201 records"),
        (SalesforceApi, ("PATCH", "POST"), "NOT_FOUND"),
        (SalesforceBulkApi, ("CRLF", "LF"), "operation"),
        (SalesforceBulkApi, ("Email =", "EMail ="), "columns"),
        (ZendeskApi, ("batch_size = 100", "batch_size = 101"), "101 users"),
        (MailchimpApi, ("batch_size = 500", "batch_size = 501"), "501 members"),
        (MailchimpApi, ('"subscribed"', '"friend"'), "status"),
        (ElasticsearchApi, ("_id", "id"), "missing ['_id']"),
        (StripeApi, ("Idempotency-Key", "X-Other"), "no Idempotency-Key"),
        (StripeApi, ('"form"', '"json"'), "content_type is 'application/json'"),
        (SlackApi, ('text = "', 'title = "'), "not allowed ['title']"),
        (NotionApi, ("2022-06-28", "2020-01-01"), "notion_version is '2020-01-01'"),
        (WebhookApi, ("batch_size = 100", "batch_size = 101"), "101 rows"),
    ],
)
def test_a_wrong_recipe_is_found_out(shape, edit, complaint, monkeypatch):
    """A batch that is too large, a wrong type, key or header: the server complains, and the run ends."""
    shaped = shape(share=0, spoils=False)
    with MisbehavingApi(shaped) as api:
        configure(shaped, api, monkeypatch, edit=edit, RATE_LIMIT="5000/s", ON_REJECT="halt")
        rows = [shaped.row(number) for number in (*range(9), *range(8, 520))]
        with pytest.raises(DeliveryFailed) as caught:
            sinkkit.pipeline("p", destination=shaped.recipe, progress="off").run(rows, table_name=shaped.table)

    assert complaint in shaped.complaints[0]
    assert "400" in str(caught.value) or complaint in str(caught.value)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape is not SlackApi], ids=lambda shape: shape.recipe)
def test_a_wrong_password_ends_the_run(shape, monkeypatch):
    """An old token: nothing is taken, no row is rejected for it."""
    shaped = shape(share=0, spoils=False)
    with MisbehavingApi(shaped) as api:
        (secret,) = [name for name in shaped.settings if name.rsplit("_", 1)[-1] in ("TOKEN", "PASSWORD", "KEY", "SECRET")]
        configure(shaped, api, monkeypatch, **{secret: "an-old-one"})
        pipeline = sinkkit.pipeline("p", destination=shaped.recipe, progress="off")
        with pytest.raises(DeliveryFailed, match=r"401|invalid_client"):
            pipeline.run([shaped.row(number) for number in range(10)], table_name=shaped.table)

    assert (shaped.stored, list(pipeline.rejected())) == ({}, [])


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.recipe)
def test_it_tells_what_the_recipe_sends(shape, monkeypatch):
    """Without anything in the way, every row is taken or refused with the server's words, one call a batch."""
    shaped = shape(share=0, spoils=False)
    with MisbehavingApi(shaped) as api:
        configure(shaped, api, monkeypatch, RATE_LIMIT="5000/s")
        rows = [shaped.row(number) for number in range(60)]
        info = sinkkit.pipeline("p", destination=shaped.recipe, progress="off").run(rows, table_name=shaped.table)

    assert (shaped.complaints, info.total.delivered, info.total.rejected) == ([], 58, 2)


KEYS = [(HubspotApi, "email"), (MailchimpApi, "email"), (ElasticsearchApi, "id"), (SalesforceApi, "id"), (SalesforceBulkApi, "id"), (WebhookApi, "id")]


@pytest.mark.parametrize(("shape", "key"), KEYS, ids=lambda value: getattr(value, "recipe", ""))
@pytest.mark.parametrize("nothing", [None, ""], ids=["null", "empty"])
def test_a_row_without_its_key_stays_here(shape, key, nothing, monkeypatch):
    """A row that the API could not tell from others is rejected and not sent; the rest of its batch is."""
    shaped = shape(share=0, spoils=False)
    with MisbehavingApi(shaped) as api:
        configure(shaped, api, monkeypatch, RATE_LIMIT="5000/s")
        pipeline = sinkkit.pipeline("p", destination=shaped.recipe, progress="off")
        info = pipeline.run([shaped.row(1), {**shaped.row(2), key: nothing}, shaped.row(3)], table_name=shaped.table)

    assert (shaped.complaints, info.total.delivered, info.total.rejected) == ([], 2, 1)
    assert [letter.reason for letter in pipeline.rejected()] == [f"the field {key!r} is required, and {'null' if nothing is None else 'empty'}"]


def test_every_recipe_has_a_server():
    """No recipe is left without a test, and each says its name and where its secrets belong."""
    recipes = {path.stem: tomllib.loads(path.read_text()) for path in RECIPES.glob("*.toml")}

    assert sorted(recipes) == sorted(shape.recipe for shape in SHAPES)
    assert [list(recipe["destination"]) for name, recipe in sorted(recipes.items())] == [[name] for name in sorted(recipes)]
