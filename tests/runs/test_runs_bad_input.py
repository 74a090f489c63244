"""Bad data: an error of ours that says what, where and what to do; nothing half-done; the next good run works."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sinkkit
from sinkkit.errors import SchemaError, SourceError
from sinkkit.sources import files


@pytest.fixture
def refused(make, memory, rows):
    """Runs bad data; checks that nothing was sent or left behind and that a good run works; gives the error."""

    def check(data, kind=SourceError, *, options=None, **how):
        pipeline = make(options=options)
        with pytest.raises(kind) as failed:
            pipeline.run(data, **how)
        folder = Path(pipeline.folder)

        assert memory.calls == []
        assert pipeline.pending == ()
        assert [list(place.iterdir()) for place in (folder / "packages", folder / "normalized") if place.exists()] in ([], [[]])
        assert make().run(rows(3)).total.delivered == 3
        assert memory.rows == rows(3)
        return failed.value

    return check


class OwnError(Exception):
    """An error of the user's."""


def test_a_generator_that_raises_after_5000_rows(refused, rows):
    """Nothing of it is sent, and the user's own error is the cause."""
    own = OwnError("the warehouse went away")

    def contacts():
        yield from rows(5000)
        raise own

    error = refused(contacts)

    assert error.message == "generator 'contacts' raised OwnError after 5000 rows"
    assert error.__cause__ is own
    assert "nothing was sent" in error.hint


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_a_generator_that_ends_the_program(refused, rows, end):
    """What stops a program passes through, and leaves nothing behind either."""

    def contacts():
        yield from rows(5000)
        raise end

    refused(contacts, end)


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        ([{"a": 1}, 7], "row 1 of table 't' is a single value (int)", "give rows, values or Arrow data"),
        ([{"a": 1}, None], "row 1 of table 't' is a single value (NoneType)", "give rows"),
        ([{"a": 1}, object()], "row 1 of table 't' is a object", "give dicts"),
        ([{"a": 1}, (1, 2)], "row 1 of table 't' is a tuple", "name its columns"),
        ([{"a": 1}, {2: 1}], "key 2", "column names"),
        ("contacts.csv", "'contacts.csv' is not data", "sinkkit.sources.files"),
        (b"rows", "bytes is not data", "sinkkit.sources.files"),
    ],
)
def test_what_is_no_row_is_named(refused, data, message, hint):
    """With its number, its table and its type."""
    error = refused(data, table_name="t")

    assert message in error.message
    assert hint in error.hint


def test_a_value_that_cannot_be_kept(refused):
    """An open socket is named with table, row and column, however deep it stands."""
    with socket.socket() as opened:
        plain = refused([{"id": number} for number in range(9)] + [{"id": 9, "conn": opened}], table_name="contacts")
    for part in ("contacts", "row 9", "conn", "socket"):
        assert part in plain.message
    assert plain.hint


def test_a_nested_value_that_cannot_be_kept(refused):
    """The path inside the value is named too."""
    error = refused([{"id": 1, "tags": ["a", {"x": object()}]}], table_name="contacts")

    for part in ("contacts", "row 0", "tags", "object"):
        assert part in error.message


def test_rows_that_arrow_cannot_hold(refused):
    """For a destination that wants Parquet, a type conflict is told with its column before anything is sent."""
    error = refused(
        [{"id": 1, "v": 1}, {"id": 2, "v": "x"}], SchemaError, options={"loader_file_format": "parquet"}, table_name="contacts"
    )

    assert "'v'" in error.message
    assert error.hint


def test_a_csv_with_a_broken_line(refused, tmp_path):
    """The file and the line are named."""
    (tmp_path / "contacts.csv").write_text("id,name\n1,Ada\n2,Bob\n3,Cyd,extra,extra\n")

    error = refused(files(tmp_path / "contacts.csv"))

    assert "contacts.csv" in error.message
    assert "4" in error.message
    assert error.hint


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_parquet_file_cut_short(refused, rows, tmp_path, part):
    """The file is named, whichever part of it is missing."""
    pq.write_table(pa.Table.from_pylist(rows(5000)), tmp_path / "whole.parquet")
    data = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "contacts.parquet").write_bytes(data[: int(len(data) * part)])

    error = refused(files(tmp_path / "contacts.parquet"))

    assert "contacts.parquet" in error.message
    assert error.hint


def test_broken_lines_and_archives(refused, tmp_path):
    """JSON Lines with a broken line, and a gzip file cut short."""
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n{"a": \n')
    error = refused(files(tmp_path / "a.jsonl"))
    assert "a.jsonl" in error.message
    assert "2" in error.message


def test_a_gzip_file_cut_short(refused, tmp_path):
    """It is named, and none of its rows is sent."""
    data = gzip.compress(b'{"a": 1}\n' * 10_000)
    (tmp_path / "a.jsonl.gz").write_bytes(data[: len(data) // 2])

    error = refused(files(tmp_path / "a.jsonl.gz"))

    assert "a.jsonl.gz" in error.message


def test_files_that_are_not_there(refused, tmp_path):
    """A pattern without files is a mistake, not an empty table."""
    error = refused(files(tmp_path / "nothing-*.csv"))

    assert "nothing-*.csv" in error.message
    assert error.hint


def test_hints_that_cannot_be_meant(make, memory, rows):
    """A wrong table name, disposition, key or column hint is refused before a row is read."""
    for wrong in ({"table_name": ""}, {"write_disposition": "upsert"}, {"primary_key": 7}, {"columns": ["a"]}):
        with pytest.raises(sinkkit.errors.ConfigError) as refused:
            make().run(rows(3), **wrong)
        assert refused.value.hint
    assert memory.calls == []


def test_a_secret_in_the_text_of_the_user_s_error_is_masked(make, monkeypatch):
    """The error of a source, and that of a sink, is chained as a stand-in which names its type; nothing of ours tells the secret."""
    monkeypatch.setenv("DESTINATION__CRM__API_KEY", "s3cr3t-of-the-crm")
    told = []

    @sinkkit.destination(retry=sinkkit.Retry(attempts=1))
    def crm(items, table, api_key: sinkkit.Secret):
        raise OwnError(f"refused {api_key.reveal()}")

    def leaking():
        yield {"a": 1}
        raise OwnError("could not log in with s3cr3t-of-the-crm")

    pipeline = sinkkit.pipeline("p", destination=crm, progress=lambda event: told.append(repr(event)))
    for data in (leaking, [{"a": 1}]):
        with pytest.raises(sinkkit.errors.SinkkitError) as failed:
            pipeline.run(data)
        cause = failed.value.__cause__

        assert cause.original_type.endswith("OwnError")
        assert "***" in str(cause)
        assert failed.value.__context__ in {cause, None}
        told += [str(failed.value), repr(failed.value), str(cause), repr(cause), *getattr(cause, "__notes__", ())]
    told += [str(pipeline.state()), str(failed.value.info), str(failed.value.info.asdict())]

    assert [text for text in told if "s3cr3t" in text] == []
    for path in Path(pipeline.folder).rglob("*"):
        assert path.is_dir() or b"s3cr3t" not in path.read_bytes()
