"""The injected HTTP client: one a destination, shared by its workers, with what config says."""

from __future__ import annotations

from typing import Any

from sinkkit.declaration.client.plan import ClientPlan


def open_client(plan: ClientPlan, key_header: str | None) -> Any:
    """An ``httpx.Client`` that encodes ``json=`` with orjson and carries the batch's key in *key_header*."""
    from sinkkit.declaration.client.clients import Client

    return Client(plan, key_header)


def open_async_client(plan: ClientPlan, key_header: str | None) -> Any:
    """The same for coroutines."""
    from sinkkit.declaration.client.clients import AsyncClient

    return AsyncClient(plan, key_header)
