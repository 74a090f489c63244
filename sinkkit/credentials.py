"""Credentials as types of settings: annotate a parameter with one, and it is put together from all that config says."""

from sinkkit.settings.credentials import (
    ApiKey,
    AwsSignature,
    BasicAuth,
    BearerToken,
    ConnectionString,
    HmacSignature,
    OAuth2ClientCredentials,
    OAuth2RefreshToken,
)

__all__ = [
    "ApiKey",
    "AwsSignature",
    "BasicAuth",
    "BearerToken",
    "ConnectionString",
    "HmacSignature",
    "OAuth2ClientCredentials",
    "OAuth2RefreshToken",
]
