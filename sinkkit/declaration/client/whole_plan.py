"""The plan of a destination's client, credentials included, from all that its settings say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sinkkit.clock import SystemClock
from sinkkit.declaration.client.client_settings import client_plan, naming
from sinkkit.declaration.client.plan import ClientPlan
from sinkkit.declaration.problems import Problems
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
    plan = ClientPlan(arguments={})
    with problems.collecting():
        plan = client_plan(section, timeout=timeout, workers=workers, where=resolver.place)
    with problems.collecting():
        if "auth" in section:
            plan = with_login(plan, resolver, section)
    problems.raise_all()
    for password in plan.passwords:
        resolver.redactor.add(password)
    return plan


def with_login(plan: ClientPlan, resolver: Resolver, section: Mapping[str, Any]) -> ClientPlan:
    """*plan* with the credentials that *section* says.

    Raises:
        ConfigError: Once, naming all that is wrong with them.
    """
    from sinkkit.declaration.client.auth.asking import tokens_for  # few destinations need these
    from sinkkit.declaration.client.auth.reading import read_login
    from sinkkit.settings.credentials import OAuth2ClientCredentials, OAuth2RefreshToken

    login = read_login(resolver, section, naming(resolver.place))
    if login is None or not plan.arguments:  # without arguments there is no plan: its own error is told
        return plan
    asks = isinstance(login.credentials, OAuth2ClientCredentials | OAuth2RefreshToken)
    tokens = tokens_for(login.credentials, plan, SystemClock(), resolver.redactor.add) if asks else None
    return attrs.evolve(plan, login=login, tokens=tokens)
