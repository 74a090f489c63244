"""Writes ``sinkkit/journal/schema.sql``: what a new journal is made with, as the migrations lead to it. Run by ``make schema``."""

from __future__ import annotations

import sqlite3

from sinkkit.journal.opening import SCHEMA, scripts


def schema():
    """The statements that make a file such as all migrations, one after another, lead to."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for script in scripts():
        for statement in script.split(";\n"):
            db.execute(statement)
    made = [sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")]
    db.close()
    return ";\n".join(made) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
