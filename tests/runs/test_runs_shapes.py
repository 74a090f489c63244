"""Where names and nesting are said, and what becomes of a package that was taken before they were known."""

from __future__ import annotations

import sys

import pytest

import sinkkit
from sinkkit.errors import ConfigError, DeliveryFailed, ReferenceNotFound, SchemaError, SourceError

OWN = """
class Shouting:
    max_length = 12
    PATH_SEPARATOR = "."

    def normalize_identifier(self, identifier):
        return identifier.strip().upper()


class NamingConvention:
    def normalize_identifier(self, identifier):
        return f"x_{identifier.removeprefix('x_')}"


class NeedsMore:
    def __init__(self, prefix):
        self.prefix = prefix

    def normalize_identifier(self, identifier):
        return f"{self.prefix}{identifier}"
"""
ROWS = [{"Id": 1, "pets": [{"Name": "Rex"}]}]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module with naming conventions of a user's own."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "own_names.py").write_text(OWN)
    (folder / "own_package").mkdir()
    (folder / "own_package" / "__init__.py").write_text("")
    (folder / "own_package" / "names.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(folder))
    import own_names

    yield own_names
    del sys.modules["own_names"]


@pytest.fixture
def make(tmp_path):
    """Makes pipelines of one name, each with the settings of its destination; what arrives is in ``make.got``, by table."""
    got = {}

    def pipeline(*, decorator=None, **settings):
        @sinkkit.destination(name="crm", workers=1, **(decorator or {}))
        def sink(items, table):
            got.setdefault(table["name"], []).extend(items)

        return sinkkit.pipeline("shapes", destination=sink(**settings), pipelines_dir=tmp_path / "state", progress="off")

    pipeline.got = got
    return pipeline


def test_decorator_config_and_factory_say_it(make, monkeypatch):
    """The call goes before config, config before the decorator."""
    make(decorator={"naming_convention": "snake_case"}).run([{"aB": 1}])
    monkeypatch.setenv("DESTINATION__CRM__NAMING_CONVENTION", "sql_ci_v1")
    monkeypatch.setenv("DESTINATION__CRM__MAX_NESTING_LEVEL", "none")
    make(decorator={"naming_convention": "snake_case"}).run([{"aB": [[1]]}])
    make(decorator={"naming_convention": "snake_case"}, naming_convention="duck_case").run([{"aB": 1}])

    assert make.got == {"rows": [{"a_b": 1}, {}, {"aB": 1}], "rows__ab": [{}], "rows__ab__value": [{"value": 1}]}


def test_a_destination_says_how_long_names_may_be(make):
    """Its capabilities limit tables and columns, and fold their case."""
    limits = {"max_identifier_length": 12, "max_column_identifier_length": 8, "casefold_identifier": "upper"}
    make(decorator={"capabilities": limits, "max_nesting_level": 1}).run([{"a_long_name": 1, "pets": [2]}], table_name="a_long_table_name")

    assert [len(name) for name in make.got] == [12, 12]
    (row,), (pet,) = make.got.values()
    ((column, value),) = row.items()
    assert (len(column), column.upper(), value, pet) == (8, column, 1, {"VALUE": 2})


@pytest.mark.parametrize("way", ["class", "object", "path", "colon", "config"])
def test_a_convention_of_a_users_own(make, own, way, monkeypatch):
    """A class, an object of it or the path of either; its length and separator are heeded."""
    said = {"class": own.Shouting, "object": own.Shouting(), "path": "own_names.Shouting", "colon": "own_names:Shouting"}.get(way)
    if way == "config":
        monkeypatch.setenv("DESTINATION__CRM__NAMING_CONVENTION", "own_names.Shouting")
    settings = {} if said is None else {"naming_convention": said}
    make(max_nesting_level=1, **settings).run(ROWS, table_name="users")

    assert make.got == {"USERS": [{"ID": 1}], "USERS.PETS": [{"NAME": "Rex"}]}
    assert make(**settings).destination.capabilities()["naming_convention"] in {"own_names.Shouting", "own_names:Shouting"}


@pytest.mark.parametrize("way", ["module", "path", "class"])
def test_a_module_is_a_convention_if_it_has_one(make, own, way):
    """As in dlt: its class ``NamingConvention``."""
    ways = {"module": own, "path": "own_package.names", "class": "own_names:NamingConvention"}
    make(naming_convention=ways[way]).run(ROWS)

    assert make.got == {"x_rows": [{"x_Id": 1, "x_pets": [{"Name": "Rex"}]}]}


@pytest.mark.parametrize(
    ("said", "error", "says"),
    [
        ("own_names.Nothing", ConfigError, "own_names"),
        ("nowhere.Nothing", ConfigError, "nowhere"),
        ("own_names.NeedsMore", ConfigError, "prefix"),
        ("own_names.OWN", ConfigError, "OWN"),
    ],
)
def test_a_convention_that_is_none_is_refused_before_anything_is_taken(make, own, said, error, says):
    """The error names it and what it lacks."""
    with pytest.raises((error, ReferenceNotFound), match=says):
        make(naming_convention=said).run(ROWS)
    assert make().pending == ()


@pytest.mark.parametrize("known", [True, False])
def test_what_was_only_extracted_is_normalized_as_its_destination_wants(make, known):
    """``extract`` keeps rows as they are; ``normalize`` does what is known without reading settings, ``load`` the rest."""
    shape = {"naming_convention": "snake_case", "max_nesting_level": 1}
    first = make(decorator=shape) if known else sinkkit.pipeline("shapes", pipelines_dir=make()._location.folder.parent, progress="off")
    first.extract(ROWS, table_name="Users", columns={"Id": {"data_type": "text"}}, primary_key="Id")
    first.normalize()
    info = make(decorator=shape).load()

    assert make.got == {"users": [{"id": 1}], "users__pets": [{"name": "Rex"}]}
    assert {name: count.delivered for name, count in info.tables.items()} == {"users": 1, "users__pets": 1}


def test_what_was_normalized_in_another_way_is_refused(make):
    """Rows that were taken apart cannot be put together as if they never were; nothing is sent, and the former settings still deliver them."""
    shape = {"naming_convention": "snake_case", "max_nesting_level": 1}
    make(decorator=shape).extract(ROWS, table_name="Users")
    make(decorator=shape).normalize()

    with pytest.raises(ConfigError, match="was normalized with naming_convention='snake_case', max_nesting_level=1") as refused:
        make(naming_convention="duck_case").load()
    assert "drop" in refused.value.hint
    assert make.got == {}
    make(decorator=shape, loader_file_format="parquet").load()
    assert list(make.got) == ["users", "users__pets"]


def test_hints_and_keys_are_for_the_names_that_were_given(make, tmp_path):
    """They follow the columns to their names at the destination; a path is written with separators."""
    seen = {}

    @sinkkit.destination(naming_convention="snake_case", max_nesting_level=1)
    def sink(items, table):
        seen[table["name"]] = table

    hints = {"userId": {"data_type": "text"}, "homeAddress__zipCode": {"data_type": "bigint"}, "rawData": {"data_type": "json"}}
    rows = [{"userId": "1", "homeAddress": {"zipCode": 5}, "rawData": {"a": [1]}}]
    sinkkit.pipeline("hints", destination=sink, pipelines_dir=tmp_path, progress="off").run(rows, table_name="u", columns=hints, primary_key="userId")

    assert seen["u"]["primary_key"] == ("user_id",)
    assert {name: column["data_type"] for name, column in seen["u"]["columns"].items()} == {
        "user_id": "text",
        "home_address__zip_code": "bigint",
        "raw_data": "json",
    }


def test_hints_for_columns_of_child_tables(tmp_path):
    """They are said of the table that is given, as paths, and reach the table that has the column; those of whole values hold there too."""
    seen = {}

    @sinkkit.destination(naming_convention="snake_case", max_nesting_level=None)
    def sink(items, table):
        seen[table["name"]] = (items, {name: column["data_type"] for name, column in table["columns"].items()})

    hints = {"petList__Age": {"data_type": "double"}, "petList__Toys": {"data_type": "json"}, "petList__Walks__at": {"data_type": "date"}}
    rows = [{"id": 1, "petList": [{"Age": 3, "Toys": ["ball"], "Walks": [{"at": "2026-01-01"}]}]}]
    sinkkit.pipeline("hints", destination=sink, pipelines_dir=tmp_path, progress="off").run(rows, table_name="u", columns=hints)

    assert seen == {
        "u": ([{"id": 1}], {"id": "bigint"}),
        "u__pet_list": ([{"age": 3, "toys": ["ball"]}], {"age": "double", "toys": "json"}),
        "u__pet_list__walks": ([{"at": "2026-01-01"}], {"at": "date"}),
    }


def test_a_merged_table_gives_the_same_keys_in_every_load(make):
    """With a primary key the children of a changed row are found again by their root."""
    settings = {"max_nesting_level": 1, "skip_internal_columns_and_tables": False}
    for pet in ("Rex", "Tom"):
        make(**settings).run([{"Id": 1, "pets": [pet]}], table_name="users", primary_key="Id", write_disposition="merge")
    users, pets = make.got["users"], make.got["users__pets"]

    assert users[0]["_sk_id"] == users[1]["_sk_id"]
    assert users[0]["_sk_load_id"] != users[1]["_sk_load_id"]
    assert [(pet["value"], pet["_sk_root_id"]) for pet in pets] == [("Rex", users[0]["_sk_id"]), ("Tom", users[0]["_sk_id"])]


def test_arrow_data_goes_the_same_way(make):
    """A frame with structs and lists becomes the same tables as dicts do."""
    pa = pytest.importorskip("pyarrow")
    make(naming_convention="snake_case", max_nesting_level=1).run(pa.Table.from_pylist([{"Id": 1, "home": {"City": "Oslo"}, "pets": ["Rex"]}]), table_name="users")

    assert make.got == {"users": [{"id": 1, "home__city": "Oslo"}], "users__pets": [{"value": "Rex"}]}


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        ([{"a": 1}, {"aB": 1, "a_b": 2}], SchemaError, "row 1 .*'aB' and 'a_b' both become column 'a_b'"),
        ([{"a": {1: 2}}], SourceError, "row 0 .*the key 1 in 'a' is of type int"),
        ([{"": 1}], SchemaError, "the name ''"),
        ([{"a": [{" ": 1}]}], SchemaError, "row 0 .*the name ' '"),
    ],
)
def test_what_cannot_be_named_is_refused_with_its_place(make, rows, error, says):
    """Nothing of it is kept or sent."""
    with pytest.raises(error, match=says):
        make(naming_convention="snake_case", max_nesting_level=2).run(rows)
    assert (make.got, make().pending) == ({}, ())


