"""What users of dlt 1.31's custom destination fall into, one trap after another, and what happens here."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import sinkkit
from sinkkit import Halt, Outcome, Reject, Retry, events
from sinkkit.errors import ConfigError, DeliveryFailed, PackageCorrupted, PipelineLocked, SignatureError

ROWS = [{"n": number} for number in range(95)]


def test_an_async_function_delivers():
    """Its coroutine is run, call by call, and every row arrives."""
    got = []

    @sinkkit.destination(batch_size=10)
    async def crm(items, table):
        await asyncio.sleep(0)
        got.extend(items)

    info = sinkkit.pipeline("p", destination=crm, progress="off").run(ROWS)

    assert sorted(row["n"] for row in got) == list(range(95))
    assert info.total.delivered == 95


def test_a_generator_function_is_refused():
    """Calling it would send nothing, so it cannot be declared."""
    with pytest.raises(SignatureError, match="is a generator: calling it would send nothing"):

        @sinkkit.destination
        def crm(items, table):
            yield items


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_sys_exit_inside_the_sink_ends_the_run(kind):
    """It is a bug like any other: the run halts at once, the batch is unknown, the rest pending."""

    @sinkkit.destination(batch_size=10, workers=1)
    def crm(items, table):
        sys.exit(3)

    @sinkkit.destination(name="crm", batch_size=10, workers=1)
    async def crm_async(items, table):
        sys.exit(3)

    with pytest.raises(DeliveryFailed) as failed:
        sinkkit.pipeline("p", destination=crm if kind == "sync" else crm_async, progress="off").run(ROWS)

    assert isinstance(failed.value.__cause__, SystemExit)
    assert [failed.value.info.total.unknown, failed.value.info.total.pending] == [10, 85]


SECOND = """
import sinkkit
pipeline = sinkkit.pipeline("p", destination=sinkkit.destination(name="crm")(lambda items: print("sent")), progress="off")
pipeline.run([1])
"""


def test_two_processes_on_one_pipeline():
    """The second is told who owns it, and sends nothing."""
    said = []

    @sinkkit.destination
    def crm(items, table):
        said.append(subprocess.run([sys.executable, "-c", SECOND], capture_output=True, text=True, check=False))

    info = sinkkit.pipeline("p", destination=crm, progress="off").run([1])

    assert said[0].stdout == ""
    assert PipelineLocked.__name__ in said[0].stderr
    assert info.total.delivered == 1


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
@pytest.mark.parametrize("new_size", [10, 7, 1000])
def test_a_crash_after_the_last_short_batch_and_a_changed_batch_size(file_format, new_size):
    """Later runs go on from what is known of each batch, whatever its size was."""
    got = []

    @sinkkit.destination(batch_size=10, workers=1, loader_file_format=file_format)
    def crm(items, table):
        got.extend(items if isinstance(items, list) else items.to_pylist())
        if len(items) == 5 and len(got) == 95:
            raise RuntimeError("after the last, short batch")

    with pytest.raises(DeliveryFailed):
        sinkkit.pipeline("p", destination=crm, progress="off").run(ROWS)
    info = sinkkit.pipeline("p", destination=crm(batch_size=new_size), progress="off").resume()

    assert got == ROWS + ROWS[90:]
    assert [info.total.delivered, info.total.resent] == [95, 5]


@pytest.mark.parametrize("size", [-1, "x"])
def test_an_impossible_batch_size_is_refused(size, tmp_path):
    """By the decorator, by the factory, and where it comes from a file."""

    def crm(items, table): ...

    for way in (lambda: sinkkit.destination(batch_size=size)(crm), lambda: sinkkit.destination(crm)(batch_size=size)):
        with pytest.raises(ConfigError, match="batch_size="):
            way()
    (tmp_path / ".sinkkit").mkdir()
    (tmp_path / ".sinkkit" / "config.toml").write_text(f"[destination.crm]\nbatch_size = {size!r}\n")
    with pytest.raises(ConfigError, match="batch_size"):
        sinkkit.pipeline("p", destination=sinkkit.destination(crm), progress="off").run(ROWS)


def test_parameters_named_as_variables_of_the_system(monkeypatch):
    """They keep their defaults; only a key under the destination's section changes them."""
    got = []

    @sinkkit.destination
    def crm(items, table, path: str = "/contacts", user: str = "loader", home: str = "eu", *, lang: str = "en"):
        got.append((path, user, home, lang))

    monkeypatch.setenv("USER", "root")
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setenv("DESTINATION__CRM__USER", "nightly")

    sinkkit.pipeline("p", destination=crm, progress="off").run([1])

    assert got == [("/contacts", "nightly", "eu", "en")]


def test_a_factory_argument_equal_to_the_default(monkeypatch):
    """It was said, so it counts, and config does not."""
    got = []

    @sinkkit.destination
    def crm(items, table, region: str = "eu"):
        got.append(region)

    monkeypatch.setenv("DESTINATION__CRM__REGION", "us")
    sinkkit.pipeline("p", destination=crm(region="eu"), progress="off").run([1])

    assert got == ["eu"]


def test_an_unknown_keyword_to_the_factory():
    """It is an error that names the nearest setting."""
    with pytest.raises(ConfigError, match="has no setting 'batchsize'") as refused:
        sinkkit.destination(lambda items: None)(batchsize=5)
    assert refused.value.hint == "did you mean 'batch_size'?"


