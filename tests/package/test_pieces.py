"""Pages of any size around the sizes of pieces, and chunks read in any order: each row is there once, and nobody's object is somebody else's."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkkit.package.contents import FIRST_PIECE, LONGEST_PIECE
from sinkkit.package.reader import Package
from sinkkit.package.writer import PackageWriter

edges = [1, FIRST_PIECE, LONGEST_PIECE // 2, LONGEST_PIECE, 2 * LONGEST_PIECE]
sizes = st.sampled_from([size + more for size in edges for more in (-1, 0, 1)]) | st.integers(0, 50)


def sealed(folder, pages, **settings):
    """A package of one table with *pages*, opened; small chunks make many of them."""
    with PackageWriter(Path(folder), "load", "p", durability="process", **settings) as writer:
        for page in pages:
            writer.write_rows("t", page)
        writer.seal()
    return Package.open(Path(folder) / "load")


def read_all(package):
    """All rows of the package, job by job."""
    jobs = [package.job(file.name) for file in package.manifest.files]
    return [row for job in jobs for row in job.read(range(job.rows))]


@given(pages=st.lists(sizes, max_size=6), most=st.sampled_from([7, 1_000_000]), form=st.sampled_from(["jsonl", "parquet"]))
def test_pages_of_any_size_are_kept_once_in_order(pages, most, form):
    """However rows come in pages, each is in the package once, in the order given; the user's own lists are not changed."""
    ends = [0]
    for size in pages:
        ends.append(ends[-1] + size)
    given_pages = [[{"n": n} for n in range(a, b)] for a, b in pairwise(ends)]
    expected = [{"n": n} for n in range(ends[-1])]

    with TemporaryDirectory() as folder:
        package = sealed(folder, given_pages, max_file_rows=max(most, ends[-1] // 20), file_format=form)

        assert read_all(package) == expected
    assert [row for page in given_pages for row in page] == expected


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """3,000 rows in several chunks, of which one in seven holds a tagged value."""
    rows = [{"n": n, "text": "x" * (n % 900), "odd": (n,) if n % 7 == 0 else n} for n in range(3_000)]
    return sealed(tmp_path_factory.mktemp("package"), [rows])


spans = st.tuples(st.integers(0, 2_999), st.integers(0, 1_200)).map(lambda span: range(span[0], min(3_000, sum(span))))
picks = st.sets(st.integers(0, 2_999), max_size=20).map(sorted)


@given(asked=st.lists(spans | picks, max_size=12))
def test_rows_are_read_in_any_order_and_again_as_new_objects(package, asked):
    """Whatever runs and picks of rows are read, overlapping or twice, they are right, and no object was handed out before."""
    job = Package(package.folder, package.manifest).job(package.manifest.files[0].name)
    got = [job.read(rows) for rows in asked]

    assert [[row["n"] for row in rows] for rows in got] == [list(rows) for rows in asked]
    assert all(row["odd"] == ((row["n"],) if row["n"] % 7 == 0 else row["n"]) for rows in got for row in rows)
    objects = [id(row) for rows in got for row in rows]
    assert len(objects) == len(set(objects))
