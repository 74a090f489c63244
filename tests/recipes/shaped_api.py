"""What the servers of the recipes share: they check requests, spoil some of them, and know what they took and how often."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter, defaultdict
from typing import ClassVar

import attrs

from sinkkit.testing import Answer, Drop, TooMany

ROWS_REFUSED = 37
"""Every so many rows there is one that the API refuses."""

BUSY_AT = 5
"""The number of a request that is always refused, with a pause of a whole second."""


class Complaint(Exception):
    """A request that the API has no use for, whatever rows are in it: the recipe is wrong. Its arguments are the reason and the status."""


@attrs.define(eq=False)
class ShapedApi:
    """An API of one shape: a policy for ``MisbehavingApi``. Subclasses say what it is (the class attributes) and what it answers.

    Attributes:
        seed: Chooses which requests are spoiled.
        share: Of all requests, how many.
        spoils: Whether any are.
        stored: What it has, by key.
        taken: How often it took each row and answered so, by key; what it took without the client ever hearing of it is in *unheard*.
        complaints: What was wrong with requests.
        kill_at: Number of the request at which *kill* is called: it has arrived, and who sent it is no more.
        kill: What kills the sender.
    """

    recipe = ""
    """Name of the recipe."""
    settings: ClassVar = {}
    """What a user adds: secrets, as they stand in the environment behind ``DESTINATION__NAME__``."""
    table = "contacts"
    limit_status = 429
    doubtful_at = (3, 11)
    """Numbers of requests whose answers are always lost."""

    seed: int = 0
    share: float = 0.06
    spoils: bool = True
    stored: dict = attrs.field(factory=dict)
    taken: Counter = attrs.field(factory=Counter)
    unheard: Counter = attrs.field(factory=Counter)
    complaints: list = attrs.field(factory=list)
    kill_at: int | None = None
    kill: object = None
    asked: dict = attrs.field(factory=lambda: defaultdict(int))
    answers_by_key: dict = attrs.field(factory=dict)
    _heard: bool = attrs.field(default=True, init=False)

    def row(self, number):
        """The row *number*, as the user has it; some are refused."""
        bad = number % ROWS_REFUSED == 7
        return {"id": number, "email": f"broken{number}" if bad else f"person{number}@example.com", "first_name": f"Åsa {number}", "city": "Malmö"}

    def key(self, row):
        """What the API knows the row as."""
        return row["email"]

    def refusal(self, row):
        """The API's own message where it refuses *row*; None where it takes it."""
        return None if "@" in row["email"] else f"Email address {row['email']} is invalid"

    def answer(self, request):
        """The answer to a request, with all that the API does; raises Complaint."""
        raise NotImplementedError

    def complained(self, why):
        """How it answers a request that is wrong as such."""
        return Answer(400, body={"error": why})

    def limited(self, retry_after):
        """How it says that there were too many requests."""
        return Answer(self.limit_status, {"Retry-After": str(retry_after)}, {"error": "too many requests"})

    def __call__(self, number, request):
        """What becomes of a request."""
        fault = self.fault(number)
        if number == self.kill_at:
            self.kill()
            fault = Drop.after
        if isinstance(fault, TooMany):
            return self.limited(fault.retry_after)
        if fault is Drop.before or (isinstance(fault, Answer) and not fault.processes):
            return fault
        self._heard = fault is None
        try:
            answer = self.answer(request)
        except Complaint as wrong:
            why, status = wrong.args
            self.complaints.append(f"{request.method} {request.path}: {why}")
            return attrs.evolve(self.complained(why), status=status)
        return answer if fault is None else fault

    def fault(self, number):
        """What is done to the request *number* instead; None: nothing."""
        if not self.spoils:
            return None
        if number in self.doubtful_at:
            return Drop.after if number == self.doubtful_at[0] else Answer(500, processed=True)
        if number == BUSY_AT:
            return TooMany(1)
        at = random.Random(f"{self.seed}:{number}").random()
        faults = [TooMany(0.05), Answer(503), Drop.before, Drop.after, Answer(502, processed=True)]
        return faults[int(at / self.share * len(faults))] if at < self.share else None

    def store(self, key, value):
        """Take a row."""
        self.stored[key] = value
        (self.taken if self._heard else self.unheard)[key] += 1

    def busy_row(self, key, first=31):
        """Whether the API has no time for this row just now: so for one row in *first*, the first time it comes."""
        self.asked[key] += 1
        return self.asked[key] == 1 and sum(str(key).encode()) % first == 0

    def once_a_key(self, request, make):
        """The answer of the first request under its idempotency key, repeated for later ones, whose body must be the same."""
        demand(request.key, "no Idempotency-Key")
        known = self.answers_by_key.get(request.key)
        if known is None:
            known = self.answers_by_key[request.key] = (request.body, make())
        demand(known[0] == request.body, f"key {request.key} was used for another body")
        return known[1]


def demand(truth, why, status=400):
    """Complain of a request unless *truth*."""
    if not truth:
        raise Complaint(why, status)


def demand_headers(request, **wanted):
    """Complain of a header that is not as *wanted*; names have underscores for hyphens, content types may have parameters."""
    for name, value in wanted.items():
        found = request.headers.get(name.replace("_", "-"), "")
        found = found.partition(";")[0] if name == "content_type" else found
        demand(found == value, f"{name} is {found!r}, not {value!r}", 401 if name == "authorization" else 400)


def demand_keys(data, required, allowed=None):
    """Complain of a table without a required key or with a key that is not allowed."""
    demand(isinstance(data, dict), f"{data!r} is no object")
    missing = [name for name in required if name not in data]
    strange = [name for name in data if allowed is not None and name not in (*required, *allowed)]
    demand(not missing and not strange, f"missing {missing}, not allowed {strange}")


def body_of(request):
    """The JSON body."""
    try:
        return json.loads(request.body)
    except ValueError:
        raise Complaint(f"the body is no JSON: {request.body[:80]!r}", 400) from None


def basic(user, password):
    """The value of ``Authorization`` for a user (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
