"""The injected clients: httpx's own, with JSON by orjson, what requests are known by, a limit for the whole of each, and credentials kept at home."""

from __future__ import annotations

from typing import Any

import attrs
import httpx
from httpx import USE_CLIENT_DEFAULT as USUAL

from sinkkit.clock import SystemClock
from sinkkit.declaration.client import deadline
from sinkkit.declaration.client.bounded import BoundedResponse
from sinkkit.declaration.client.exchanges import watching
from sinkkit.declaration.client.json_body import encoded
from sinkkit.declaration.client.origin import BEGAN_AT, Origin, take_off_all
from sinkkit.declaration.client.plan import ClientPlan
from sinkkit.declaration.client.timeouts import whole
from sinkkit.declaration.client.trace import note_request, note_response


@attrs.frozen
class Rules:
    """What happens to every request and response of a client, whether threads or coroutines use it.

    Attributes:
        plan: What config says.
        key_header: Where the batch's key goes, if anywhere.
    """

    plan: ClientPlan
    key_header: str | None
    steps: dict[str, float | None] = attrs.field(init=False)

    @steps.default
    def _steps(self) -> dict[str, float | None]:
        return httpx.Timeout(self.plan.arguments["timeout"]).as_dict()

    def begin(self, request: httpx.Request, follow: bool) -> None:
        """Make a request ready, once, before it is signed and sent."""
        note_request(request, self.key_header, self.plan.id_header)
        home = self.plan.home
        if home is not None and not home.covers(request.url):
            self.plan.private.take_off(request)
        if follow:
            request.extensions = {**request.extensions, BEGAN_AT: Origin.of(request.url)}
        steps = request.extensions.get("timeout", self.steps)
        deadline.begin(self.plan.whole if steps == self.steps else whole(steps))

    def hop(self, request: httpx.Request) -> None:
        """Look at a request about to go out, which may be one that a redirect has made."""
        began = request.extensions.get(BEGAN_AT)
        if began is not None and not began.covers(request.url):
            take_off_all(request)

    def answered(self, response: httpx.Response) -> None:
        """Look at a response before its body is read."""
        response.__class__ = BoundedResponse
        response.most = self.plan.max_response_bytes  # type: ignore[attr-defined]  # it is a BoundedResponse now
        note_response(response)

    def auth(self) -> httpx.Auth | None:
        """What puts credentials on requests."""
        plan = self.plan
        if plan.login is None or plan.home is None:
            return None
        from sinkkit.declaration.client.auth.flows import auth_for

        return auth_for(plan.login, plan.home, SystemClock(), plan.tokens)

    def hold(self, client: Any, backend: type[Any]) -> None:
        """Have every connection of *client* end with its request, and made as often as config says.

        httpx has no argument for either that leaves its own choice of proxies alone; these attributes are those of httpx 0.27 and 0.28.
        """
        if self.plan.transport is not None:
            return
        for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001  # see above
            if transport is not None:
                pool = transport._pool  # noqa: SLF001  # see above
                pool._network_backend = backend(pool._network_backend)  # noqa: SLF001  # see above
                pool._retries = self.plan.connect_retries  # noqa: SLF001  # see above


def with_query(url: Any, given: dict[str, Any], usual: httpx.QueryParams) -> dict[str, Any]:
    """Arguments of a request to *url* with the query that stands in it, which httpx would drop for the sake of the client's *usual* parameters."""
    if not usual or "?" not in str(url):
        return given
    return {**given, "params": httpx.URL(url).params.merge(given.get("params"))}


class Client(httpx.Client):
    """For functions that threads call."""

    def __init__(self, plan: ClientPlan, key_header: str | None) -> None:
        self.rules = Rules(plan, key_header)
        hooks: Any = {"request": [self.rules.hop], "response": [self.rules.answered]}
        super().__init__(**plan.arguments, auth=self.rules.auth(), transport=plan.transport, event_hooks=hooks)
        self.rules.hold(self, deadline.TimedBackend)

    def build_request(self, method: str, url: Any, **given: Any) -> httpx.Request:
        """A request, with ``json=`` written as an API takes it, and with the parameters of its URL beside those of config."""
        return super().build_request(method, url, **with_query(url, encoded(given, self.headers), self.params))

    def send(self, request: httpx.Request, *, stream: bool = False, auth: Any = USUAL, follow_redirects: Any = USUAL) -> httpx.Response:
        """Send a request and read the answer."""
        self.rules.begin(request, self.follow_redirects if follow_redirects is USUAL else follow_redirects)
        with watching(self.rules.plan.watch, request) as note:
            return note(super().send(request, stream=stream, auth=auth, follow_redirects=follow_redirects))


class AsyncClient(httpx.AsyncClient):
    """For coroutines."""

    def __init__(self, plan: ClientPlan, key_header: str | None) -> None:
        self.rules = rules = Rules(plan, key_header)

        async def hop(request: httpx.Request) -> None:
            rules.hop(request)

        async def answered(response: httpx.Response) -> None:
            rules.answered(response)

        super().__init__(**plan.arguments, auth=self.rules.auth(), transport=plan.transport, event_hooks={"request": [hop], "response": [answered]})
        self.rules.hold(self, deadline.TimedAsyncBackend)

    def build_request(self, method: str, url: Any, **given: Any) -> httpx.Request:
        """A request, with ``json=`` written as an API takes it, and with the parameters of its URL beside those of config."""
        return super().build_request(method, url, **with_query(url, encoded(given, self.headers), self.params))

    async def send(
        self, request: httpx.Request, *, stream: bool = False, auth: Any = USUAL, follow_redirects: Any = USUAL
    ) -> httpx.Response:
        """Send a request and read the answer."""
        self.rules.begin(request, self.follow_redirects if follow_redirects is USUAL else follow_redirects)
        with watching(self.rules.plan.watch, request) as note:
            return note(await super().send(request, stream=stream, auth=auth, follow_redirects=follow_redirects))


