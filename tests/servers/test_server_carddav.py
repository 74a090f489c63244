"""Contacts to Radicale, a CardDAV server: a vCard a row, conditional puts, deletes, through a kill of the sender."""

from __future__ import annotations

import re
import sys

import httpx
import pytest
from foreign_servers import ForeignServer, configure, killed, need

import sinkkit

USER = ("sender", "sesame-of-radicale")
BOOK = "/sender/team/"
MAKE_BOOK = """<?xml version="1.0"?><mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop>
<resourcetype><collection/><C:addressbook/></resourcetype></prop></set></mkcol>"""


def card(number, name, uid=None):
    """A contact as a vCard (RFC 6350's predecessor, version 3.0)."""
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid or number}\r\nFN:{name}\r\nN:{name};;;;\r\nEND:VCARD\r\n"


@pytest.fixture
def book(tmp_path):
    """A client of the server's own protocol, at an address book with a few cards in it."""
    need("radicale", "radicale")
    folder = tmp_path / "radicale"
    folder.mkdir()
    (folder / "users").write_text(":".join(USER))
    (folder / "config").write_text(
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\nhtpasswd_encryption = plain\n[storage]\nfilesystem_folder = {folder}/books\n"
    )
    command = [sys.executable, "-m", "radicale", "--config", str(folder / "config"), "--hosts"]
    with ForeignServer(lambda port: [*command, f"127.0.0.1:{port}"], folder) as server, httpx.Client(base_url=server.url, auth=USER, timeout=60) as client:
        client.request("MKCOL", BOOK, content=MAKE_BOOK).raise_for_status()
        for number in ("old-1", "old-2", "mine"):
            client.put(f"{BOOK}{number}.vcf", content=card(number, "Hand-written"), headers={"Content-Type": "text/vcard"}).raise_for_status()
        yield client


def cards(book):
    """(UID, name) of every card of the address book, in order."""
    text = book.get(BOOK).raise_for_status().text
    return sorted(zip(re.findall(r"^UID:(.*?)\r?$", text, re.MULTILINE), re.findall(r"^FN:(.*?)\r?$", text, re.MULTILINE), strict=True))


def test_carddav(book, monkeypatch):
    """Each contact is there once, one that somebody had written stays as it was, refused ones have the server's words, deletes of what is gone are done."""
    new = [{"id": f"c-{number}", "card": card(f"c-{number}", f"Name é {number}"), "if_none_match": "*", "deleted": False} for number in range(200)]
    kept = {"id": "mine", "card": card("mine", "Ours"), "if_none_match": "*", "deleted": False}
    changed = {"id": "old-1", "card": card("old-1", "Changed"), "if_none_match": None, "deleted": False}
    twice = {"id": "other", "card": card("other", "Twice", uid="old-1"), "if_none_match": None, "deleted": False}
    broken = {"id": "broken", "card": "BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCAR\r\n", "if_none_match": "*", "deleted": False}
    gone = [{"id": number, "card": None, "if_none_match": None, "deleted": True} for number in ("old-2", "never-there")]
    rows = [kept, *gone, *new, changed, twice, broken]
    configure("carddav", str(book.base_url), monkeypatch, HTTP__AUTH__USERNAME=USER[0], HTTP__AUTH__PASSWORD=USER[1])

    killed("carddav", rows, lambda: book.head(f"{BOOK}c-40.vcf").is_success, rate="60/s")
    assert 40 <= len(cards(book)) < 200
    pipeline = sinkkit.pipeline("p", destination="carddav", progress="off")
    counts = pipeline.resume().tables["contacts"]

    assert (counts.extracted, counts.delivered, counts.rejected, counts.pending, counts.unknown) == (206, 204, 2, 0, 0)
    assert cards(book) == sorted([*((row["id"], f"Name é {number}") for number, row in enumerate(new)), ("mine", "Hand-written"), ("old-1", "Changed")])
    letters = sorted((letter.row["id"], letter.reason) for letter in pipeline.rejected())
    assert [number for number, _ in letters] == ["broken", "other"]
    assert letters[0][1] == "HTTP 400: Bad Request"
    assert "no-uid-conflict" in letters[1][1]
