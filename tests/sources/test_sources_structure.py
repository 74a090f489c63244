"""Resources that say more of their tables, and sources that group them."""

from __future__ import annotations

import pyarrow as pa
import pytest

import sinkkit
from sinkkit.errors import ConfigError, SignatureError, SourceError
from sinkkit.sources import ArrowPage, read

EVENTS = [{"kind": "view", "n": 1}, {"kind": "sale", "n": 2}, {"kind": "view", "n": 3}, {"kind": "view", "n": 4}, {"kind": "sale", "n": 5}]


def tables_of(data, **arguments):
    """Table to its rows, in order."""
    found = {}
    for page in read(data, **arguments):
        found.setdefault(page.table.name, []).extend(page.data.to_pylist() if isinstance(page, ArrowPage) else page.rows)
    return found


def hints_of(data, **arguments):
    """Table to what is known of it."""
    return {page.table.name: page.table for page in read(data, **arguments)}


@sinkkit.resource(table_name=lambda row: row["kind"], primary_key="n")
def events():
    """Rows of several tables."""
    yield from EVENTS


@sinkkit.resource
def people(count: int = 2):
    """Rows of one table."""
    return [{"id": n} for n in range(count)]


@sinkkit.resource(name="visits", columns={"at": {"data_type": "text"}}, merge_key="at", write_disposition="merge", schema_contract={"columns": "discard_value"})
def visited():
    """Rows of which much is known."""
    return [{"at": "noon"}]


@sinkkit.source
def crm(count: int = 2):
    """Everything."""
    yield people(count)
    yield visited


def test_rows_go_to_the_tables_they_name():
    """A function of the row sends each row to its table, in order within each, with the hints of the resource."""
    assert tables_of(events) == {"view": [EVENTS[0], EVENTS[2], EVENTS[3]], "sale": [EVENTS[1], EVENTS[4]]}
    assert {name: table.primary_key for name, table in hints_of(events).items()} == {"view": ("n",), "sale": ("n",)}


def test_arrow_rows_go_to_the_tables_they_name():
    """Arrow data is divided in the same way, and stays Arrow data."""
    routed = sinkkit.resource(table_name=lambda row: row["kind"])(lambda: pa.Table.from_pylist(EVENTS))
    alone = sinkkit.resource(table_name=lambda _: "all")(lambda: pa.Table.from_pylist(EVENTS))

    assert tables_of(routed) == tables_of(events)
    assert [type(page) for page in read(routed)] == [ArrowPage, ArrowPage]
    assert tables_of(alone) == {"all": EVENTS}


def test_the_caller_names_the_table_in_the_end():
    """The name given to the run, or to with_hints, wins over the function."""
    assert list(tables_of(events, table_name="mine")) == ["mine"]
    assert list(tables_of(events.with_hints(table_name="mine"))) == ["mine"]
    assert list(tables_of(people.with_hints(table_name=lambda row: f"p{row['id']}"))) == ["p0", "p1"]


@pytest.mark.parametrize(
    ("table_name", "said"),
    [
        (lambda row: row["sort"], "raised KeyError for row 0"),
        (lambda row: None if row["n"] == 3 else "a", "gave None for row 2"),
        (lambda row: "" if row["n"] == 5 else "a", "gave '' for row 4"),
        (lambda row: row["n"], "gave a value of type int for row 0"),
    ],
)
def test_a_row_without_a_table_is_named(table_name, said):
    """Where the function gives no name, the error names resource and row."""
    with pytest.raises(SourceError, match=f"table_name of resource 'events' {said}"):
        list(read(events.with_hints(table_name=table_name)))


def test_hints_are_completed():
    """with_hints gives a new resource: what is given wins, columns are completed, the first one stays as it was."""
    more = visited.with_hints(columns={"at": {"nullable": False}, "by": {"data_type": "bigint"}}, primary_key="by", write_disposition="append")
    (table,) = hints_of(more).values()

    assert (table.name, dict(table.columns), table.primary_key) == (
        "visits", {"at": {"data_type": "text", "nullable": False}, "by": {"data_type": "bigint"}}, ("by",),
    )  # fmt: skip
    assert (table.write_disposition, table.merge_key, table.schema_contract.columns) == ("append", ("at",), "discard_value")
    assert hints_of(visited)["visits"].write_disposition == "merge"


