"""A mapping in runs and steps: from the argument, the destination's call, config; written down, and never applied twice."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

import sinkkit
from sinkkit.errors import ConfigError, DeliveryFailed, SourceError

PEOPLE = [
    {"id": 1, "first": "Ada", "last": "Lovelace", "address": {"city": "London"}, "score": "1.5"},
    {"id": 2, "first": "Cy", "last": "Twombly", "address": None, "score": None},
]
MAPPING = {"number": "id", "name": "{first} {last}", "city": "address.city", "score": {"from": "score", "cast": "decimal"}, "source": {"const": "crm"}}
MAPPED = [
    {"number": 1, "name": "Ada Lovelace", "city": "London", "score": Decimal("1.5"), "source": "crm"},
    {"number": 2, "name": "Cy Twombly", "city": None, "score": None, "source": "crm"},
]


def config(text):
    """Write *text* as config."""
    Path(".sinkkit").mkdir(exist_ok=True)
    Path(".sinkkit/config.toml").write_text(text)


def manifest(pipeline):
    """The manifest of the pipeline's only load package."""
    (path,) = (path for name in ("packages", "normalized") for path in (Path(pipeline.folder) / name).glob("*/manifest.json"))
    return json.loads(path.read_text())


@pytest.mark.parametrize("data", [PEOPLE, iter(PEOPLE), pa.Table.from_pylist(PEOPLE)], ids=["list", "iterator", "arrow"])
def test_rows_reach_the_destination_mapped(make, memory, data):
    """What the run's mapping says is what the function gets, from rows and from Arrow data."""
    make().run(data, mapping=MAPPING)

    assert memory.rows == MAPPED


def test_config_the_call_and_the_decorator_can_say_it(make, memory):
    """A run's own mapping wins over the destination's call, that over config, that over the decorator; each stands for the others as a whole."""
    decorated = {"options": {"mapping": {"by": {"const": "decorator"}}}}
    plain = make(**decorated)
    plain.run([{"a": 1}])
    config('[destination.crm.mapping]\nby = {const = "config"}\n')
    make(**decorated).run([{"a": 1}])
    called = sinkkit.pipeline("called", destination=plain.destination.configured(None, {"mapping": {"by": {"const": "call"}}}), progress="off")
    called.run([{"a": 1}])
    called.run([{"a": 1}], mapping={"by": {"const": "run"}})
    called.run([{"a": 1}], mapping={})

    assert memory.rows == [{"by": "decorator"}, {"by": "config"}, {"by": "call"}, {"by": "run"}, {"a": 1}]


def test_config_may_be_spread_over_places(make, memory, monkeypatch):
    """Fields are joined from the destination's section, the environment and JSON in it."""
    config('[destination.crm.mapping]\na = "x"\nb = "x"\n"*" = "keep"\n')
    monkeypatch.setenv("DESTINATION__CRM__MAPPING", '{"b": "y"}')

    make().run([{"x": 1, "y": 2, "z": 3}])

    assert memory.rows == [{"a": 1, "b": 2, "z": 3}]


def test_a_list_of_columns_selects_them(make, memory):
    """In config as in code."""
    config('[destination.crm]\nmapping = ["a"]\n')

    make().run([{"a": 1, "b": 2}])

    assert memory.rows == [{"a": 1}]


def test_tables_can_have_mappings_of_their_own(make, memory):
    """A table named in the mapping has that one."""
    config('[destination.crm.mapping]\nx = "a"\n[destination.crm.mapping.tables.orders]\ny = "a"\n[destination.crm.mapping.tables.raw]\n')

    for table in ("people", "orders", "raw"):
        make().run([{"a": 1}], table_name=table)

    assert memory.rows == [{"x": 1}, {"y": 1}, {"a": 1}]


def test_a_list_and_a_table_do_not_mix(make, monkeypatch):
    """It would not be known which holds."""
    config('[destination.crm]\nmapping = ["a"]\n')
    monkeypatch.setenv("DESTINATION__CRM__MAPPING__B", "a")

    with pytest.raises(ConfigError, match="in another place"):
        make().run([{"a": 1}])


