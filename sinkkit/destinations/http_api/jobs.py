"""A batch as a job: submitted once, remembered, asked after, and read when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import attrs
import httpx
import orjson

from sinkkit import Batch, Outcome, Reject, RetryLater, StillRunning, to_json
from sinkkit.destinations.http_api.answer_settings import Rules
from sinkkit.destinations.http_api.answers import UNKNOWN, among, message_of, outcome_of, read
from sinkkit.destinations.http_api.exchange import Said, exchange
from sinkkit.destinations.http_api.job_settings import JOB, Job, JobRequest
from sinkkit.destinations.http_api.places import MISSING, find
from sinkkit.destinations.http_api.requests import Request
from sinkkit.destinations.http_api.settings import Endpoint
from sinkkit.destinations.http_api.statuses import PASSING, SUCCESSFUL, seconds_asked
from sinkkit.destinations.http_api.targets import joined, leads_elsewhere
from sinkkit.errors import CallFailed

ACCEPTED = 202
"""The answer of a job that is not done, where nothing else says so (RFC 9110, 15.3.3)."""


class Step(StrEnum):
    """How far a job was brought."""

    CREATED = "created"
    UPLOADED = "uploaded"
    RUNNING = "running"


@attrs.frozen
class Remembered:
    """What a note says: the job's id, and how far it was brought."""

    job: str
    step: Step

    def note(self) -> str:
        """As the note that is kept."""
        return to_json({"job": self.job, "step": self.step}).decode()

    @classmethod
    def of(cls, note: str | None) -> Remembered | None:
        """What *note* says; None where there is none.

        Raises:
            CallFailed: If it is none of ours.
        """
        if note is None:
            return None
        try:
            said = orjson.loads(note)
            return cls(str(said["job"]), Step(said["step"]))
        except (ValueError, KeyError, TypeError):
            raise CallFailed(f"what is remembered of this batch is no job of this destination: {note!r}", hint=UNKNOWN) from None


def job_id(said: Any, place: str) -> str:
    """The id of the job that an answer speaks of.

    Raises:
        CallFailed: If it has none that could stand in a path.
    """
    found = find(said, place)
    if isinstance(found, bool) or not isinstance(found, str | int) or not str(found) or leads_elsewhere(str(found)):
        raise CallFailed(f"the answer has no id of a job at {place!r}", hint="the rows may have been taken; see job.id_at")
    return str(found)


def filled(text: str, job: str) -> str:
    """A path or URL with the id of *job* in it, as one segment."""
    return text.replace(f"{{{JOB}}}", quote(job, safe=""))


def request_of(endpoint: Endpoint, method: str, path: str, job: str, body: Mapping[str, Any] | None = None) -> Request:
    """A request about a job, without rows."""
    content = to_json(body) if body else b""
    headers = {"Content-Type": "application/json"} if content else {}
    return Request(method=method, url=filled(joined(endpoint.base_url, path), job), headers=headers, body=content, rows=())


def state_of(said: Any, status: int, job: Job, rows: int) -> bool:
    """Whether a job is done; False while it is running.

    Raises:
        Reject: If it failed.
        CallFailed: If it says something else, or went through other rows than were sent.
    """
    if not job.state_at:
        done = status != ACCEPTED
    else:
        state = find(said, job.state_at)
        if among(state, job.failed):
            raise Reject(f"the job {state}: {message_of(said, Rules(message_at=job.message_at))}")
        done = among(state, job.done)
        if not done and not among(state, job.running):
            what = "nothing" if state is MISSING else repr(state)
            raise CallFailed(f"the job says {what} at {job.state_at!r}, which is in none of running, done and failed", hint=UNKNOWN)
    if done and job.count_at and str(find(said, job.count_at)) != str(rows):
        raise CallFailed(f"the job went through {find(said, job.count_at)!r} rows, and {rows} were sent", hint=UNKNOWN)
    return done


