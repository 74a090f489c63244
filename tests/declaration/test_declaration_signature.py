"""What a function's signature says: items, table, batch, clients, settings, and every mistake named at the decorator."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import attrs
import httpx
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import sinkkit
from sinkkit import Batch, Secret, TableSchema
from sinkkit.declaration.signature import Role
from sinkkit.errors import ConfigError, SignatureError
from sinkkit.schema.items import ItemsKind


class Contact(TypedDict):
    """A row as type checkers see it."""

    email: str


@attrs.define
class Typed:
    """A class for typed rows."""

    email: str


def plain(items, table): ...
def as_dicts(items: list[dict[str, Any]], table): ...
def as_sequence(items: Sequence[Mapping[str, Any]], table): ...
def as_typed_dicts(items: list[Contact], table): ...
def as_objects(items: list[Typed], table): ...
def as_anything(items: Any, table): ...
def as_either(items: list[dict] | pa.Table, table): ...
def as_table(items: pa.Table, table): ...
def as_batch(items: pa.RecordBatch, table): ...
def as_pandas(items: pd.DataFrame, table): ...
def as_polars(items: pl.DataFrame, table): ...


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (plain, None),
        (as_dicts, ItemsKind.ROWS),
        (as_sequence, ItemsKind.ROWS),
        (as_typed_dicts, ItemsKind.ROWS),
        (as_objects, ItemsKind.ROWS),
        (as_anything, None),
        (as_either, None),
        (as_table, ItemsKind.TABLE),
        (as_batch, ItemsKind.RECORD_BATCH),
        (as_pandas, ItemsKind.PANDAS),
        (as_polars, ItemsKind.POLARS),
    ],
)
def test_the_annotation_of_items_chooses_what_they_hold(function, kind):
    """Types, their texts, and names that only type checkers import all mean the same."""
    assert sinkkit.destination(function).signature.items is kind


@pytest.mark.parametrize(("file_format", "kind"), [("jsonl", "list[dict]"), ("parquet", "pyarrow.Table")])
def test_without_an_annotation_the_file_format_chooses(file_format, kind):
    """JSON Lines give dicts, Parquet gives Arrow tables."""
    assert sinkkit.destination(loader_file_format=file_format)(plain)().capabilities()["items"] == kind


def test_a_path_needs_a_whole_file():
    """A function that takes a path says batch_size=0; anything else is refused at the decorator."""

    def push(items: Path, table): ...

    assert sinkkit.destination(batch_size=0)(push)().capabilities()["items"] == "pathlib.Path"
    with pytest.raises(ConfigError, match="takes a path") as refused:
        sinkkit.destination(push)
    assert refused.value.hint == "set batch_size=0"
    with pytest.raises(ConfigError, match="batch_size=0 hands out the path"):
        sinkkit.destination(batch_size=0)(as_dicts)


def takes_table_second(items, whatever): ...
def takes_schema(items, schema: TableSchema): ...
def takes_mapping(items, about: Mapping[str, Any]): ...
def takes_dict(items, about: dict[str, Any]): ...
def takes_named(items, table: Any): ...
def takes_setting(items, endpoint: str): ...
def takes_default(items, region="eu"): ...
def takes_items_alone(items): ...


@pytest.mark.parametrize(
    ("function", "takes_table"),
    [
        (takes_table_second, True),
        (takes_schema, True),
        (takes_mapping, True),
        (takes_dict, True),
        (takes_named, True),
        (takes_setting, False),
        (takes_default, False),
        (takes_items_alone, False),
    ],
)
def test_the_second_parameter_is_the_table_or_a_setting(function, takes_table):
    """It is the table by name, by annotation, or if it has neither annotation nor default."""
    assert sinkkit.destination(function).signature.takes_table is takes_table


def further(items, table, *, batch: Batch, http: httpx.Client, key: Secret, region: str = "eu"): ...
def bare_batch(items, batch): ...
def table_by_name(items, *, table): ...
def schema_later(items, key: Secret, schema: TableSchema): ...


@pytest.mark.parametrize(
    ("function", "roles"),
    [
        (further, {"batch": Role.BATCH, "http": Role.CLIENT, "key": Role.SETTING, "region": Role.SETTING}),
        (bare_batch, {"batch": Role.BATCH}),
        (table_by_name, {"table": Role.TABLE}),
        (schema_later, {"key": Role.SETTING, "schema": Role.TABLE}),
    ],
)
def test_further_parameters_are_known_by_annotation_or_default(function, roles):
    """Each gets a role; none is left to chance."""
    found = sinkkit.destination(function).signature.parameters

    assert {parameter.name: parameter.role for parameter in found} == roles


def marked(  # noqa: PLR0917  # one of each
    items,
    a: Secret,
    b: str = sinkkit.secrets.value,
    c: sinkkit.secrets.value = None,
    d: str = sinkkit.config.value,
    e=("x",),
    f=[],  # noqa: B006  # what a user may write
    h=3,
): ...


def test_settings_are_described_by_annotation_default_and_mark():
    """Secrets are known as such, a default gives the type, and a mutable default is nothing special."""
    wanted = {one.name: one for one in sinkkit.destination(marked).signature.settings}

    assert [name for name, one in wanted.items() if one.secret] == ["a", "b", "c"]
    assert wanted["d"].type is str
    assert [wanted["e"].type, wanted["f"].type, wanted["h"].type] == [tuple, list, int]


def no_parameters(): ...
def only_named(*, items): ...
def star(*rows): ...
def kwargs(items, table, **settings): ...
def more(items, table, *rest): ...
def untyped(items, table, endpoint): ...
def named_workers(items, table, workers: int): ...
def named_second(items, batch_size: int = 3): ...
def named_mapping(items, mapping): ...
def named_http(items, table, http: str): ...
def bare_http(items, http): ...
def wants_dict(items: dict, table): ...
def wants_mapping(items: Mapping[str, Any], table): ...
def wants_set(items: "set[dict]", table): ...  # noqa: UP037  # text, as older code has it
def wants_numbers(items: list[int], table): ...


@pytest.mark.parametrize(
    ("function", "message", "hint"),
    [
        (no_parameters, "no_parameters() takes no items", "def no_parameters(items, table)"),
        (only_named, "only_named() takes no items", "def only_named(items, table)"),
        (star, "star(*rows) does not say what it takes", "functools.wraps"),
        (kwargs, "parameter 'settings' cannot be given by name", "api_key: Secret"),
        (more, "parameter 'rest' cannot be given by name", "api_key: Secret"),
        (untyped, "parameter 'endpoint' has neither annotation nor default", "endpoint: str"),
        (named_workers, "parameter 'workers' bears the name of a setting", "workers_"),
        (named_second, "parameter 'batch_size' bears the name of a setting", "batch_size_"),
        (named_mapping, "parameter 'mapping' bears the name of a setting", "mapping_"),
        (named_http, "parameter 'http' is not the client", "http: httpx.Client"),
        (bare_http, "parameter 'http' is not the client", "http: httpx.Client"),
        (wants_dict, "asks for items as dict", "list[dict]"),
        (wants_mapping, "asks for items as", "list[dict]"),
        (wants_set, "asks for items as set[dict]", "list[dict]"),
        (wants_numbers, "asks for items as list[int]", "list[dict]"),
    ],
)
def test_mistakes_are_reported_at_the_decorator(function, message, hint):
    """The error names function and parameter, and says what to write."""
    with pytest.raises(SignatureError) as refused:
        sinkkit.destination(function)
    assert message in refused.value.message
    assert hint in refused.value.hint


def test_generators_and_classes_are_refused():
    """Calling either would send nothing."""

    def streams(items, table):
        yield items

    async def streams_too(items, table):
        yield items

    for function in (streams, streams_too):
        with pytest.raises(SignatureError, match="is a generator: calling it would send nothing"):
            sinkkit.destination(function)
    with pytest.raises(SignatureError, match="Typed is a class"):
        sinkkit.destination(Typed)


def test_unbound_methods_and_second_decorations_are_refused():
    """Both would put the wrong thing into items."""

    class Crm:
        def push(self, items, table): ...

    with pytest.raises(SignatureError, match="not bound to an object yet"):
        sinkkit.destination(Crm.push)
    with pytest.raises(SignatureError, match="plain is a destination already") as refused:
        sinkkit.destination(sinkkit.destination(plain))
    assert "batch_size=50" in refused.value.hint


class Callable_:  # noqa: N801  # its name becomes a destination's
    """An object that can be called."""

    def __init__(self):
        self.calls = []

    def __call__(self, items: list[dict], table, region: str = "eu"):
        self.calls.append((items, table["name"], region))

    def push(self, items: list[dict], table, region: str = "us"):
        self.calls.append((items, table["name"], region))

    async def send(self, items, table, region: str):
        self.calls.append((items, table["name"], region))


def wrapped(function):
    """A user's own decorator, which keeps the signature."""

    @functools.wraps(function)
    def around(*args, **kwargs):
        return function(*args, **kwargs)

    return around


