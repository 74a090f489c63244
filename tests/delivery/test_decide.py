"""The rules: a verdict on one call → what the journal is told, what waits for when, whether the run goes on."""

from __future__ import annotations

import attrs
import pytest

from sinkkit import Outcome, Retry
from sinkkit.declaration.options import Options
from sinkkit.delivery.answers import checked
from sinkkit.delivery.decide import REFUSED_ALONE, REFUSED_WHOLE, Judge, Moment, Tally, to_keep
from sinkkit.delivery.load import most_rejected
from sinkkit.delivery.plan import Flight, Plan
from sinkkit.delivery.verdict import Fate, Verdict
from sinkkit.errors import CallFailed, Reject
from sinkkit.journal.moves import Pause, Postpone, Settle, Split
from sinkkit.journal.records import Counts, JobRecord
from sinkkit.journal.states import State

AT = Moment(now=100.0, wall=1_000_000.0)
JOB = JobRecord(id=1, load_id="load", name="t.1", table="t", row_count=100, first_index=500)
WAITED = 60.0


def judge(**options):
    """A judge for one package."""
    retry = Retry(first_wait=1.0, longest_wait=WAITED)
    settings = Options(**{"retry": retry, **options})
    return Judge(destination="crm", options=settings, plan=Plan(batch_size=10, next_id=50), tally=Tally())


def flight(rows=4, **known):
    """A batch that was just called for the first time."""
    return Flight(7, JOB, range(10, 10 + rows), "key", 1, **known)


def verdict(fate, **more):
    """The verdict on its call."""
    return Verdict(fate=fate, error=Reject("no"), reason="no", **more)


def decide(the_judge, batch, found):
    """What follows, with the rows that were read for it as far as the rules asked for them."""
    letters = {position: b'{"n":%d}' % position for position in to_keep(batch, found, the_judge.options)}
    return the_judge.decide(batch, found, letters, AT)


def states(decision):
    """The moves of a decision, in short: the state a batch goes to, and the kind of any other move."""
    return [move.target if isinstance(move, Postpone) else type(move) for move in decision.moves]


def keys(moves):
    """The keys of the children in *moves*."""
    return [child.key for move in moves if isinstance(move, Split) for child in move.children]


def test_an_answer_settles_what_it_says():
    """Delivered rows are counted, rejected ones become dead letters with their number in the table, the rest gets a batch of its own."""
    answer = Outcome({1: "bad"}, {0, 3}, {2: "id-2"}, metrics={"n": 2})
    decision = decide(judge(), flight(), Verdict(fate=Fate.ANSWERED, outcome=answer))
    (settle,) = decision.moves

    assert (settle.delivered, settle.receipts, settle.metrics) == (1, [(512, "id-2")], {"n": 2})
    assert [(letter.index, letter.row, letter.reason, letter.attempts) for letter in settle.rejected] == [(511, b'{"n":1}', "bad", 1)]
    assert (settle.child.ranges, settle.child.row_count, settle.child.attempts) == ("10,13", 2, 1)
    assert settle.child.key != "key"
    ((again, wait),) = decision.waiting
    assert (list(again.rows), again.failures, again.since) == ([10, 13], 1, State.PLANNED)
    assert 0 <= wait <= 1
    assert settle.child.not_before == AT.wall + wait


def test_rows_to_send_again_wait_as_long_as_was_asked():
    """`retry_after` of an outcome is the wait of its rows, and holds up no others."""
    decision = decide(judge(), flight(), Verdict(fate=Fate.ANSWERED, outcome=Outcome(retry={0}, retry_after=44)))

    assert (decision.waiting[0][1], decision.pause) == (44, None)


def test_rows_that_never_arrive_end_the_run():
    """When rows were to be sent again once too often, they stay planned, for at once, and the run halts."""
    decision = decide(judge(retry=Retry(attempts=3)), flight(failures=2), Verdict(fate=Fate.ANSWERED, outcome=Outcome(retry={0})))

    assert (decision.waiting, decision.moves[0].child.not_before) == ([], None)
    assert "did not arrive" in str(decision.halt)


@pytest.mark.parametrize(("fate", "ambiguous", "target"), [
    (Fate.ABSENT, False, State.PLANNED), (Fate.ABSENT, True, State.UNKNOWN), (Fate.AMBIGUOUS, False, State.UNKNOWN),
])  # fmt: skip
def test_a_retryable_failure_waits(fate, ambiguous, target):
    """What surely did not arrive waits as planned, what may have as unknown, and what once was doubtful stays so."""
    decision = decide(judge(), flight(ambiguous=ambiguous), verdict(fate))
    ((again, wait),) = decision.waiting

    assert states(decision) == [target]
    assert decision.moves[0].not_before == AT.wall + wait
    assert (again.since, again.failures, again.key, list(again.rows)) == (target, 1, "key", [10, 11, 12, 13])
    assert again.ambiguous == (ambiguous or fate is Fate.AMBIGUOUS)
    assert (decision.halt, decision.pause, decision.retry) == (None, None, wait)


