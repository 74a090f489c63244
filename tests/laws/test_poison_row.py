"""One row that the destination refuses, among many that it takes."""

from __future__ import annotations

import httpx
import pytest

import sinkkit
from sinkkit.testing import Answer, MisbehavingApi

ROWS = 20_000


@pytest.mark.parametrize("poison", [0, 7_777, ROWS - 1])
def test_a_poison_row_costs_few_calls_and_nobody_else(tmp_path, poison):
    """With `on_reject="bisect"`, all rows but the guilty one are delivered, once, and it becomes a dead letter with the server's own message, for 30 calls more at most."""

    def script(_, request):
        wrong = [row for row in request.rows if row["id"] == poison]
        return Answer(422, body={"error": f"contact {poison} has no e-mail"}) if wrong else None

    @sinkkit.destination(batch_size=1_000, workers=4, on_reject="bisect")
    def crm(items: list[dict], http: httpx.Client):
        http.post("/contacts", json=items).raise_for_status()

    with MisbehavingApi(script) as api:
        pipeline = sinkkit.pipeline("poison", crm(http={"base_url": api.url}), pipelines_dir=tmp_path, progress="off")
        info = pipeline.run(({"id": number} for number in range(ROWS)), table_name="contacts")
        letters = list(pipeline.rejected())

    assert (info.total.delivered, info.total.rejected) == (ROWS - 1, 1)
    assert sorted(row["id"] for row in api.received) == [number for number in range(ROWS) if number != poison]
    assert [(letter.row, letter.status) for letter in letters] == [({"id": poison}, 422)]
    assert f"contact {poison} has no e-mail" in letters[0].reason
    assert info.calls == len(api.requests) <= ROWS // 1_000 + 30
