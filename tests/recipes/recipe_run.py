"""A recipe at work: its rows delivered to the server of its API by a process that is killed on the way, and resumed by another."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import sinkkit
from sinkkit.errors import DeliveryFailed
from sinkkit.testing import MisbehavingApi

RECIPES = Path(__file__).resolve().parents[2] / "examples" / "recipes"


def configure(shaped, api, monkeypatch, *, edit=("", ""), **settings):
    """Put the recipe where a user puts it, and in the environment what is the user's own; *edit*: what is changed in it, and to what."""
    folder = Path(".sinkkit")
    folder.mkdir(exist_ok=True)
    text = (RECIPES / f"{shaped.recipe}.toml").read_text(encoding="utf-8")
    assert edit[0] in text
    (folder / "config.toml").write_text(text.replace(*edit) if edit[0] else text, encoding="utf-8")
    address = {} if "BASE_URL" in shaped.settings else {"HTTP__BASE_URL": api.url}
    given = {**address, "RETRY__FIRST_WAIT": "0.1", "RETRY__ATTEMPTS": "8", **shaped.settings, **settings}
    for name, value in given.items():
        monkeypatch.setenv(f"DESTINATION__{shaped.recipe.upper()}__{name}", value.replace("{url}", api.url))


def rows_file(shaped, count):
    """A file of *count* rows; returns them too."""
    rows = [shaped.row(number) for number in range(count)]
    path = Path("rows.jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path, rows


def killed_run(shaped, path, *, at):
    """Run the recipe with the rows of a file in a process of its own, which is killed while its request number *at* is under way."""
    command = [sys.executable, "-m", "sinkkit", "run", shaped.recipe, path, "--pipeline", "p", "--table", shaped.table, "--progress", "off"]
    with Path("killed.txt").open("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=dict(os.environ), start_new_session=True)
        shaped.kill_at, shaped.kill = at, lambda: os.killpg(process.pid, signal.SIGKILL)
        try:
            process.wait(60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == -signal.SIGKILL, Path("killed.txt").read_text()


def deliver_through_a_kill(shaped, monkeypatch, *, rows, at, latency=0.01, **settings):
    """Deliver *rows* rows, killed after *at* requests and resumed; (pipeline, report, rows)."""
    with MisbehavingApi(shaped, latency=latency) as api:
        configure(shaped, api, monkeypatch, **settings)
        path, given = rows_file(shaped, rows)
        killed_run(shaped, path, at=at)
        pipeline = sinkkit.pipeline("p", destination=shaped.recipe, progress="off")
        try:
            info = pipeline.resume()
        except DeliveryFailed:
            if not pipeline.held():
                raise
            info = settle(pipeline, lambda row: shaped.key(row) in shaped.stored)
    return pipeline, info, given


def settle(pipeline, arrived):
    """Do what a person does about rows on hold: look for each at the destination, say what became of it, and go on; the last report."""
    held = pipeline.held()
    while held:
        for batch in held:
            (row,) = batch.rows
            pipeline.resolve(batch.key, arrived=arrived(row))
        with contextlib.suppress(DeliveryFailed):  # more were put on hold
            info = pipeline.resume()
        held = pipeline.held()
    return info


def check(shaped, pipeline, info, rows):
    """Whether all is as it should be: requests, accounts, what the server has, what was refused and why."""
    assert shaped.complaints == []
    counts = info.tables[shaped.table]
    refused = {row["id"]: why for row in rows if (why := shaped.refusal(row)) is not None}
    assert (counts.extracted, counts.pending, counts.unknown) == (len(rows), 0, 0)
    assert (counts.delivered, counts.rejected) == (len(rows) - len(refused), len(refused))

    letters = {letter.row["id"]: letter.reason for letter in pipeline.rejected()}
    assert sorted(letters) == sorted(refused)
    assert [(letters[number], why) for number, why in refused.items() if why not in letters[number]] == []

    assert sorted(shaped.stored) == sorted(shaped.key(row) for row in rows if row["id"] not in refused)
    return counts


def repeated(shaped):
    """How many rows the server took again although it had answered that it took them."""
    return sum(times - 1 for times in shaped.taken.values() if times > 1)