@pytest.mark.parametrize(("fate", "ambiguous", "target"), [
    (Fate.ABSENT, False, State.PLANNED), (Fate.ABSENT, True, State.UNKNOWN), (Fate.AMBIGUOUS, False, State.UNKNOWN),
])  # fmt: skip
def test_attempts_used_up_halt(fate, ambiguous, target):
    """The last attempt ends the run; the batch waits for the next run, which need not wait for it."""
    decision = decide(judge(retry=Retry(attempts=3)), flight(failures=2, failing_since=90.0, ambiguous=ambiguous), verdict(fate))

    assert (states(decision), decision.moves[0].not_before, decision.waiting) == ([target], None, [])
    assert str(decision.halt) == "no"


@pytest.mark.parametrize("fate", [Fate.ABSENT, Fate.AMBIGUOUS])
def test_a_pause_is_honoured_and_not_charged(fate):
    """What the destination asks for holds for all its calls, in full, is kept in the journal, and costs no attempt."""
    decision = decide(judge(retry=Retry(attempts=1)), flight(), verdict(fate, after=3600.0))

    assert decision.moves[1] == Pause("crm", AT.wall + 3600, "no")
    assert (decision.pause, decision.halt, decision.waiting[0][1], decision.waiting[0][0].failures) == (3600, None, 3600, 0)


@pytest.mark.parametrize(("after", "since", "halts"), [(50.0, None, False), (61.0, None, True), (50.0, 80.0, True), (40.0, 80.0, False)])
def test_a_deadline_runs_from_the_first_failure(after, since, halts):
    """A wait that ends after the deadline ends the run instead, whoever asked for it."""
    decision = decide(judge(retry=Retry(deadline=60)), flight(failing_since=since), verdict(Fate.ABSENT, after=after))

    assert (decision.halt is not None, len(decision.waiting)) == (halts, 1 - halts)


def test_on_unknown_hold_puts_it_on_hold():
    """With `hold`, a batch that may have arrived is not tried again, and the run goes on without it."""
    decision = decide(judge(on_unknown="hold"), flight(), verdict(Fate.AMBIGUOUS))

    assert (states(decision), decision.waiting, decision.halt) == ([State.HELD], [], None)


@pytest.mark.parametrize(("ambiguous", "target"), [(False, State.PLANNED), (True, State.UNKNOWN)])
@pytest.mark.parametrize("fate", [Fate.REFUSED, Fate.STOP])
def test_a_refusal_halts_unless_told_otherwise(fate, ambiguous, target):
    """By default a refused batch waits for the next run, and the run halts; so does one that stops the run."""
    decision = decide(judge(), flight(ambiguous=ambiguous), verdict(fate))

    assert (states(decision), str(decision.halt), decision.rejected) == ([target], "no", 0)


def test_keep_makes_dead_letters():
    """With `keep`, all rows of the batch become dead letters with the reason and the error, and the run goes on."""
    decision = decide(judge(on_reject="keep"), flight(rows=2), verdict(Fate.REFUSED, status=400))
    (settle,) = decision.moves

    assert (decision.rejected, decision.halt) == (2, None)
    assert [(one.id, one.index, one.reason, one.error, one.status) for one in settle.rejected] == [
        ("load/t.1/10", 510, "no", "Reject", 400), ("load/t.1/11", 511, "no", "Reject", 400),
    ]  # fmt: skip


@pytest.mark.parametrize(("options", "fate"), [({"on_reject": "bisect"}, Fate.REFUSED), ({}, Fate.TOO_LARGE), ({"on_reject": "keep"}, Fate.TOO_LARGE)])
def test_halves(options, fate):
    """A batch refused while bisecting, or too large, becomes two with keys of their own, at once and without a charge."""
    decision = decide(judge(**options), flight(rows=5, failures=1), verdict(fate))

    assert [(list(half.rows), wait, half.failures) for half, wait in decision.waiting] == [([10, 11, 12], 0, 1), ([13, 14], 0, 1)]
    assert (states(decision), len(keys(decision.moves)), decision.halt) == ([Split], 2, None)
    assert [key for key in keys(decision.moves) if key == "key"] == []


@pytest.mark.parametrize("fate", [Fate.REFUSED, Fate.TOO_LARGE])
def test_what_was_ambiguous_is_never_halved(fate):
    """Rows of which some may have arrived are kept together as dead letters, and their reason says so."""
    decision = decide(judge(on_reject="bisect"), flight(rows=4, ambiguous=True), verdict(fate))

    assert (states(decision), decision.rejected) == ([Settle], 4)
    assert decision.moves[0].rejected[0].reason == "no (an earlier call for these rows may have arrived)"


def test_a_row_too_large_is_rejected():
    """A single row that the destination finds too large is a dead letter, also where refusals halt the run."""
    decision = decide(judge(), flight(rows=1), verdict(Fate.TOO_LARGE))

    assert (states(decision), decision.rejected, decision.halt) == ([Settle], 1, None)


