"""AWS Signature Version 4, as AWS publishes it ("AWS Signature Version 4 for API requests"), for requests whose body is known."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote, unquote

import attrs

from sinkkit.settings.signatures import AwsSignature

ALGORITHM = "AWS4-HMAC-SHA256"

UNRESERVED = "-_.~"
"""What is not percent-encoded beside letters and digits."""

ALWAYS_SIGNED = ("host", "content-type")
"""Headers that are signed if they are there, beside all that begin with ``x-amz-``."""


@attrs.frozen
class Signed:
    """A request as it is signed.

    Attributes:
        method: ``POST`` and the like.
        path: As it goes over the wire, percent-encoded.
        query: As it goes over the wire, without the question mark.
        headers: By lower-case name.
        payload: SHA-256 of the body, in hex.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    payload: str


def stamp(wall: float) -> str:
    """The time as AWS writes it."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y%m%dT%H%M%SZ")


def canonical_path(path: str, service: str) -> str:
    """The path in its one form: for S3 encoded once and else as it is, for all others without ``.``, ``..`` and ``//``, and encoded twice."""
    if service in {"s3", "s3express"}:
        return "/".join(quote(unquote(part), safe=UNRESERVED) for part in path.split("/")) or "/"
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            kept = kept[:-1]
        elif part not in {"", "."}:
            kept.append(part)
    end = "/" if kept and path.endswith(("/", "/.", "/..")) else ""
    return quote(f"/{'/'.join(kept)}{end}", safe=f"/{UNRESERVED}")


def canonical_query(query: str) -> str:
    """The parameters encoded in one way and in order."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    encoded = sorted((quote(unquote(name), safe=UNRESERVED), quote(unquote(value), safe=UNRESERVED)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_request(request: Signed, service: str, names: Sequence[str]) -> str:
    """The request as the text that is hashed."""
    return "\n".join(
        [
            request.method,
            canonical_path(request.path, service),
            canonical_query(request.query),
            *(f"{name}:{' '.join(request.headers[name].split())}" for name in names),
            "",
            ";".join(names),
            request.payload,
        ]
    )


def authorization(request: Signed, keys: AwsSignature, when: str) -> str:
    """The ``Authorization`` header for *request*, sent at the time *when* with *keys*, which are complete."""
    names = sorted(request.headers)
    scope = f"{when[:8]}/{keys.region}/{keys.service}/aws4_request"
    hashed = hashlib.sha256(canonical_request(request, keys.service, names).encode()).hexdigest()
    key = f"AWS4{keys.secret_access_key.reveal() if keys.secret_access_key else ''}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, f"{ALGORITHM}\n{when}\n{scope}\n{hashed}".encode(), "sha256").hexdigest()
    return f"{ALGORITHM} Credential={keys.access_key_id}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"


def signing_headers(keys: AwsSignature, request: Signed, wall: float) -> dict[str, str]:
    """The headers that sign a request.

    Args:
        keys: Complete ones.
        request: With all the headers that it has, signed or not.
        wall: Seconds since the epoch.
    """
    when = stamp(wall)
    added = {"x-amz-date": when}
    if keys.session_token is not None:
        added["x-amz-security-token"] = keys.session_token.reveal()
    if keys.service in {"s3", "s3express"}:
        added["x-amz-content-sha256"] = request.payload
    every = {**request.headers, **added}
    signed = {name: value for name, value in every.items() if name in ALWAYS_SIGNED or name.startswith("x-amz-")}
    return {**added, "authorization": authorization(attrs.evolve(request, headers=signed), keys, when)}