def test_methods_objects_partials_and_wrappers_work():
    """Whatever can be called with items is a destination."""
    crm = Callable_()

    @wrapped
    def around(items: list[dict], table, region: str = "asia"):
        crm.calls.append((items, table["name"], region))

    for number, function in enumerate([crm, crm.push, functools.partial(crm.send, region="sea"), around]):
        sinkkit.pipeline(f"p{number}", sinkkit.destination(function), progress="off").run([{"a": 1}], table_name="t")

    assert crm.calls == [([{"a": 1}], "t", region) for region in ("eu", "us", "sea", "asia")]


def test_parameters_without_a_name_for_callers_are_passed_by_position(monkeypatch):
    """Whatever stands before a ``/``: settings, the batch and the table."""
    calls = []
    monkeypatch.setenv("DESTINATION__LATER__REGION", "us")

    def early(items, table, region="eu", batch: Batch = None, /, *, more=1):
        calls.append((items, table["name"], region, batch.attempt, more))

    def later(items, region="eu", schema: TableSchema = None, /):
        calls.append((items, schema["name"], region))

    for function in (early, later):
        sinkkit.pipeline(function.__name__, sinkkit.destination(function), progress="off").run([{"a": 1}], table_name="t")
    with pytest.raises(SignatureError, match="parameter 'key' cannot be given by name"):
        sinkkit.destination(plain).probe(lambda batch, key="x", /: None)

    assert calls == [([{"a": 1}], "t", "eu", 1, 1), ([{"a": 1}], "t", "us")]


def test_the_factory_keeps_the_function():
    """The plain function can be called in a unit test, and the factory looks like it."""

    @sinkkit.destination(batch_size=3)
    def double(items, table):
        """Say twice as many."""
        return {"sent": 2 * len(items)}

    assert double.function([1, 2], None) == {"sent": 4}
    assert double.__doc__ == "Say twice as many."
    assert double.name == "double"
    assert double.options.batch_size == 3


def test_a_probe_takes_a_batch_and_settings():
    """The batch may be annotated; a table, a second batch and a second probe are refused."""
    factory = sinkkit.destination(on_unknown="probe")(plain)

    @factory.probe
    def arrived(batch: Batch, key: Secret, http: httpx.Client): ...

    assert [parameter.name for parameter in factory.declared.probe_parameters] == ["key", "http"]
    for wrong in (takes_table_second, bare_batch, no_parameters, untyped):
        with pytest.raises(SignatureError):
            sinkkit.destination(plain).probe(wrong)
    with pytest.raises(SignatureError, match="has a probe already"):
        factory.probe(lambda batch: None)
