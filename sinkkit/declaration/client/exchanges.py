"""A request of an injected client and what came of it, for whoever wants to look at it later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import attrs

from sinkkit.clock import SystemClock
from sinkkit.declaration.client.trace import CURRENT
from sinkkit.rows import Batch
from sinkkit.settings.keys import SENSITIVE, is_harmless
from sinkkit.settings.secret import MASK

T = TypeVar("T", bound=Any)

CLOCK = SystemClock()

FIRST_FAILURE = 400
"""The first status of the client errors (RFC 9110, 15.5), after which come those of the server."""

SHOWN_BYTES = 2048
"""How much of a body is shown and kept."""

LOOKED_AT_BYTES = 8 << 10
"""How much of a body is looked at for secrets: one that begins among the bytes shown is found whole, up to a length of 6 KiB."""

NOT_SECRET = ("idempotency", "signed-headers")
"""Parts of names that sound like a secret's and are none."""


@attrs.frozen(kw_only=True)
class Exchange:
    """One request of a call, and its answer or how it failed.

    Attributes:
        method: Its method.
        url: Its URL.
        headers: Its headers, as they were sent.
        body: The beginning of its body; None if it was not at hand, as of one that is streamed.
        size: Bytes of its body.
        batch: The batch that it was made for; None outside of a call.
        status: The status of the answer; None if there was none.
        answer_headers: Headers of the answer.
        answer: The beginning of its body; None if it was not read.
        answer_size: Bytes of its body.
        error: What was raised instead of an answer.
        at: When it ended, in seconds since the epoch.
        seconds: How long it took.
    """

    method: str
    url: Any
    headers: Any
    body: bytes | None
    size: int
    batch: Batch | None
    status: int | None = None
    answer_headers: Any = None
    answer: bytes | None = None
    answer_size: int = 0
    error: str | None = None
    at: float = 0.0
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it has no answer, or one that is a failure."""
        return self.status is None or self.status >= FIRST_FAILURE


@attrs.frozen
class Watch:
    """Somebody who looks at exchanges.

    Attributes:
        tell: Told of each, in the thread or task that made it, so it must be quick.
        every: Whether of each; else of those that failed.
    """

    tell: Callable[[Exchange], None]
    every: bool = True


@contextmanager
def watching(watch: Watch | None, request: Any) -> Iterator[Callable[[T], T]]:
    """Tell *watch* of the *request* that the block sends; the block hands its answer to what it gets here, which gives it back."""
    if watch is None:
        yield _given_back
        return
    began = CLOCK.now()

    def note(response: T) -> T:
        if watch.every or response.status_code >= FIRST_FAILURE:
            _tell_when_read(watch, response, _exchange(response.request, began, response=response))
        return response

    try:
        yield note
    except BaseException as error:
        watch.tell(_exchange(request, began, error=error))
        raise


def _tell_when_read(watch: Watch, response: Any, exchange: Exchange) -> None:
    """Tell *watch* of *exchange*: at once, or where the function reads the answer itself, once it is done with that."""
    if exchange.answer is not None or not hasattr(response, "when_closed"):
        watch.tell(exchange)
        return
    response.when_closed(lambda body, size: watch.tell(attrs.evolve(exchange, answer=body, answer_size=size)), LOOKED_AT_BYTES)


def _given_back(response: T) -> T:
    return response


def _exchange(request: Any, began: float, *, response: Any = None, error: BaseException | None = None) -> Exchange:
    """What is known of a request that was sent at *began*."""
    trace = CURRENT.get()
    body, answer = content_of(request), content_of(response)
    return Exchange(
        method=request.method,
        url=request.url,
        headers=request.headers,
        body=None if body is None else body[:LOOKED_AT_BYTES],
        size=len(body or b""),
        batch=None if trace is None else trace.batch,
        status=None if response is None else response.status_code,
        answer_headers=None if response is None else response.headers,
        answer=None if answer is None else answer[:LOOKED_AT_BYTES],
        answer_size=len(answer or b""),
        error=None if error is None else type(error).__name__,
        at=CLOCK.wall(),
        seconds=CLOCK.now() - began,
    )


def content_of(message: Any) -> bytes | None:
    """The body of a request or response, if it is in memory."""
    return getattr(message, "_content", None)


@attrs.frozen(kw_only=True)
class Shown:
    """An exchange for people: text, without secrets, cut to a length.

    Attributes:
        url: With secrets masked, as everything here.
        headers: Name and value.
        body: The beginning, as text; None if it was not at hand.
        size: Bytes of the whole body.
        cut: Whether there is more of it.
        status: The status of the answer; the rest is as for the request.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str | None
    size: int
    cut: bool
    status: int | None
    answer_headers: tuple[tuple[str, str], ...]
    answer: str | None
    answer_size: int
    answer_cut: bool
    error: str | None
    at: float
    seconds: float


def shown(exchange: Exchange, clean: Callable[[str], str]) -> Shown:
    """*exchange* for people; *clean* takes known secrets out of texts. What is secret by its name goes, too."""
    body, cut = body_text(exchange.body, exchange.size, exchange.headers, clean)
    answer, answer_cut = body_text(exchange.answer, exchange.answer_size, exchange.answer_headers, clean)
    return Shown(
        method=exchange.method,
        url=url_text(exchange.url, clean),
        headers=header_texts(exchange.headers, clean),
        body=body,
        size=exchange.size,
        cut=cut,
        status=exchange.status,
        answer_headers=() if exchange.answer_headers is None else header_texts(exchange.answer_headers, clean),
        answer=answer,
        answer_size=exchange.answer_size,
        answer_cut=answer_cut,
        error=exchange.error,
        at=exchange.at,
        seconds=exchange.seconds,
    )


def url_text(url: Any, clean: Callable[[str], str]) -> str:
    """A URL without secrets: known ones, a password, values of parameters with the names of such."""
    if url.password:
        url = url.copy_with(username=url.username, password=MASK)
    params = [(name, MASK if is_sensitive(name) else value) for name, value in url.params.multi_items()]
    if any(value == MASK for _, value in params):
        url = url.copy_with(params=params)
    return clean(str(url)).replace("%2A%2A%2A", MASK)


def header_texts(headers: Any, clean: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
    """Headers by name and value, without secrets."""
    return tuple((name, MASK if is_sensitive(name) else clean(value)) for name, value in pairs(headers))


def pairs(headers: Any) -> Iterable[tuple[str, str]]:
    """Name and value of each header."""
    return headers.items() if isinstance(headers, Mapping) else headers


def is_sensitive(name: str) -> bool:
    """Whether a header or parameter of this name may carry a secret."""
    small = name.lower()
    if is_harmless(name) or any(part in small for part in NOT_SECRET):
        return False
    return SENSITIVE.search(name) is not None or "key" in small or "sign" in small


def body_text(body: bytes | None, size: int, headers: Any, clean: Callable[[str], str]) -> tuple[str | None, bool]:
    """A body of *size* bytes as text, and whether that is cut; what is no text is only counted.

    It is cut after secrets were taken out, so that no half of one stays.
    """
    if not body:
        return (None if body is None else ""), False
    kind = next((value for name, value in pairs(headers) if name.lower() == "content-encoding"), "")
    text = body.decode("utf-8", "replace")
    if (kind and kind != "identity") or text.count("\ufffd") > len(text) // 10 + 1:
        return f"<{size:,} bytes that are no text{f', {kind}' if kind else ''}>", False
    text = clean(text)
    return text[:SHOWN_BYTES], len(text) > SHOWN_BYTES or size > len(body)
