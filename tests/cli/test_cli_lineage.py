"""`sinkkit status PIPELINE --load ID`: where a load came from, what became of it and when."""

from __future__ import annotations

import json


def test_a_load_is_told(sinkkit_command):
    """Source, run, destination, counts and times of a load that is finished, for people and as JSON."""
    report = sinkkit_command("run", "sinks.good", "sinks.fifty", "--run-id", "monday", "--json").document["report"]
    (load_id,) = report["load_ids"]
    shown = sinkkit_command("status", "good", "--load", load_id)
    document = sinkkit_command("status", "good", "--load", load_id, "--json").document

    assert shown.status == 0
    assert shown.out.splitlines()[0] == f"load package {load_id} of pipeline good: completed"
    assert [word in shown.out for word in ("source: resource fifty", "run id: monday", "destination: good", "first call: ", "completed: ")] == [True] * 5
    assert document["load"] == json.loads(json.dumps(report["loads"][0]))
    assert document["load"]["tables"]["fifty"]["delivered"] == 50


def test_a_load_that_is_not_known(sinkkit_command):
    """An id that is not known, and one without a pipeline, are wrong use."""
    sinkkit_command("extract", "p", "sinks.fifty")
    unknown = sinkkit_command("status", "p", "--load", "1")
    nowhere = sinkkit_command("status", "--load", "1")

    assert [(unknown.status, "knows no load package '1'" in unknown.err), (nowhere.status, "without a pipeline" in nowhere.err)] == [(2, True), (2, True)]
