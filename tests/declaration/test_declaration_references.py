"""The ways to name a destination, what each of them imports, and what is said when nothing is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sinkkit
from sinkkit.errors import ConfigError, ReferenceNotFound, SignatureError

MODULE = """
import sinkkit
sent = []

@sinkkit.destination(batch_size=5)
def crm(items, table, region: str = "eu"):
    sent.append((len(items), region))

def plain(items, table):
    sent.append((len(items), "plain"))

ready = crm(region="us", destination_name="crm_us")

class Thing: ...
nothing = 3
"""


@pytest.fixture
def sinks(tmp_path, monkeypatch):
    """A module ``company_sinks`` that can be imported, as a user has it."""
    (tmp_path / "company_sinks.py").write_text(MODULE)
    (tmp_path / "broken_sinks.py").write_text("import no_such_package_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield lambda: sys.modules["company_sinks"].sent
    sys.modules.pop("company_sinks", None)


def run(destination, rows=7):
    """A run of *rows* rows to *destination*; the report."""
    return sinkkit.pipeline("p", destination=destination, progress="off", dev_mode=True).run(
        [{"a": number} for number in range(rows)], table_name="t"
    )


def test_a_dotted_path_names_a_decorated_function(sinks):
    """Its settings are those of the decorator, its name is the function's."""
    info = run("company_sinks.crm")

    assert sinks() == [(5, "eu"), (2, "eu")]
    assert info.destination_name == "crm"


def test_a_dotted_path_names_a_plain_function_or_a_configured_destination(sinks):
    """Both forms of path work, and a configured destination keeps its name and settings."""
    assert run("company_sinks:plain").destination_name == "plain"
    assert run("company_sinks.ready").destination_name == "crm_us"
    assert sinks() == [(7, "plain"), (5, "us"), (2, "us")]


def test_a_name_takes_its_type_from_the_environment(sinks, monkeypatch):
    """A name without a dot is looked up in the settings, and its own settings stand under it."""
    monkeypatch.setenv("DESTINATION__CRM_PROD__DESTINATION_TYPE", "company_sinks.crm")
    monkeypatch.setenv("DESTINATION__CRM_PROD__REGION", "asia")
    monkeypatch.setenv("DESTINATION__CRM_PROD__BATCH_SIZE", "10")

    info = run("crm_prod")

    assert sinks() == [(7, "asia")]
    assert info.destination_name == "crm_prod"


def test_a_name_takes_its_type_from_a_file_and_its_pipeline(sinks, tmp_path):
    """The section of the pipeline is more specific than that of all."""
    (tmp_path / ".sinkkit").mkdir()
    (tmp_path / ".sinkkit" / "config.toml").write_text(
        '[destination.crm_prod]\ndestination_type = "company_sinks.nobody"\n'
        '[p.destination.crm_prod]\ndestination_type = "company_sinks.plain"\n'
    )

    run("crm_prod")

    assert sinks() == [(7, "plain")]


def test_an_explicit_type_and_settings(sinks):
    """``sinkkit.destination`` with a name makes a destination of that name."""
    made = sinkkit.destination("crm_prod", destination_type="company_sinks.crm", batch_size=3, region="us")

    assert run(made).destination_name == "crm_prod"
    assert sinks() == [(3, "us"), (3, "us"), (1, "us")]
    assert made.destination_type == "company_sinks.crm"


@pytest.mark.parametrize("by", ["path", "function", "factory"])
def test_from_reference_takes_a_callable_or_a_path(sinks, by):
    """The word ``destination`` stands for what is given beside it."""
    import company_sinks

    given = {"path": "company_sinks.crm", "function": company_sinks.crm.function, "factory": company_sinks.crm}[by]
    made = sinkkit.Destination.from_reference(
        "destination", destination_callable=given, destination_name="crm_prod", batch_size=4
    )

    assert run(made).destination_name == "crm_prod"
    assert sinks() == [(4, "eu"), (3, "eu")]


