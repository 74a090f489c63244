"""A sample of the seeds that `make simulate` tries; and defects made on purpose, each of which the oracle must see."""

from __future__ import annotations

import re

import attrs
import pytest
from simulation import Defect, simulate

from sinkkit import RetryLater
from sinkkit.delivery.choosing.sized import Sized
from sinkkit.delivery.decide import Decision, Judge
from sinkkit.delivery.dispatcher import Dispatcher
from sinkkit.delivery.limits.gate import Gate
from sinkkit.journal.moves import Pause, Settle, SettlePlain, Split
from sinkkit.rows import ALL_DELIVERED

SAMPLE, GROUP = 150, 15
MOST_SEEDS = 400
"""A defect that none of so many seeds shows is not seen at all."""


@pytest.mark.parametrize("first", range(0, SAMPLE, GROUP))
def test_the_laws_hold(first):
    """Whatever goes wrong and whenever the process dies, every row comes to one end, and nothing is repeated without need."""
    wrong = {seed: found for seed in range(first, first + GROUP) if (found := simulate(seed).seen.wrong)}

    assert wrong == {}, f"again, with all that happened: make simulate SEED={min(wrong)}"


@pytest.mark.parametrize("seed", [7, 225])
def test_a_seed_is_always_the_same(seed):
    """All that happens with a seed happens again with it, at the same times."""
    first, second = [], []
    simulate(seed, trace=first)
    simulate(seed, trace=second)

    assert first == second
    assert len(first) > 10


def without(kinds):
    """Moves of some kinds get lost."""
    return lambda moves: [move for move in moves if not isinstance(move, kinds)]


def settling(**changes):
    """Settlements are written otherwise; each change is a function of the settlement."""

    def changed(moves):
        return [
            attrs.evolve(move, **{name: change(move) for name, change in changes.items()}) if isinstance(move, Settle) else move for move in moves
        ]

    return changed


def all_lost(_):
    """A rejected row is lost on its way to the dead letters."""
    return ()


def other_reason(move):
    """The reason is one of ours."""
    return [attrs.evolve(letter, reason="it failed") for letter in move.rejected]


def other_row(move):
    """The letter holds another row."""
    return [attrs.evolve(letter, row=b'{"id": -1}') for letter in move.rejected]


def key_of_its_own(batch):
    """Each attempt has another key."""
    return batch if batch.attempt == 1 else attrs.evolve(batch, key=f"{batch.key}{batch.attempt}", read=batch._read)


def one_row_less(batch):
    """The last of several rows is not sent."""
    if len(batch.rows) == 1:
        return batch
    return attrs.evolve(batch, rows=batch.rows[:-1], read=lambda: batch.items[:-1])


def said(before, **after):
    """Something is taken for something else."""
    return lambda reply: attrs.evolve(reply, **after) if reply.said == before else reply


def nothing_rejected(reply):
    """Rows that are named as rejected are taken to be delivered."""
    return attrs.evolve(reply, outcome=ALL_DELIVERED) if reply.said == "answered" and reply.rejected else reply


def nothing_to_send_again(reply):
    """Rows that are to be sent again are taken to be delivered."""
    return attrs.evolve(reply, outcome=ALL_DELIVERED) if reply.said == "answered" and reply.retry else reply


def no_pause(dispatcher):
    """A pause is forgotten with the process that was asked for it."""
    dispatcher.paused_until = 0.0
    return dispatcher


def no_limit(dispatcher):
    """The limit is not kept."""
    dispatcher.limiter = None
    return dispatcher


def no_order(dispatcher):
    """Batches are cut without a look at the keys."""
    if dispatcher.plan.chooser is not None:
        left = [(job, [range(job.frontier, job.row_count)]) for job in dispatcher.journal.jobs(dispatcher.load_id) if job.frontier < job.row_count]
        dispatcher.plan.chooser = Sized(dispatcher.plan.batch_size, None, left)
    return dispatcher


class Blind(Dispatcher):
    """Does not see which rows do not fit."""

    def claim(self, grant, fitted):
        """Claim them all."""
        return super().claim(grant, [attrs.evolve(one, refused={}) for one in fitted])


def blind(dispatcher):
    """Another dispatcher hands out the work."""
    given = {field.alias: getattr(dispatcher, field.name) for field in attrs.fields(type(dispatcher)) if field.init}
    return Blind(**given)


def overtaking(dispatcher):
    """A batch that waits is overtaken, also where one worker keeps the order."""
    dispatcher.plan.in_order = False
    return dispatcher


def no_end_of_attempts(dispatcher):
    """A batch is tried again although its attempts are used up."""
    options = attrs.evolve(dispatcher.options, retry=attrs.evolve(dispatcher.options.retry, attempts=99, deadline=None))
    dispatcher.judge = attrs.evolve(dispatcher.judge, options=options)
    dispatcher.gate = Gate(attrs.evolve(dispatcher.gate.circuit, retry=options.retry), dispatcher.gate.window)
    return dispatcher


