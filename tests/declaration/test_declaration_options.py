"""Settings of a destination: who wins, what is refused, and that all problems are told at once before anything is taken."""

from __future__ import annotations

import json
import math

import attrs
import pytest

import sinkkit
from sinkkit import ConnectionString, RateLimit, Retry, Secret
from sinkkit.errors import ConfigError


def run(destination, rows=6):
    """One run of *rows* rows; the report."""
    pipeline = sinkkit.pipeline("nightly", destination=destination, progress="off", dev_mode=True)
    return pipeline.run([{"a": number} for number in range(rows)], table_name="t")


def recording(**options):
    """A destination that notes the size of each batch and the settings it got."""
    seen = []

    @sinkkit.destination(workers=1, **options)
    def crm(items, table, region: str = "eu"):
        seen.append((len(items), region))

    return crm, seen


def configure(tmp_path, text, name="config"):
    """Write a settings file in the current folder."""
    (tmp_path / ".sinkkit").mkdir(exist_ok=True)
    (tmp_path / ".sinkkit" / f"{name}.toml").write_text(text)


def test_call_goes_before_config_and_config_before_the_decorator(tmp_path):
    """Each of the three is overridden by the one before it."""
    crm, seen = recording(batch_size=2)

    run(crm)
    configure(tmp_path, '[destination.crm]\nbatch_size = 3\nregion = "us"\n')
    run(crm)
    run(crm(batch_size=6, region="asia"))

    assert seen == [(2, "eu")] * 3 + [(3, "us")] * 2 + [(6, "asia")]


@pytest.mark.parametrize("size", [1, 5, 6, 1000])
def test_batches_have_the_size_asked_for(size):
    """The last one may be smaller, and one batch takes all if it may."""
    crm, seen = recording(batch_size=size)

    info = run(crm)

    assert [count for count, _ in seen] == [min(size, 6 - start) for start in range(0, 6, size)]
    assert info.calls == len(seen)


def test_an_argument_equal_to_the_default_still_wins(monkeypatch):
    """Saying what is the default anyway is saying something."""
    crm, seen = recording()
    monkeypatch.setenv("DESTINATION__CRM__REGION", "us")
    monkeypatch.setenv("DESTINATION__CRM__BATCH_SIZE", "2")

    run(crm(region="eu", batch_size=10))

    assert seen == [(6, "eu")]


def test_two_names_of_one_function_have_settings_of_their_own(monkeypatch):
    """Settings stand under the destination's name, not the function's."""
    crm, seen = recording()
    monkeypatch.setenv("DESTINATION__CRM_TEST__REGION", "test")
    monkeypatch.setenv("DESTINATION__CRM_PROD__REGION", "prod")

    for name in ("crm_test", "crm_prod"):
        run(crm(destination_name=name))

    assert seen == [(6, "test"), (6, "prod")]


def test_retry_and_rate_limit_come_from_config_too(tmp_path):
    """A policy keeps what config does not say of it."""
    configure(tmp_path, '[destination.crm]\nrate_limit = "100/s"\n[destination.crm.retry]\nattempts = 2\n')
    from sinkkit.declaration.opening import make_ready

    crm, _ = recording(retry=Retry(first_wait=0.25))
    options = make_ready(crm(), "nightly").options

    assert options.rate_limit == RateLimit(calls=100, per=1.0)
    assert options.retry == Retry(attempts=2, first_wait=0.25)


@attrs.define
class Account:
    """Settings that belong together."""

    name: str
    token: Secret
    quota: int = 5


def test_credentials_and_classes_are_filled_from_the_environment(monkeypatch):
    """Nested values have names of their own; secrets are injected as secrets."""
    seen = []

    @sinkkit.destination
    def crm(items, table, credentials: ConnectionString, account: Account, key: str = sinkkit.secrets.value):
        seen.append((str(credentials.host), credentials.password.reveal(), account, key))

    monkeypatch.setenv("DESTINATION__CRM__CREDENTIALS", "postgresql://loader@localhost:5432/app")
    monkeypatch.setenv("DESTINATION__CRM__CREDENTIALS__PASSWORD", "hunter2-and-more")
    monkeypatch.setenv("DESTINATION__CRM__ACCOUNT__NAME", "acme")
    monkeypatch.setenv("DESTINATION__CRM__ACCOUNT__TOKEN", "token-of-acme")
    monkeypatch.setenv("DESTINATION__CRM__KEY", "key-of-acme")

    run(crm)

    assert seen == [("localhost", "hunter2-and-more", Account("acme", Secret("token-of-acme")), "key-of-acme")]


