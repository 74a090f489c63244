"""What was raised → what it means: the failure table of the reference, as data.

HTTP errors are known by the names of their classes, so that httpx, requests, aiohttp, urllib3 and
urllib need not be installed or imported here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import attrs

from sinkkit.declaration.client.retry_after import read_retry_after
from sinkkit.delivery.verdict import Fate, Verdict
from sinkkit.errors import Answer, CallFailed, Halt, PackageCorrupted, Reject, RetryLater, SinkkitError, SourceError, StillRunning

BODY_BYTES = 2048
"""How much of a refusal's body is kept as its reason."""

ANSWERED = "the destination answered "
"""How the note begins that an HTTP error gets: the destination's own words."""

ASKED = "the request was "
"""How the note begins that an error without an answer gets: what was asked, and where."""

CLEANED_CHARACTERS = 8 * BODY_BYTES
"""How much of a text is searched for secrets before it is cut to what is kept, so that none is cut in two."""

Clean = Callable[[str], str]
"""Takes secrets out of a text."""

RETRYABLE = frozenset({423, 425, 429, 503})
AMBIGUOUS = frozenset({408, 500, 502, 504})
HALTING = frozenset({401, 403, 407})
NOT_IMPLEMENTED = frozenset({501, 505})
CONFLICT, TOO_LARGE = 409, 413
SUCCESSFUL, REDIRECTS = range(200, 300), range(300, 400)
"""Status codes by what they mean for a batch; RFC 9110 for their definitions. A success that was raised all the same may have arrived."""

BY_NAME: dict[str, Fate] = {
    "httpx.ConnectError": Fate.ABSENT,
    "httpx.ConnectTimeout": Fate.ABSENT,
    "httpx.PoolTimeout": Fate.ABSENT,
    "httpx.ProxyError": Fate.ABSENT,
    "httpx.UnsupportedProtocol": Fate.STOP,
    "httpx.LocalProtocolError": Fate.STOP,
    "httpx.InvalidURL": Fate.STOP,
    "httpx.TooManyRedirects": Fate.STOP,
    "httpx.TransportError": Fate.AMBIGUOUS,
    "httpx.RequestError": Fate.AMBIGUOUS,
    "requests.ConnectTimeout": Fate.ABSENT,
    "requests.ProxyError": Fate.ABSENT,
    "requests.MissingSchema": Fate.STOP,
    "requests.InvalidSchema": Fate.STOP,
    "requests.InvalidURL": Fate.STOP,
    "requests.TooManyRedirects": Fate.STOP,
    "requests.Timeout": Fate.AMBIGUOUS,
    "requests.ConnectionError": Fate.AMBIGUOUS,
    "requests.ChunkedEncodingError": Fate.AMBIGUOUS,
    "requests.ContentDecodingError": Fate.AMBIGUOUS,
    "requests.RetryError": Fate.AMBIGUOUS,
    "aiohttp.ClientConnectorError": Fate.ABSENT,
    "aiohttp.ConnectionTimeoutError": Fate.ABSENT,
    "aiohttp.InvalidURL": Fate.STOP,
    "aiohttp.ClientError": Fate.AMBIGUOUS,
    "urllib3.NewConnectionError": Fate.ABSENT,
    "urllib3.ConnectTimeoutError": Fate.ABSENT,
    "urllib3.NameResolutionError": Fate.ABSENT,
    "urllib3.LocationParseError": Fate.STOP,
    "urllib3.HTTPError": Fate.AMBIGUOUS,
    "urllib.URLError": Fate.AMBIGUOUS,
    "http.HTTPException": Fate.AMBIGUOUS,
    "builtins.ConnectionRefusedError": Fate.ABSENT,
    "socket.gaierror": Fate.ABSENT,
    "ssl.SSLError": Fate.AMBIGUOUS,
    "asyncio.CancelledError": Fate.AMBIGUOUS,
    "concurrent.CancelledError": Fate.AMBIGUOUS,
    "builtins.ConnectionError": Fate.AMBIGUOUS,
    "builtins.TimeoutError": Fate.AMBIGUOUS,
}
"""Top module and class name to fate; the most derived class that is named decides."""

