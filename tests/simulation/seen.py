"""The oracle, first half: it sees every call, every answer and every commit, and objects at once to what must not be."""

from __future__ import annotations

from collections import Counter, deque

import attrs

from sinkkit.testing.clock import START

TOLERANCE = 1e-4
"""Seconds that two clocks may be apart: wall time is a large number with few digits behind the point."""

DEFINITE = ("answered", "refused", "too large")
"""Ends after which a batch is not sent again."""


@attrs.define(eq=False)
class Call:
    """One call of the function or of the probe; *said* is what its end proves, None while it runs and for ever if it was killed."""

    key: str
    rows: list[int]
    attempt: int
    run: int
    process: int
    began: float
    probe: bool
    said: str | None = None
    ended: float | None = None
    reply: object = None


@attrs.define(eq=False)
class Fate:
    """What is known of one batch.

    Attributes:
        calls: Calls so far, probes apart.
        unclear: Whether nobody knows whether it arrived: the next call is a repetition.
        tainted: Whether that was so once, for it or for the batch it came from.
        doubts: How many calls ended so that it may or may not have arrived.
    """

    key: str
    rows: list[int]
    calls: list[Call] = attrs.field(factory=list)
    unclear: bool = False
    tainted: bool = False
    doubts: int = 0


@attrs.define(eq=False)
class Seen:
    """Everything that happened in one simulation, and what was wrong with it.

    Attributes:
        accepted: Row to the keys under which the destination took it.
        repeated: Rows that were sent again after nobody knew whether they had arrived.
        claimed_again: Rows that were about to be, when the process died.
        settled: Row to its end, from what is durable.
        answered: Rows of which this process knows the end, durable or not.
        set_aside: Rows on hold.
        pauses: Process, beginning and end of each time without calls that was asked for.
        charged: Failures by key and run.
        trace: What happened, line by line, if somebody wants to read it.
    """

    case: object
    first_of_table: dict[str, int]
    workers: int = 1
    limit: object = None
    attempts: int = 1
    in_order: bool = False
    adaptive: bool = False
    on_reject: str = "halt"
    on_unknown: str = "resend"
    process: int = 0
    run: int = 0
    wrong: list[str] = attrs.field(factory=list)
    fates: dict[str, Fate] = attrs.field(factory=dict)
    key_of_rows: dict[tuple[int, ...], str] = attrs.field(factory=dict)
    last_reply: dict[str, object] = attrs.field(factory=dict)
    accepted: dict[int, list[str]] = attrs.field(factory=dict)
    running: list[Call] = attrs.field(factory=list)
    repeated: set[int] = attrs.field(factory=set)
    claimed_again: set[int] = attrs.field(factory=set)
    settled: dict[int, str] = attrs.field(factory=dict)
    answered: set[int] = attrs.field(factory=set)
    set_aside: set[int] = attrs.field(factory=set)
    pauses: list[tuple[int, float, float]] = attrs.field(factory=list)
    calls: Counter = attrs.field(factory=Counter)
    charged: Counter = attrs.field(factory=Counter)
    trace: list[str] | None = None
    lane_of: list[tuple[str, int]] = attrs.field(factory=list, init=False)
    lanes: dict[tuple[str, int], list[int]] = attrs.field(factory=dict, init=False)
    _starts: deque = attrs.field(factory=deque)

    def __attrs_post_init__(self):
        tables = sorted(self.first_of_table.items(), key=lambda entry: entry[1])
        for row, customer in enumerate(self.case.customers):
            lane = ([name for name, first in tables if first <= row][-1], customer)
            self.lane_of.append(lane)
            self.lanes.setdefault(lane, []).append(row)

    def accuse(self, what):
        """Note that something was wrong."""
        self.wrong.append(what)
        self.note(f"!!! {what}")

    def note(self, line):
        """Keep a line for people, if they asked for it."""
        if self.trace is not None:
            self.trace.append(line)

    def begin_process(self, run, options):
        """A process begins to deliver, with *options*."""
        self.process += 1
        self.run = run
        self.workers, self.limit = options.calls_at_once, options.rate_limit
        parks = options.on_unknown == "hold" and options.order_by is not None  # what is on hold keeps its key's rows back, and no others
        self.attempts, self.in_order = options.retry.attempts, options.workers == 1 and not parks
        self.adaptive = options.adaptive is not None
        self.on_reject, self.on_unknown = options.on_reject, options.on_unknown
        self.running.clear()
        self._starts.clear()
        self.answered = set(self.settled)
        held = [fate for fate in self.fates.values() if fate.unclear and self.on_unknown == "hold"]
        self.set_aside = {row for fate in held for row in fate.rows}

    def fate(self, key, rows):
        """What is known of the batch *key*; its rows and its key belong together for ever."""
        found = self.fates.get(key)
        if found is None:
            found = self.fates[key] = Fate(key, rows)
        if found.rows != rows:
            self.accuse(f"key {key[:6]} came with rows {short(rows)}, before with {short(found.rows)}")
        before = self.key_of_rows.setdefault(tuple(rows), key)
        if before != key:
            self.accuse(f"rows {short(rows)} came under key {key[:6]}, before under {before[:6]}")
        return found

    def began(self, batch, rows, now, *, probe):
        """A call begins: the function, or the probe, has been entered."""
        fate = self.fate(batch.key, rows)
        call = Call(batch.key, rows, batch.attempt, self.run, self.process, now, probe)
        self.note(f"{now:.6f} {'probe' if probe else 'call'} {batch.key[:6]} rows {short(rows)} attempt {batch.attempt}")
        self._limits(call, now)
        if not probe:
            self._may_be_sent(fate, call)
            if fate.unclear:
                self.repeated.update(rows)
            fate.calls.append(call)
            self.calls[self.run] += 1
        self.running.append(call)
        return call

    def _limits(self, call, now):
        """Law L11: calls at once, calls and rows in a window, no calls in a pause."""
        if len(self.running) >= self.workers:
            self.accuse(f"{len(self.running) + 1} calls at once with {self.workers} workers")
        if any(since + TOLERANCE < now < until - TOLERANCE for _, since, until in self.pauses):
            self.accuse(f"a call at {now:.6f} in a pause")
        if self.limit is None:
            return
        starts, limit = self._starts, self.limit
        starts.append((now, len(call.rows)))
        while starts[0][0] <= now - limit.per:
            starts.popleft()
        rows = sum(size for _, size in starts)
        if limit.calls is not None and len(starts) > limit.calls:
            self.accuse(f"{len(starts)} calls in {limit.per} s, the limit is {limit.calls}")
        if limit.rows is not None and rows > limit.rows and len(starts) > 1:
            self.accuse(f"{rows} rows in {limit.per} s, the limit is {limit.rows}")

    def _may_be_sent(self, fate, call):
        """Law L2: what was answered is not sent again; law L10: not before those that it must wait for."""
        misfits = [row for row in call.rows if row in (self.case.misfits or ())]
        if misfits:
            self.accuse(f"rows {short(misfits)} do not fit and were sent")
        last = fate.calls[-1] if fate.calls else None
        if last is not None and last.attempt >= call.attempt:
            self.accuse(f"attempt {call.attempt} of {fate.key[:6]} after attempt {last.attempt}")
        if last is not None and last.said in DEFINITE and not fate.unclear and not self._once_more(fate, last, call):
            self.accuse(f"{fate.key[:6]} was sent again after its last call was {last.said}")
        again = [row for row in call.rows if row in self.answered]
        if again:
            self.accuse(f"rows {short(again)} were sent again although it was known what became of them")
        twice = [row for other in self.running for row in other.rows if row in set(call.rows)]
        if twice:
            self.accuse(f"rows {short(twice)} were in two calls at once")
        if self.charged[call.key, call.run] >= self.attempts:
            self.accuse(f"{fate.key[:6]} was called again after {self.attempts} failures in one run")
        if self.case.options.order_by is not None:
            self._in_turn(call.rows)
        if self.in_order:
            early = [row for row in range(call.rows[0]) if row not in self.answered and row not in self.set_aside]
            if early:
                self.accuse(f"rows {short(call.rows)} were sent before {short(early)}")

    def _in_turn(self, rows):
        """Law L10: at most one row of a key in a call, and none before those of its key that came before it."""
        lanes = [self.lane_of[row] for row in rows]
        if len(set(lanes)) != len(lanes):
            self.accuse(f"rows {short(rows)} have keys {lanes}")
        for row, lane in zip(rows, lanes, strict=True):
            early = [other for other in self.lanes[lane] if other < row and other not in self.answered]
            if early:
                self.accuse(f"row {row} was sent before {short(early)} of the same key")

    def ended(self, call, reply, now):
        """A call ends with *reply*."""
        if reply.until is not None:
            reply.after = max(0.0, reply.until - START - now)
        call.said, call.ended, call.reply = reply.said, now, reply
        self.note(f"{now:.6f} {'probe ' if call.probe else ''}{call.key[:6]} {reply}")
        self.running.remove(call)
        self.last_reply[call.key] = reply
        fate = self.fates[call.key]
        if call.probe:
            self._probed(fate, reply)
            return
        if reply.said in {"ambiguous", "bug"}:
            fate.doubts += 1
            fate.unclear = fate.tainted = True
            self.set_aside.update(fate.rows if self.on_unknown == "hold" else ())
        elif reply.said in {"absent", "stop"} or self._halts(fate, reply.said):
            fate.unclear = fate.tainted
        else:
            fate.unclear = False
            self._learn(fate, reply)
        free = reply.after or (self.adaptive and reply.said == "absent")  # a window that was too large is nobody's failure
        self.charged[call.key, call.run] += reply.said in {"absent", "ambiguous"} and not free
        if reply.after:
            self.pauses.append((self.process, now, now + reply.after))

    def _probed(self, fate, reply):
        if reply.said == "not there":
            fate.unclear = False
        elif reply.said == "answered":
            fate.unclear = False
            self._learn(fate, reply)

    def _learn(self, fate, reply):
        """The worker knows what became of rows, and the journal will when it is written."""
        again = {fate.rows[i] for i in reply.retry}
        if not self.halves(fate, reply.said):
            self.answered.update(row for row in fate.rows if row not in again)

    def halves(self, fate, said):
        """Whether a batch becomes two: for its size, or to find the guilty rows; never once it may have arrived."""
        wanted = said == "too large" or (said == "refused" and self.on_reject == "bisect")
        return wanted and len(fate.rows) > 1 and not fate.tainted

    def _once_more(self, fate, last, call):
        """Whether a definite end of the *last* call leaves the batch as it was: all to be sent again, or refused and left to the next run."""
        if last.said == "answered":
            return len(last.reply.retry) == len(call.rows)
        return self._halts(fate, last.said) and last.run != call.run

    def _halts(self, fate, said):
        """Whether what was said of a batch ends the run and leaves it as it was."""
        refused = said == "refused" or (said == "too large" and len(fate.rows) > 1 and fate.tainted)
        return refused and self.on_reject == "halt"

    def landed(self, key, rows):
        """The destination took *rows* of a request."""
        self.note(f"    {key[:6]}: the destination takes {short(rows)}")
        for row in rows:
            self.accepted.setdefault(row, []).append(key)

    def process_ended(self, in_flight, *, durable_until):
        """The process is gone; *in_flight* are the keys and rows of batches that the journal has in flight, or was told are unknown."""
        self.note(f"--- process {self.process} ended, in flight: {[key[:6] for key, _ in in_flight]}")
        for key, rows in in_flight:
            fate = self.fate(key, rows)
            fate.doubts += 1
            self.claimed_again.update(rows if fate.unclear else ())
            fate.unclear = fate.tainted = True
            for call in fate.calls[-1:]:
                call.said = None
        self.running.clear()
        self.pauses = [(process, since, until) for process, since, until in self.pauses if until <= durable_until + TOLERANCE]


def short(rows):
    """Row numbers for people."""
    rows = sorted(rows)
    if not rows:
        return "none"
    return str(rows[0]) if len(rows) == 1 else f"{rows[0]}..{rows[-1]} ({len(rows)})"
