"""Certificates: servers are checked, with one's own authority if need be, and the client can show a certificate of its own."""

from __future__ import annotations

import ssl
import warnings

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

import sinkkit
from sinkkit.cli.check import collected, examine
from sinkkit.declaration.client.client_settings import client_plan
from sinkkit.declaration.client.tls import UnverifiedServerWarning
from sinkkit.delivery.failures import sort
from sinkkit.delivery.verdict import Fate
from sinkkit.errors import ConfigError

KINDS = ["sync", "async"]


@pytest.fixture
def authority():
    """An authority that nobody knows."""
    return trustme.CA()


@pytest.fixture
def secured(authority, serve, always):
    """A server on loopback whose certificate that authority has issued."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return serve(always(), context)


@pytest.fixture
def pem(authority, tmp_path):
    """The authority's certificate as a file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_of_nobody_known_is_refused(secured, ask, kind):
    """Nothing is sent to a server that cannot prove who it is."""
    with pytest.raises(httpx.ConnectError, match="certificate verify failed") as refused:
        ask(kind, "POST", "/", {"base_url": secured.url}, json=[1])

    assert secured.requests == []
    assert sort(refused.value, wall=0.0, idempotent=False, wrote_before=False).fate is Fate.ABSENT


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_authorities_is_enough(secured, ask, pem, kind):
    """``verify`` may be the path of one's own authority."""
    assert ask(kind, "POST", "/", {"base_url": secured.url, "verify": str(pem)}, json=[1]).status_code == 200


def test_a_certificate_for_another_name_is_refused(authority, serve, always, ask, pem):
    """A known authority does not make it the right server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("crm.example.com").configure_cert(context)
    server = serve(always(), context)

    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        ask("sync", "POST", "/", {"base_url": server.url, "verify": str(pem)}, json=[1])


def test_checking_no_certificates_is_warned_of(secured, ask, monkeypatch):
    """It works, and run and check say what it means, with its place."""
    with pytest.warns(UnverifiedServerWarning, match="any server is believed"):
        assert ask("sync", "POST", "/", {"base_url": secured.url, "verify": "false"}, json=[1]).status_code == 200
    monkeypatch.setenv("DESTINATION__CRM__HTTP__VERIFY", "no")

    @sinkkit.destination
    def crm(items, http: httpx.Client):
        """Sends nothing."""

    [told] = collected(lambda: examine(crm(), "p")).warnings
    assert told.startswith("http.verify (DESTINATION__CRM__HTTP__VERIFY in environment) is false")


@pytest.fixture
def identity(authority, pem, tmp_path):
    """A client's certificate: chain, plain key, and the same key under a password."""
    issued = authority.issue_cert("loader@example.com")
    chain, key, locked = tmp_path / "client.pem", tmp_path / "client.key", tmp_path / "locked.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"hunter22")
        )
    )
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + chain.read_bytes())
    return {"authority": str(pem), "path": str(chain), "key": str(key), "locked": str(locked), "both": str(both)}


@pytest.fixture
def demanding(authority, serve):
    """A server that wants to see a client certificate, and says whose it saw."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED

    def handle(server, wire):
        wire.request()
        name = wire.sock.getpeercert()["subjectAltName"][0][1].encode()
        wire.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name))

    return serve(handle, context)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["table", "locked", "one file"])
def test_a_client_certificate_is_shown(demanding, ask, identity, kind, form):
    """As a table, with a password, or as one file with certificate and key."""
    pem = identity["authority"]
    cert = {
        "table": {"path": identity["path"], "key": identity["key"]},
        "locked": {"path": identity["path"], "key": identity["locked"], "password": sinkkit.Secret("hunter22")},
        "one file": identity["both"],
    }[form]

    answer = ask(kind, "POST", "/", {"base_url": demanding.url, "verify": str(pem), "cert": cert}, json=[1])

    assert answer.text == "loader@example.com"


@pytest.mark.parametrize(
    ("cert", "told"),
    [
        ({"path": "/no/such.pem"}, "http.cert cannot be used as a client certificate ([Errno 2] No such file or directory"),
        ({"key": "x"}, "http.cert says nothing of path"),
        ({"path": "{path}", "key": "{locked}"}, "http.cert cannot be used as a client certificate"),
        ({"path": "{path}", "key": "{locked}", "password": "wrong-one"}, "http.cert cannot be used as a client certificate"),
        ({"path": "{path}", "keys": "x"}, "http.cert.keys is no setting"),
        ("/no/such.pem", "http.cert cannot be used as a client certificate"),
        (7, "http.cert is not a text"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said_before_a_run(identity, cert, told):
    """Without its password, and without asking for one at the terminal."""
    if isinstance(cert, dict):
        cert = {key: value.format(**identity) for key, value in cert.items()}

    with pytest.raises(ConfigError) as refused:
        client_plan({"cert": cert}, timeout=None, workers=1)

    assert told in refused.value.message
    assert refused.value.hint
    assert "wrong-one" not in str(refused.value)


def test_nothing_is_warned_of_where_certificates_are_checked(pem):
    """Neither by default nor with an authority of one's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client_plan({}, timeout=None, workers=1)
        client_plan({"verify": str(pem)}, timeout=None, workers=1)
