"""Keys with which requests are signed, and how: by AWS's fourth version, or with an HMAC of the body."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Literal

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.grants import perhaps_secret
from sinkkit.settings.secret import Secret
from sinkkit.settings.values.texts import check_header, check_header_name, secret, text_of

PLACE = re.compile(r"\{(\w*)\}")
"""A placeholder in a template."""

SIGNED = ("body", "timestamp", "method", "path")
"""What a signed text may be made of."""


@attrs.frozen
class AwsSignature:
    """The keys of an AWS account and what they are used for: requests are signed by Signature Version 4.

    Attributes:
        region: Such as ``eu-central-1``; else ``AWS_REGION`` or ``AWS_DEFAULT_REGION`` in the environment says so.
        service: The service's name in signatures, such as ``sqs``, ``execute-api`` or ``aoss``.
        access_key_id: The key's name; without one, all three are taken from ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and ``AWS_SESSION_TOKEN``.
        secret_access_key: The key.
        session_token: What comes with a temporary key.

    Raises:
        ConfigError: If one of the two keys is given without the other.
    """

    service: str
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: Secret[str] | None = attrs.field(default=None, converter=perhaps_secret)
    session_token: Secret[str] | None = attrs.field(default=None, converter=perhaps_secret)

    def __attrs_post_init__(self) -> None:
        """Refuse half a key."""
        if (self.access_key_id is None) != (self.secret_access_key is None):
            lost = "access_key_id" if self.access_key_id is None else "secret_access_key"
            raise ConfigError(f"{lost} is missing beside its other half", hint="give both, or neither to take both from the environment")
        for name in ("service", "region", "access_key_id"):
            value = getattr(self, name)
            if value is not None:
                check_header(value, f"the {name}")
        if self.session_token is not None:
            check_header(self.session_token.reveal(), "the session_token")

    def completed(self, environment: Mapping[str, str]) -> AwsSignature:
        """The same with what it lacks from *environment*, by the names that AWS's own programs use.

        Raises:
            ConfigError: If something is still missing.
        """
        region = self.region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        made = attrs.evolve(self, region=region)
        if self.access_key_id is None:
            made = attrs.evolve(
                made,
                access_key_id=environment.get("AWS_ACCESS_KEY_ID") or None,
                secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY") or None,
                session_token=environment.get("AWS_SESSION_TOKEN") or None,
            )
        wanted = {"region": "AWS_REGION", "access_key_id": "AWS_ACCESS_KEY_ID"}
        lost = [f"{name} (or {variable})" for name, variable in wanted.items() if getattr(made, name) is None]
        if lost:
            raise ConfigError(f"AWS's {' and '.join(lost)} is missing", hint="give it in config or, by the names in brackets, in the environment")
        return made


@attrs.frozen
class HmacSignature:
    """A secret shared with the receiver, which signs each request, as for webhooks (RFC 2104).

    Attributes:
        secret: The shared secret.
        header: The header that carries the signature.
        algorithm: The hash function.
        encoding: How the signature is written.
        prefix: What stands before it, as ``sha256=``; ``{timestamp}`` in it is the time.
        signed: What is signed: text with ``{body}``, ``{timestamp}``, ``{method}`` and ``{path}``.
        timestamp_header: A header that carries the time, in seconds since 1970.
        key_encoding: How the secret is written: as it is, or in base64 or hex.

    Raises:
        ConfigError: If a header cannot carry it, the secret is not written so, or a template has other placeholders.
    """

    secret: Secret[str] = attrs.field(converter=secret)
    header: str
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: str | None = None
    key_encoding: Literal["text", "base64", "hex"] = "text"

    def __attrs_post_init__(self) -> None:
        """Refuse what no request could be signed with."""
        check_header_name(text_of(self.header, "the header"), "the header")
        if self.timestamp_header is not None:
            check_header_name(self.timestamp_header, "the timestamp_header")
        for field in ("algorithm", "encoding", "key_encoding"):
            known = {"algorithm": ("sha1", "sha256", "sha384", "sha512"), "encoding": ("hex", "base64")}.get(field, ("text", "base64", "hex"))
            if getattr(self, field) not in known:
                raise ConfigError(f"the {field} {getattr(self, field)!r} is not possible", hint=f"write one of {', '.join(known)}")
        for name, known in (("prefix", ("timestamp",)), ("signed", SIGNED)):
            strange = [place for place in PLACE.findall(getattr(self, name)) if place not in known]
            if strange:
                places = ", ".join(f"{{{place}}}" for place in known)
                raise ConfigError(f"{name} has no {{{strange[0]}}} to put in", hint=f"write {places}")
        if "{body}" not in self.signed:
            raise ConfigError("signed has no {body}: the signature would fit any request", hint='write for example signed = "{timestamp}.{body}"')
        if "{timestamp}" in self.signed and self.timestamp_header is None and "{timestamp}" not in self.prefix:
            raise ConfigError(
                "a timestamp is signed, and the receiver is not told it", hint="give timestamp_header, or write {timestamp} into prefix"
            )
        self.key()

    def key(self) -> bytes:
        """The secret as bytes.

        Raises:
            ConfigError: If it is not written as ``key_encoding`` says; the message does not repeat it.
        """
        text = self.secret.reveal()
        try:
            if self.key_encoding == "base64":
                return base64.b64decode(text, validate=True)
            return bytes.fromhex(text) if self.key_encoding == "hex" else text.encode()
        except (ValueError, binascii.Error):
            raise ConfigError(f"the secret is not written in {self.key_encoding}", hint='leave out key_encoding, or write "text"') from None
