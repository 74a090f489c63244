"""What a seed stands for: rows, options, the temper of the destination and of the machine. One line draws one thing."""

from __future__ import annotations

import math
from random import Random

import attrs

from sinkkit import RateLimit, Retry
from sinkkit.declaration.limits import Adaptive
from sinkkit.declaration.options import Options

NAMED = {
    "batch_size": lambda chance: chance.choice([1, 2, 3, 5, 8, 13, 25, 60]),
    "workers": lambda chance: chance.choice([1, 2, 3, 4, 6, Adaptive(1, 6)]),
    "order_by": lambda chance: chance.choice([None, None, "customer"]),
    "batch_bytes": lambda chance: chance.choice([None, None, 40, 600]),
    "on_reject": lambda chance: chance.choice(["halt", "keep", "bisect", "bisect"]),
    "on_unknown": lambda chance: chance.choice(["resend", "resend", "probe", "hold"]),
    "retry": lambda chance: Retry(
        attempts=chance.choice([1, 2, 3, 5, 8]),
        first_wait=chance.choice([0.01, 0.5, 3.0]),
        longest_wait=chance.choice([1.0, 60.0]),
        deadline=chance.choice([None, None, 5.0, 300.0]),
    ),
    "rate_limit": lambda chance: chance.choice([None, None, None, rate(chance)]),
    "idempotency_header": lambda chance: chance.choice([None, "Idempotency-Key"]),
}
"""Setting of a destination to how it is drawn. A new setting is a new line."""

REDRAWN = ("batch_size", "workers", "retry")
"""Settings that somebody may change between two runs; in order of a key, one worker or several are two different orders."""

FAULTS = (
    "no connection", "retry later", "lost on the way", "lost answer", "late", "busy", "busy until", "server error", "failed after",
    "stop", "bug before", "bug after", "wrong length", "garbage", "send some again", "second request fails", "probe fails", "conflict",
)  # fmt: skip
"""What may go wrong with one call; ``SimulatedApi`` knows what each is."""

CERTAIN = ("send some again", "late")
"""Faults of which a seed has one at most: a request that lands after the destination has said that it did not arrive proves nothing."""


def rate(chance):
    """A limit of calls, of rows, or of both."""
    calls, rows = chance.choice([(1, None), (4, None), (None, 20), (3, 15)])
    return RateLimit(calls=calls, rows=rows, per=chance.choice([0.1, 1.0, 30.0]))


def spread(chance, most):
    """A whole number from 1 to *most*: of each order of magnitude as many."""
    return max(1, min(most, int(math.exp(chance.uniform(0, math.log(most + 1))))))


@attrs.frozen(kw_only=True)
class Case:
    """One seed.

    Attributes:
        tables: Rows of each file, by table.
        customers: The key of each row, for ``order_by``.
        sizes: The bytes of each row, for ``batch_bytes``.
        options: The settings of the first run.
        poison: Rows that the destination refuses, by their id.
        huge: Rows that are too large for any request.
        misfits: Rows that do not fit their class and are not to be sent; None: rows are dicts, and nobody looks at them first.
        calm_at: When faults, kills and what may be mended end, in seconds.
        fault_share: How many calls something goes wrong with.
        outage: From when to when nothing gets there at all, in seconds.
        faults: What may go wrong.
        latency: Seconds that a request takes on its way, on average.
        commit: Seconds that a commit takes.
        size_limit: The most rows a request may have.
        by_row: Whether the destination answers for each row; otherwise poison makes it refuse the whole request.
        honours_keys: Whether it knows a key again.
        kills: How many times the process ends before its work is done.
        patience: How many steps it makes before that, on average.
    """

    seed: int
    tables: dict[str, list[int]]
    customers: list[int]
    sizes: list[int]
    options: Options
    poison: list[int]
    huge: list[int]
    misfits: list[int] | None
    calm_at: float
    fault_share: float
    outage: tuple[float, float]
    faults: list[str]
    latency: float
    commit: float
    size_limit: int | None
    by_row: bool
    honours_keys: bool
    kills: int
    patience: float

    @property
    def rows(self):
        """How many rows there are."""
        return sum(map(sum, self.tables.values()))

    @property
    def mended(self):
        """Whether what the destination refuses as a whole is mended in the end: nothing else ends a run that halts over it."""
        return self.options.on_reject == "halt"


