"""HubSpot's batch upsert of contacts, API v3, as documented: 100 inputs, 207 with errors that name inputs by their trace id."""

from __future__ import annotations

import json
from typing import ClassVar

import attrs
from shaped_api import ShapedApi, body_of, demand, demand_headers, demand_keys

from sinkkit.testing import Answer

MOST_INPUTS = 100
PROPERTIES = ("email", "firstname", "city", "warehouse_id")


@attrs.define(eq=False)
class HubspotApi(ShapedApi):
    """``POST /crm/v3/objects/contacts/batch/upsert``."""

    recipe = "hubspot"
    settings: ClassVar = {"HTTP__AUTH__TOKEN": "pat-eu1-123456"}

    def complained(self, why):
        """The shape of its errors."""
        return Answer(400, body={"status": "error", "message": why, "category": "VALIDATION_ERROR", "correlationId": "c-1"})

    def limited(self, retry_after):
        """It names the policy that was broken."""
        body = {"status": "error", "message": "You have reached your secondly limit.", "errorType": "RATE_LIMIT", "policyName": "SECONDLY"}
        return Answer(429, {"Retry-After": str(retry_after)}, body)

    def answer(self, request):
        """Each input is taken or refused by itself."""
        demand((request.method, request.path) == ("POST", "/crm/v3/objects/contacts/batch/upsert"), "no such endpoint")
        demand_headers(request, authorization="Bearer pat-eu1-123456", content_type="application/json")
        results = [self.one(given) for given in self.inputs(body_of(request))]
        errors = [error for _, error in results if error]
        done = [result for result, _ in results if result]
        answer = {"status": "COMPLETE", "results": done, "startedAt": "2026-01-01T00:00:00Z", "completedAt": "2026-01-01T00:00:01Z"}
        return Answer(207, body={**answer, "numErrors": len(errors), "errors": errors}) if errors else Answer(200, body=answer)

    def inputs(self, body):
        """The inputs of a request, if they are as they have to be."""
        demand_keys(body, ["inputs"], [])
        demand(0 < len(body["inputs"]) <= MOST_INPUTS, f"{len(body['inputs'])} inputs, at most {MOST_INPUTS}")
        for one in body["inputs"]:
            demand_keys(one, ["id", "idProperty", "properties", "objectWriteTraceId"], [])
            demand_keys(one["properties"], ["email"], PROPERTIES)
            demand(one["idProperty"] == "email", "idProperty is no unique property")
        for name in ("id", "objectWriteTraceId"):
            values = [one[name] for one in body["inputs"]]
            demand(len(set(values)) == len(values), f"Duplicate {name} found in batch input")
        return body["inputs"]

    def one(self, given):
        """(result, None) or (None, error) of one input."""
        why = self.refusal({"email": given["id"]})
        if why or self.busy_row(given["id"]):
            category = "VALIDATION_ERROR" if why else "RATE_LIMITS"
            message = f"Property values were not valid: {json.dumps([{'isValid': False, 'message': why}])}" if why else "slow down"
            return None, {"status": "error", "category": category, "message": message, "context": {"objectWriteTraceId": [given["objectWriteTraceId"]]}}
        known = given["id"] in self.stored
        self.store(given["id"], given["properties"])
        return {"id": str(len(self.stored)), "properties": given["properties"], "new": not known, "objectWriteTraceId": given["objectWriteTraceId"]}, None
