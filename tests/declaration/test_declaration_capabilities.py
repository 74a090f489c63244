"""``capabilities()``: the same keys for every destination, told without settings, overridden by config and by the call."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit import Secret
from sinkkit.declaration.capabilities import CASES, FROM_SETTINGS, IDEMPOTENCY, STATED_NAMES, Stated
from sinkkit.errors import ConfigError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "api.md"

DEFAULTS = {
    "loader_file_format": "jsonl",
    "preferred_loader_file_format": "jsonl",
    "supported_loader_file_formats": ["jsonl", "parquet"],
    "items": "list[dict]",
    "batch_size": 10,
    "batch_bytes": None,
    "workers": 16,
    "ordering": "none",
    "naming_convention": "direct",
    "max_identifier_length": None,
    "max_column_identifier_length": None,
    "has_case_sensitive_identifiers": True,
    "casefold_identifier": "preserve",
    "decimal_precision": None,
    "timestamp_precision": 6,
    "max_nesting_level": 0,
    "skip_internal_columns_and_tables": True,
    "idempotency": "none",
    "idempotency_header": None,
    "on_unknown": "resend",
    "transactions": False,
}


@sinkkit.destination
def crm(items, table, api_key: Secret): ...


def configure(tmp_path, text):
    """Write config.toml in the current folder."""
    (tmp_path / ".sinkkit").mkdir(exist_ok=True)
    (tmp_path / ".sinkkit" / "config.toml").write_text(text)


def test_keys_and_defaults():
    """They can be read although a secret is missing."""
    assert dict(crm().capabilities()) == DEFAULTS
    assert list(DEFAULTS) != []
    assert sorted([*STATED_NAMES, *FROM_SETTINGS]) == sorted(DEFAULTS)


def test_the_page_has_every_key_with_its_default():
    """The reference lists what the code has, in order."""
    text = PAGE.read_text(encoding="utf-8").partition("#### Capabilities")[2].partition("\n### ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", text, flags=re.MULTILINE))

    assert {name: eval(default) for name, default in told.items()} == DEFAULTS
    assert list(told) == list(DEFAULTS)


def test_the_mapping_cannot_be_changed():
    """What one reader does to it, no other sees."""
    found = crm().capabilities()

    with pytest.raises(TypeError):
        found["transactions"] = True
    found["supported_loader_file_formats"].clear()
    assert crm().capabilities()["supported_loader_file_formats"] == ["jsonl", "parquet"]


@pytest.mark.parametrize(
    ("settings", "key", "value"),
    [
        ({"batch_size": 500}, "batch_size", 500),
        ({"loader_file_format": "parquet"}, "preferred_loader_file_format", "parquet"),
        ({"loader_file_format": "parquet"}, "items", "pyarrow.Table"),
        ({"batch_size": 0}, "items", "pathlib.Path"),
        ({"workers": 1}, "ordering", "rows"),
        ({"idempotency_header": "Key"}, "idempotency", "key"),
        ({"on_unknown": "probe"}, "idempotency", "probe"),
        ({"idempotency_header": "Key", "idempotency": "transaction"}, "idempotency", "transaction"),
        ({"max_identifier_length": 63}, "max_column_identifier_length", 63),
        ({"max_identifier_length": 63, "max_column_identifier_length": 30}, "max_column_identifier_length", 30),
        ({"capabilities": {"decimal_precision": [38, 9]}}, "decimal_precision", (38, 9)),
        ({"supported_loader_file_formats": ["jsonl"]}, "supported_loader_file_formats", ["jsonl"]),
    ],
)
def test_settings_and_arguments_show(settings, key, value):
    """Those that follow from settings follow them; others are stated in the call, one by one or as a mapping."""
    assert crm(**settings).capabilities()[key] == value


def test_call_goes_before_config_and_config_before_the_decorator(tmp_path, monkeypatch):
    """From a file and from the environment, each for itself."""
    made = sinkkit.destination(
        name="crm", capabilities={"max_identifier_length": 10, "transactions": True, "casefold_identifier": "upper", "timestamp_precision": 3}
    )(lambda items: None)
    configure(tmp_path, "[destination.crm]\nworkers = 1\n[destination.crm.capabilities]\nmax_identifier_length = 20\ncasefold_identifier = 'lower'\n")
    monkeypatch.setenv("DESTINATION__CRM__CAPABILITIES__DECIMAL_PRECISION", "38, 9")
    monkeypatch.setenv("DESTINATION__CRM__CAPABILITIES__MAX_IDENTIFIER_LENGTH", "30")
    monkeypatch.setenv("P__DESTINATION__CRM__CAPABILITIES__TIMESTAMP_PRECISION", "0")

    found, own = made(casefold_identifier="preserve").capabilities(), made().capabilities("p")

    keys = ("max_identifier_length", "transactions", "casefold_identifier", "timestamp_precision", "decimal_precision", "workers", "ordering")
    assert [found[key] for key in keys] == [30, True, "preserve", 3, (38, 9), 1, "rows"]
    assert [own[key] for key in keys] == [30, True, "lower", 0, (38, 9), 1, "rows"]


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ({"max_identifer_length": 3}, "there is no capability 'max_identifer_length'", "did you mean 'max_identifier_length'?"),
        ({"batch_size": 3}, "'batch_size' follows from the setting 'batch_size'", "set batch_size itself"),
        ({"preferred_loader_file_format": "parquet"}, "follows from the setting 'loader_file_format'", "set loader_file_format itself"),
        ({"items": "x"}, "there is no capability 'items'", "known are"),
        ({"max_identifier_length": "63"}, "max_identifier_length='63' is not possible", "a number of characters"),
        ({"max_identifier_length": 0}, "max_identifier_length=0 is not possible", "1 or more"),
        ({"max_column_identifier_length": True}, "max_column_identifier_length=True is not possible", "1 or more"),
        ({"has_case_sensitive_identifiers": "no"}, "has_case_sensitive_identifiers='no'", "true or false"),
        ({"casefold_identifier": "title"}, "casefold_identifier='title'", "one of preserve, lower, upper"),
        ({"decimal_precision": [9, 38]}, "decimal_precision=(9, 38)", "such as [38, 9]"),
        ({"decimal_precision": 38}, "decimal_precision=38", "such as [38, 9]"),
        ({"timestamp_precision": 10}, "timestamp_precision=10", "0 to 9"),
        ({"supported_loader_file_formats": "jsonl"}, "supported_loader_file_formats='jsonl'", "a list"),
        ({"supported_loader_file_formats": ["csv"]}, "supported_loader_file_formats=('csv',)", "a list"),
        ({"idempotency": "yes"}, "idempotency='yes'", "none, key, probe, transaction"),
        ({"transactions": 1}, "transactions=1", "true or false"),
    ],
)
def test_impossible_ones_are_refused_where_they_are_written(said, message, hint):
    """At the decorator, in the call, and by reference."""
    for way in (
        lambda: sinkkit.destination(capabilities=said)(lambda items: None),
        lambda: crm(capabilities=said),
        lambda: sinkkit.Destination.from_reference("some.path", capabilities=said),
    ):
        with pytest.raises(ConfigError) as refused:
            way()
        assert message in refused.value.message
        assert hint in refused.value.hint


@pytest.mark.parametrize("said", ["yes", 3, ["transactions"]])
def test_they_are_a_mapping(said):
    """Anything else in their place is refused."""
    with pytest.raises(ConfigError, match="is no mapping"):
        crm(capabilities=said)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("max_identifer_length = 3", ["'max_identifer_length' (", "config.toml", "did you mean 'max_identifier_length'?"]),
        ("batch_size = 3", ["the capability 'batch_size' (", "config.toml) follows from the setting 'batch_size'", "set batch_size itself"]),
        ('max_identifier_length = "many"', ["capabilities.max_identifier_length", "config.toml", "'many'"]),
        ("timestamp_precision = 12", ["timestamp_precision=12", "config.toml", "0 to 9"]),
        ("decimal_precision = [1, 2, 3]", ["capabilities.decimal_precision", "config.toml"]),
    ],
)
def test_impossible_ones_in_config_stop_a_run_before_it_begins(tmp_path, line, parts):
    """Inspecting and running say the same, and where it stands; with a missing secret it is one error."""
    configure(tmp_path, f"[destination.crm.capabilities]\n{line}\n")

    with pytest.raises(ConfigError) as refused:
        crm().capabilities()
    with pytest.raises(ConfigError) as stopped:
        sinkkit.pipeline("p", crm, progress="off").run([1])

    for part in parts:
        assert part in str(refused.value)
        assert part in str(stopped.value)
    assert "api_key" in str(stopped.value)


def test_something_else_than_a_table_in_config(tmp_path):
    """It is told how to write one."""
    configure(tmp_path, "[destination.crm]\ncapabilities = 3\n")

    with pytest.raises(ConfigError, match="capabilities of destination 'crm'"):
        crm().capabilities()


def test_rows_rest_in_a_form_that_the_destination_supports():
    """A format that it does not support is refused, by inspection and by a run."""
    made = crm(api_key="sesame-open", supported_loader_file_formats=["parquet"])

    for way in (made.capabilities, lambda: sinkkit.pipeline("p", made, progress="off").run([1])):
        with pytest.raises(ConfigError, match="loader_file_format='jsonl' is not among") as refused:
            way()
        assert refused.value.hint == "set loader_file_format to one of: parquet"


def test_a_setting_of_the_function_goes_before_a_capability_of_its_name():
    """A function may have a parameter of the same name: the keyword is its own, also by a path."""
    seen = []

    @sinkkit.destination
    def own(items, timestamp_precision: int = 1):
        seen.append(timestamp_precision)

    made = own(timestamp_precision=4, capabilities={"timestamp_precision": 3})
    sinkkit.pipeline("p", made, progress="off").run([1])

    assert seen == [4]
    assert made.capabilities()["timestamp_precision"] == 3


def test_a_path_is_sorted_once_it_is_imported(tmp_path, monkeypatch):
    """A capability beside a dotted path is told from a setting of the function then, and an unknown keyword refused."""
    (tmp_path / "capable.py").write_text("def push(items, region='eu'): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from_path = sinkkit.Destination.from_reference

    assert from_path("capable.push", region="us", transactions=True).capabilities()["transactions"] is True
    with pytest.raises(ConfigError, match="transactions='x' is not possible"):
        from_path("capable.push", transactions="x").capabilities()
    with pytest.raises(ConfigError, match="has no setting 'transaction'") as refused:
        from_path("capable.push", transaction=True).capabilities()
    assert refused.value.hint == "did you mean 'transactions'?"


lengths = st.none() | st.integers(1, 10_000)
POSSIBLE = {
    "supported_loader_file_formats": st.sampled_from([["jsonl"], ["jsonl", "parquet"], ["parquet", "jsonl"]]),
    "max_identifier_length": lengths,
    "max_column_identifier_length": lengths,
    "has_case_sensitive_identifiers": st.booleans(),
    "casefold_identifier": st.sampled_from(CASES),
    "decimal_precision": st.none() | st.tuples(st.integers(20, 76), st.integers(0, 20)),
    "timestamp_precision": st.integers(0, 9),
    "idempotency": st.sampled_from(IDEMPOTENCY),
    "transactions": st.booleans(),
}


@given(*[st.fixed_dictionaries({}, optional=POSSIBLE) for _ in range(2)])
def test_for_any_values_the_call_wins_over_the_decorator(by_decorator, by_call):
    """What neither says has its default."""
    made = sinkkit.destination(capabilities=by_decorator)(lambda items: None)
    found = made(**by_call).capabilities()
    said = {**by_decorator, **by_call}

    for name, value in said.items():
        if not (name == "max_column_identifier_length" and value is None):
            assert found[name] == value
    assert [name for name in STATED_NAMES if name not in {*said, "max_column_identifier_length"} and found[name] != DEFAULTS[name]] == []
    assert list(POSSIBLE) == [field.name for field in attrs.fields(Stated)]
