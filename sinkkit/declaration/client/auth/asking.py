"""How an access token is asked for: by a client of its own, with the destination's certificates and proxy, whose requests belong to no call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sinkkit.clock import Clock
from sinkkit.declaration.client.auth.failed import Failure, NoToken
from sinkkit.declaration.client.auth.tokens import Grant, Tokens
from sinkkit.declaration.client.plan import ClientPlan

USED = ("verify", "proxy", "trust_env", "timeout", "http2")
"""Settings of the destination's client that hold for its authorization server too; headers and parameters are the API's own."""


def tokens_for(grant: Grant, plan: ClientPlan, clock: Clock, learn: Callable[[str], None]) -> Tokens:
    """The tokens of a destination whose client has *plan*; *learn* is told what is secret."""
    headers = {name: value for name, value in plan.arguments["headers"].items() if name.lower() == "user-agent"}
    arguments = {name: value for name, value in plan.arguments.items() if name in USED}
    own = attrs.evolve(plan, arguments={**arguments, "headers": headers}, home=None, id_header=None, login=None, watch=None, transport=None)

    def post(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        return asked(own, url, form, headers)

    return Tokens(grant, post, clock=clock, learn=learn)


def asked(plan: ClientPlan, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    """Post *form* and read the answer.

    Raises:
        NoToken: If there is none.
    """
    import httpx

    from sinkkit.declaration.client import deadline
    from sinkkit.declaration.client.clients import Client
    from sinkkit.declaration.client.trace import CURRENT
    from sinkkit.errors import CallFailed

    call, until = CURRENT.get(), deadline.DEADLINE.get()
    CURRENT.set(None)
    try:
        with Client(plan, None) as client:
            answer: Any = client.post(url, data=dict(form), headers={"Accept": "application/json", **headers})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        useless = isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol)
        raise NoToken(Failure(f"{url} could not be asked ({type(error).__name__}: {error})", halting=useless)) from error
    except CallFailed as error:
        raise NoToken(Failure(f"{url} gave too long an answer")) from error
    else:
        return answer.status_code, answer.headers, answer.content
    finally:
        CURRENT.set(call)
        deadline.DEADLINE.set(until)
