"""Destinations that break the contract, each in one way."""

from __future__ import annotations

import threading
import uuid

import httpx
from contract_subjects import Contract, Ledger, Simple, destination_is, outcome_of, probing, sends

import sinkkit
from sinkkit import Outcome, Reject, RetryLater

PROCESS = uuid.uuid4().hex
never = threading.Event()


@destination_is(probing(lambda found: None))
class ProbeNever(Ledger):
    """A probe that never finds anything."""


@destination_is(probing(lambda found: Outcome()))
class ProbeAlways(Ledger):
    """A probe that always says yes."""


def last_row_left_out(items: list[dict], http: httpx.Client):
    return outcome_of(http.post("/rows", json=items[:-1] if len(items) == 4 else items))


@sends(last_row_left_out)
class LeavesOut(Contract):
    """Calls that are not full lose their last row."""


def sent_twice(items: list[dict], http: httpx.Client):
    if len(items) == 4:
        http.post("/rows", json=items).raise_for_status()
    return outcome_of(http.post("/rows", json=items))


@sends(sent_twice)
class SendsTwice(Contract):
    """Calls that are not full are sent twice."""


def without_nulls(items: list[dict], http: httpx.Client):
    return outcome_of(http.post("/rows", json=[{name: value for name, value in row.items() if value is not None} for row in items]))


@sends(without_nulls)
class DropsNulls(Contract):
    """Leaves out what is null."""


class SendsWhenMade(Contract):
    """Tells the API of its table as soon as it is made."""

    def delivers(self, request):
        return request.path == "/rows"

    def destination(self, api):
        httpx.post(f"{api.url}/tables", json={"name": "contract"}, trust_env=False).raise_for_status()
        return Simple().destination(api)


def takes_it_for_a_heading(items: list[dict], http: httpx.Client):
    return None if len(items) == 1 and items[0]["id"] == 0 else outcome_of(http.post("/rows", json=items))


@sends(takes_it_for_a_heading)
class TakesItForAHeading(Contract):
    """Does not send the first row if it is the only one."""


def first_page(items: list[dict], http: httpx.Client):
    return outcome_of(http.post("/rows", json=items[:50]))


@sends(first_page)
class FirstPage(Contract):
    """The API takes fewer rows a request than the decorator says."""


state = {}


def shared_state(items: list[dict], http: httpx.Client):
    state["rows"] = items
    never.wait(0.001)
    return outcome_of(http.post("/rows", json=state["rows"]))


@sends(shared_state)
class SharesState(Contract):
    """Calls share a variable."""


def no_500(items: list[dict], http: httpx.Client):
    answer = http.post("/rows", json=items)
    return None if answer.status_code == 500 else outcome_of(answer)


@sends(no_500)
class Swallows500(Contract):
    """Ignores an answer 500."""


def no_400(items: list[dict], http: httpx.Client):
    answer = http.post("/rows", json=items)
    return None if answer.status_code == 400 else outcome_of(answer)


@sends(no_400)
class Swallows400(Contract):
    """Ignores an answer 400."""


def no_connection(items: list[dict], http: httpx.Client):
    try:
        return outcome_of(http.post("/rows", json=items))
    except httpx.TransportError:
        return None


@sends(no_connection)
class SwallowsConnection(Contract):
    """Ignores a lost connection."""


def own_reason(items: list[dict], http: httpx.Client):
    answer = http.post("/rows", json=items)
    if answer.status_code == 422:
        raise Reject("the CRM did not like it")
    return outcome_of(answer)


@sends(own_reason)
class OwnReason(Contract):
    """Keeps the API's message to itself."""


def own_error(items: list[dict], http: httpx.Client):
    answer = http.post("/rows", json=items)
    if answer.status_code == 422:
        raise ValueError(answer.text)
    return outcome_of(answer)


@sends(own_error)
class OwnError(Contract):
    """Makes an error of its own of a refusal."""


def ignores_body(items: list[dict], http: httpx.Client):
    http.post("/rows", json=items).raise_for_status()


@sends(ignores_body)
class IgnoresBody(Contract):
    """Does not look at what the API says of each row."""


def counts_from_one(items: list[dict], http: httpx.Client):
    outcome = outcome_of(http.post("/rows", json=items))
    return Outcome(rejected={index - 1: why for index, why in outcome.rejected.items()})


@sends(counts_from_one)
class CountsFromOne(Contract):
    """Takes the API's indices for numbers from 1."""


def gives_up(items: list[dict], http: httpx.Client):
    answer = http.post("/rows", json=items)
    if answer.status_code == 503:
        raise RuntimeError("the CRM is down")
    return outcome_of(answer)


@sends(gives_up)
class GivesUp(Contract):
    """Makes an error of its own of a 503."""


calls = {}


def key_by_call(items: list[dict], batch, http: httpx.Client):
    calls[batch.key] = calls.get(batch.key, 0) + 1
    return outcome_of(http.post("/rows", json=items, headers={"X-Key": f"{batch.key}/{calls[batch.key]}"}))


class KeyByCall(Contract):
    """Makes a key for each call."""

    def destination(self, api):
        return sinkkit.destination(batch_size=100)(key_by_call)

    def key(self, request):
        return request.headers["x-key"]


def one_key(items: list[dict], batch, http: httpx.Client):
    return outcome_of(http.post("/rows", json=items, headers={"X-Key": batch.load_id}))


class OneKey(KeyByCall):
    """Sends all rows under one key."""

    def destination(self, api):
        return sinkkit.destination(batch_size=100)(one_key)


def key_by_process(items: list[dict], batch, http: httpx.Client):
    return outcome_of(http.post("/rows", json=items, headers={"X-Key": f"{PROCESS}/{batch.rows[0]}"}))


class KeyByProcess(KeyByCall):
    """Makes keys that another process does not know."""

    def destination(self, api):
        return sinkkit.destination(batch_size=100)(key_by_process)


def forgets_the_pause(items: list[dict], http: httpx.Client):
    answer = http.post("/rows", json=items)
    if answer.status_code == 429:
        raise RetryLater("too many requests")
    return outcome_of(answer)


@sends(forgets_the_pause)
class ForgetsThePause(Contract):
    """Drops Retry-After."""

    pause_seconds = 1


def rejects_401(items: list[dict], http: httpx.Client):
    answer = http.post("/rows", json=items)
    if answer.status_code == 401:
        raise Reject(answer.text)
    return outcome_of(answer)


@sends(rejects_401)
class Rejects401(Contract):
    """Makes a refusal of an expired login."""


class OnlyOnce(Contract):
    """Cannot be made in another process, which has no API but its URL."""

    def destination(self, api):
        assert api.requests == []
        return Simple().destination(api)


def elsewhere(items: list[dict], url: str):
    httpx.post(url, json=items).raise_for_status()


class Elsewhere(Contract):
    """Talks to another API."""

    def destination(self, api):
        return sinkkit.destination(elsewhere)(url="http://127.0.0.1:9")