@pytest.mark.parametrize("wrong", [{"table_name": 3}, {"table_name": ""}, {"primary_key": 1}, {"write_disposition": "x"}, {"table_name": dict}])
def test_impossible_hints_are_refused_at_once(wrong):
    """A hint that cannot be meant is an error where it is written."""
    with pytest.raises(ConfigError):
        sinkkit.resource(**wrong)
    with pytest.raises(ConfigError):
        people.with_hints(**wrong)


def test_a_source_is_read_as_its_resources():
    """Given as data, a source gives the rows of all its resources, each to its table; bare or with arguments."""
    assert tables_of(crm) == {"people": [{"id": 0}, {"id": 1}], "visits": [{"at": "noon"}]}
    assert tables_of(crm(3))["people"] == [{"id": 0}, {"id": 1}, {"id": 2}]
    assert list(crm) == [{"id": 0}, {"id": 1}, {"at": "noon"}]
    assert tables_of([crm(1), events]).keys() == {"people", "visits", "view", "sale"}


def test_resources_of_a_source_are_chosen_by_name():
    """A source tells its resources and gives some of them; a slip in a name is answered with what was meant."""
    assert list(crm.resources) == ["people", "visits"]
    assert list(crm.resources["people"]) == [{"id": 0}, {"id": 1}]
    assert tables_of(crm(1).with_resources("people")) == {"people": [{"id": 0}]}
    assert list(crm.with_resources("visits").resources) == ["visits"]
    with pytest.raises(ConfigError, match=r"source 'crm' has no resource 'peple'"):
        crm.with_resources("peple")


def test_a_source_calls_its_function_once():
    """However often its resources are asked for, chosen and read, the function is called once for the same arguments."""
    calls = []

    @sinkkit.source(name="mine", parallelized=True)
    def counted():
        calls.append(1)
        return [people, visited]

    chosen = counted.with_resources("people")
    assert [list(chosen.resources), list(chosen), list(chosen), counted.name, calls] == [["people"], [{"id": 0}, {"id": 1}], [{"id": 0}, {"id": 1}], "mine", [1]]
    assert [one.parallelized for one in counted.resources.values()] == [True, True]
    assert people.parallelized is False


def failing():
    """Fail."""
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("function", "error", "said"),
    [
        (lambda: [people, people], ConfigError, "two resources named 'people'"),
        (lambda: [{"id": 1}], SourceError, "gave a dict, which is no resource"),
        (lambda: None, SourceError, "gave no resources"),
        (lambda needed: [people], SourceError, "missing a required argument"),
        (failing, SourceError, "raised ZeroDivisionError"),
    ],
)
def test_what_is_no_source_is_told(function, error, said):
    """A function that gives something else than resources is named in the error."""
    with pytest.raises(error, match=said):
        list(read(sinkkit.source(name="s")(function)))


@pytest.mark.parametrize("wrong", [people, dict, 3])
def test_only_functions_become_sources(wrong):
    """What is no function is refused at the decorator."""
    with pytest.raises(SignatureError, match="@source needs a plain function"):
        sinkkit.source(wrong)


def test_several_tables_in_one_run(tmp_path):
    """One run delivers all tables of a source, in one package, each batch of one table."""
    got = {}

    @sinkkit.destination(batch_size=2, workers=1)
    def sink(items, table):
        got.setdefault(table["name"], []).extend(items)

    pipeline = sinkkit.pipeline("p", destination=sink, progress="off", pipelines_dir=tmp_path)
    info = pipeline.run([crm(2), events])

    assert {name: counts.delivered for name, counts in info.tables.items()} == {"people": 2, "visits": 1, "view": 3, "sale": 2}
    assert got["view"] == [EVENTS[0], EVENTS[2], EVENTS[3]]
    assert len(info.load_ids) == 1
