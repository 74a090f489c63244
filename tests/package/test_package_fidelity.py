"""Rows through a package: written, sealed, opened, read, and the same (law L1)."""

from __future__ import annotations

import math
from datetime import UTC, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.package.reader import Package
from sinkkit.package.writer import PackageWriter
from sinkkit.schema.items import ItemsKind

zones = st.sampled_from([None, UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("UTC"), timezone(timedelta(minutes=-90))])
texts = st.text(st.characters(exclude_categories=[]), max_size=5)  # surrogates too
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.decimals(),
    texts,
    st.binary(max_size=5),
    st.uuids(),
    st.dates(),
    st.datetimes(timezones=zones),
    st.times(timezones=st.sampled_from([None, UTC])),
    st.timedeltas(),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.just("$sk") | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers() | texts | st.dates() | st.uuids(), max_size=2)
    ),
    max_leaves=5,
)
plain = st.one_of(st.integers(), st.text(max_size=5), st.booleans(), st.none(), st.floats(allow_nan=False))
columns = st.sampled_from(["a", "b", "$sk", "long name"])
pages = st.lists(
    st.lists(st.dictionaries(columns, values, max_size=4) | st.dictionaries(columns, plain, max_size=4), max_size=5), max_size=6
)


def same(given_value, kept):
    """Whether *kept* has the type and the value of *given_value*, all the way down; NaN is NaN."""
    if type(given_value) is not type(kept):
        return False
    if isinstance(given_value, dict):
        return len(given_value) == len(kept) and all(
            same(a, b) and same(given_value[a], kept[b]) for a, b in zip(given_value, kept, strict=True)
        )
    if isinstance(given_value, list | tuple):
        return len(given_value) == len(kept) and all(map(same, given_value, kept))
    if isinstance(given_value, frozenset):
        return sorted(map(repr, given_value)) == sorted(map(repr, kept))
    if isinstance(given_value, float):
        return (math.isnan(given_value) and math.isnan(kept)) or (given_value == kept and repr(given_value) == repr(kept))
    return repr(given_value) == repr(kept)


def packaged(folder, pages, **settings):
    """A package of *pages* of table t, opened."""
    with PackageWriter(folder, "load", "p", **settings) as writer:
        for page in pages:
            if isinstance(page, list):
                writer.write_rows("t", page)
            else:
                writer.write_arrow("t", page)
        writer.seal()
    return Package.open(folder / "load")


def all_rows(package):
    """Every row of table t, in order."""
    return [row for file in package.manifest.files for row in package.job(file.name).read(range(file.rows))]


@given(pages, st.integers(1, 7), st.integers(1, 400), st.data())
def test_L1_fidelity_of_rows_through_a_package(pages, max_file_rows, max_file_bytes, data):  # noqa: N802  named after the law
    """Rows of any types, in any pages and files, come back equal and of the same types, whichever way they are asked for."""
    with TemporaryDirectory() as folder:
        package = packaged(Path(folder), pages, max_file_rows=max_file_rows, max_file_bytes=max_file_bytes, durability="process")
        rows = [row for page in pages for row in page]

        kept = all_rows(package)
        assert same(rows, kept), (rows, kept)
        for file in package.manifest.files:
            assert 0 < file.rows <= max_file_rows
            ours = rows[file.first_index : file.first_index + file.rows]
            some = tuple(sorted(data.draw(st.sets(st.integers(0, file.rows - 1)))))
            assert same([ours[at] for at in some], package.job(file.name).read(some))


arrow_rows = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "i": st.integers(-(2**63), 2**63 - 1) | st.none(),
            "f": st.floats() | st.none(),
            "s": st.text(max_size=4),
            "d": st.decimals(-1000, 1000, places=2),
            "l": st.lists(st.integers(0, 5), max_size=2),
            "m": st.datetimes(timezones=st.just(UTC)),
        },
    ).filter(bool),
    max_size=5,
)


@pytest.mark.parametrize("exact_files", [False, True])
@given(st.lists(arrow_rows, max_size=6), st.integers(1, 7))
def test_L1_fidelity_of_rows_as_arrow(exact_files, pages, max_file_rows):  # noqa: N802  named after the law
    """As parquet, rows come back equal, a missing key as null if another row of the file has it."""
    with TemporaryDirectory() as folder:
        package = packaged(
            Path(folder),
            pages,
            file_format="parquet",
            exact_files=exact_files,
            max_file_rows=max_file_rows,
            durability="process",
        )
        rows = [row for page in pages for row in page]
        kept = all_rows(package)

        assert len(kept) == len(rows)
        for row, found in zip(rows, kept, strict=True):
            for name in found | row:
                assert repr(found.get(name)) == repr(row.get(name)) or found[name] == row[name]


@given(st.lists(st.integers(0, 2**40) | st.none(), max_size=60), st.lists(st.integers(1, 20), max_size=4), st.integers(1, 25))
def test_L1_fidelity_of_arrow_data(numbers, cuts, max_file_rows):  # noqa: N802  named after the law
    """Arrow data, in any pieces and files, comes back equal and of its types, any range of it."""
    whole = pa.table({"n": pa.array(numbers, pa.int64()), "t": pa.array([str(n) for n in numbers], pa.string())})
    pieces, start = [], 0
    for cut in [*cuts, len(numbers)]:
        pieces.append(whole.slice(start, cut))
        start += cut
    with TemporaryDirectory() as folder:
        package = packaged(Path(folder), pieces, max_file_rows=max_file_rows, durability="process")
        tables = [package.job(file.name).items(ItemsKind.TABLE, range(file.rows)) for file in package.manifest.files]

        assert pa.concat_tables(tables).equals(whole) if tables else not numbers
        for file in package.manifest.files:
            part = package.job(file.name).items(ItemsKind.TABLE, range(file.rows // 2, file.rows))
            assert part.equals(whole.slice(file.first_index + file.rows // 2, file.rows - file.rows // 2))


def test_types_of_arrow_data_survive(tmp_path):
    """Extension types, nanoseconds, views and nested types come back as they are; dictionaries as their values."""
    table = pa.table(
        {
            "u": pa.array([b"0123456789abcdef"], pa.uuid()),
            "n": pa.array([1], pa.timestamp("ns", "Europe/Berlin")),
            "v": pa.array(["x"], pa.string_view()),
            "s": pa.array([{"a": [1]}], pa.struct([("a", pa.list_(pa.int8()))])),
            "k": pa.array(["x"]).dictionary_encode(),
        }
    )
    for exact_files in (False, True):
        package = packaged(tmp_path / str(exact_files), [table], file_format="parquet", exact_files=exact_files)
        [file] = package.manifest.files
        found = package.job(file.name).items(ItemsKind.TABLE, range(1))

        assert found.drop_columns(["k", "v"]).equals(table.drop_columns(["k", "v"]))
        assert found["k"].to_pylist() == ["x"]
        assert found["v"].to_pylist() == ["x"]