def test_names_of_columns_are_not_taken_for_secrets(make, memory):
    """A field called as a secret would be does not have its column masked."""
    config('[destination.crm.mapping]\napi_key = "customer"\n')

    with pytest.raises(SourceError, match="no 'customer'"):
        make().run([{"a": 1}])


@pytest.mark.parametrize("text", ['mapping = "id"', "mapping = 5", '[destination.crm.mapping]\nx = {form = "a"}'], ids=str)
def test_an_impossible_mapping_is_refused_before_anything_is_taken(make, memory, text):
    """Config is checked at the beginning of the run, and the error says where it stands."""
    config(f"[destination.crm]\n{text}\n")

    with pytest.raises(ConfigError, match=r"mapping.*destination\.crm\.mapping.* in .*config\.toml"):
        make().run(iter([{"a": 1}]))
    with pytest.raises(ConfigError, match=r"mapping\.x"):
        make().run([{"a": 1}], mapping={"x": 5})


def test_a_row_that_cannot_be_mapped_is_named_and_nothing_stays(make, memory, rows):
    """The number counts over the whole table, however it comes in pages."""
    pipeline = make()

    with pytest.raises(SourceError, match=r"table 'people', row 3002 .*field 'x'.*no 'n'"):
        pipeline.run(iter([*rows(3002), {"m": 1}]), table_name="people", mapping={"x": "n"})

    assert (memory.rows, pipeline.pending) == ([], ())


def test_the_manifest_says_what_was_done(make, memory):
    """A load package tells how its rows came about."""
    pipeline = make()
    pipeline.extract(PEOPLE, mapping=MAPPING)

    assert manifest(pipeline)["shape"]["mapping"] == MAPPING


def test_columns_and_keys_are_told_by_their_new_names(make, memory):
    """Hints of the caller are about what the destination gets."""
    pipeline = make()
    pipeline.extract(PEOPLE, mapping=MAPPING, table_name="people", primary_key="number", columns={"city": {"data_type": "text"}})

    people = manifest(pipeline)["tables"]["people"]
    assert list(people["columns"]) == list(MAPPING)
    assert people["columns"]["number"]["primary_key"]


@pytest.mark.parametrize(
    ("said", "columns", "key"),
    [
        ({"primary_key": "id", "columns": {"id": {"precision": 8}}}, {"number": {"precision": 8}}, ["number"]),
        ({"primary_key": ["number", "id"]}, {}, ["number"]),
        ({"primary_key": "nowhere", "columns": {"nowhere": {"data_type": "text"}}}, {}, []),
        ({"columns": {"score": {"data_type": "decimal", "precision": 9}}}, {"score": {"precision": 9}}, []),
        ({"columns": {"cents": {"data_type": "text", "nullable": False}}}, {"euros": {"nullable": False, "data_type": "bigint"}}, []),
    ],
    ids=str,
)
def test_hints_may_name_the_column_that_a_field_is_taken_from(make, said, columns, key):
    """A hint goes with its column, but for a type that a cast changes; one for what is left out is dropped."""
    pipeline = make()
    mapping = {"number": "id", "score": {"from": "score", "cast": "decimal"}, "euros": {"from": "cents", "cast": "bigint"}}
    pipeline.extract([{"id": 1, "score": "1.5", "cents": "5"}], mapping=mapping, table_name="people", **said)

    people = manifest(pipeline)["tables"]["people"]
    assert list(people["columns"]) == ["number", "score", "euros"]
    assert {name: {hint: people["columns"][name][hint] for hint in hints} for name, hints in columns.items()} == columns
    assert people["primary_key"] == key


def test_a_key_to_merge_by_is_not_left_out(make):
    """Rows could not be merged any more."""
    with pytest.raises(ConfigError, match="merged by the column 'id', which the mapping leaves out"):
        make().run([{"id": 1, "a": 2}], mapping=["a"], primary_key="id", write_disposition="merge")


