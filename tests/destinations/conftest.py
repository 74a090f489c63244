"""A server that answers with whatever bytes a test wants."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager

import pytest


@contextmanager
def raw_server(write):
    """A server whose answers *write*, called with a function that sends bytes, sends as they are; gives its URL."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            length = 0
            while (line := self.rfile.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            self.rfile.read(length)
            try:
                write(self.wfile.write)
            except OSError:  # the client went away
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def answering():
    """``raw_server``."""
    return raw_server
