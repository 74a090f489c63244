"""Batches that a destination works on for a while: remembered, asked after, also by the next process; and rows that a call did not send."""

from __future__ import annotations

import asyncio
import threading

import pytest

import sinkkit
from sinkkit import Outcome, RetryLater, StillRunning
from sinkkit.errors import CallFailed, DeliveryFailed


class Bureau:
    """A destination that takes jobs and answers when asked often enough."""

    def __init__(self, polls=2):
        self.lock = threading.Lock()
        self.polls = polls
        self.submitted = []
        self.asked = {}
        self.most_open = 0

    def submit(self, rows):
        """Take a job; its id."""
        with self.lock:
            self.submitted.append([row["value"] for row in rows])
            job = f"job-{len(self.submitted)}"
            self.asked[job] = 0
            self.most_open = max(self.most_open, sum(asked < self.polls for asked in self.asked.values()))
            return job

    def done(self, job):
        """Whether it is done, one question further."""
        with self.lock:
            self.asked[job] += 1
            return self.asked[job] >= self.polls


def destination_of(bureau, **settings):
    """A function as a user would write it."""

    @sinkkit.destination(batch_size=2, **settings)
    def jobs(items, batch: sinkkit.Batch):
        if batch.note is None:
            batch.remember(bureau.submit(items))
        if not bureau.done(batch.note):
            raise StillRunning(f"{batch.note} is running", after=0)

    return jobs


def test_a_job_is_submitted_once_and_asked_after():
    """A batch whose job is still running is called again with its note, however often, without using up attempts."""
    bureau = Bureau(polls=20)

    info = sinkkit.pipeline("p", destination=destination_of(bureau, retry=sinkkit.Retry(attempts=1))).run(range(10), table_name="t")

    assert info.tables["t"].delivered == 10
    assert sorted(bureau.submitted) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert list(bureau.asked.values()) == [20] * 5


def test_no_more_jobs_are_open_than_there_are_workers():
    """A job that is running takes the place of a worker."""
    bureau = Bureau(polls=3)

    sinkkit.pipeline("p", destination=destination_of(bureau, workers=2)).run(range(20), table_name="t")

    assert (len(bureau.submitted), bureau.most_open) == (10, 2)


def test_coroutines_remember_too():
    """A coroutine remembers as a function does."""
    bureau = Bureau(polls=3)

    @sinkkit.destination(batch_size=2)
    async def jobs(items, batch: sinkkit.Batch):
        if batch.note is None:
            await asyncio.to_thread(batch.remember, bureau.submit(items))
        if not bureau.done(batch.note):
            raise StillRunning("running", after=0)

    info = sinkkit.pipeline("p", destination=jobs).run(range(10), table_name="t")

    assert (info.tables["t"].delivered, len(bureau.submitted), list(bureau.asked.values())) == (10, 5, [3] * 5)


def test_the_next_run_finds_the_note():
    """After a halt, a later run asks after the job that an earlier one submitted; that counts as no row sent again."""
    bureau = Bureau(polls=1)
    broken = threading.Event()

    @sinkkit.destination(batch_size=2)
    def jobs(items, batch: sinkkit.Batch):
        if batch.note is None:
            batch.remember(bureau.submit(items))
        if not broken.is_set():
            broken.set()
            raise ValueError("a bug")

    with pytest.raises(DeliveryFailed) as caught:
        sinkkit.pipeline("p", destination=jobs).run([1, 2], table_name="t")
    info = sinkkit.pipeline("p", destination=jobs).resume()

    assert caught.value.info.tables["t"].unknown == 2
    assert (info.tables["t"].delivered, info.tables["t"].resent, bureau.submitted) == (2, 0, [[1, 2]])


