"""``Retry-After``: how long a server asks to be left alone."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]*)?")
"""``Retry-After`` as seconds: RFC 9110 knows whole ones, servers send fractions too; longer than 30 years is not believed."""


def read_retry_after(value: str | None, wall: float) -> float | None:
    """Seconds to wait, from a ``Retry-After`` header in either of its forms (RFC 9110, 10.2.3); None if it says nothing."""
    if value is None:
        return None
    if SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - wall)
    except (TypeError, ValueError, OverflowError):  # neither form: as if the header were not there
        return None
