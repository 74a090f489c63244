"""The oracle's last word: the books at the end of a run, and at the end of everything."""

from __future__ import annotations

import json
import math
from collections import Counter

from sinkkit.delivery.worker import CLAIM_SECONDS

LATEST_SECONDS = 4 * CLAIM_SECONDS
"""How long after its end the answer of a fast call may be unwritten: a claim, and two looks of the supervisor."""



def check_run(simulation, run):
    """A run reports the calls that the destination saw; one that was left may have claimed some more."""
    seen = simulation.seen
    reported = simulation.journal.run(run).calls
    if reported < seen.calls[run] or (simulation.ending is None and reported != seen.calls[run]):
        seen.accuse(f"run {run} reports {reported} calls, the destination saw {seen.calls[run]}")


def check_in_flight(simulation, batches, many):
    """Law L3: what a kill leaves in doubt is one batch a worker; with claims of *many*, those whose calls ended in the last moments."""
    seen, now = simulation.seen, simulation.hub.now
    if not many and len(batches) > seen.workers:
        seen.accuse(f"{len(batches)} batches in doubt after a kill of {seen.workers} workers")
    for key, attempt in batches:
        calls = seen.fates[key].calls if key in seen.fates else []
        behind = [call for call in calls[-1:] if call.attempt == attempt and call.ended is not None]
        if any(now - call.ended > LATEST_SECONDS + 3 * simulation.case.commit for call in behind):
            seen.accuse(f"{key[:6]} was answered at {behind[0].ended:.6f}, and the journal does not know at {now:.6f}")


def check_end(simulation):
    """Everything is settled: hold the journal against what the destination saw."""
    for check in (_each_row_once, _repeats_have_reasons, _accounts_agree, _dead_letters, _receipts_and_numbers, _bisecting_is_cheap):
        check(simulation)
    before = simulation.journal.counts("load")
    simulation.journal.complete("load", 0.0)
    if simulation.journal.counts("load") != before:
        simulation.seen.accuse(f"the counts of the finished package are {simulation.journal.counts('load')}, before {before}")


def _each_row_once(simulation):
    """Laws L2 and L3: every row has one end, and what was delivered has arrived."""
    seen = simulation.seen
    rows = list(range(simulation.case.rows))
    if sorted(seen.settled) != rows:
        seen.accuse(f"rows without an end: {[row for row in rows if row not in seen.settled]}")
    lost = [row for row, how in seen.settled.items() if how == "delivered" and row not in seen.accepted]
    if lost:
        seen.accuse(f"rows {lost} were counted as delivered and never arrived")


def _repeats_have_reasons(simulation):
    """What arrived more than once did so under one key, and no more often than there were doubts; a destination that knows keys has it once."""
    seen, case = simulation.seen, simulation.case
    for row, keys in seen.accepted.items():
        most = 1 if case.honours_keys or case.options.on_unknown == "probe" else 1 + seen.fates[keys[0]].doubts
        if len(set(keys)) > 1:
            seen.accuse(f"row {row} arrived under the keys {keys}")
        elif len(keys) > most:
            seen.accuse(f"row {row} arrived {len(keys)} times, {most} at most can be explained")


def _accounts_agree(simulation):
    """The journal counts what was seen, each table by itself; a repetition that was claimed and killed before its call may count as one."""
    seen = simulation.seen
    counts = simulation.journal.counts("load")
    for table, first in seen.first_of_table.items():
        rows = range(first, first + sum(simulation.case.tables[table]))
        how = Counter(seen.settled[row] for row in rows)
        found = counts[table]
        if (found.extracted, found.delivered, found.rejected) != (len(rows), how["delivered"], how["rejected"]):
            seen.accuse(f"the journal counts {found} for {table}, what was seen is {dict(how)}")
        least = len([row for row in rows if row in seen.repeated])
        most = len([row for row in rows if row in seen.repeated or row in seen.claimed_again])
        if not least <= found.resent <= most:
            seen.accuse(f"the journal says that {found.resent} rows of {table} were sent again, {least} were, {most} may have been")


def _dead_letters(simulation):
    """Dead letters are exactly the rows refused, each once, as it was given, with the destination's own reason."""
    seen, case = simulation.seen, simulation.case
    letters = list(simulation.journal.rejected())
    rows = [seen.first_of_table[letter.table] + letter.index for letter in letters]
    if sorted(rows) != sorted(row for row, how in seen.settled.items() if how == "rejected"):
        seen.accuse(f"the dead letters are rows {sorted(rows)}")
    for row, letter in zip(rows, letters, strict=True):
        if json.loads(letter.row) != {"id": row}:
            seen.accuse(f"the dead letter of row {row} holds {letter.row!r}")
        if _does_not_fit(simulation, row, letter):
            continue
        called = [fate for fate in seen.fates.values() if row in fate.rows and fate.key in seen.last_reply]
        fate = next((fate for fate in called if _is_last(simulation, fate)), None)
        if fate is None:
            seen.accuse(f"row {row} was rejected and never sent")
            continue
        reply = seen.last_reply[fate.key]
        reason = reply.rejected[fate.rows.index(row)] if reply.said == "answered" else reply.reason
        if letter.reason.removesuffix(" (an earlier call for these rows may have arrived)") != reason or letter.status != reply.status:
            seen.accuse(f"row {row} was rejected for {letter.reason!r} ({letter.status}), the destination said {reason!r} ({reply.status})")
        if fate.tainted or (case.options.on_reject == "keep" and reply.said == "refused"):
            continue
        if row not in case.poison and row not in case.huge:
            seen.accuse(f"row {row} was rejected and is not guilty")
        if row in seen.accepted:
            seen.accuse(f"row {row} was rejected and has arrived")


def _does_not_fit(simulation, row, letter):
    """Whether a row was refused before it was sent, in which case that is what its dead letter says."""
    misfit = row in (simulation.case.misfits or ())
    if misfit and (letter.reason != "it does not fit" or letter.status is not None):
        simulation.seen.accuse(f"row {row} was rejected for {letter.reason!r} ({letter.status}) and does not fit")
    return misfit


def _is_last(simulation, fate):
    """Whether a batch settled rows itself, rather than being halved."""
    return any(batch.key == fate.key and batch.over and batch.halved_for is None for batch in simulation.written.batches.values())


def _receipts_and_numbers(simulation):
    """Receipts and numbers are those of the answers that settled, each once."""
    seen, written = simulation.seen, simulation.written
    kept = [(seen.first_of_table[entry["table"]] + entry["index"], entry["receipt"]) for entry in simulation.journal.receipts()]
    if sorted(kept) != sorted(written.receipts.items()):
        seen.accuse(f"the journal has the receipts {sorted(kept)}, the destination gave {sorted(written.receipts.items())}")
    numbers = sum(run.metrics.get("sent", 0) for run in simulation.journal.runs())
    if numbers != written.numbers:
        seen.accuse(f"the numbers returned sum up to {numbers}, the destination gave {written.numbers}")


def _bisecting_is_cheap(simulation):
    """To find one guilty row among n takes no more than 2 * ceil(log2 n) further calls."""
    seen, batches = simulation.seen, simulation.written.batches
    for number, batch in batches.items():
        guilty = [row for row in batch.rows if row in simulation.case.poison]
        family = [other for other in batches.values() if other.root == number]
        if batch.root != number or len(guilty) != 1 or any(other.halved_for == "too large" for other in family):
            continue
        halves = 2 * len([other for other in family if other.halved_for is not None])
        if halves > 2 * math.ceil(math.log2(len(batch.rows))):
            seen.accuse(f"{halves} further batches to find one row among {len(batch.rows)}")
