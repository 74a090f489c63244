"""The contract for destinations: those that keep it pass, and each way of breaking it is found and named."""

from __future__ import annotations

import subprocess
import sys

import contract_breakers as breakers
import contract_subjects as subjects
import pytest
from _pytest.outcomes import Skipped

import sinkkit
from sinkkit.testing import DestinationContract
from sinkkit.testing.contract_faults import NO_KEY, NO_PARTS, NO_PROBE, NOT_HTTP

TESTS = [name for name in vars(DestinationContract) if name.startswith("test_")]


def hold(kind, folder):
    """Every test of the class *kind*: (name to what is broken, name to why it was skipped)."""
    broken, skipped = {}, {}
    for name in TESTS:
        (folder / name).mkdir()
        try:
            getattr(kind(), name)(folder / name)
        except pytest.fail.Exception as error:
            broken[name] = str(error)
        except Skipped as reason:
            skipped[name] = str(reason)
    return broken, skipped


PROBE, PARTS = {"test_a_probe_tells_what_arrived": NO_PROBE}, {"test_refused_rows_become_dead_letters": NO_PARTS}
FAULTS = [
    "test_errors_are_not_swallowed", "test_a_refused_batch_becomes_dead_letters", "test_refused_rows_become_dead_letters",
    "test_a_failed_call_is_tried_again", "test_a_lost_answer_is_repeated_under_its_key", "test_retry_after_is_obeyed",
    "test_an_expired_login_stops_the_run", "test_a_probe_tells_what_arrived",
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "skips"),
    [
        (subjects.Simple, PROBE),
        (subjects.Coroutine, PROBE),
        (subjects.Arrow, PROBE),
        (subjects.OneByOne, {**PROBE, **PARTS}),
        (subjects.WholeFiles, {**PROBE, **PARTS}),
        (subjects.Probing, PARTS),
        (subjects.Database, dict.fromkeys(FAULTS, NOT_HTTP)),
        (subjects.NoKey, {**PROBE, "test_a_lost_answer_is_repeated_under_its_key": NO_KEY}),
    ],
)
def test_what_keeps_the_contract_passes(kind, skips, tmp_path):
    """A good destination, in whatever shape, breaks no promise; what cannot be checked for it is skipped and says why."""
    broken, skipped = hold(kind, tmp_path)

    assert broken == {}
    assert skipped == skips


@pytest.mark.parametrize(
    ("kind", "test", "says"),
    [
        (breakers.LeavesOut, "test_rows_arrive_once", ["39 rows delivered, and 1 never arrived: rows 38", "leaves some of its rows out"]),
        (breakers.SendsTwice, "test_rows_arrive_once", ["4 rows arrived more than once: rows 35, 36, 37, 38"]),
        (breakers.DropsNulls, "test_values_arrive_as_given", ["row 0 did not arrive as it was given: 'note' is missing, not None"]),
        (breakers.SendsWhenMade, "test_an_empty_run_sends_nothing", ["a run without rows sent something: POST /tables"]),
        (breakers.TakesItForAHeading, "test_one_row_arrives", ["with a single row", "1 never arrived: rows 0"]),
        (breakers.FirstPage, "test_a_full_call_arrives", ["with 100 rows in one call", "50 never arrived: rows 50, 51"]),
        (breakers.SharesState, "test_concurrent_calls_are_safe", ["with 8 calls at once", "never arrived", "calls share what one of them changes"]),
        (breakers.Swallows500, "test_errors_are_not_swallowed", ["answered 500 to every request", "5 rows delivered: they are lost", "raise_for_status"]),
        (breakers.Swallows400, "test_errors_are_not_swallowed", ["answered 400 to every request"]),
        (breakers.OwnReason, "test_a_refused_batch_becomes_dead_letters", ["'row 7 is refused by the contract'", "'the CRM did not like it'"]),
        (breakers.OwnError, "test_a_refused_batch_becomes_dead_letters", ["the run halted", "ValueError", "sinkkit.Reject"]),
        (breakers.IgnoresBody, "test_refused_rows_become_dead_letters", ["refused were rows 7, 9, and dead letters are rows none"]),
        (breakers.CountsFromOne, "test_refused_rows_become_dead_letters", ["refused were rows 7, 9, and dead letters are rows 6, 8", "from 1"]),
        (breakers.GivesUp, "test_a_failed_call_is_tried_again", ["after an answer 503", "RuntimeError: the CRM is down"]),
        (breakers.KeyByCall, "test_a_lost_answer_is_repeated_under_its_key", ["rows 0, 1, 2, 3, 4 were sent again under another key", "/1'"]),
        (breakers.KeyByProcess, "test_a_killed_run_goes_on", ["after a kill and a resume", "were sent again under another key"]),
        (breakers.ForgetsThePause, "test_retry_after_is_obeyed", ["Retry-After: 1, and the next request came after 0.", "RetryLater(why, after="]),
        (breakers.Rejects401, "test_an_expired_login_stops_the_run", ["answered 401 to every request", "dead letters", "sinkkit.Halt"]),
        (breakers.ProbeNever, "test_a_probe_tells_what_arrived", ["had arrived, the probe said that they had not", "arrived twice"]),
        (breakers.ProbeAlways, "test_a_probe_tells_what_arrived", ["had not arrived, the probe said that they had, and they are lost"]),
    ],
)
def test_each_way_of_breaking_it_is_found(kind, test, says, tmp_path):
    """A destination with one fault breaks exactly the promise that it is about, and is told what was seen and what is likely wrong."""
    broken, _ = hold(kind, tmp_path)

    assert list(broken) == [test], broken
    assert [part for part in says if part not in broken[test]] == [], broken[test]


