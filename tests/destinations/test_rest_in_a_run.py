"""The destination in runs: named in config or called from Python, against a real server."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import orjson
import pytest

import sinkkit
from sinkkit.cli.check import examine
from sinkkit.declaration.opening import make_ready
from sinkkit.errors import ConfigError, DeliveryFailed
from sinkkit.testing import Answer, MisbehavingApi


@pytest.fixture
def api():
    """A server that takes all."""
    with MisbehavingApi() as serving:
        yield serving


def configure(text):
    """Write *text* as the config file."""
    folder = Path(".sinkkit")
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(text)


def test_by_name_alone(api):
    """`destination="rest"` needs no more than where to post; batches are JSON arrays."""
    configure(f'[destination.rest]\nbase_url = "{api.url}"\npath = "/contacts"\nbatch_size = 2\n')

    info = sinkkit.pipeline("p", destination="rest").run([{"id": 1, "n": Decimal("1.5")}, {"id": 2}, {"id": 3}], table_name="t")

    assert info.tables["t"].delivered == 3
    assert sorted(orjson.dumps(request.rows) for request in api.requests) == [b'[{"id":1,"n":"1.5"},{"id":2}]', b'[{"id":3}]']
    assert [request.path for request in api.requests] == ["/contacts", "/contacts"]


def test_by_type_with_the_client_of_the_destination(api):
    """A name of one's own has the type `rest`; without base_url it is the client's, whose headers are sent too."""
    configure(f"""
