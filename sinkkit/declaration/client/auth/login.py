"""Credentials, and which way they are used."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen
class Login:
    """What a client proves itself with.

    Attributes:
        type: What config calls the way.
        credentials: An object of the class that belongs to it.
    """

    type: str
    credentials: Any
