"""Certificates of the injected client: those that servers are checked with, and the one that it shows itself."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sinkkit.errors import ConfigError

CERTIFICATE_HINT = "write the path of a PEM file, or a table with path, key and password"


class UnverifiedServerWarning(UserWarning):
    """Certificates are not checked (``verify = false``): whoever is on the way can read and change what is sent."""


def authorities(value: str) -> ssl.SSLContext:
    """What checks servers with the certificates in the file or folder *value*.

    Raises:
        ConfigError: If there are none.
    """
    if not value.strip():  # an empty path would be the current folder
        raise ConfigError("is empty, and neither true nor false nor a file of certificates", hint="write true, or the path of a PEM file")
    path = Path(value).expanduser()
    try:
        folder = path.is_dir()
        return ssl.create_default_context(cafile=None if folder else str(path), capath=str(path) if folder else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"is neither true nor false nor a file of certificates ({error})", hint="write true, or the path of a PEM file"
        ) from error


def show(context: ssl.SSLContext, cert: Mapping[str, str]) -> None:
    """Have *context* show a client certificate.

    Args:
        context: What connections are encrypted with.
        cert: ``path`` of the certificate and, where they are not in it, ``key``, the path of its key, and the key's ``password``.

    Raises:
        ConfigError: If it cannot be read, or the key is not the certificate's; the message begins with a verb and holds no password.
    """
    if not cert.get("path"):
        raise ConfigError("says nothing of path, where the certificate is", hint=CERTIFICATE_HINT)
    path, key = (str(Path(cert[name]).expanduser()) if cert.get(name) else None for name in ("path", "key"))
    try:
        # Without a password OpenSSL would ask for it at the terminal, and nobody may be there.
        context.load_cert_chain(path or "", key, password=lambda: cert.get("password", ""))
    except (OSError, ValueError) as error:
        told = str(error) or type(error).__name__
        raise ConfigError(f"cannot be used as a client certificate ({told})", hint="check path, key and password; the files are PEM") from error


def context_for(verify: bool | ssl.SSLContext, cert: Mapping[str, str] | None, *, trust_env: bool) -> bool | ssl.SSLContext:
    """What httpx takes as ``verify``.

    Raises:
        ConfigError: As ``show``.
    """
    if cert is None:
        return verify
    import httpx

    context = verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify=verify, trust_env=trust_env)
    show(context, cert)
    return context


def checked_certificate(cert: Any) -> Any:
    """*cert*, if it can be used, tried on a connection that is never made.

    Raises:
        ConfigError: As ``show``.
    """
    show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), cert)
    return cert