[destination.crm]
destination_type = "rest"
path = "batch/upsert"
method = "PUT"
rows_at = "inputs"
body = {{ mode = "upsert" }}
[destination.crm.row]
id = "{{id}}"
properties = "{{*}}"
[destination.crm.headers]
X-Source = "warehouse"
[destination.crm.http]
base_url = "{api.url}/v3"
headers = {{ Authorization = "Bearer key-123456789" }}
""")

    sinkkit.pipeline("p", destination="crm").run([{"id": 1, "email": "a@x.org"}], table_name="t")

    [request] = api.requests
    assert (request.method, request.path) == ("PUT", "/v3/batch/upsert")
    assert (request.headers["x-source"], request.headers["authorization"]) == ("warehouse", "Bearer key-123456789")
    assert orjson.loads(request.body) == {"mode": "upsert", "inputs": [{"id": 1, "properties": {"email": "a@x.org"}}]}


def test_called_from_python(api):
    """Called with settings it is a destination; a row that has no JSON is rejected alone."""
    rows = [{"id": 1}, {"id": float("nan")}, {"id": 3}]
    pipeline = sinkkit.pipeline("p", destination=sinkkit.destinations.rest(base_url=api.url, path="/x"))

    info = pipeline.run(rows, table_name="t")

    assert (info.tables["t"].delivered, info.tables["t"].rejected) == (2, 1)
    assert [row.index for row in pipeline.rejected()] == [1]
    assert api.received == [{"id": 1}, {"id": 3}]


def test_every_mistake_is_told_before_anything_is_extracted(api):
    """A wrong setting is told before a row is taken."""
    configure('[destination.rest]\nbase_url = "nowhere"\nformat = "xml"\n')

    def rows():
        raise AssertionError("extracted")
        yield

    with pytest.raises(ConfigError, match="format"):
        sinkkit.pipeline("p", destination="rest").run(rows(), table_name="t")
    configure('[destination.rest]\nbase_url = "nowhere"\n')
    with pytest.raises(ConfigError, match="base_url is not a URL"):
        sinkkit.pipeline("p", destination="rest").run(rows(), table_name="t")


@pytest.mark.parametrize(
    ("statuses", "delivered"),
    [({"delivered": [404]}, 1), ({"retry": [404]}, 1), ({"refused": [404]}, 0), ({"halt": [404]}, 0), ({}, 0)],
)
def test_a_status_means_what_the_settings_say(statuses, delivered):
    """404 is as good as delivered, tried again, refused, or the end of the run, as one says."""
    with MisbehavingApi([Answer(404)]) as api:
        pipeline = sinkkit.pipeline(
            "p",
            destination=sinkkit.destinations.rest(base_url=api.url, statuses=statuses, retry=sinkkit.Retry(first_wait=0)),
        )
        try:
            info = pipeline.run([{"id": 1}], table_name="t")
        except DeliveryFailed as error:
            info = error.info

    assert info.tables["t"].delivered == delivered


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({"send": "row"}, 1),
        ({"send": "batch"}, 100),
        ({"send": "row", "batch_size": 5}, 5),
        ({"send": "batch", "operation_field": "gone", "delete": {"path": "/{id}"}}, 100),
        ({"send": "row", "operation_field": "gone", "delete": {"path": "/{id}"}}, 1),
    ],
)
def test_the_size_of_a_batch_follows_from_the_other_settings(api, settings, size):
    """Where each row has a request of its own, a batch is one row unless somebody says otherwise; `sinkkit check` says so too."""
    destination = sinkkit.destinations.rest(base_url=api.url, **settings)

    assert make_ready(destination, "p").options.batch_size == size
    assert [entry.shown for entry in examine(destination, "p").settings if entry.name == "batch_size"] == [str(size)]


def test_config_says_the_size_of_a_batch(api):
    """What config says of the size of a batch goes before what follows from the other settings."""
    configure(f'[destination.rest]\nbase_url = "{api.url}"\nsend = "row"\nbatch_size = 7\n')

    assert make_ready(sinkkit.destinations.rest(), "p").options.batch_size == 7


def test_a_row_a_request_makes_a_call_a_row(api):
    """With a request for each row there is a call for each, and none that only cuts a batch."""
    info = sinkkit.pipeline("p", destination=sinkkit.destinations.rest(base_url=api.url, send="row")).run([{"id": 1}, {"id": 2}], table_name="t")

    assert (info.tables["t"].delivered, info.calls, len(api.requests)) == (2, 2, 2)


def test_one_header_spelt_in_several_ways(api, monkeypatch):
    """A header of the environment takes the place of the same header of a file, however its name is spelt; none goes out twice."""
    configure(
        '[destination.crm]\ndestination_type = "rest"\n[destination.crm.headers]\nX-Source = "file"\n'
        '[destination.crm.http.headers]\nAuthorization = "Bearer of-the-file"\nX-Team-Name = "file"\n'
    )
    for key, value in (("HTTP__BASE_URL", api.url), ("HTTP__HEADERS__AUTHORIZATION", "Bearer of-the-shell"), ("HTTP__HEADERS__X_TEAM_NAME", "shell"), ("HEADERS__X_SOURCE", "shell")):
        monkeypatch.setenv(f"DESTINATION__CRM__{key}", value)
    sinkkit.pipeline("p", destination="crm").run([{"id": 1}], table_name="t")

    sent = api.requests[0].headers
    assert [sent["authorization"], sent["x-team-name"], sent["x-source"]] == ["Bearer of-the-shell", "shell", "shell"]
    assert [name for name in sent if "_" in name] == []


def test_check_knows_whose_url_credentials_go_to(api, monkeypatch):
    """With ``base_url`` among the destination's own settings, `sinkkit check` finds the place that credentials go to, as a run does."""
    configure(f'[destination.crm]\ndestination_type = "rest"\nbase_url = "{api.url}"\n[destination.crm.http.auth]\ntype = "bearer"\n')
    monkeypatch.setenv("DESTINATION__CRM__HTTP__AUTH__TOKEN", "sesame-of-the-crm")

    assert examine(sinkkit.destination("crm"), "p").problems == []
    assert sinkkit.pipeline("p", destination="crm").run([{"id": 1}], table_name="t").tables["t"].delivered == 1
    assert api.requests[0].headers["authorization"] == "Bearer sesame-of-the-crm"
