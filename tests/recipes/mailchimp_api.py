"""Mailchimp's batch subscribe, as documented: 500 members, and a list of errors that name addresses."""

from __future__ import annotations

from typing import ClassVar

import attrs
from shaped_api import ShapedApi, basic, body_of, demand, demand_headers, demand_keys

from sinkkit.testing import Answer

MOST_MEMBERS = 500


@attrs.define(eq=False)
class MailchimpApi(ShapedApi):
    """``POST /3.0/lists/{list_id}``."""

    recipe = "mailchimp"
    settings: ClassVar = {"HTTP__AUTH__PASSWORD": "key-us21"}
    table = "members"

    def refusal(self, row):
        """Mailchimp's words."""
        return None if "@" in row["email"] else "Please provide a valid email address."

    def complained(self, why):
        """Problems as RFC 7807 has them."""
        return Answer(400, {"Content-Type": "application/problem+json"}, {"title": "Invalid Resource", "status": 400, "detail": why})

    def limited(self, retry_after):
        """It takes ten connections at once."""
        body = {"title": "Too Many Requests", "status": 429, "detail": "You have exceeded the limit of 10 simultaneous connections."}
        return Answer(429, {"Retry-After": str(retry_after), "Content-Type": "application/problem+json"}, body)

    def answer(self, request):
        """Members that are new, those that were there, and errors."""
        demand((request.method, request.path) == ("POST", "/3.0/lists/a1b2c3d4e5"), "Resource Not Found")
        demand_headers(request, authorization=basic("anystring", "key-us21"), content_type="application/json")
        body = body_of(request)
        demand_keys(body, ["members", "update_existing"], ["sync_tags"])
        demand(body["update_existing"] is True, "update_existing")
        demand(0 < len(body["members"]) <= MOST_MEMBERS, f"{len(body['members'])} members")
        lists = {"new_members": [], "updated_members": [], "errors": []}
        for member in body["members"]:
            demand_keys(member, ["email_address", "status"], ["merge_fields"])
            demand(member["status"] in ("subscribed", "unsubscribed", "cleaned", "pending", "transactional"), "status")
            name, result = self.one(member, [one["email_address"] for one in body["members"]])
            lists[name].append(result)
        counts = zip(["total_created", "total_updated", "error_count"], lists.values(), strict=True)
        return Answer(200, body={**lists, **{name: len(those) for name, those in counts}})

    def one(self, member, every):
        """(the list, what stands in it) for a member."""
        address = member["email_address"]
        why = self.refusal({"email": address}) or ("Duplicate items found in request" if every.count(address) > 1 else None)
        if why:
            return "errors", {"email_address": address, "error": why, "error_code": "ERROR_GENERIC", "field": "", "field_message": ""}
        name = "updated_members" if address in self.stored else "new_members"
        self.store(address, member)
        return name, {"id": f"m{abs(hash(address))}", "email_address": address, "status": member["status"]}
