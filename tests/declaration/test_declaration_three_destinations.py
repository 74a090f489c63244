"""One script, three destinations: the environment alone decides where its rows go."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from sinkkit.testing import MisbehavingApi

SCRIPT = """
import sinkkit

pipeline = sinkkit.pipeline("nightly", destination="crm", progress="off")
info = pipeline.run([{"id": number, "name": f"n{number}"} for number in range(7)], table_name="contacts")
print(info.destination_name, info.total.delivered, info.calls)
"""

SINKS = """
import json
import os
from pathlib import Path

import httpx
import sinkkit
from sinkkit import Secret


@sinkkit.destination(batch_size=3, workers=1)
def to_api(items: list[dict], table, http: httpx.Client, api_key: Secret):
    http.post("/contacts", json=items, headers={"Authorization": f"Bearer {api_key.reveal()}"}).raise_for_status()


def to_file(items, table, folder: Path, suffix: str = "jsonl"):
    with (folder / f"{table['name']}.{suffix}").open("a") as file:
        file.writelines(json.dumps(row) + "\\n" for row in items)


class ToMemory:
    def __init__(self, report: str):
        self.report, self.ids = report, []

    def prepare(self, tables): ...

    def deliver(self, batch):
        self.ids += batch.items.column("id").to_pylist()

    def probe(self, batch): ...

    def complete(self):
        Path(self.report).write_text(json.dumps(sorted(self.ids)))

    def close(self): ...
"""


@pytest.fixture
def script(tmp_path):
    """Runs the script with some environment; its output."""
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "sinks.py").write_text(SINKS)

    def run(home, **environment):
        variables = {f"DESTINATION__CRM__{name}": str(value) for name, value in environment.items()}
        done = subprocess.run(
            [sys.executable, "script.py"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PATH": "", "HOME": str(tmp_path / home), **variables},
        )
        assert done.stderr == ""
        return done.stdout.strip()

    return run


def test_the_same_script_delivers_to_three_destinations(script, tmp_path):
    """An API with a secret, a folder, and a sink that takes Arrow tables: type, settings and options all come from the environment."""
    ids = list(range(7))

    with MisbehavingApi() as api:
        said = script("a", DESTINATION_TYPE="sinks.to_api", API_KEY="sesame-open", HTTP__BASE_URL=api.url)
        requests = list(api.requests)
    assert said == "crm 7 3"
    assert [row["id"] for request in requests for row in json.loads(request.body)] == ids
    assert dict.fromkeys(request.headers["authorization"] for request in requests) == {"Bearer sesame-open": None}

    said = script("b", DESTINATION_TYPE="sinks:to_file", FOLDER=tmp_path, SUFFIX="out", BATCH_SIZE="5", WORKERS="1")
    assert said == "crm 7 2"
    assert [json.loads(line)["id"] for line in (tmp_path / "contacts.out").read_text().splitlines()] == ids

    said = script("c", DESTINATION_TYPE="sinks.ToMemory", REPORT=tmp_path / "report.json", LOADER_FILE_FORMAT="parquet", WORKERS="1")
    assert said == "crm 7 1"
    assert json.loads((tmp_path / "report.json").read_text()) == ids
