"""Objects with the methods of a sink, and what makes them: opened for each package, prepared, called, completed, closed."""

from __future__ import annotations

import functools
import threading

import attrs
import httpx
import pytest

import sinkkit
from sinkkit import Batch, Outcome, Secret
from sinkkit.declaration.sink import Sink
from sinkkit.errors import ConfigError, DeliveryFailed, SignatureError, SinkkitError
from sinkkit.testing import MisbehavingApi

LOG = []


@pytest.fixture(autouse=True)
def empty_log():
    """What sinks were asked to do, in this test."""
    LOG.clear()
    return LOG


class Warehouse:
    """A sink that writes down what it is asked."""

    def __init__(self, url: str = "memory", password: Secret | None = None):
        self.url, self.password, self.lock = url, password, threading.Lock()
        LOG.append(f"open {url}")

    def prepare(self, tables):
        LOG.append(f"prepare {[table['name'] for table in tables]}")

    def deliver(self, batch):
        with self.lock:
            LOG.append(f"deliver {[row['value'] for row in batch.items]}")
        return Outcome(rejected={0: "no ones"}) if batch.items[0]["value"] == 1 else None

    def probe(self, batch):
        return None

    def complete(self):
        LOG.append("complete")

    def close(self):
        LOG.append("close")


def connect(url: str, factor: int = 1) -> Warehouse:
    """A factory of sinks."""
    return Warehouse(url * factor)


def connect_any(url: str) -> Sink:
    """One that says no more than that it is a sink."""
    return Warehouse(url)


def run(destination, rows=(1, 2, 3), name="p"):
    """One run; the report."""
    return sinkkit.pipeline(name, destination=destination, progress="off").run(rows, table_name="t")


WHOLE = ["prepare ['t']", "deliver [1, 2]", "deliver [3]", "complete", "close"]


def test_an_object_is_a_destination():
    """It goes through its life for every package, and its answers count like a function's."""
    sink = Warehouse()
    made = sinkkit.Destination.from_reference(sink, batch_size=2, workers=1, destination_name="dwh")

    info = run(made)
    run(made, [5])

    assert ["open memory", *WHOLE, "prepare ['t']", "deliver [5]", "complete", "close"] == LOG
    assert [info.destination_name, info.total.delivered, info.total.rejected] == ["dwh", 2, 1]
    assert made.destination_type.endswith(".Warehouse")


@pytest.mark.parametrize(
    ("maker", "url", "name"),
    [
        (Warehouse, "env", "Warehouse"),
        (connect, "envenv", "connect"),
        (connect_any, "env", "connect_any"),
        (functools.partial(connect, factor=3), "envenvenv", "connect"),
    ],
)
def test_what_makes_a_sink_is_a_destination(monkeypatch, maker, url, name):
    """Its parameters are settings; a new sink is opened for each package, and nothing before."""
    monkeypatch.setenv(f"DESTINATION__{name.upper()}__URL", "env")
    if maker is connect:
        monkeypatch.setenv("DESTINATION__CONNECT__FACTOR", "2")
    factory = sinkkit.destination(batch_size=2, workers=1)(maker)
    assert factory.name == name
    assert factory().capabilities()["batch_size"] == 2
    assert LOG == []

    run(factory)
    run(factory, [5])

    assert [f"open {url}", *WHOLE, f"open {url}", "prepare ['t']", "deliver [5]", "complete", "close"] == LOG