def test_all_problems_are_told_at_once_and_nothing_is_extracted(tmp_path):
    """Missing, malformed and impossible settings, of decorator, function and client, are one error; no row is taken."""
    import httpx

    @sinkkit.destination
    def crm(items, table, *, api_key: Secret, account: str, http: httpx.Client, limit: int = 3): ...

    configure(
        tmp_path,
        '[destination.crm]\nbatch_size = -1\nworkers = "many"\nlimit = "x"\n'
        '[destination.crm.http]\nbase_url = "api.example.com"\nhedaers = "x"\ntimeout = "soon"\n',
    )
    taken = []

    def rows():
        taken.append(1)
        yield {"a": 1}

    with pytest.raises(ConfigError) as refused:
        sinkkit.pipeline("nightly", destination=crm, progress="off").run(rows())

    message = refused.value.message
    for part in (
        "batch_size=-1",
        "config.toml",
        "workers",
        "api_key",
        "account",
        "limit",
        "http.base_url",
        "hedaers",
        "http.timeout",
    ):
        assert part in message
    assert "DESTINATION__CRM__API_KEY" in message
    assert "headers" in refused.value.hint
    assert taken == []
    assert sinkkit.pipeline("nightly", progress="off").pending == ()


def test_after_the_setting_is_given_the_run_works(monkeypatch):
    """A missing secret leaves nothing behind that stands in the way."""
    sent = []

    @sinkkit.destination
    def crm(items, table, api_key: Secret):
        sent.extend(items)

    pipeline = sinkkit.pipeline("nightly", destination=crm, progress="off")
    with pytest.raises(ConfigError, match="api_key"):
        pipeline.run([{"a": 1}])
    monkeypatch.setenv("DESTINATION__CRM__API_KEY", "long-enough")

    assert pipeline.run([{"a": 1}]).data_taken
    assert sent == [{"a": 1}]


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"batch_size": -1}, "0 or more"),
        ({"batch_size": "x"}, "0 or more"),
        ({"batch_size": True}, "0 or more"),
        ({"batch_size": 2.5}, "0 or more"),
        ({"workers": 0}, "1 or more"),
        ({"loader_file_format": "csv"}, "'jsonl', 'parquet'"),
        ({"naming_convention": "camel_case"}, "'snake_case'"),
        ({"naming_convention": 7}, "normalize_identifier(identifier)"),
        ({"naming_convention": json}, "normalize_identifier(identifier)"),
        ({"max_nesting_level": -1}, "0 or more"),
        ({"max_nesting_level": True}, "0 or more"),
        ({"skip_internal_columns_and_tables": "no"}, "true or false"),
        ({"order_by": ""}, "name of a column"),
        ({"order_by": 3}, "name of a column"),
        ({"batch_bytes": 0}, "1 or more"),
        ({"batch_size": 0, "order_by": "id"}, "number of rows"),
        ({"batch_size": 0, "batch_bytes": 1000}, "number of rows"),
        ({"rate_limit": "fast"}, "100/s"),
        ({"rate_limit": 100}, "100/s"),
        ({"rate_limit": "0/s"}, "1 or more"),
        ({"retry": 3}, "Retry(attempts=5"),
        ({"on_reject": "ignore"}, "'halt', 'keep', 'bisect'"),
        ({"on_unknown": "guess"}, "'resend', 'probe', 'hold'"),
        ({"max_rejected": "some"}, '"1%"'),
        ({"max_rejected": -1}, '"1%"'),
        ({"idempotency_header": "two words"}, "Idempotency-Key"),
        ({"idempotency_header": 7}, "Idempotency-Key"),
        ({"timeout": 0}, "above 0"),
        ({"timeout": math.nan}, "above 0"),
        ({"durability": "maybe"}, "'full', 'process'"),
        ({"workers": 0, "batch_size": -1}, "batch_size: "),
        ({"bacth_size": 5}, "did you mean 'batch_size'?"),
    ],
)
def test_impossible_settings_are_refused_where_they_are_written(settings, hint):
    """Decorator, factory and reference refuse them at once and say what is possible."""

    def crm(items, table): ...

    for way in (
        lambda: sinkkit.destination(**settings)(crm),
        lambda: sinkkit.destination(crm)(**settings),
        lambda: sinkkit.Destination.from_reference("destination", destination_callable=crm, **settings),
    ):
        with pytest.raises(ConfigError) as refused:
            way()
        assert all(name in refused.value.message for name in settings)
        assert hint in refused.value.hint