def test_a_destination_can_be_inspected_without_settings():
    """Name, type and capabilities need neither secrets nor anything that the destination needs."""

    @sinkkit.destination(batch_size=7, workers=1, idempotency_header="Idempotency-Key")
    def crm(items: list[dict], table, key: sinkkit.Secret): ...

    made = crm(destination_name="crm_prod")

    assert made.destination_name == "crm_prod"
    assert made.destination_type.endswith(".crm")
    found = made.capabilities()
    assert [found[name] for name in ("batch_size", "workers", "ordering", "items")] == [7, 1, "rows", "list[dict]"]


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("company_sinks.crn", "module 'company_sinks' has no 'crn'", "company_sinks.crm"),
        ("company_sinkz.crm", "there is no module 'company_sinkz'", "check the spelling"),
        ("company_sinks.crm.more", "there is no module 'company_sinks.crm'", "check the spelling"),
        ("crm_prod", "there is no destination 'crm_prod'", "[destination.crm_prod]"),
        ("company_sinks:", "is not a path to a function", "package.module.function"),
        ("..", "is not a path to a function", "package.module.function"),
    ],
)
def test_unknown_references_say_what_was_tried(sinks, reference, message, hint):
    """Nothing is extracted, and the error says how to write it."""
    taken = []

    def rows():
        taken.append(1)
        yield {"a": 1}

    with pytest.raises(ReferenceNotFound) as refused:
        sinkkit.pipeline("p", destination=reference, progress="off").run(rows())

    assert taken == []
    assert message in refused.value.message
    assert hint in refused.value.hint


def test_two_functions_for_one_destination_are_refused(sinks):
    """A reference and a callable, or a callable and a type, cannot both be meant."""
    import company_sinks

    for given in (
        {"reference": "crm_prod", "destination_callable": company_sinks.plain},
        {"reference": company_sinks.plain, "destination_type": "company_sinks.crm"},
        {"reference": "destination", "destination_callable": company_sinks.crm, "destination_type": "company_sinks.crm"},
    ):
        with pytest.raises(ConfigError, match="two functions are named for one destination"):
            sinkkit.Destination.from_reference(**given)


def test_a_path_given_to_destination_keeps_the_function_s_name(sinks):
    """Its settings stand under that name."""
    made = sinkkit.destination("company_sinks.crm", batch_size=7)

    assert made.destination_name == "crm"
    assert run(made).calls == 1


def test_an_explicit_type_has_no_fallback(sinks, monkeypatch):
    """Where a type is given, the settings are not asked for another."""
    monkeypatch.setenv("DESTINATION__CRM_PROD__DESTINATION_TYPE", "company_sinks.crm")

    with pytest.raises(ReferenceNotFound, match="nobody"):
        run(sinkkit.destination("crm_prod", destination_type="company_sinks.nobody"))


def test_what_is_no_function_is_refused(sinks):
    """A class, a number and nothing at all are named as what they are."""
    with pytest.raises(SignatureError, match="Thing is a class"):
        run("company_sinks.Thing")
    with pytest.raises(SignatureError, match=r"company_sinks\.nothing is int"):
        run("company_sinks.nothing")
    with pytest.raises(ConfigError, match="3 is not a destination"):
        sinkkit.pipeline("p", destination=3)
    with pytest.raises(ReferenceNotFound, match="no function was given"):
        sinkkit.Destination.from_reference("destination", destination_name="x")


def test_an_error_inside_the_module_is_not_hidden(sinks):
    """A module that cannot be imported for its own reasons says so itself."""
    with pytest.raises(ConfigError, match="No module named 'no_such_package_at_all'") as refused:
        run("broken_sinks.crm")
    assert isinstance(refused.value.__cause__, ModuleNotFoundError)


def test_unknown_settings_of_a_reference_are_refused_when_it_is_known(sinks):
    """What the function does not have cannot be set, also by way of a path."""
    with pytest.raises(ConfigError, match="has no setting 'regoin'") as refused:
        run(sinkkit.destination("crm_prod", destination_type="company_sinks.crm", regoin="us"))
    assert refused.value.hint == "did you mean 'region'?"


LATE = """
import sys
import sinkkit
pipeline = sinkkit.pipeline("late", destination="company_sinks.crm", progress="off")
pipeline.extract([{"a": 1}, {"a": 2}], table_name="t")
pipeline.normalize()
assert "company_sinks" not in sys.modules, "imported"
print(pipeline.pending[0].total.pending)
"""


def test_extracting_imports_nothing_of_the_destination(sinks, tmp_path):
    """Another process, without the destination's module, extracts and normalizes; this one loads."""
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True, cwd="/")

    info = sinkkit.pipeline("late", destination="company_sinks.crm", progress="off").load()

    assert done.stdout.strip() == "2"
    assert sinks() == [(2, "eu")]
    assert info.tables["t"].delivered == 2