NEVER_CONNECTED = frozenset(
    {"NewConnectionError", "ConnectTimeoutError", "NameResolutionError", "ConnectionRefusedError", "gaierror", "SSLCertVerificationError"}
)
"""Names of errors, inside those that libraries make of them, which say that no request was sent."""


@attrs.frozen
class Response:
    """What an HTTP status error carries: status, headers by lower-case name, and the beginning of the body."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def target(self) -> str:
        """Where a redirect leads, for people."""
        to = self.headers.get("location", "") if self.status in REDIRECTS else ""
        return f" to {to}" if to else ""


def sort(error: BaseException, *, wall: float, idempotent: bool, wrote_before: bool, clean: Clean = str) -> Verdict:
    """What *error*, raised by a call, means for its batch.

    What a function states with ``Reject``, ``RetryLater`` or ``Halt`` is believed, whatever requests it made.

    Args:
        error: What was raised.
        wall: Seconds since the epoch, to read ``Retry-After`` dates against.
        idempotent: Whether requests carried an idempotency header.
        wrote_before: Whether an earlier request of the same call changed the destination.
        clean: Takes secrets out of the reason, before anything of it is cut off.
    """
    if isinstance(error, Answer):
        return _answer(error, clean)
    verdict = _sort(error, wall, clean, idempotent=idempotent)
    if not wrote_before:
        return verdict
    if verdict.fate in {Fate.ABSENT, Fate.REFUSED, Fate.TOO_LARGE}:
        return attrs.evolve(verdict, fate=Fate.AMBIGUOUS)
    return attrs.evolve(verdict, fate=Fate.BUG) if verdict.fate is Fate.STOP else verdict


def _sort(error: BaseException, wall: float, clean: Clean, *, idempotent: bool) -> Verdict:
    if isinstance(error, PackageCorrupted | SourceError):  # the rows could not be read, so there was nothing to send
        return Verdict(fate=Fate.STOP, error=error, reason=clean(str(error)))
    if isinstance(error, SinkkitError):
        return Verdict(fate=Fate.BUG, error=error, reason=clean(str(error)))
    response = _response(error, clean)
    if response is not None:
        return _by_status(error, response, wall, idempotent=idempotent)
    return Verdict(fate=_by_class(error), error=error, reason=describe(error, clean))


def note_of(error: BaseException, verdict: Verdict, clean: Clean = str) -> str | None:
    """What the text of *error* leaves out and people need: what the destination said, or what was asked of whom; None if it says so."""
    if verdict.status is not None:
        text = " ".join(_text_of(error).split())
        return None if verdict.reason in text else f"{ANSWERED}{verdict.reason}"
    where = _asked(error)
    return None if where is None else clean(f"{ASKED}{where}")


def _asked(error: BaseException) -> str | None:
    """Method and address of the request that failed, without query and login; None if the error does not know."""
    try:
        request: Any = error.request  # type: ignore[attr-defined]  # httpx's and requests', which may be without one
        url = urlsplit(str(request.url))
        return f"{request.method} {url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
    except Exception:  # noqa: BLE001  # an error of another kind, or one that was made without its request
        return None


def _answer(error: Answer, clean: Clean) -> Verdict:
    reason = clean(error.message)
    if isinstance(error, Reject):
        return Verdict(fate=Fate.REFUSED, error=error, reason=reason)
    if isinstance(error, StillRunning):
        return _running(error, reason)
    if not isinstance(error, RetryLater):
        return Verdict(fate=Fate.STOP if isinstance(error, Halt) else Fate.BUG, error=error, reason=reason)
    wrong = wrong_wait(error.after)
    if wrong is None:
        return Verdict(fate=Fate.ABSENT, error=error, reason=reason, after=error.after)
    answer = CallFailed(f"RetryLater(after={error.after!r}) {wrong}", hint="after= is a number of seconds, 0 or more, or None")
    answer.__cause__ = error
    return Verdict(fate=Fate.STOP, error=answer, reason=answer.message)


def _running(error: StillRunning, reason: str) -> Verdict:
    after: Any = error.after
    wrong = "is None" if after is None else wrong_wait(after)
    if wrong is None:
        return Verdict(fate=Fate.RUNNING, error=error, reason=reason, again=after)
    answer = CallFailed(f"StillRunning(after={error.after!r}) {wrong}", hint="after= is a number of seconds, 0 or more")
    answer.__cause__ = error
    return Verdict(fate=Fate.BUG, error=answer, reason=answer.message)


def wrong_wait(seconds: Any) -> str | None:
    """What is wrong with a wait that a function asked for; None if it is a number of seconds or None."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return f"is a {type(seconds).__name__}"
    return None if math.isfinite(seconds) and seconds >= 0 else "is no time to wait"