@pytest.mark.parametrize(
    "wrong", [{"calls": 0}, {"calls": "5"}, {"rows": 1.5}, {"calls": 1, "per": 0}, {"calls": 1, "per": math.inf}, {}]
)
def test_impossible_rate_limits_are_refused(wrong):
    """A limit under which nothing could start, or that limits nothing, is a mistake."""
    with pytest.raises(ConfigError, match="RateLimit"):
        RateLimit(**wrong)


@pytest.mark.parametrize(("text", "per"), [("5/s", 1), ("5/min", 60), ("5 / 2 minutes", 120), ("5/h", 3600), ("5/day", 86400)])
def test_rate_limits_are_read_from_text(text, per):
    """Calls and a period, as people write them."""
    assert sinkkit.destination(rate_limit=text)(lambda items: None).options.rate_limit == RateLimit(calls=5, per=per)


def test_a_probe_must_be_there_if_it_is_asked_for():
    """``on_unknown="probe"`` without one is refused before anything is extracted."""
    crm, seen = recording(on_unknown="probe")

    with pytest.raises(ConfigError, match="has on_unknown='probe' and no probe") as refused:
        run(crm)
    assert "@crm.probe" in refused.value.hint
    assert seen == []


def test_unknown_keywords_to_the_factory_are_refused():
    """They are named, with the nearest setting there is."""
    crm, _ = recording()

    with pytest.raises(ConfigError, match="destination 'crm' has no setting 'regoin'") as refused:
        crm(regoin="us")
    assert refused.value.hint == "did you mean 'region'?"


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"keep_packages": -1}, "keep_packages"),
        ({"drain": "long"}, "drain"),
        ({"drain": math.inf}, "drain"),
        ({"max_file_rows": 0}, "max_file_rows"),
        ({"max_file_bytes": "x"}, "max_file_bytes"),
    ],
)
def test_impossible_settings_of_a_pipeline_are_refused(settings, name):
    """They are named with the pipeline."""
    with pytest.raises(ConfigError, match=f"{name}=.*for pipeline 'nightly'"):
        sinkkit.pipeline("nightly", **settings)


def test_settings_of_a_pipeline_come_from_config(tmp_path):
    """They stand under the pipeline's name; an argument goes before them."""
    configure(tmp_path, "[nightly]\nkeep_packages = 3\ndrain = 5\n")

    assert [sinkkit.pipeline("nightly").keep_packages, sinkkit.pipeline("nightly").drain] == [3, 5.0]
    assert sinkkit.pipeline("nightly", keep_packages=0).keep_packages == 0


@pytest.mark.parametrize("name", ["", " ", ".hidden", "a/b", 7, None])
def test_impossible_names_of_pipelines_are_refused(name):
    """A pipeline's name becomes that of a folder."""
    with pytest.raises(ConfigError, match="cannot name a pipeline"):
        sinkkit.pipeline(name)


def test_the_table_is_read_only_and_says_what_is_known():
    """Columns, their types and the disposition are there; changing it is refused, and json can write it."""
    seen = []

    @sinkkit.destination
    def crm(items, table):
        seen.append(json.loads(json.dumps(table)))
        with pytest.raises(TypeError, match="read-only"):
            table["name"] = "other"
        with pytest.raises(TypeError, match="read-only"):
            table["columns"]["id"]["data_type"] = "text"

    sinkkit.pipeline("p", destination=crm, progress="off").run(
        [{"id": 1, "name": "Ada"}],
        table_name="people",
        primary_key="id",
        write_disposition="merge",
        columns={"note": {"data_type": "text"}},
    )

    [table] = seen
    assert [table["name"], table["write_disposition"], table["primary_key"]] == ["people", "merge", ["id"]]
    assert {name: column["data_type"] for name, column in table["columns"].items()} == {
        "id": "bigint",
        "name": "text",
        "note": "text",
    }
    assert table["columns"]["id"]["primary_key"] is True


@pytest.mark.parametrize(
    "wrong",
    [{"attempts": 0}, {"attempts": "5"}, {"attempts": 1.5}, {"first_wait": -1}, {"longest_wait": "1m"}, {"deadline": math.nan}],
)
def test_impossible_retries_are_refused(wrong):
    """A policy is a number of attempts and seconds."""
    with pytest.raises(ConfigError, match=r"Retry\(.*is not possible"):
        Retry(**wrong)
