"""Contracts, variants and versions of schemas, over several runs of a real pipeline."""

from __future__ import annotations

import json
from decimal import Decimal

import pyarrow as pa
import pytest
from contract_world import FORMS, Destination, journal_of, numbers

import sinkkit
from sinkkit.errors import ConfigError, SchemaError


@pytest.mark.parametrize("settings", FORMS, ids=str)
def test_run_one_evolves_and_run_two_is_frozen(settings):
    """What the first run brought is known to the second, which takes nothing new; afterwards new columns may come again."""
    destination = Destination(**settings)
    pipeline = sinkkit.pipeline("p", destination.factory)
    pipeline.run([{"id": 1, "name": "Ann"}, {"id": 2, "name": None}], table_name="people")

    with pytest.raises(SchemaError, match=r"table 'people', row 1 \(counted from 0\): column 'email' with a value of type text is not known"):
        pipeline.run([{"id": 3, "name": "Bo"}, {"id": 4, "email": "x"}], table_name="people", schema_contract="freeze")
    with pytest.raises(SchemaError, match=r"table 'orders', row 0 .*no earlier load had this table"):
        pipeline.run([{"id": 3}], table_name="orders", schema_contract="freeze")
    assert pipeline.pending == ()
    pipeline.run([{"id": 3, "name": "Bo"}], table_name="people", schema_contract="freeze")
    info = pipeline.run([{"id": 4, "name": "Cy", "email": "x"}], table_name="people")

    assert numbers(info) == (1, 1, 0)
    assert [row["id"] for row in destination.take()["people"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("settings", FORMS, ids=str)
def test_discarded_rows_are_rejected_and_can_be_replayed(settings):
    """L5: rows that a contract refuses are counted as rejected, kept with their reasons, and sent by a replay as they were."""
    destination = Destination(**settings)
    pipeline = sinkkit.pipeline("p", destination.factory)
    pipeline.run([{"id": 0, "price": 1.5}], table_name="people")
    rows = [{"id": 1, "price": 2}, {"id": 2, "price": "free"}, {"id": 3, "price": 3.5}, {"id": 4, "note": Decimal("1.50")}]

    info = pipeline.run(rows, table_name="people", schema_contract="discard_row")

    assert numbers(info) == (4, 2, 2)
    assert [(row.index, row.row, row.reason) for row in pipeline.rejected()] == [
        (2, {"id": 2, "price": "free"}, "column 'price' holds double, not text (schema contract: data_type discard_row)"),
        (3, {"id": 4, "note": Decimal("1.50")}, "column 'note' is not known (schema contract: columns discard_row)"),
    ]
    destination.take()
    again = pipeline.replay(reason="note")
    assert numbers(again) == (1, 1, 0)
    assert destination.take() == {"people": [{"id": 4, "note": Decimal("1.50")}]}
    assert [row.row["id"] for row in pipeline.rejected()] == [2]
    assert numbers(pipeline.run([{"id": 5, "note": Decimal(2)}], table_name="people", schema_contract="discard_row")) == (1, 0, 1)


def test_a_table_that_is_refused_stays_unknown():
    """All rows of a new table are rejected, nothing is sent, and the next run refuses it again."""
    destination = Destination()
    pipeline = sinkkit.pipeline("p", destination.factory)

    for _ in range(2):
        info = pipeline.run([{"id": 1}, {"id": 2}], table_name="people", schema_contract={"tables": "discard_row"})
        assert numbers(info) == (2, 0, 2)
    assert destination.take() == {}
    assert len(list(pipeline.rejected())) == 4
    assert numbers(pipeline.run([{"id": 1}], table_name="people")) == (1, 1, 0)


def test_a_sink_does_not_see_a_table_that_is_refused():
    """``prepare`` gets the tables that rows go to: none is made for rows that a contract refuses."""
    prepared = []

    class Warehouse:
        """Notes what it is to prepare."""

        def prepare(self, tables):
            prepared.append([table.name for table in tables])

        def deliver(self, batch):
            assert batch.table_name == "people"

        def probe(self, batch):
            return None

        def complete(self):
            pass

        def close(self):
            pass

    pipeline = sinkkit.pipeline("p", sinkkit.destination(name="warehouse")(Warehouse()), progress="off")

    def people():
        yield from ({"id": 1},)

    @sinkkit.resource(name="orders", schema_contract={"tables": "discard_row"})
    def orders():
        yield {"id": 2}

    info = pipeline.run([sinkkit.resource(name="people")(people), orders])
    pipeline.run([orders])

    assert (numbers(info), numbers(info, "orders")) == ((1, 1, 0), (1, 0, 1))
    assert prepared == [["people"], []]


def test_discarded_values_are_taken_out():
    """Rows arrive without what is new; the rows given are not changed."""
    destination = Destination()
    pipeline = sinkkit.pipeline("p", destination.factory)
    pipeline.run([{"id": 0}], table_name="people")
    rows = [{"id": 1, "extra": [1]}, {"id": "x"}]

    info = pipeline.run(rows, table_name="people", schema_contract="discard_value")

    assert numbers(info) == (2, 2, 0)
    assert destination.take()["people"] == [{"id": 0}, {"id": 1}, {}]
    assert rows == [{"id": 1, "extra": [1]}, {"id": "x"}]


def test_contracts_hold_for_arrow_data():
    """Columns of Arrow data are refused, left out or let through like those of rows."""
    destination = Destination(loader_file_format="parquet")
    pipeline = sinkkit.pipeline("p", destination.factory)
    pipeline.run(pa.table({"id": [0]}), table_name="people")
    data = pa.table({"id": [1, 2, 3], "extra": [None, "x", None]})

    assert numbers(pipeline.run(data, table_name="people", schema_contract="discard_row")) == (3, 2, 1)
    assert numbers(pipeline.run(data, table_name="people", schema_contract="discard_value")) == (3, 3, 0)
    with pytest.raises(SchemaError, match=r"row 1 .*'extra'"):
        pipeline.run(data, table_name="people", schema_contract="freeze")
    assert [row["id"] for row in destination.take()["people"]] == [0, 1, 3, 1, 2, 3]
    assert [row.row for row in pipeline.rejected()] == [{"id": 2, "extra": "x"}]


def test_steps_hold_contracts_when_rows_are_normalized():
    """Extracted rows are taken as they come; the contract holds once they are normalized, as the destination names them."""
    destination = Destination(naming_convention="snake_case")
    pipeline = sinkkit.pipeline("p", destination.factory)
    pipeline.run([{"userId": 0}], table_name="people")

    pipeline.extract([{"userId": 1}, {"userId": 2, "newOne": 1}, {"userId": "x"}], table_name="people", schema_contract={"columns": "discard_row"})
    info = pipeline.load()

    assert numbers(info) == (3, 2, 1)
    assert destination.take()["people"] == [{"user_id": 0}, {"user_id": 1}, {"user_id__v_text": "x"}]
    assert [row.row for row in pipeline.rejected()] == [{"user_id": 2, "new_one": 1}]


def test_variants_are_stable_across_runs():
    """Where names are made for a destination, a column keeps its type, and other types go beside it, whatever comes first."""
    destination = Destination(naming_convention="snake_case")
    pipeline = sinkkit.pipeline("p", destination.factory)
    pipeline.run([{"answer": 1}, {"answer": "x"}], table_name="people")
    pipeline.run([{"answer": "y"}, {"answer": [2]}, {"answer": 2.5}], table_name="people")

    assert destination.take()["people"] == [
        {"answer": 1},
        {"answer__v_text": "x"},
        {"answer__v_text": "y"},
        {"answer__v_json": [2]},
        {"answer": 2.5},
    ]


@pytest.mark.parametrize("form", [list, pa.Table.from_pylist])
def test_children_of_refused_rows_are_refused(form):
    """Rows of a child table go the way of the row that they belong to, where rows have keys."""
    destination = Destination(naming_convention="snake_case", max_nesting_level=1, skip_internal_columns_and_tables=False)
    pipeline = sinkkit.pipeline("p", destination.factory)
    pipeline.run([{"id": 0, "pets": [{"name": "a"}]}], table_name="people")
    destination.take()

    info = pipeline.run(
        form([{"id": 1, "pets": [{"name": "b"}], "new": 1}, {"id": 2, "pets": [{"name": "c"}, {"name": "d", "new": 1}]}]),
        table_name="people",
        schema_contract={"columns": "discard_row"},
    )

    assert (numbers(info), numbers(info, "people__pets")) == ((2, 1, 1), (3, 1, 2))
    assert [row["name"] for row in destination.take()["people__pets"]] == ["c"]
    assert [row.reason for row in pipeline.rejected("people__pets")] == [
        "the row of table 'people' that it belongs to was refused",
        "column 'new' is not known (schema contract: columns discard_row)",
    ]


def test_versions_of_the_schema_are_kept():
    """A load that brings something new makes a new version; one that does not has the version of the load before."""
    pipeline = sinkkit.pipeline("p", Destination().factory, dataset_name="sales")
    loads = [
        pipeline.run(rows, table_name="people").load_ids[0]
        for rows in ([{"id": 1}], [{"id": 2}], [{"id": 2.5, "note": None}], [{"note": "x", "id": 0.5}])
    ]

    journal = journal_of(pipeline)
    versions = [journal.schema_of_load(load_id) for load_id in loads]
    known = journal.known_schema("sales")
    journal.close()
    told = [(load["schema_version"], load["schema_hash"]) for load in pipeline.loads().to_pylist()]

    assert [version.version for version in versions] == [1, 1, 2, 3]
    assert [version.load_id for version in versions] == [loads[0], loads[0], loads[2], loads[3]]
    assert known == versions[-1]
    assert told == [(version.version, version.hash) for version in versions]
    assert len({version.hash for version in versions}) == 3
    columns = json.loads(known.schema)["tables"]["people"]["columns"]
    assert {name: (column["data_type"], column["nullable"]) for name, column in columns.items()} == {"id": ("double", False), "note": ("text", True)}


def test_internal_tables_tell_of_versions_and_loads():
    """``_sk_version`` comes with each new version, ``_sk_loads`` with each load, after all others, and neither is part of the schema."""
    destination = Destination(skip_internal_columns_and_tables=False)
    pipeline = sinkkit.pipeline("p", destination.factory)
    first = pipeline.run([{"id": 1}], table_name="people")
    tables = destination.take()

    assert list(tables) == ["people", "_sk_version", "_sk_loads"]
    (version,), (load,) = tables["_sk_version"], tables["_sk_loads"]
    assert (version["version"], load["load_id"], load["status"]) == (1, first.load_ids[0], 0)
    assert version["hash"] == load["schema_hash"]
    assert list(json.loads(version["schema"])["tables"]) == ["people"]

    pipeline.run([{"id": 2}], table_name="people")
    assert list(destination.take()) == ["people", "_sk_loads"]
    pipeline.run([{"id": 2, "name": "x"}], table_name="people")
    assert [row["version"] for row in destination.take()["_sk_version"]] == [2]


class Prefixed:
    """A naming convention under which tables of sinkkit's own have other names, too."""

    def normalize_identifier(self, identifier):
        """The name with a prefix."""
        return "crm_" + identifier.removeprefix("crm_")


def test_internal_tables_are_no_part_of_the_schema_under_any_name():
    """What the destination is told of the schema is what the journal knows, whatever the convention makes of the tables' names."""
    destination = Destination(skip_internal_columns_and_tables=False, naming_convention=Prefixed)
    pipeline = sinkkit.pipeline("p", destination.factory)
    for number in range(2):
        pipeline.run([{"id": number}], table_name="people")

    tables = destination.take()
    told = [row["crm_schema_hash"] for row in tables["crm__sk_loads"]]
    assert told == pipeline.loads().column("schema_hash").to_pylist()
    assert [row["crm_hash"] for row in tables["crm__sk_version"]] == told[:1]


@pytest.mark.parametrize("convention", ["direct", "sql_ci_v1", Prefixed])
@pytest.mark.parametrize("name", ["_sk_loads", "_sk_version"])
def test_a_table_named_as_one_of_our_own_is_refused(convention, name):
    """Its rows would be among those that tell of loads; without these it is a table like any other."""
    destination = Destination(skip_internal_columns_and_tables=False, naming_convention=convention)
    with pytest.raises(SchemaError, match=f"sinkkit's own table '{name}' and table '{name}' both become table"):
        sinkkit.pipeline("p", destination.factory).run([{"id": 1}], table_name=name)

    plain = Destination()
    sinkkit.pipeline("plain", plain.factory).run([{"id": 1}], table_name=name)
    assert plain.take() == {name: [{"id": 1}]}


@pytest.mark.parametrize(
    ("convention", "column", "names"),
    [("direct", "id", ["people", "_sk_version", "_sk_loads"]), (Prefixed, "crm_id", ["crm_people", "crm__sk_version", "crm__sk_loads"])],
    ids=["direct", "own"],
)
def test_internal_tables_come_last_and_without_an_ordering_column(convention, column, names):
    """Whatever they are called, tables of sinkkit's own come after all others, and need not have the column that rows are ordered by."""
    destination = Destination(skip_internal_columns_and_tables=False, order_by=column, naming_convention=convention)

    sinkkit.pipeline("p", destination.factory).run([{"id": 1}, {"id": 1}], table_name="people")

    assert list(destination.take()) == names


def test_a_contract_of_a_resource_holds_unless_the_run_has_another():
    """What is said at the resource goes for its table; what is said at the run wins."""
    destination = Destination()
    pipeline = sinkkit.pipeline("p", destination.factory)
    pipeline.run([{"id": 0}], table_name="people")

    @sinkkit.resource(table_name="people", schema_contract={"columns": "discard_row"})
    def people():
        yield {"id": 1, "new": 1}

    assert numbers(pipeline.run(people())) == (1, 0, 1)
    assert numbers(pipeline.run(people(), schema_contract="discard_value")) == (1, 1, 0)
    assert destination.take()["people"] == [{"id": 0}, {"id": 1}]


def test_slips_are_refused_before_anything_is_taken():
    """A contract or a key that cannot be meant is an error at once."""
    pipeline = sinkkit.pipeline("p", Destination().factory)

    with pytest.raises(ConfigError, match="did you mean 'freeze'"):
        pipeline.run([{"id": 1}], schema_contract="freez")
    with pytest.raises(ConfigError, match="merge_key"):
        pipeline.extract([{"id": 1}], merge_key=5)


def test_the_function_sees_keys_and_the_contract():
    """``merge_key`` is a tuple, ``schema_contract`` a mapping of the three subjects."""
    destination = Destination()
    sinkkit.pipeline("p", destination.factory).run(
        [{"id": 1}], table_name="people", merge_key="id", schema_contract={"data_type": "discard_value"}, columns={"id": {"x-unit": "m"}}
    )

    table = destination.tables["people"]
    assert table["merge_key"] == ("id",)
    assert table["schema_contract"] == {"tables": "evolve", "columns": "evolve", "data_type": "discard_value"}
    assert table["columns"]["id"]["x-unit"] == "m"
    assert "schema_contract" not in sinkkit.TableSchema.of("t")
