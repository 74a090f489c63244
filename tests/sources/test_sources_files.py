"""Files of every format, whole and broken."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.errors import ConfigError, SourceError
from sinkkit.sources import RowsPage, files, json_lines, read

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

ROWS = [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bob"}]
TEXT = [{"id": "1", "name": "Ada"}, {"id": "2", "name": "Bob"}]


def real(name):
    """The path of a real input, which lies beside the project; the test is skipped where it does not."""
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not there: {DATA}")
    return DATA / name


def rows_of(data, **hints):
    return [row for page in read(data, **hints) for row in (page.rows if isinstance(page, RowsPage) else page.data.to_pylist())]


def put(path, content):
    content = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def ipc(opener):
    buffer = io.BytesIO()
    table = pa.Table.from_pylist(ROWS)
    with opener(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def parquet():
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), buffer)
    return buffer.getvalue()


CSV = "id,name\n1,Ada\n2,Bob\n"
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", CSV, TEXT),
        ("a.csv.gz", CSV, TEXT),
        ("a.CSV", CSV, TEXT),
        ("a.tsv", CSV.replace(",", "\t"), TEXT),
        ("a.csv", "\ufeff" + CSV, TEXT),
        ("a.csv", "\n\n" + CSV.replace("\n", "\r\n"), TEXT),
        ("a.jsonl", LINES, ROWS),
        ("a.jsonl", "\ufeff\n" + LINES.replace("\n", "\r\n\n").rstrip(), ROWS),
        ("a.ndjson.gz", LINES, ROWS),
        ("a.json", json.dumps(ROWS), ROWS),
        ("a.json.gz", json.dumps(ROWS), ROWS),
        ("a.parquet", parquet(), ROWS),
        ("a.arrow", ipc(pa.ipc.new_file), ROWS),
        ("a.arrow", ipc(pa.ipc.new_stream), ROWS),
        ("a.feather", ipc(pa.ipc.new_file), ROWS),
    ],
)
def test_each_format_is_read_by_its_extension(tmp_path, name, content, expected):
    """Every format gives its rows, packed or not, and the table the name of the file."""
    source = files(put(tmp_path / name, content))
    assert rows_of(source) == expected
    assert next(read(source)).table.name == "a"


def test_patterns_are_read_in_order_and_no_file_twice(tmp_path, monkeypatch):
    """Files of a pattern come by name, each once, also of different formats; their table is named after their folder."""
    folder = tmp_path / "exports"
    folder.mkdir()
    for name in ("b", "a", "c"):
        put(folder / f"{name}.jsonl", json.dumps({"id": name}))
    put(folder / "d.csv", "id\nd\n")
    monkeypatch.chdir(tmp_path)
    source = files("exports/c.jsonl", "exports/*.*")
    assert [row["id"] for row in rows_of(source)] == ["c", "a", "b", "d"]
    assert next(read(source)).table.name == "exports"


def test_a_name_with_brackets_is_a_name_first(tmp_path):
    """A file whose name looks like a pattern is found by its name."""
    assert rows_of(files(put(tmp_path / "a[1].jsonl", LINES))) == ROWS


def test_csv_is_text_unless_asked_otherwise(tmp_path):
    """Leading zeros stay, an empty cell is null, a quoted empty one is empty text, and a line break in quotes belongs to the value."""
    path = put(tmp_path / "a.csv", 'id,zip,note\n1,00123,"two\nlines"\n2,NA,\n3,1.50,""\n')
    assert rows_of(files(path)) == [
        {"id": "1", "zip": "00123", "note": "two\nlines"},
        {"id": "2", "zip": "NA", "note": None},
        {"id": "3", "zip": "1.50", "note": ""},
    ]


def test_a_leading_zero_far_behind_is_no_number(tmp_path):
    """A column guessed to be of numbers does not swallow the zeros of a later identifier."""
    path = put(tmp_path / "a.csv", "id\n" + "123\n" * 1_500_000 + "00123\n")

    with pytest.raises(SourceError, match=r"column 'id', row 1500000 .* is '00123', not a bigint"):
        list(read(files(path, types="infer")))


def test_csv_types_can_be_inferred(tmp_path):
    """Columns that look like numbers, dates or truth values all through become those; a number with a leading zero is none."""
    text = "n,x,ok,day,zip,at\n1,1.5,true,2026-01-02,0012,2026-01-02T03:04:05Z\n,2,false,,34,\n"
    table = pa.concat_tables([pa.table(page.data) for page in read(files(put(tmp_path / "a.csv", text), types="infer"))])
    assert [str(kind) for kind in table.schema.types] == [
        "int64",
        "double",
        "bool",
        "date32[day]",
        "string",
        "timestamp[us, tz=UTC]",
    ]
    assert table["n"].to_pylist() == [1, None]


@pytest.mark.parametrize("where", ["files", "read"])
def test_csv_columns_can_be_typed_by_name(tmp_path, where):
    """A data type given for a column makes it that, whether it is given to files or to the run."""
    path = put(tmp_path / "a.csv", CSV)
    columns = {"id": {"data_type": "bigint"}}
    rows = rows_of(files(path, columns=columns)) if where == "files" else rows_of(files(path), columns=columns)
    assert rows == ROWS


def test_a_value_that_does_not_fit_its_type_is_named(tmp_path):
    """The error says file, column, row and value, also far behind the rows that the type was inferred from."""
    rows = 900_000
    path = put(tmp_path / "a.csv", "id\n" + "12345\n" * rows + "00M\n")
    with pytest.raises(SourceError, match=rf"a.csv', column 'id', row {rows} .* is '00M', not a bigint"):
        list(read(files(path, types="infer")))
    assert sum(page.data.num_rows for page in read(files(path))) == rows + 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n3\n", "row 3 .*expected 2 columns, got 1"),
        ("a,b\n" + "1,2\n" * 1_500_000 + "1,2,3\n", "row 1500002 .*expected 2 columns, got 3"),
        ('a,b\n1,2\n3,"open\n4,5\n', "row that begins on line 3 .*unexpected end of data"),
        ("", "is empty"),
        ("a,a\n1,2\n", "two columns are named 'a'"),
        (b"a\n\xff\n", "(?s)is not text in utf-8.*encoding"),
    ],
)
def test_a_broken_csv_is_an_error_with_its_place(tmp_path, content, message):
    """Rows of the wrong length, open quotes, no header and wrong text are errors that name the file and where it can, the row."""
    with pytest.raises(SourceError, match=f"a.csv.*{message}" if "(?s)" not in message else message):
        rows_of(files(put(tmp_path / "a.csv", content)))


def test_a_lone_quotation_mark_inside_a_value_is_part_of_it(tmp_path):
    """An odd number of quotation marks alone is no error: 5" is a size."""
    assert rows_of(files(put(tmp_path / "a.csv", 'size,n\n5" pipe,1\n'))) == [{"size": '5" pipe', "n": "1"}]