def test_dotted_paths_and_bare_classes_work(tmp_path, monkeypatch):
    """A class can be given wherever a function can."""
    (tmp_path / "sink_module.py").write_text(f"from {__name__} import Warehouse, connect\nready = Warehouse('ready')\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    run(sinkkit.Destination.from_reference("sink_module.connect", url="path", batch_size=2, workers=1), name="a")
    run(sinkkit.Destination.from_reference("sink_module.ready", batch_size=2, workers=1), name="b")
    run(Warehouse, [5], name="c")
    run(sinkkit.destination(Warehouse("bare")), [5], name="d")

    assert LOG[:7] == ["open ready", "open path", *WHOLE][:7]
    assert [entry for entry in LOG if entry.startswith("open")] == ["open ready", "open path", "open memory", "open bare"]
    assert LOG.count("complete") == LOG.count("close") == 4


@attrs.define
class Attributed:
    """A sink written as an attrs class, whose fields are its settings."""

    url: str
    limit: int = 5
    prepared: bool = attrs.field(default=False, init=False)

    def prepare(self, tables):
        self.prepared = True

    def deliver(self, batch):
        LOG.append((self.url, self.limit, self.prepared, len(batch.items)))

    def probe(self, batch): ...
    def complete(self): ...
    def close(self): ...


def test_an_attrs_class_has_its_fields_as_settings(monkeypatch):
    """Typed from the environment, with the class's defaults; a missing one ends the run before it begins."""
    monkeypatch.setenv("DESTINATION__ATTRIBUTED__LIMIT", "7")

    with pytest.raises(ConfigError, match=r"url \(text\) is missing"):
        run(Attributed, [1, 2])
    run(sinkkit.destination(Attributed)(url="x"), [1, 2])

    assert LOG == [("x", 7, True, 2)]


def test_a_sink_may_take_the_injected_client():
    """It is made with the destination's settings, and closed with the sink."""
    clients = []

    class Api:
        def __init__(self, http: httpx.Client):
            self.http = http
            clients.append(http)

        def prepare(self, tables): ...

        def deliver(self, batch):
            self.http.post("/rows", json=batch.items).raise_for_status()

        def probe(self, batch): ...
        def complete(self): ...
        def close(self): ...

    with MisbehavingApi() as api:
        factory = sinkkit.destination(name="api", idempotency_header="Key", batch_size=2, workers=1)(Api)
        run(factory(http={"base_url": api.url}))
        keys = [request.headers.get("key") for request in api.requests]

    assert [client.is_closed for client in clients] == [True]
    assert len(dict.fromkeys(keys)) == 2
    assert all(keys)


class Failing(Warehouse):
    """A sink one of whose methods fails."""

    def __init__(self, where: str, password: Secret):
        super().__init__(where)
        self.where, self.secret = where, password
        self.fail("open")

    def fail(self, where):
        if self.where == where:
            raise OSError(f"no connection with {self.secret.reveal()}")

    def prepare(self, tables):
        super().prepare(tables)
        self.fail("prepare")

    def deliver(self, batch):
        self.fail("deliver")

    def complete(self):
        self.fail("complete")

    def close(self):
        super().close()
        self.fail("close")


@pytest.mark.parametrize(
    ("where", "kind", "message", "closed"),
    [
        ("open", ConfigError, "could not be opened; nothing was sent: OSError: no connection with ***", 0),
        ("prepare", ConfigError, "could not be prepared; nothing was sent: OSError: no connection with ***", 1),
        ("deliver", DeliveryFailed, "OSError: no connection with ***", 1),
        ("complete", SinkkitError, "failed to complete the package: OSError: no connection with ***", 1),
        ("close", SinkkitError, "could not be closed: OSError: no connection with ***", 1),
    ],
)
def test_a_sink_that_fails_is_named_without_its_secrets(where, kind, message, closed):
    """Each of its methods may fail: the error is ours, what was opened is closed, and the rows are accounted for."""
    made = sinkkit.destination(name="dwh")(Failing)(where=where, password="sesame-open")
    pipeline = sinkkit.pipeline("p", made, progress="off")

    with pytest.raises(kind) as failed:
        pipeline.run([1, 2], table_name="t")

    assert message in str(failed.value)
    assert "sesame-open" not in f"{failed.value.__cause__}{failed.value.__context__}"
    assert LOG.count("close") == closed
    if where not in {"deliver", "close"}:
        assert pipeline.run(destination=sinkkit.destination(name="dwh")(Warehouse)).total.delivered == (2 if where == "complete" else 1)


def test_an_answer_that_is_none_is_refused():
    """What a sink gives back is read as a function's answer is."""

    class Odd(Warehouse):
        def deliver(self, batch):
            return "done"

    with pytest.raises(DeliveryFailed, match="the function returned a str, which says nothing about its rows"):
        run(Odd)


def test_a_sink_answers_for_batches_of_unknown_fate():
    """``on_unknown="probe"`` asks it."""
    asked = []

    class Unsure(Warehouse):
        def deliver(self, batch):
            if not asked:
                raise TimeoutError("who knows")

        def probe(self, batch: Batch):
            asked.append(len(batch.items))
            return Outcome()

    made = sinkkit.destination(name="unsure", on_unknown="probe", retry=sinkkit.Retry(attempts=1))(Unsure)
    with pytest.raises(DeliveryFailed):
        run(made, [2, 3])

    assert run(made).total.delivered == 2
    assert asked == [2]


class Half:
    """A part of the protocol."""

    def deliver(self, batch): ...
    def close(self): ...


class Waiting(Warehouse):
    """A sink with a coroutine."""

    async def deliver(self, batch): ...


def tells(batch: Batch) -> Warehouse: ...
def open_ended(**settings) -> Warehouse: ...
def reserved(workers: int) -> Warehouse: ...
async def later(url: str) -> Warehouse: ...
def waits(http: httpx.AsyncClient) -> Warehouse: ...


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Half, "Half has deliver() and lacks prepare(), probe(), complete()"),
        (Half(), "Half has deliver() and lacks"),
        (Waiting, "Waiting.deliver() is a coroutine"),
        (tells, "takes 'batch', and what makes a sink takes settings"),
        (waits, "takes 'http', and what makes a sink takes settings"),
        (open_ended, "'settings' cannot be given by name"),
        (reserved, "'workers' bears the name of a setting"),
        (later, "is a coroutine"),
    ],
)
def test_what_is_half_a_sink_is_refused_at_once(given, message):
    """By the decorator and by a pipeline, with what is missing."""
    for way in (sinkkit.destination, lambda given: sinkkit.pipeline("p", given)):
        with pytest.raises(SignatureError) as refused:
            way(given)
        assert message in refused.value.message
        assert refused.value.hint


def test_a_maker_that_makes_something_else():
    """It is named when it is opened; nothing was sent."""

    def wrong(url: str = "x") -> Warehouse:
        return 3

    with pytest.raises(SignatureError, match="what opens destination 'wrong' gave int, which is no sink"):
        run(wrong)


def test_a_sink_has_no_further_probe():
    """Its own method answers."""
    factory = sinkkit.destination(Warehouse)

    with pytest.raises(SignatureError, match="Warehouse answers probes itself"):

        @factory.probe
        def arrived(batch): ...
