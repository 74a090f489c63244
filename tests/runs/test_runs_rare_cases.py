"""Cases that nobody thinks of first: found by trying the library from outside."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest

import sinkkit
from sinkkit.errors import ConfigError, DeliveryFailed, Reject, SourceError
from sinkkit.testing import Answer, MisbehavingApi

ROWS = [{"id": number} for number in range(4)]


def pipeline(folder, sink):
    return sinkkit.pipeline("rare", destination=sink, pipelines_dir=folder, progress="off")


@pytest.mark.parametrize("policy", ["halt", "keep", "bisect"])
def test_a_row_without_json_after_a_successful_request_leaves_the_batch_unknown(tmp_path, policy):
    """Some rows are there already: the batch is neither refused nor halved, and nothing is sent twice."""

    @sinkkit.destination(batch_size=4, on_reject=policy)
    def twice(items: list[dict], http: httpx.Client):
        http.post("/first", json=items).raise_for_status()
        http.post("/second", json=[float("nan")]).raise_for_status()

    with MisbehavingApi() as api, pytest.raises(DeliveryFailed) as failed:
        pipeline(tmp_path, twice(http={"base_url": api.url})).run(ROWS, table_name="t")

    assert failed.value.info.tables["t"].unknown == 4
    assert api.received == ROWS


def test_a_followed_303_counts_as_carried_out(tmp_path):
    """A request answered 303 was carried out: what fails after it in the same call is ambiguous and not halved."""

    @sinkkit.destination(batch_size=4, on_reject="bisect", retry=sinkkit.Retry(attempts=1))
    def twice(items: list[dict], http: httpx.Client):
        http.post("/first", json=items, follow_redirects=True).raise_for_status()
        http.post("/second", json=items).raise_for_status()

    answers = [Answer(303, {"Location": "/"}, b""), Answer(200), Answer(400)]
    with MisbehavingApi(answers) as api, pytest.raises(DeliveryFailed) as failed:
        pipeline(tmp_path, twice(http={"base_url": api.url})).run(ROWS, table_name="t")

    assert failed.value.info.tables["t"].unknown == 4
    assert [request.path for request in api.requests] == ["/first", "/", "/second"]


def test_extracting_under_a_name_happens_once(tmp_path):
    """A retried step with the same run_id extracts nothing, whether its rows are pending or were delivered."""
    got: list[dict] = []

    @sinkkit.destination(batch_size=4)
    def sink(items: list[dict]):
        got.extend(items)

    line = pipeline(tmp_path, sink)
    first = line.extract(ROWS, table_name="t", run_id="monday")
    again = line.extract(ROWS, table_name="t", run_id="monday")
    line.load()
    done = line.extract(ROWS, table_name="t", run_id="monday")
    line.load()

    assert got == ROWS
    assert first.load_ids == again.load_ids == done.load_ids


def test_a_file_is_not_halved(tmp_path):
    """Where whole files are sent, bisect is refused at the decorator, and a file that is too large is refused as a whole."""
    with pytest.raises(ConfigError, match="a file is not halved"):
        sinkkit.destination(batch_size=0, on_reject="bisect")

    @sinkkit.destination(batch_size=0, on_reject="keep")
    def whole(path: Path, http: httpx.Client):
        http.post("/", json=path.read_text(encoding="utf-8").splitlines()).raise_for_status()

    with MisbehavingApi([Answer(413)]) as api:
        info = pipeline(tmp_path, whole(http={"base_url": api.url})).run(ROWS, table_name="t")

    assert (info.tables["t"].rejected, info.calls) == (4, 1)


def test_indices_of_numpy_are_indices(tmp_path):
    """Outcomes made with numpy name rows as those made of Python's own numbers do."""

    @sinkkit.destination(batch_size=4)
    def sink(items: list[dict]):
        return sinkkit.Outcome(rejected={np.int64(1): "bad"}, receipts={np.int64(0): "a"})

    info = pipeline(tmp_path, sink).run(ROWS, table_name="t")

    assert (info.tables["t"].delivered, info.tables["t"].rejected) == (3, 1)


def test_polars_columns_arrive_as_their_values(tmp_path):
    """Categories and text views come as text, also when some rows are sent again; Python objects are refused."""
    calls: list[list[dict]] = []
    frame = pl.DataFrame({"c": pl.Series(["a", "b", "a"], dtype=pl.Categorical), "s": ["u", None, "w"]})

    @sinkkit.destination(batch_size=4, retry=sinkkit.Retry(first_wait=0.0))
    def sink(items: list[dict]):
        calls.append(items)
        return sinkkit.Outcome(retry={0, 2}) if len(calls) == 1 else None

    pipeline(tmp_path, sink).run(frame, table_name="t")
    with pytest.raises(SourceError, match="column 'a' of the polars frame holds Python objects"):
        pipeline(tmp_path, sink).run(pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}), table_name="t")

    assert calls == [frame.to_dicts(), [frame.to_dicts()[0], frame.to_dicts()[2]]]


def test_names_that_are_no_text_are_refused(tmp_path):
    """Half a surrogate pair names neither a pipeline nor a table."""

    @sinkkit.destination
    def sink(items: list[dict]):
        raise Reject("nothing is to arrive here")

    with pytest.raises(ConfigError, match="cannot name a pipeline"):
        sinkkit.pipeline("\ud800", destination=sink)
    with pytest.raises(ConfigError, match="cannot be the name of a table"):
        pipeline(tmp_path, sink).run(ROWS, table_name="\ud800")
