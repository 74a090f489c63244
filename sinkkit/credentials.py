"""Credentials as types of settings: annotate a parameter with one, and it is put together from all that config says."""

from sinkkit.settings.credentials import ApiKey, BasicAuth, BearerToken, ConnectionString, OAuth2ClientCredentials

__all__ = ["ApiKey", "BasicAuth", "BearerToken", "ConnectionString", "OAuth2ClientCredentials"]