@attrs.frozen(kw_only=True)
class Errand:
    """One batch, its request, and what it is carried out with."""

    request: Request
    items: Sequence[Mapping[str, Any]]
    endpoint: Endpoint
    job: Job
    batch: Batch
    http: httpx.Client
    check: Callable[[Said], None]

    def run(self) -> Outcome:
        """Bring the job as far as it can be brought now; what became of its rows when it is done.

        Raises:
            StillRunning: While it is running.
            Reject, RetryLater: If it failed, or the answer says so; nothing is remembered of it then.
            CallFailed: If an answer cannot be understood: the batch stays unknown, and the job remembered.
        """
        known = self._resumed(Remembered.of(self.batch.note)) or self._begin()
        try:
            if known.step is Step.CREATED:
                self._change(attrs.evolve(self.request, url=filled(self.request.url, known.job)))
                known = self._remember(known.job, Step.UPLOADED)
            if known.step is Step.UPLOADED:
                if self.job.start is not None:
                    self._change(self._about(self.job.start, known.job))
                known = self._remember(known.job, Step.RUNNING)
            return self._ask(known.job)
        except (Reject, RetryLater):
            self.batch.remember(None)
            raise

    def _resumed(self, known: Remembered | None) -> Remembered | None:
        """Where to go on with a job of an earlier call, of which the last step may have arrived or not; None: begin anew.

        A job that is started by a request of its own does nothing before that. So it is left to itself if an upload to it may
        have arrived, as APIs refuse a second one; and whether it was started is asked, as they refuse that twice, too.
        """
        if known is None or self.job.start is None or known.step is Step.RUNNING:
            return known
        if known.step is Step.CREATED:
            return None
        return self._remember(known.job, Step.RUNNING) if self._is_started(known.job) else known

    def _is_started(self, job: str) -> bool:
        if not self.job.state_at:
            return False
        said = self._question(self.job.status_path, job)
        return among(find(read(said.body, "json"), self.job.state_at), [*self.job.running, *self.job.done, *self.job.failed])

    def _begin(self) -> Remembered:
        create = self.job.create
        said = self._change(self.request if create is None else self._about(create, ""), wanted=True)
        job = job_id(read(said.body, "json"), self.job.id_at)
        return self._remember(job, Step.RUNNING if create is None else Step.CREATED)

    def _remember(self, job: str, step: Step) -> Remembered:
        known = Remembered(job, step)
        self.batch.remember(known.note())
        return known

    def _about(self, request: JobRequest, job: str) -> Request:
        return request_of(self.endpoint, request.method, request.path, job, request.body)

    def _change(self, request: Request, *, wanted: bool = False) -> Said:
        """Send a request that changes something; what is no success is raised, after a refusal nothing is remembered."""
        said = self._exchange(request, wanted=wanted)
        if self.batch.note is not None and said.status not in SUCCESSFUL and said.status not in PASSING:
            self.batch.remember(None)
        self.check(said)
        return said

    def _ask(self, job: str) -> Outcome:
        said = self._question(self.job.status_path, job)
        data = read(said.body, "json") if self.job.state_at or self.job.count_at else None
        if not state_of(data, said.status, self.job, len(self.items)):
            after = seconds_asked(said.headers)
            raise StillRunning(f"job {job} is running", after=self.job.poll_seconds if after is None else after)
        if not self.endpoint.answer.is_read:
            return Outcome()
        if self.job.results_path:
            said = self._question(self.job.results_path, job)
        return outcome_of(said.body, self.items, self.endpoint.answer, self.endpoint.statuses)

    def _question(self, path: str, job: str) -> Said:
        """Ask; an answer that is no success says nothing of the rows."""
        said = self._exchange(request_of(self.endpoint, "GET", path, job), wanted=True)
        if said.status in PASSING:
            said.raise_for_status()
        if said.status not in SUCCESSFUL:
            raise CallFailed(
                f"the API answered HTTP {said.status} to a question after job {job}: {said.text[:200]}",
                hint="the job is remembered: run again to ask again, or see at the API what became of it",
            )
        return said

    def _exchange(self, request: Request, *, wanted: bool) -> Said:
        answer = self.endpoint.answer
        return exchange(
            self.http,
            request,
            most_bytes=answer.most_bytes,
            most_seconds=answer.most_seconds,
            wanted=lambda status: wanted and status in SUCCESSFUL,
        )
