"""Servers on loopback that speak HTTP byte by byte, as no well-behaved one would, also encrypted."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pytest

from sinkkit.declaration.client.client_settings import client_plan
from sinkkit.declaration.client.injected import open_async_client, open_client


class Wire:
    """What a connection's handler gets: the socket, and the request as it arrived."""

    def __init__(self, sock, stop):
        self.sock, self.stop = sock, stop

    def request(self):
        """The next request as (first line, headers by lower-case name, body); None at the end."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.sock.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += self.sock.recv(65536)
        return first, headers, body

    def drip(self, data, every=0.03):
        """Send *data* byte by byte until the other side or the test has enough."""
        for byte in data:
            if self.stop.wait(every):
                return
            self.sock.sendall(bytes([byte]))


class RawServer:
    """Calls *handle(wire)* for each connection, in a thread of its own."""

    def __init__(self, handle, context=None):
        self.handle, self.context = handle, context
        self.requests = []
        self.stop = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        """Accept until closed."""
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock):
        """One connection."""
        with contextlib.suppress(OSError, ssl.SSLError), sock:
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_side=True)
            with sock:
                self.handle(self, Wire(sock, self.stop))

    def close(self):
        """Stop."""
        self.stop.set()
        with contextlib.suppress(OSError):  # it may be closed already
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def serve():
    """Makes raw servers, closed in the end: ``serve(handle, context=None)``, where *handle* takes server and wire."""
    made = []

    def make(handle, context=None):
        made.append(RawServer(handle, context))
        return made[-1]

    yield make
    for server in made:
        server.close()


def answering(*, status="200 OK", headers=(), body=b"{}"):
    """A handler that remembers each request and answers all alike."""

    def handle(server, wire):
        while (request := wire.request()) is not None:
            server.requests.append(request)
            lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
            wire.sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    return handle


@pytest.fixture
def always():
    """``always(status=..., headers=..., body=...)``: a handler that remembers requests and answers all alike."""
    return answering


@pytest.fixture
def connect():
    """Makes clients from settings, closed in the end: ``connect(base_url=..., key_header=..., timeout=...)``."""
    made = []

    def make(*, key_header=None, own=None, **section):
        made.append(open_client(client_plan(section, timeout=own, workers=2), key_header))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def ask():
    """Sends one request by either kind of client, and gives the response or raises: ``ask(kind, method, url, section, **request)``."""

    def send(kind, method, url, section, *, own=None, **request):
        plan = client_plan(section, timeout=own, workers=2)
        if kind == "sync":
            with open_client(plan, None) as client:
                return client.request(method, url, **request)
        import asyncio

        async def once():
            async with open_async_client(plan, None) as client:
                return await client.request(method, url, **request)

        return asyncio.run(once())

    return send