@pytest.mark.parametrize(
    ("kind", "test", "says"),
    [
        (breakers.SwallowsConnection, "test_errors_are_not_swallowed", "closed the connection after every request"),
        (breakers.OneKey, "test_a_lost_answer_is_repeated_under_its_key", "an API that honours keys drops the second"),
        (breakers.OnlyOnce, "test_a_killed_run_goes_on", "AttributeError: 'Address' object has no attribute 'requests'"),
        (breakers.Elsewhere, "test_rows_arrive_once", "made no request to the API of the contract"),
    ],
)
def test_faults_that_break_more_than_one_promise_are_named_where_they_belong(kind, test, says, tmp_path):
    """What is wrong in several ways is told in the words of the promise that it is about."""
    with pytest.raises(pytest.fail.Exception) as raised:
        getattr(kind(), test)(tmp_path)

    assert says in str(raised.value)


def test_without_a_destination_the_author_is_told(tmp_path):
    """A class that does not say which destination it is about gets a hint."""
    with pytest.raises(pytest.fail.Exception, match="says nothing of its destination\n  hint: define destination"):
        DestinationContract().test_one_row_arrives(tmp_path)


def test_settings_come_from_the_class_alone(tmp_path, monkeypatch):
    """What the environment says does not count in these tests: neither a real address nor a real key gets into them."""
    monkeypatch.setenv("DESTINATION__ELSEWHERE__URL", "http://127.0.0.1:9")

    class Forgetful(subjects.Contract):
        def destination(self, api):
            return sinkkit.destination(breakers.elsewhere)

    with pytest.raises(pytest.fail.Exception, match=r"url \(text\) is missing"):
        Forgetful().test_one_row_arrives(tmp_path)


def test_rows_that_cannot_be_told_apart_are_named(tmp_path):
    """A row without the default's id is shown, with the method to override."""

    class Nameless(subjects.Simple):
        def row(self, number):
            return {"name": f"row {number}"}

    with pytest.raises(pytest.fail.Exception, match=r"which row \{'name': 'row 0'\} is: number_of\(\) raised KeyError"):
        Nameless().test_one_row_arrives(tmp_path)


def test_a_class_that_another_process_cannot_find_is_skipped(tmp_path):
    """A class made inside a function is not killed, and says why."""

    class Local(subjects.Simple):
        pass

    with pytest.raises(Skipped, match="made inside a function"):
        Local().test_a_killed_run_goes_on(tmp_path)


AUTHORS = """
import httpx
import sinkkit
from sinkkit.testing import DestinationContract

@sinkkit.destination
def push(items: list[dict], http: httpx.Client):
    http.post("/rows", json=items)

class TestPush(DestinationContract):
    pause_seconds = 0.1

    def destination(self, api):
        return push
"""


def test_pytest_finds_the_promises_and_shows_what_is_broken(tmp_path):
    """An author's class is run by pytest as it stands: a test a promise, and of a broken one the message, not our code."""
    (tmp_path / "test_author.py").write_text(AUTHORS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rN", "-p", "no:cacheprovider", "-W", "error", "-k", "swallowed or killed or once or one_row", "test_author.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "1 failed, 3 passed" in done.stdout, done.stdout
    assert "the API answered 500 to every request, and the run reported 5 rows delivered: they are lost without a word" in done.stdout
    assert done.stdout.count("they are lost without a word") == 1


def test_the_error_of_the_function_is_shown(tmp_path):
    """Where the function itself failed, its own trace stands below the message."""
    with pytest.raises(pytest.fail.Exception) as raised:
        breakers.OwnError().test_a_refused_batch_becomes_dead_letters(tmp_path)

    assert 'raise ValueError(answer.text)\nValueError: {"error": "row 7 is refused by the contract"}' in str(raised.value)