def test_a_note_can_be_taken_back():
    """A job that failed is forgotten, and the batch submitted anew."""
    seen = []

    @sinkkit.destination(retry=sinkkit.Retry(first_wait=0))
    def jobs(items, batch: sinkkit.Batch):
        seen.append(batch.note)
        if batch.note == "job-1":
            batch.remember(None)
            raise RetryLater("job-1 failed")
        batch.remember("job-1" if len(seen) == 1 else "job-2")
        if len(seen) == 1:
            raise StillRunning("running", after=0)

    sinkkit.pipeline("p", destination=jobs).run([1], table_name="t")

    assert seen == [None, "job-1", None]


def test_a_probe_sees_the_note():
    """What asks after a batch of unknown fate is told what was remembered of it."""
    seen = []

    @sinkkit.destination(on_unknown="probe")
    def jobs(items, batch: sinkkit.Batch):
        batch.remember("job-1")
        raise TimeoutError("no answer")

    @jobs.probe
    def arrived(batch):
        seen.append(batch.note)
        return Outcome()

    sinkkit.pipeline("p", destination=jobs).run([1], table_name="t")

    assert seen == ["job-1"]


def test_what_cannot_be_remembered_is_refused():
    """A note that is no text, holds a secret, or comes after the call, is an error of ours."""
    kept = []

    @sinkkit.destination
    def jobs(items, key: sinkkit.Secret, batch: sinkkit.Batch):
        for wrong in (7, f"bearer {key.reveal()}"):
            with pytest.raises(CallFailed) as caught:
                batch.remember(wrong)
            kept.append(caught.value.hint)
        kept.append(batch)

    sinkkit.pipeline("p", destination=jobs(key="key-of-many-letters")).run([1], table_name="t")

    with pytest.raises(CallFailed, match="over"):
        kept[-1].remember("late")
    assert [hint is not None for hint in kept[:2]] == [True, True]


@pytest.mark.parametrize("after", [None, -1, float("nan"), "5"])
def test_a_wait_that_is_none_halts_the_run(after):
    """StillRunning has to say when to ask again."""

    @sinkkit.destination
    def jobs(items):
        raise StillRunning("running", after=after)

    with pytest.raises(DeliveryFailed) as caught:
        sinkkit.pipeline("p", destination=jobs).run([1], table_name="t")

    assert "StillRunning" in str(caught.value.__cause__)


def test_rows_that_were_not_sent_go_out_in_calls_of_their_own():
    """Each unsent group is a batch of its own, whose first call is its first attempt."""
    calls = []
    lock = threading.Lock()

    @sinkkit.destination(batch_size=6, retry=sinkkit.Retry(attempts=1))
    def by_parity(items, batch: sinkkit.Batch):
        values = [row["value"] for row in items]
        with lock:
            calls.append((values, batch.attempt, batch.key))
        groups = [[i for i, value in enumerate(values) if value % 3 == rest] for rest in range(3)]
        first, *others = [group for group in groups if group]
        return Outcome(receipts={i: f"r{values[i]}" for i in first}, rejected={}, unsent=others)

    pipeline = sinkkit.pipeline("p", destination=by_parity)
    info = pipeline.run(range(6), table_name="t")

    assert info.tables["t"].delivered == 6
    assert calls[0][:2] == ([0, 1, 2, 3, 4, 5], 1)
    assert sorted(call[:2] for call in calls[1:]) == [([1, 4], 1), ([2, 5], 1)]
    assert len({key for _, _, key in calls}) == 3


@pytest.mark.parametrize("outcome", [{"unsent": [[0, 1]]}, {"unsent": [[]]}, {"unsent": [[0], [0]]}, {"unsent": [[0]], "rejected": {0: "x"}}, {"unsent": [[2]]}])
def test_unsent_rows_must_be_some_of_the_batch(outcome):
    """A call that sent nothing, or names a row twice or one that is not there, leaves the batch unknown."""

    @sinkkit.destination(batch_size=2)
    def odd(items):
        return Outcome(**outcome)

    with pytest.raises(DeliveryFailed) as caught:
        sinkkit.pipeline("p", destination=odd).run([1, 2], table_name="t")

    assert caught.value.info.tables["t"].unknown == 2