class OneByOne(Judge):
    """Looks for guilty rows one after another."""

    def _halve(self, flight):
        parts = [self.plan.child(flight, rows) for rows in (flight.rows[:1], flight.rows[1:])]
        return Decision(moves=[Split(flight.id, [new for new, _ in parts])], waiting=[(part, 0.0) for _, part in parts])


class Forgetful(Judge):
    """Does not know that an earlier call may have arrived."""

    def decide(self, flight, verdict, letters, at):
        """Decide as if this were the first call."""
        flight.ambiguous = False
        return super().decide(flight, verdict, letters, at)


def judged_by(kind):
    """Another judge decides."""

    def changed(dispatcher):
        judge = dispatcher.judge
        dispatcher.judge = kind(destination=judge.destination, options=judge.options, plan=judge.plan, tally=judge.tally)
        return dispatcher

    return changed


def sql(statement):
    """Something else writes to the journal's file."""

    def changed(journal):
        journal._write(lambda db: db.execute(statement))

    return changed


DEFECTS = {
    "settlements get lost": (Defect(moves=without((Settle, SettlePlain))), "sent again"),
    "settlements are written late": (Defect(lazy=True), "the journal does not know"),
    "pauses are not written": (Defect(moves=without(Pause), dispatcher=no_pause), "in a pause"),
    "pauses are not read": (Defect(dispatcher=no_pause), "in a pause"),
    "dead letters get lost": (Defect(moves=settling(delivered=lambda move: move.delivered + len(move.rejected), rejected=all_lost)), "were written"),
    "reasons are replaced": (Defect(moves=settling(rejected=other_reason)), "the destination said"),
    "dead letters hold other rows": (Defect(moves=settling(rejected=other_row)), "holds"),
    "receipts get lost": (Defect(moves=settling(receipts=all_lost)), "has the receipts"),
    "numbers get lost": (Defect(moves=settling(metrics=lambda _: {})), "sum up to"),
    "a repetition has another key": (Defect(batch=key_of_its_own), "came under key"),
    "a row is left out": (Defect(batch=one_row_less), "came with rows|came under key|sent again|never sent"),
    "an attempt is not counted": (Defect(batch=lambda batch: attrs.evolve(batch, attempt=1, read=batch._read)), "after attempt 1"),
    "doubt is taken for absence": (Defect(reply=said("ambiguous", error=RetryLater("busy"))), "were sent again"),
    "a refusal is taken for an answer": (Defect(reply=said("refused", error=None)), "were written"),
    "rejected rows count as delivered": (Defect(reply=nothing_rejected), "were written"),
    "rows to send again count as delivered": (Defect(reply=nothing_to_send_again), "were written"),
    "there is a worker too many": (Defect(workers=lambda count: count + 1), "calls at once"),
    "the limit is not kept": (Defect(dispatcher=no_limit), "the limit is"),
    "rows that do not fit are sent": (Defect(dispatcher=blind), "do not fit and were sent"),
    "keys overtake each other": (Defect(dispatcher=no_order), "of the same key|have keys"),
    "one worker does not keep the order": (Defect(dispatcher=overtaking), "were sent before"),
    "there is no end of attempts": (Defect(dispatcher=no_end_of_attempts), "failures in one run"),
    "guilty rows are looked for one by one": (Defect(dispatcher=judged_by(OneByOne)), "further batches"),
    "what may have arrived is halved": (Defect(dispatcher=judged_by(Forgetful)), "halved although|journal broke|worker broke"),
    "the accounts are wrong": (Defect(journal=sql("UPDATE batches SET delivered = 0 WHERE id = 3")), "and the journal says"),
    "repetitions are not counted": (Defect(journal=sql("UPDATE batches SET resent = 0")), "were sent again"),
    "what was settled is sent again": (
        Defect(journal=sql("UPDATE batches SET state = 0, delivered = 0 WHERE id = 1 AND state = 2 AND rejected = 0")),
        "sent again|settled twice",
    ),
}


SEEN_SOON = {"guilty rows are looked for one by one": 132, "settlements are written late": 63}
"""Seeds to begin with, where a defect takes long to show; any other would do too."""


@pytest.mark.parametrize("name", DEFECTS)
def test_the_oracle_sees(name):
    """Each defect makes some seed fail, and the oracle says what is wrong."""
    defect, words = DEFECTS[name]
    first = SEEN_SOON.get(name, 0)
    found = (what for seed in range(first, first + MOST_SEEDS) for what in simulate(seed, defect=defect).seen.wrong)

    assert next((what for what in found if re.search(words, what)), None) is not None