def test_a_resumed_run_maps_nothing_again(make, memory):
    """Rows are sent as they were mapped, whatever the mapping says by then."""
    memory.down()
    with pytest.raises(DeliveryFailed):
        make().run([{"a": 1, "b": 2}], mapping={"b": "a", "a": "b"})
    memory.up()
    config('[destination.crm.mapping]\nc = "a"\n')

    make().resume()

    assert memory.rows == [{"b": 1, "a": 2}]


def test_rows_of_an_unmapped_run_stay_unmapped(make, memory):
    """A mapping that comes into force between a run and its end is for the next one."""
    memory.down()
    with pytest.raises(DeliveryFailed):
        make().run([{"a": 1}])
    memory.up()
    config('[destination.crm.mapping]\nb = "a"\n')

    make().resume()

    assert memory.rows == [{"a": 1}]


def test_extracted_rows_are_mapped_when_the_destination_is_known(make, memory):
    """A step that knew of no mapping leaves it to the steps that do; it happens once."""
    config('[destination.crm.mapping]\nb = "a"\na = "b"\n')
    for steps in ("load", "normalize load", "normalize normalize load"):
        pipeline = sinkkit.pipeline("p", progress="off")
        pipeline.extract([{"a": 1, "b": 2}])
        pipeline.normalize()
        for step in steps.split():
            getattr(make(), step)()

    assert memory.rows == [{"b": 1, "a": 2}] * 3


def test_extracted_and_mapped_rows_are_not_mapped_by_the_destination(make, memory):
    """The mapping of ``extract`` stands for the destination's own."""
    config('[destination.crm.mapping]\nc = "b"\n')
    pipeline = make()
    pipeline.extract([{"a": 1}], mapping={"b": "a"})
    pipeline.extract([{"a": 1}], mapping={})

    pipeline.load()

    assert memory.rows == [{"b": 1}, {"a": 1}]


def test_replayed_rows_are_not_mapped_again(memory):
    """A rejected row is kept as it was sent, and sent again as it was kept."""
    seen = []

    @sinkkit.destination(mapping={"b": "a", "a": "b"}, workers=1)
    def crm(items, table):
        seen.extend(items)
        return sinkkit.Outcome(rejected={0: "no"}) if len(seen) == 1 else None

    pipeline = sinkkit.pipeline("p", destination=crm, progress="off")
    pipeline.run([{"a": 1, "b": 2}])
    pipeline.replay()

    assert seen == [{"b": 1, "a": 2}] * 2


def test_rows_rest_as_parquet_mapped(memory):
    """Arrow data that rests as Arrow stays so, with null where a field is left out; as rows it is left out."""
    mapping = {"n": "id", "score": {"from": "score", "drop_null": True}}
    seen = []

    @sinkkit.destination(loader_file_format="parquet", mapping=mapping)
    def tables(items, table):
        seen.extend(items.to_pylist())

    @sinkkit.destination(mapping=mapping)
    def dicts(items, table):
        seen.extend(items)

    data = pa.Table.from_pylist([{"id": 1, "score": None}])
    sinkkit.pipeline("t", destination=tables, progress="off").run(data)
    sinkkit.pipeline("d", destination=dicts, progress="off").run(data)

    assert seen == [{"n": 1, "score": None}, {"n": 1}]


def test_names_and_nesting_come_after_the_mapping(memory):
    """Fields are named by the convention, and lists and dicts that the mapping makes are nested as others are."""
    seen = {}

    @sinkkit.destination(naming_convention="snake_case", max_nesting_level=1, mapping={"theId": "id", "theTags": "more.tags"})
    def crm(items, table):
        seen.setdefault(table["name"], []).extend(items)

    sinkkit.pipeline("p", destination=crm, progress="off").run([{"id": 1, "more": {"tags": ["x"]}}], table_name="Rows")

    assert seen["rows"][0]["the_id"] == 1
    assert seen["rows__the_tags"][0]["value"] == "x"


def test_arrow_without_a_column_is_refused(make, memory):
    """The error names the table and field, since no row is to blame."""
    with pytest.raises(SourceError, match="field 'x' of the mapping: there is no column 'b'"):
        make().run(pa.table({"a": [1]}), mapping={"x": "b"})