def test_a_terminal_error_is_no_success():
    """What was refused is pending, in the error, in the counts, and in the next run."""
    refusing = [True]

    @sinkkit.destination(batch_size=10, workers=1)
    def crm(items, table):
        if refusing and items[0]["n"] >= 50:
            raise Reject("no such list")

    pipeline = sinkkit.pipeline("p", destination=crm, progress="off")
    with pytest.raises(DeliveryFailed, match="no such list") as failed:
        pipeline.run(ROWS)
    refusing.clear()

    assert [failed.value.info.total.delivered, failed.value.info.total.pending] == [50, 45]
    assert pipeline.resume().total.delivered == 95


def test_retries_back_off_with_jitter():
    """Waits grow, differ, and stay within the policy; the budget is kept."""
    seen = []

    @sinkkit.destination(batch_size=1, workers=8, retry=Retry(attempts=6, first_wait=0.002, longest_wait=0.02))
    def crm(items, table):
        raise ConnectionRefusedError("nobody is there")

    pipeline = sinkkit.pipeline("p", destination=crm, progress=seen.append)
    with pytest.raises(DeliveryFailed):
        pipeline.run(ROWS[:8])
    waits = [event for event in seen if isinstance(event, events.RetryScheduled)]

    assert all(0 <= event.wait <= min(0.02, 0.002 * 2 ** (event.attempt - 1)) for event in waits)
    assert len({round(event.wait, 9) for event in waits}) > len(waits) // 2
    assert max(event.attempt for event in waits) <= 6


def test_a_table_that_one_call_changes():
    """It cannot be changed, so no other call sees a changed one."""
    seen = []

    @sinkkit.destination(batch_size=10, workers=1)
    def crm(items, table):
        with pytest.raises(TypeError, match="read-only"):
            table["columns"].pop("n")
        seen.append(list(table["columns"]))

    sinkkit.pipeline("p", destination=crm, progress="off").run(ROWS)

    assert seen == [["n"]] * 10


def steps_of_loading(files):
    """How many functions of sinkkit are called to load *files* files of 20 rows, in all threads."""
    steps = []

    @sinkkit.destination(batch_size=20, workers=1)
    def crm(items, table): ...

    def count(frame, event, _):
        if event == "call" and f"{Path(sinkkit.__file__).parent}/" in frame.f_code.co_filename:
            steps.append(frame.f_code.co_name)

    pipeline = sinkkit.pipeline(f"p{files}", destination=crm, progress="off", max_file_rows=20)
    pipeline.extract([{"n": number} for number in range(20 * files)])
    threading.setprofile(count)
    sys.setprofile(count)
    try:
        info = pipeline.load()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    assert [info.total.delivered, info.calls] == [20 * files, files]
    return len(steps)


def test_many_small_files_cost_what_their_batches_cost():
    """The work grows with the number of files, not with its square: a file costs the same among 50 and among 400."""
    few, many = steps_of_loading(50) / 50, steps_of_loading(400) / 400

    assert many <= 1.5 * few


def test_completed_packages_are_removed():
    """What a finished run leaves on disk does not grow with its rows, nor the number of files with the number of runs."""
    sizes = []

    @sinkkit.destination
    def crm(items, table): ...

    for _ in range(4):
        pipeline = sinkkit.pipeline("p", destination=crm, progress="off")
        pipeline.run([{"text": "x" * 10_000} for _ in range(100)])
        sizes.append(sorted(path.name for path in Path(pipeline.folder).rglob("*") if path.is_file()))

    assert all(names == sizes[0] for names in sizes)
    assert [name for name in sizes[-1] if name.startswith("rows")] == []


def test_new_data_after_a_failure_is_not_ignored_in_silence():
    """The report, its text and an event say that the data was not taken; a method turns it into an error."""
    said = []
    failing = [Halt("stop")]

    @sinkkit.destination
    def crm(items, table):
        if failing:
            raise failing.pop()

    pipeline = sinkkit.pipeline("p", destination=crm, progress=said.append)
    with pytest.raises(DeliveryFailed):
        pipeline.run(ROWS)
    info = pipeline.run(ROWS)

    assert not info.data_taken
    assert "NOT taken" in str(info)
    assert [event for event in said if isinstance(event, events.Warned)]
    with pytest.raises(sinkkit.errors.PendingPackages):
        info.raise_if_data_not_taken()


def test_one_bad_row_does_not_block_its_file():
    """It is set aside with its reason, and every other row arrives."""
    got = []

    @sinkkit.destination(batch_size=10, on_reject="bisect")
    def crm(items, table):
        if any(row["n"] == 42 for row in items):
            raise Reject("row 42 is bad")
        got.extend(row["n"] for row in items)
        return Outcome()

    pipeline = sinkkit.pipeline("p", destination=crm, progress="off")
    info = pipeline.run(ROWS)

    assert sorted(got) == [number for number in range(95) if number != 42]
    assert [(one.row, one.reason) for one in pipeline.rejected()] == [({"n": 42}, "row 42 is bad")]
    assert info.total.delivered == 94


def test_a_damaged_file_is_not_sent():
    """A byte changed on disk is found before any row of its part goes out."""

    @sinkkit.destination
    def crm(items, table):
        raise AssertionError("sent")

    pipeline = sinkkit.pipeline("p", destination=crm, progress="off")
    pipeline.extract(ROWS)
    [file] = Path(pipeline.folder).glob("packages/*/rows*")
    file.write_bytes(file.read_bytes().replace(b'"n":7}', b'"n":8}'))

    with pytest.raises((PackageCorrupted, DeliveryFailed)) as failed:
        pipeline.load()
    found = failed.value if isinstance(failed.value, PackageCorrupted) else failed.value.__cause__
    assert isinstance(found, PackageCorrupted)
    assert file.name in str(found)
