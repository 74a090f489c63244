"""The plan of a destination's client, credentials included, from all that its settings say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.clock import SystemClock
from sinkkit.declaration.client.auth.asking import tokens_for
from sinkkit.declaration.client.auth.reading import read_login
from sinkkit.declaration.client.client_settings import client_plan, naming
from sinkkit.declaration.client.plan import ClientPlan
from sinkkit.declaration.problems import Problems
from sinkkit.settings.credentials import OAuth2ClientCredentials, OAuth2RefreshToken
from sinkkit.settings.resolve import Resolver


def read_plan(resolver: Resolver, *, timeout: float | None, workers: int, usual: Mapping[str, Any] | None = None) -> ClientPlan:
    """What ``[destination.NAME.http]`` says.

    Args:
        resolver: Finds the settings; its redactor learns what is secret, then and whenever a token is given out.
        timeout: Seconds a call may take.
        workers: Calls at once.
        usual: What holds where it says nothing.

    Raises:
        ConfigError: Once, naming all that is wrong.
    """
    section = {**(usual or {}), **resolver.section("http")}
    problems = Problems()
    plan, login = ClientPlan(arguments={}), None
    with problems.collecting():
        plan = client_plan(section, timeout=timeout, workers=workers, where=resolver.place)
    with problems.collecting():
        login = read_login(resolver, section, naming(resolver.place))
    problems.raise_all()
    learn = resolver.redactor.add
    for password in plan.passwords:
        learn(password)
    if login is None:
        return plan
    asks = isinstance(login.credentials, OAuth2ClientCredentials | OAuth2RefreshToken)
    tokens = tokens_for(login.credentials, plan, SystemClock(), learn) if asks else None
    return attrs.evolve(plan, login=login, tokens=tokens)
