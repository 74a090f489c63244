"""Late access: what a destination needs is imported and read when rows are to be sent, all of it before the first call."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sinkkit
from sinkkit import Secret
from sinkkit.errors import ConfigError


class Counting:
    """A provider of settings that notes what it is asked for."""

    name = "counting"

    def __init__(self, values):
        self.values = values
        self.asked = []

    def get(self, path):
        """The value at *path*, if it has it."""
        self.asked.append(path)
        return self.values.get(".".join(path))

    def spell(self, path):
        """As in a file."""
        return ".".join(path)


@pytest.fixture
def counting():
    """A provider in use, with the settings of destination ``crm``."""
    provider = Counting({"destination.crm.api_key": "sesame-open", "destination.crm.batch_size": 2})
    sinkkit.config.providers.insert(0, provider)
    yield provider
    sinkkit.config.providers.remove(provider)


def of_a_destination(asked):
    """The paths among those asked that no pipeline has as its own setting."""
    own = {(section, key) for section in ("late",) for key in ("pipelines_dir", "keep_packages", "max_file_rows", "max_file_bytes", "drain")}
    return [path for path in asked if path not in own and path != ("sinkkit", "providers")]


def test_settings_are_read_when_rows_are_to_be_sent(counting):
    """Declaring, extracting and normalizing ask for none of the destination's settings; load asks for all before the first call."""
    at_calls = []

    @sinkkit.destination(workers=1)
    def crm(items, table, api_key: Secret, region: str = "eu"):
        at_calls.append((len(counting.asked), len(items), api_key.reveal()))

    pipeline = sinkkit.pipeline("late", destination=crm, progress="off")
    pipeline.extract([{"a": n} for n in range(5)], table_name="t")
    pipeline.normalize()
    made = crm(region="us")
    before = of_a_destination(counting.asked)

    pipeline.load(made)

    assert before == []
    assert [call[1:] for call in at_calls] == [(2, "sesame-open"), (2, "sesame-open"), (1, "sesame-open")]
    assert [call[0] for call in at_calls] == [len(counting.asked)] * 3
    assert ("destination", "crm", "api_key") in counting.asked


@pytest.mark.parametrize("reference", ["crm", "no_such_package.sinks.crm", "company_broken.crm", "company_broken:crm"])
def test_what_cannot_be_found_or_imported_does_not_stand_in_the_way(counting, tmp_path, monkeypatch, reference):
    """Rows can be taken and normalized; only load says what is wrong, and keeps them."""
    (tmp_path / "company_broken.py").write_text("raise RuntimeError('not on this machine')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    pipeline = sinkkit.pipeline("late", destination=reference, progress="off")
    by_reference = sinkkit.Destination.from_reference("destination", destination_callable=reference, destination_name="x", batch_size=3)

    pipeline.extract([{"a": 1}], table_name="t")
    pipeline.normalize()
    assert of_a_destination(counting.asked) == []
    for destination in (None, by_reference):
        with pytest.raises(ConfigError):
            pipeline.load(destination)

    assert [package.total.pending for package in pipeline.pending] == [1]
    assert pipeline.load(sinkkit.destination(name="other")(lambda items: None)).total.delivered == 1


def test_a_missing_secret_stops_load_and_nothing_before():
    """The rows wait until it is there."""

    @sinkkit.destination
    def crm(items, table, api_key: Secret): ...

    pipeline = sinkkit.pipeline("late", destination=crm, progress="off")
    pipeline.extract([{"a": 1}])
    pipeline.normalize()
    assert crm().capabilities()["batch_size"] == 10
    with pytest.raises(ConfigError, match="api_key"):
        pipeline.load()

    assert pipeline.load(crm(api_key="sesame-open")).total.delivered == 1


def test_the_form_that_was_not_known_is_made_before_the_first_call(tmp_path, monkeypatch):
    """What a path wants of its rows is known once it is imported; they are brought into that form then."""
    (tmp_path / "company_arrow.py").write_text(
        "import sinkkit\nkinds = []\n@sinkkit.destination(loader_file_format='parquet')\n"
        "def crm(items, table):\n    kinds.append(type(items).__name__)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    pipeline = sinkkit.pipeline("late", destination="company_arrow.crm", progress="off")

    pipeline.extract([{"a": 1}], table_name="t")
    pipeline.normalize()
    assert "company_arrow" not in sys.modules
    pipeline.load()

    assert sys.modules.pop("company_arrow").kinds == ["Table"]


DECLARED = """
import sys
import sinkkit
made = [
    sinkkit.Destination.from_reference("company.sinks.crm", region="eu"),
    sinkkit.destination("crm_prod", destination_type="company.sinks.crm"),
    sinkkit.destination("crm_test"),
    sinkkit.destination("company.sinks:crm", batch_size=5),
]
for number, destination in enumerate(made):
    pipeline = sinkkit.pipeline(f"p{number}", destination, progress="off")
    pipeline.extract([{"a": 1}], table_name="t")
    pipeline.normalize()
    repr(pipeline), repr(destination), destination.known_options
loaded = ["company", "httpx", "pyarrow", "cattrs", "asyncio", "importlib.metadata", "tomllib"]
print([name for name in loaded if name in sys.modules])
"""


def test_declaring_and_extracting_load_nothing_heavy(tmp_path):
    """No module of the destination's, and none that only sending needs."""
    done = subprocess.run([sys.executable, "-c", DECLARED], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert done.stdout.strip() in {"[]", "['tomllib']"}
