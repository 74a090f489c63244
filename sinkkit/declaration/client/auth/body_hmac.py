"""Requests signed with a secret that both sides share."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

from sinkkit.settings.signatures import PLACE, HmacSignature


def filled(template: str, values: Mapping[str, bytes]) -> bytes:
    """*template* with the values of its placeholders, which are not looked into again."""
    pieces = PLACE.split(template)
    return b"".join(values[piece] if number % 2 else piece.encode() for number, piece in enumerate(pieces))


def hmac_headers(how: HmacSignature, method: str, path: str, body: bytes, wall: float) -> dict[str, str]:
    """The headers that sign a request.

    Args:
        how: The secret, and what is signed with it.
        method: ``POST`` and the like.
        path: With its query, as it goes over the wire.
        body: All of it.
        wall: Seconds since the epoch.
    """
    timestamp = str(int(wall))
    values = {"body": body, "timestamp": timestamp.encode(), "method": method.encode(), "path": path.encode()}
    digest = hmac.digest(how.key(), filled(how.signed, values), how.algorithm)
    text = digest.hex() if how.encoding == "hex" else base64.b64encode(digest).decode()
    headers = {how.header: filled(how.prefix, values).decode() + text}
    return headers if how.timestamp_header is None else {**headers, how.timestamp_header: timestamp}