def test_strange_names_and_values_arrive(make):
    """NUL characters, lone surrogates, 10,000 characters, 5,000 columns, in values and in names that become columns."""
    wide = {f"column{number}": number for number in range(5000)}
    odd = {"a\0b": "x\0y", "lone\ud800": "\udfff", "n" * 10_000: 10**400}
    make(max_nesting_level=1, decorator={"capabilities": {"max_identifier_length": 63}}).run([{"odd": odd, "wide": wide}], table_name="t")
    ((row,),) = make.got.values()

    assert len(row) == 5003
    assert [row["odd__a\0b"], row["odd__lone\ud800"], row["wide__column4999"]] == ["x\0y", "\udfff", 4999]
    assert [len(name) for name, value in row.items() if value == 10**400] == [63]


def test_a_rejected_row_of_a_child_table_is_a_dead_letter_of_that_table(tmp_path):
    """With the row as it was sent, under the names that it has there."""

    @sinkkit.destination(naming_convention="snake_case", max_nesting_level=1, on_reject="keep")
    def sink(items, table):
        if table["name"] == "users__pets":
            raise sinkkit.Reject("no pets")

    pipeline = sinkkit.pipeline("letters", destination=sink, pipelines_dir=tmp_path, progress="off")
    info = pipeline.run(ROWS, table_name="Users")

    assert [(letter.table, letter.row, letter.reason) for letter in pipeline.rejected()] == [("users__pets", {"name": "Rex"}, "no pets")]
    assert info.tables["users__pets"].rejected == 1
    with pytest.raises(DeliveryFailed):
        info.raise_on_rejected()


@pytest.mark.parametrize("first", [{}, {"naming_convention": "sql_cs_v1", "max_nesting_level": 1}])
def test_a_replay_sends_rows_as_they_were_whatever_the_settings_have_become(tmp_path, first):
    """A replay that was begun under other names and levels is finished with the rows that were refused, and they leave the list."""
    got = []

    def pipeline(answer, **settings):
        @sinkkit.destination(name="crm", on_reject="keep", **settings)
        def sink(items, table):
            if answer is not None:
                raise answer
            got.append((table["name"], items))

        return sinkkit.pipeline("letters", destination=sink, pipelines_dir=tmp_path, progress="off")

    pipeline(sinkkit.Reject("no"), **first).run([{"aB": {"x": [1]}}], table_name="Users")
    kept = [(letter.table, [letter.row]) for letter in pipeline(None).rejected()]
    with pytest.raises(DeliveryFailed):
        pipeline(sinkkit.Halt("later"), **first).replay()
    pipeline(None, naming_convention="snake_case", max_nesting_level=None).resume()

    assert sorted(got, key=str) == sorted(kept, key=str)
    assert list(pipeline(None).rejected()) == []