def describe(error: BaseException, clean: Clean = str) -> str:
    """Type and text of an error, on one line, without secrets."""
    text = " ".join(clean(_text_of(error)).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001  # a broken __str__ of the user's must not hide the error itself: it is named instead
        return f"(its text cannot be shown: {type(second).__name__})"


def _by_status(error: BaseException, response: Response, wall: float, *, idempotent: bool) -> Verdict:
    status = response.status
    fate = Fate.REFUSED
    if status in RETRYABLE or (status == CONFLICT and idempotent):
        fate = Fate.ABSENT
    elif status in NOT_IMPLEMENTED:
        fate = Fate.REFUSED
    elif status in AMBIGUOUS or status >= 500:  # noqa: PLR2004  # every other server error
        fate = Fate.AMBIGUOUS
    elif status == TOO_LARGE:
        fate = Fate.TOO_LARGE
    elif status in SUCCESSFUL:
        fate = Fate.BUG
    elif status in HALTING or status < 400:  # noqa: PLR2004  # informational and redirects
        fate = Fate.STOP
    after = read_retry_after(response.headers.get("retry-after"), wall) if fate in {Fate.ABSENT, Fate.AMBIGUOUS} else None
    reason = f"HTTP {status}{response.target}" + (f": {response.body}" if response.body else "")
    return Verdict(fate=fate, error=error, reason=reason, status=status, after=after)


def _response(error: BaseException, clean: Clean) -> Response | None:
    """The response that an HTTP status error of any known library carries."""
    names = {cls.__name__ for cls in type(error).__mro__}
    holder: Any = getattr(error, "response", None)
    if names & {"HTTPStatusError", "HTTPError"} and isinstance(getattr(holder, "status_code", None), int):
        return Response(int(holder.status_code), _headers(holder), _body(holder, clean))
    if "ClientResponseError" in names and isinstance(getattr(error, "status", None), int):  # aiohttp's
        return Response(int(error.status), _headers(error), _short(getattr(error, "message", ""), clean))  # type: ignore[attr-defined]  # aiohttp's
    if "HTTPError" in names and isinstance(getattr(error, "code", None), int):  # urllib's
        return Response(int(error.code), _headers(error), _short(getattr(error, "reason", ""), clean))  # type: ignore[attr-defined]  # urllib's
    return None


def _headers(holder: Any) -> dict[str, str]:
    headers = getattr(holder, "headers", None)
    return {str(name).lower(): str(value) for name, value in headers.items()} if headers else {}


def _body(response: Any, clean: Clean) -> str:
    """The first part of a response's text; empty while the body was not read."""
    try:
        text = response.text
    except Exception as error:  # noqa: BLE001  # a streamed body that cannot be read now: its error is the reason
        return f"(body not read: {type(error).__name__})"
    return _short(text, clean)


def _short(text: Any, clean: Clean) -> str:
    """The beginning of *text* on one line; secrets are taken out before anything is cut or joined."""
    cleaned = clean(str(text)[:CLEANED_CHARACTERS])
    return " ".join(cleaned.encode(errors="backslashreplace")[:BODY_BYTES].decode(errors="ignore").split())


def _by_class(error: BaseException) -> Fate:
    for cls in type(error).__mro__:
        fate = BY_NAME.get(f"{cls.__module__.split('.')[0]}.{cls.__name__}")
        if fate is not None:
            return Fate.ABSENT if fate is Fate.AMBIGUOUS and _never_connected(error) else fate
    return Fate.BUG


def _never_connected(error: BaseException) -> bool:
    """Whether what the library wrapped says that no connection was made; chains as requests and urllib3 build them."""
    seen: list[BaseException] = []
    line: list[Any] = [error]
    while line:
        found = line.pop()
        if not isinstance(found, BaseException) or found in seen:
            continue
        seen.append(found)
        if type(found).__name__ in NEVER_CONNECTED:
            return True
        line += [getattr(found, "reason", None), *found.args[:2]]
    return False
