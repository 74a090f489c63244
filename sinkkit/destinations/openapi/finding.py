"""What a request does not fit."""

from __future__ import annotations

import attrs


@attrs.frozen
class Finding:
    """One thing that is wrong.

    Attributes:
        operation: The request, such as ``POST /contacts``.
        told: What does not fit.
        hint: What may be meant.
    """

    operation: str
    told: str
    hint: str | None = None
