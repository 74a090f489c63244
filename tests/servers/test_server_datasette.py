"""Rows to Datasette's write API: upserts with a token, rows that constraints refuse, and a server that is killed on the way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from foreign_servers import ForeignServer, configure, need, sending, wait_for

import sinkkit

SECRET = "sesame-of-datasette"
TABLE = "create table contacts (id integer primary key, email text not null unique check (email like '%@%'), name text)"
TAKEN = {"id": 9_000, "email": "taken@example.com", "name": "Hand-written"}


@pytest.fixture
def server(tmp_path):
    """Datasette with one row in a table, and whom it lets write there."""
    need("datasette", "datasette>=1.0a20")
    folder = tmp_path / "datasette"
    folder.mkdir()
    with sqlite3.connect(folder / "crm.db") as database:
        database.execute(TABLE)
        database.execute("insert into contacts values (?, ?, ?)", list(TAKEN.values()))
    database.close()
    may = [part for action in ("insert-row", "update-row") for part in ("-s", f"permissions.{action}.id", "sender")]
    command = [sys.executable, "-m", "datasette", "serve", str(folder / "crm.db"), "--secret", SECRET, *may, "-p"]
    with ForeignServer(lambda port: [*command, str(port)], folder) as server:
        yield server


def set_right(path):
    """Undo what was half written: Datasette opens the file for reading first, and may not."""
    database = sqlite3.connect(path)
    database.execute("select count(*) from contacts").fetchone()
    database.close()


def token():
    """A token as Datasette's own command makes it."""
    made = subprocess.run([sys.executable, "-m", "datasette", "create-token", "sender", "--secret", SECRET], capture_output=True, text=True, check=True)
    return made.stdout.strip()


def stored(server):
    """Every row of the table, as the server's own JSON API gives it."""
    rows, url = [], f"{server.url}/crm/contacts.json?_size=1000&_shape=array"
    while url:
        answer = httpx.get(url).raise_for_status()
        rows += answer.json()
        url = answer.links.get("next", {}).get("url")
    return rows


def test_datasette(server, monkeypatch):
    """Each row is there once although the server was killed and came back; refused ones have the server's words, and the neighbours are there."""
    rows = [{"id": number, "email": f"{number}@example.com", "name": f"Näme {number}"} for number in range(400)]
    rows[33]["email"], rows[250]["email"], rows[251]["email"] = "nobody", TAKEN["email"], None
    configure("datasette", server.url, monkeypatch, HTTP__AUTH__TOKEN=token(), BATCH_SIZE="20", RETRY__ATTEMPTS="50", RETRY__LONGEST_WAIT="0.5")

    with sending("datasette", rows, RATE_LIMIT="20/s") as process:
        wait_for(lambda: len(stored(server)) >= 100, process)
        server.kill()
        set_right(server.folder / "crm.db")
        server.start()
        wait_for(lambda: False, process)
    assert "of them retries" in Path("sender.txt").read_text(encoding="utf-8")
    pipeline = sinkkit.pipeline("p", destination="datasette", progress="off")
    pipeline.resume()  # nothing is left, unless the server took longer than the sender has patience
    pipeline.replay()  # a refused request that may have arrived before is not halved, but kept: its rows come again
    letters = sorted((letter.row["id"], letter.reason) for letter in pipeline.rejected())

    assert stored(server) == [*(row for row in rows if row["id"] not in (33, 250, 251)), TAKEN]
    assert letters == [
        (33, "CHECK constraint failed: email like '%@%'"),
        (250, "UNIQUE constraint failed: contacts.email"),
        (251, "NOT NULL constraint failed: contacts.email"),
    ]