def test_csv_in_another_encoding_and_with_another_delimiter(tmp_path):
    """Text of other systems can be read by saying what it is."""
    path = put(tmp_path / "a.csv", "id;name\n1;Zoë\n".encode("latin-1"))
    assert rows_of(files(path, delimiter=";", encoding="latin-1")) == [{"id": "1", "name": "Zoë"}]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(rows=st.lists(st.dictionaries(st.text(), JSON_VALUES, max_size=4), max_size=20))
def test_json_values_of_any_size_come_back(rows):
    """What the standard library writes as JSON Lines is read back equal, integers beyond 64 bits too."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    assert rows_of(json_lines(io.BytesIO(text))) == rows


def test_a_stream_of_json_lines_names_itself_in_errors():
    """A broken line on standard input is named by the stream's name and the line, and the table has that name."""
    assert next(read(json_lines(io.BytesIO(b'{"a": 1}'), "stdin"))).table.name == "stdin"
    with pytest.raises(SourceError, match="stream 'stdin', line 2 is not JSON"):
        rows_of(json_lines(io.BytesIO(b'{"a": 1}\n{'), "stdin"))


def test_json_lines_are_streamed(tmp_path):
    """The first page of a long file is a small part of it; lines are never torn apart."""
    path = put(tmp_path / "a.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(100_000)))
    sizes = [len(page.rows) for page in read(files(path))]
    assert (max(sizes) < 40_000, sum(sizes)) == (True, 100_000)


def test_infinity_and_nan_are_read_as_python_writes_them(tmp_path):
    """NaN and Infinity, which Python writes though JSON has none, are floats again."""
    assert str(rows_of(files(put(tmp_path / "a.jsonl", '{"a": NaN, "b": -Infinity}\n')))) == "[{'a': nan, 'b': -inf}]"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"a": 1}\n' * 70_000 + '{"a": \n', "line 70001 is not JSON"),
        ("a.jsonl", '{"a": 1}\n\n[2]\n', "line 3 is a list, not an object"),
        ("a.jsonl", '{"a": 1e999}\n', "line 1 is not JSON: 1e999 is too large"),
        ("a.jsonl", '{"a": 1}\n{"a":', "(?s)line 2 .*cut short"),
        ("a.jsonl", '{"a": 1}{"a": 2}\n', "line 1 is not JSON"),
        ("a.jsonl", b'{"a": "\xff"}\n', "line 1 is not JSON"),
        ("a.json", "[1, 2]", "element 0 is a number, not an object"),
        ("a.json", "[", "is not JSON"),
        ("a.parquet", parquet()[:-20], "is not a whole Parquet file"),
        ("a.arrow", ipc(pa.ipc.new_file)[:-20], "is not a whole Arrow file"),
        ("a.arrow", b"nonsense" * 9, "Arrow file|cannot be read"),
        ("a.txt", "x", "(?s)no extension that says.*parquet"),
        ("a.parquet.gz", parquet(), "(?s)cannot be read while packed.*gunzip"),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(tmp_path, name, content, message):
    """Whatever is wrong with a file, the error is ours and names it."""
    with pytest.raises(SourceError, match=message) as caught:
        rows_of(files(put(tmp_path / name, content)))
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz"])
def test_a_packed_file_cut_short_is_an_error_that_names_it(tmp_path, name):
    """A gzip file without its end is refused."""
    path = put(tmp_path / name, "\n".join(f'{{"n": "{n * 7919}"}}' for n in range(9_000)))
    os.truncate(path, path.stat().st_size - 50)
    with pytest.raises(SourceError, match=f"{name}.*end-of-stream"):
        rows_of(files(path))


def test_files_that_are_not_there_are_named(tmp_path):
    """No match, a folder and no pattern at all are errors that say what to write."""
    with pytest.raises(SourceError, match=r"(?s)matches .*nothing.*looked from"):
        rows_of(files(tmp_path / "nothing*.csv"))
    with pytest.raises(SourceError, match=r"is a folder.*\n.*parquet"):
        rows_of(files(tmp_path))
    with pytest.raises(ConfigError, match="names no file"):
        files()
    for wrong in ({"types": "guess"}, {"delimiter": "::"}, {"encoding": "utf-99"}, {"columns": ["id"]}):
        with pytest.raises(ConfigError, match=f"{next(iter(wrong))}="):
            files("a.csv", **wrong)


def test_rows_inside_a_document_are_found_by_their_path(tmp_path):
    """A document that is no list says where lists of objects are, and *at* reads them."""
    path = put(tmp_path / "a.json", json.dumps({"result": {"items": ROWS, "sizes": [1]}, "n": 1}))
    assert rows_of(files(path, at="result.items")) == ROWS
    for at in (None, "result", "items"):
        with pytest.raises(SourceError, match=r'lists of objects in it: at="result.items"$'):
            rows_of(files(path, at=at))


def test_all_airports_are_read():
    """The real CSV keeps its codes as they are."""
    rows = rows_of(files(real("airports.csv")))
    assert (len(rows), rows[0]["iata"], rows[0]["latitude"]) == (3_376, "00M", "31.95376472")
    typed = rows_of(files(real("airports.csv"), types="infer"))
    assert (typed[0]["iata"], typed[0]["latitude"]) == ("00M", 31.95376472)


def test_all_flights_are_read():
    """The real Arrow file gives its rows in pages of bounded size."""
    pages = list(read(files(real("flights-200k.arrow"))))
    assert (sum(page.data.num_rows for page in pages), max(page.data.num_rows for page in pages)) == (200_000, 100_000)


def test_all_earthquakes_are_read():
    """The real GeoJSON gives its features, and without a path the hint names them."""
    assert len(rows_of(files(real("earthquakes.json"), at="features"))) == 1_707
    with pytest.raises(SourceError, match=r'at="features"$'):
        rows_of(files(real("earthquakes.json")))