@pytest.mark.parametrize(("options", "fate", "rows", "limit"), [
    ({"on_reject": "bisect"}, Fate.REFUSED, 1, REFUSED_ALONE), ({"on_reject": "keep"}, Fate.REFUSED, 4, REFUSED_WHOLE), ({}, Fate.TOO_LARGE, 1, REFUSED_ALONE),
])  # fmt: skip
@pytest.mark.parametrize("delivered", [0, 1])
def test_a_wrong_request_is_noticed(options, fate, rows, limit, delivered):
    """A run that has delivered nothing halts after 20 rows refused alone or 3 whole batches; one that has goes on."""
    one = judge(**options)
    one.tally.delivered = delivered
    halts = [decide(one, flight(rows=rows), verdict(fate)).halt is not None for _ in range(limit)]

    assert halts == [False] * (limit - 1) + [delivered == 0]


@pytest.mark.parametrize("fate", [Fate.REFUSED, Fate.ANSWERED])
def test_too_many_rejected_rows_halt(fate):
    """One dead letter more than `max_rejected` ends the run, whoever refused the rows; the cause is not lost."""
    one = judge(on_reject="keep", max_rejected=3)
    one.tally.most_rejected, one.tally.delivered = 3.0, 10
    found = verdict(fate, outcome=Outcome({0: "bad", 1: "bad"})) if fate is Fate.ANSWERED else verdict(fate)
    first, second = (decide(one, flight(rows=2), found).halt for _ in range(2))

    assert first is None
    assert "max_rejected=3" in str(second)
    assert isinstance(second.__cause__, Reject)


@pytest.mark.parametrize(("setting", "limit"), [(None, None), (7, 7), (0, 0), ("10%", 20), ("0.5 %", 1)])
def test_the_limit_counts_the_whole_package(setting, limit):
    """The limit is of rows or a share of the package's rows, less those that earlier runs rejected."""
    counts = {"a": Counts(extracted=150, rejected=2), "b": Counts(extracted=50, rejected=1)}

    assert most_rejected(setting, counts) == (None if limit is None else limit - 3)


def test_a_bug_leaves_the_batch_unknown():
    """An error that says nothing of the rows halts the run with the batch unknown."""
    decision = decide(judge(), flight(), verdict(Fate.BUG))

    assert (states(decision), decision.waiting, str(decision.halt)) == ([State.UNKNOWN], [], "no")


def test_a_probe_that_finds_nothing_sends_again():
    """A batch that did not arrive is planned again, at once, under its key."""
    decision = decide(judge(on_unknown="probe"), flight(since=State.UNKNOWN, ambiguous=True), verdict(Fate.NOT_THERE))

    assert states(decision) == [State.PLANNED]
    assert [(again.since, again.key, wait) for again, wait in decision.waiting] == [(State.PLANNED, "key", 0)]


def test_a_probe_that_fails_halts():
    """A probe that cannot say changes nothing in the journal and halts the run."""
    decision = decide(judge(on_unknown="probe"), flight(since=State.UNKNOWN), verdict(Fate.UNPROBED))

    assert (decision.moves, str(decision.halt)) == ([], "no")


@pytest.mark.parametrize("fate", list(Fate))
def test_every_fate_has_a_rule(fate):
    """There is no verdict that the rules do not know, and each leaves the batch in a state or settles it."""
    decision = decide(judge(), flight(), verdict(fate))

    assert len(decision.moves) == (0 if fate is Fate.UNPROBED else 1)
    assert decision.waiting or decision.halt is not None or fate is Fate.ANSWERED


WRONG = [
    (Outcome.reported([]), "reported 0 results for a batch of 3 rows"),
    (attrs.evolve(Outcome(), length=4), "reported 4 results"),
    (Outcome({3: "x"}), "names row 3 as rejected, and the batch has rows 0 to 2"),
    (Outcome({-1: "x"}), "names row -1"),
    (Outcome({"0": "x"}), "names row '0'"),
    (Outcome({True: "x"}), "names row True"),
    (Outcome(retry={5}), "names row 5 as retry"),
    (Outcome(receipts={9: "id"}), "names row 9 as receipts"),
    (Outcome({1: "x"}, {1}), "names row 1 as rejected and as retry"),
    (Outcome(retry={0}, retry_after="soon"), "retry_after='soon'"),
    (Outcome(retry={0}, retry_after=float("inf")), "retry_after=inf"),
    ("done", "answered with str"),
]


@pytest.mark.parametrize(("outcome", "message"), WRONG, ids=[message for _, message in WRONG])
def test_an_answer_that_cannot_be_true(outcome, message):
    """An answer about rows that the batch does not have, or that contradicts itself, is refused and named."""
    with pytest.raises(CallFailed, match=r"the (function|destination)") as wrong:
        checked(outcome, 3)

    assert message in str(wrong.value)
    assert wrong.value.hint
