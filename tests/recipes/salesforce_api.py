"""Salesforce's sObject collections, as documented: PATCH with 200 records, a list of results in their order."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import parse_qsl

import attrs
from shaped_api import Complaint, ShapedApi, body_of, demand, demand_headers, demand_keys

from sinkkit.testing import Answer

MOST_RECORDS = 200
TOKENS = "/services/oauth2/token"
CREDENTIALS = {
    "HTTP__AUTH__CLIENT_ID": "3MVG9", "HTTP__AUTH__CLIENT_SECRET": "s3cr3t", "HTTP__AUTH__TOKEN_URL": "{url}" + TOKENS,
}  # fmt: skip
FIELDS = ("Email", "FirstName", "LastName", "MailingCity")


@attrs.define(eq=False)
class SalesforceApi(ShapedApi):
    """``PATCH /services/data/vNN.0/composite/sobjects/Contact/Warehouse_Id__c``."""

    recipe = "salesforce"
    settings: ClassVar = CREDENTIALS

    def row(self, number):
        """Some have no last name, which a contact needs."""
        return {**super().row(number), "email": f"p{number}@example.com", "last_name": None if number % 37 == 7 else f"Öberg {number}"}

    def key(self, row):
        """The external id."""
        return str(row["id"])

    def refusal(self, row):
        """Salesforce's words."""
        return None if row["last_name"] else "Required fields are missing: [LastName]"

    def complained(self, why):
        """Errors of a whole request are a list."""
        return Answer(400, body=[{"message": why, "errorCode": "JSON_PARSER_ERROR"}])

    def limited(self, retry_after):
        """Too many requests at once."""
        return Answer(503, {"Retry-After": str(retry_after)}, [{"message": "Server Too Busy", "errorCode": "SERVER_UNAVAILABLE"}])

    def answer(self, request):
        """Each record by itself, as allOrNone is false; tokens, too."""
        if request.path == TOKENS:
            return token_for(request)
        demand((request.method, request.path) == ("PATCH", "/services/data/v62.0/composite/sobjects/Contact/Warehouse_Id__c"), "NOT_FOUND")
        demand_headers(request, authorization="Bearer 00Dxx!token", content_type="application/json")
        body = body_of(request)
        demand_keys(body, ["records", "allOrNone"], [])
        demand(body["allOrNone"] is False, "allOrNone")
        demand(0 < len(body["records"]) <= MOST_RECORDS, f"{len(body['records'])} records")
        for record in body["records"]:
            demand_keys(record, ["attributes", "Warehouse_Id__c"], FIELDS)
            demand(record["attributes"] == {"type": "Contact"}, "attributes.type")
        ids = [record["Warehouse_Id__c"] for record in body["records"]]
        demand(len(set(ids)) == len(ids), "Duplicate external id specified")
        return Answer(200, body=[self.one(str(record["Warehouse_Id__c"]), record) for record in body["records"]])

    def one(self, key, record):
        """The result of one record."""
        if not record.get("LastName"):
            error = {"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [LastName]", "fields": ["LastName"]}
        elif self.busy_row(key):
            error = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access to this record", "fields": []}
        else:
            created = key not in self.stored
            self.store(key, record)
            return {"id": f"003{key:0>15}", "success": True, "errors": [], "created": created}
        return {"success": False, "errors": [error]}


def token_for(request):
    """An access token for client credentials; Salesforce does not say for how long."""
    demand(request.method == "POST", "invalid_request")
    demand_headers(request, content_type="application/x-www-form-urlencoded")
    form = dict(parse_qsl(request.body.decode()))
    demand((form.get("grant_type"), form.get("client_id")) == ("client_credentials", "3MVG9"), "invalid_client")
    if form.get("client_secret") != "s3cr3t":
        raise Complaint("invalid_client", 401)
    return Answer(200, body={"access_token": "00Dxx!token", "instance_url": "https://mydomain.my.salesforce.com", "token_type": "Bearer"})
