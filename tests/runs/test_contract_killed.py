"""Law L3 for contracts: killed at any point and run again, each discarded row is one dead letter and none of them is sent."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from contract_victim import ROWS, arrived, pipeline, take

from sinkkit.faults import OF_RUN, Point
from sinkkit.testing import kill_after

VICTIM = Path(__file__).with_name("contract_victim.py")
CASES = [*(("run", point) for point in OF_RUN), ("steps", Point.AFTER_REGISTER), ("steps", Point.AFTER_REPLACE), ("steps", Point.AFTER_SETTLE)]


@pytest.mark.parametrize(("what", "point"), CASES, ids=[f"{what}-{point.name}" for what, point in CASES])
def test_l3_discarded_rows_over_a_kill(tmp_path, what, point):
    """Rows that are kept arrive, those in flight at the kill perhaps twice; the accounts are right before and after."""
    pipeline(tmp_path).run([{"id": 1000}], table_name="people")
    ended = kill_after([sys.executable, VICTIM, tmp_path, what, str(point)], limit=120.0)
    assert ended.killed, ended.output

    again = pipeline(tmp_path)
    for package in again.pending:
        total = package.total
        assert total.extracted == total.delivered + total.rejected + total.pending + total.unknown == len(ROWS)
    again.resume()
    if len(arrived(tmp_path)) == 1:
        take(again, what)

    letters = list(again.rejected())
    assert [letter.row for letter in letters] == [row for row in ROWS if "new" in row]
    assert [letter.index for letter in letters] == list(range(20, 30))
    assert sorted(set(arrived(tmp_path))) == [*(row["id"] for row in ROWS if "new" not in row), 1000]
    assert len(arrived(tmp_path)) - len(set(arrived(tmp_path))) in {0, 4}
    assert again.pending == ()
