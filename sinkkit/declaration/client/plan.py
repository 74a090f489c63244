"""What config says of an injected client, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from sinkkit.declaration.client.exchanges import Watch
from sinkkit.declaration.client.origin import Origin, Private

if TYPE_CHECKING:  # most clients need neither
    from sinkkit.declaration.client.auth.login import Login  # noqa: TC004  # attrs reads no annotations
    from sinkkit.declaration.client.auth.tokens import Tokens  # noqa: TC004  # attrs reads no annotations

MOST_RESPONSE_BYTES = 64 << 20
"""For a client without ``max_response_bytes``: far above what an API says of a batch, and small enough for one a worker."""


@attrs.frozen(kw_only=True)
class ClientPlan:
    """Everything that ``open_client`` needs.

    Attributes:
        arguments: For ``httpx.Client`` and ``httpx.AsyncClient``.
        whole: Seconds for a request from its beginning to the last byte of its answer; None: no limit.
        connect_retries: Further tries to connect, before anything is sent.
        max_response_bytes: Bytes that are read of an answer.
        id_header: The header that gets each request's own id; None: none does.
        home: Where credentials may go; None: there is no ``base_url``.
        private: Headers and parameters that may be credentials.
        record: How many of the last requests that succeeded are kept for ``sinkkit inspect``; those that failed always are.
        watch: Told of each request and what came of it; None: nobody looks.
        transport: What requests go through instead of the network; None: the network.
        login: How it proves who it is; None: it does not.
        tokens: Access tokens, where the login is for such; shared by all clients of the destination.
        passwords: Those inside URLs: httpx repeats URLs in its errors.
    """

    arguments: Mapping[str, Any] = attrs.field(repr=False)
    whole: float | None = None
    connect_retries: int = 0
    max_response_bytes: int = MOST_RESPONSE_BYTES
    id_header: str | None = None
    home: Origin | None = None
    private: Private = attrs.field(factory=Private)
    record: int = 0
    watch: Watch | None = None
    transport: Any = None
    login: Login | None = attrs.field(default=None, repr=False)
    tokens: Tokens | None = attrs.field(default=None, repr=False)
    passwords: tuple[str, ...] = attrs.field(default=(), repr=False)

    def rehearsed(self, watch: Watch) -> ClientPlan:
        """The same for a client that sends nothing, and tells *watch* of each request."""
        from sinkkit.declaration.client.rehearsal_transport import RehearsalTransport

        arguments = {name: value for name, value in self.arguments.items() if name != "proxy"}
        tokens = None if self.tokens is None else self.tokens.rehearsed()
        return attrs.evolve(self, arguments=arguments, watch=watch, transport=RehearsalTransport(), tokens=tokens)