def case_of(seed):
    """Everything that *seed* decides beforehand."""
    chance = Random(f"case {seed}")
    rows = spread(chance, 300)
    options = Options(durability="process", **{name: draw(chance) for name, draw in NAMED.items()})
    share = chance.choice([0.0, 0.0, 0.02, 0.2])
    heavy = chance.choice([0.0, 0.0, 0.02])
    guilty = [chance.randrange(rows)] if chance.random() < 0.3 else [row for row in range(rows) if chance.random() < share]
    return Case(
        seed=seed,
        tables=cut_up(chance, rows),
        customers=customers_of(chance, rows),
        sizes=[spread(chance, 100) for _ in range(rows)],
        options=options,
        poison=guilty,
        huge=[row for row in range(rows) if chance.random() < heavy],
        misfits=misfits_of(Random(f"misfits {seed}"), rows),
        calm_at=chance.choice([2.0, 30.0, 400.0]),
        fault_share=chance.choice([0.0, 0.05, 0.25, 0.6]),
        outage=outage_of(chance),
        faults=faults_of(chance, options),
        latency=chance.choice([0.0, 0.0002, 0.0002, 0.02, 0.5, 3.0]),
        commit=chance.choice([0.0, 0.0, 0.002]),
        size_limit=chance.choice([None, None, None, 1, 4, 20]),
        by_row=chance.random() < 0.4,
        honours_keys=options.idempotency_header is not None and chance.random() < 0.5,
        kills=chance.choice([0, 0, 1, 2, 6]),
        patience=chance.choice([4.0, 25.0, 120.0]),
    )


def misfits_of(chance, rows):
    """No class, one that all rows fit, or one that some or most do not."""
    share = chance.choice([None, None, None, 0.0, 0.02, 0.3, 0.9])
    return None if share is None else [row for row in range(rows) if chance.random() < share]


def redrawn(options, chance):
    """*options* as somebody may have changed them before the next run."""
    names = [name for name in REDRAWN if chance.random() < 0.2 and (name != "workers" or options.order_by is None)]
    return attrs.evolve(options, **{name: NAMED[name](chance) for name in names}) if names else options


def outage_of(chance):
    """When the destination is down, if ever; it may be so before the first call."""
    start = chance.choice([0.0, chance.expovariate(1.0)])
    return start, start + chance.choice([0.0, 0.0, 0.0, 1.0, 20.0, 200.0])


def customers_of(chance, rows):
    """The key of each row: few of them, many, or one that has most rows."""
    many = chance.choice([1, 3, 20, rows])
    favourite = chance.choice([0.0, 0.0, 0.7])
    return [0 if chance.random() < favourite else chance.randrange(many) for _ in range(rows)]


def faults_of(chance, options):
    """Some of the faults: a seed with few of them finds what hides behind others."""
    kinds = [kind for kind in FAULTS if chance.random() < chance.choice([0.15, 0.5])]
    banned = [kind for kind in CERTAIN if kind in kinds][1:]
    if options.on_unknown == "probe":
        banned.append("late")  # a probe answers for what has landed
    return [kind for kind in kinds if kind not in banned]


def cut_up(chance, rows):
    """*rows* rows in files of up to three tables."""
    tables = {}
    names = ["contacts", "orders", "visits"][: chance.randint(1, 3)]
    most = chance.choice([7, 40, rows])
    left = rows
    for number, name in enumerate(names):
        mine = left if number == len(names) - 1 else chance.randint(0, left)
        left -= mine
        if mine:
            tables[name] = [min(most, mine - first) for first in range(0, mine, most)]
    return tables
