"""Deliver one load package: put plan, judge, dispatcher, workers and engine together by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import attrs

from sinkkit.clock import Clock
from sinkkit.declaration.options import Options
from sinkkit.declaration.sink import on_loop
from sinkkit.delivery.call import Caller
from sinkkit.delivery.choosing.chooser import Facts, Segment
from sinkkit.delivery.choosing.picking import ReadFacts, chooser_for
from sinkkit.delivery.decide import Judge, Tally
from sinkkit.delivery.dispatcher import Dispatcher
from sinkkit.delivery.engine import Engine, Stop, in_thread, never
from sinkkit.delivery.limits.circuit import Circuit
from sinkkit.delivery.limits.gate import Gate
from sinkkit.delivery.limits.limiter import Limits
from sinkkit.delivery.on_loop.slots import Crew
from sinkkit.delivery.plan import Flight, Plan, flight_of
from sinkkit.delivery.worker import Fit, Worker
from sinkkit.events import Observer
from sinkkit.faults import Faults
from sinkkit.journal.moves import Postpone
from sinkkit.journal.protocol import Journal
from sinkkit.journal.records import Counts, JobRecord
from sinkkit.journal.states import State


@attrs.frozen(kw_only=True)
class Runtime:
    """Everything a run touches outside its own arguments, handed in."""

    clock: Clock
    journal: Journal
    observe: Observer
    faults: Faults
    stop: Stop


@attrs.frozen(kw_only=True)
class Load:
    """What is delivered: a package to a destination.

    Attributes:
        keep: Encodes one row of a batch, by position, for a dead letter.
        fit: Tells which rows of a batch are not to be sent, and why; None: all are.
        look: Job, rows, key column or None, whether sizes count: reads what batches are chosen by.
        tables: Only rows of these; None: of all.
        delivered: Rows that this run has delivered of other tables of the package.
    """

    load_id: str
    run: int
    destination: str
    options: Options
    caller: Caller
    keep: Callable[[Flight, int], bytes]
    look: ReadFacts
    limiter: Limits | None
    drain: float
    tables: frozenset[str] | None = None
    delivered: int = 0
    fit: Fit | None = None


def deliver(load: Load, runtime: Runtime) -> BaseException | None:
    """Deliver what is open of a package; returns why it halted, or None.

    Raises:
        JournalError: If the journal cannot be written; what it holds stays true.
    """
    dispatcher = dispatcher_for(load, runtime)
    sink = on_loop(load.caller.sink)
    crew = None if sink is None else Crew(sink, dispatcher, runtime.journal)
    engine = Engine(
        dispatcher=dispatcher,
        new_worker=lambda: worker_for(load, runtime, dispatcher),
        most=load.options.calls_at_once,
        timeout=load.options.timeout,
        drain=load.drain,
        clock=runtime.clock,
        stop=runtime.stop,
        launch=in_thread if crew is None else crew.launch,
        blocked=never if crew is None else crew.blocked,
    )
    try:
        engine.run()
    finally:
        if crew is not None:
            crew.close()
    if dispatcher.broken is not None:
        raise dispatcher.broken
    runtime.journal.flush(runtime.journal.submit([]))
    return dispatcher.halted


def dispatcher_for(load: Load, runtime: Runtime) -> Dispatcher:
    """The dispatcher of a load, with all that the journal says is open."""
    journal, clock = runtime.journal, runtime.clock
    plan = Plan(batch_size=load.options.batch_size, next_id=journal.next_batch_id(), in_order=load.options.workers == 1)
    jobs = journal.jobs(load.load_id)
    setting = load.options.max_rejected
    most = most_rejected(setting, {} if setting is None else journal.counts(load.load_id), sum(job.row_count for job in jobs if job.refused))
    tally = Tally(delivered=load.delivered, most_rejected=most)
    judge = Judge(destination=load.destination, options=load.options, plan=plan, tally=tally)
    pause = journal.pause_of(load.destination)
    jobs = [job for job in jobs if not job.refused and (load.tables is None or job.table in load.tables)]
    waiting = _wait_for_open(load, runtime, plan, {job.id: job for job in jobs})
    plan.chooser = chooser_for(load.options, load.look, journal, jobs, waiting)
    if plan.chooser is None:
        plan.add_jobs(jobs)
    return Dispatcher(
        plan=plan,
        judge=judge,
        options=load.options,
        journal=journal,
        clock=clock,
        observe=runtime.observe,
        run=load.run,
        load_id=load.load_id,
        gate=gate_for(load.options),
        limiter=load.limiter,
        fits=load.fit is not None,
        look=None if plan.chooser is None else partial(_look, load),
        paused_until=0.0 if pause is None else clock.now() + pause[0] - clock.wall(),
    )


def gate_for(options: Options) -> Gate:
    """A gate for one load: a destination that is down gets as much patience as a batch; the window is new each time."""
    circuit, adaptive = Circuit(options.retry), options.adaptive
    if adaptive is None:
        return Gate(circuit)
    from sinkkit.delivery.limits.adaptive.window import Window  # most runs have no use for it

    return Gate(circuit, Window(adaptive.min, adaptive.max))


def _wait_for_open(load: Load, runtime: Runtime, plan: Plan, jobs: Mapping[int, JobRecord]) -> list[Flight]:
    """Put the package's open batches into the plan and return them; those of unknown fate are put on hold where that is asked for."""
    clock = runtime.clock
    found: list[Flight] = []
    for record in runtime.journal.recover(load.load_id, load.run):
        if record.job not in jobs:
            continue
        flight = flight_of(record, jobs[record.job])
        found.append(flight)
        if record.state is State.UNKNOWN and load.options.on_unknown == "hold":
            runtime.journal.submit([Postpone(record.id, State.HELD, at=clock.wall())])
        elif record.state is not State.HELD:
            later = 0.0 if record.not_before is None else max(0.0, record.not_before - clock.wall())
            plan.wait(flight, clock.now() + later)
    return found


def _look(load: Load, segment: Segment) -> Facts:
    return load.look(segment.job.name, segment.rows, load.options.order_by, load.options.batch_bytes is not None)


def most_rejected(setting: int | str | None, counts: Mapping[str, Counts], refused: int = 0) -> float | None:
    """How many rows this run may reject: ``max_rejected`` of a package with *counts*, less those rejected already, but for those *refused* by contracts."""
    if setting is None:
        return None
    total = sum(count.extracted for count in counts.values())
    most = float(setting) if isinstance(setting, int) else float(setting.rstrip("% ")) / 100 * total
    return most + refused - sum(count.rejected for count in counts.values())


def worker_for(load: Load, runtime: Runtime, dispatcher: Dispatcher) -> Worker:
    """A worker of *dispatcher*."""
    return Worker(
        dispatcher=dispatcher,
        journal=runtime.journal,
        caller=attrs.evolve(load.caller, note=dispatcher.note),
        clock=runtime.clock,
        observe=runtime.observe,
        faults=runtime.faults,
        keep=load.keep,
        fit=load.fit,
        may_claim_many=load.options.on_unknown == "resend" and load.options.order_by is None and not dispatcher.counts_starts,
    )
