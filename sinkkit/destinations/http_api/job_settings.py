"""Bulk APIs that take rows as a job: the classes of settings under ``job``."""

from __future__ import annotations

import re
from typing import Any

import attrs

from sinkkit.destinations.http_api.records import record
from sinkkit.errors import ConfigError

JOB = "@job"
"""The placeholder ``{@job}`` in a path: the id of the job."""


@attrs.frozen(kw_only=True)
class JobRequest:
    """``job.create`` and ``job.start``: a request of its own, without rows.

    Attributes:
        path: Its path; ``{@job}`` in it is the job's id.
        method: Its method.
        body: Its body as JSON; without it, there is none.
    """

    path: str
    method: str = "POST"
    body: dict[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Check the path."""
        check_path(self.path, "path")


def as_job_request(value: Any) -> Any:
    """A mapping as ``JobRequest``; anything else as it is."""
    return record(JobRequest, value)


@attrs.frozen(kw_only=True)
class Job:
    """``job``: rows are taken as a job, which is asked after until it is done; then ``answer`` says what became of them.

    The id of the job is on disk before it is first asked after, so that a run that was killed asks after it too and submits nothing twice.

    Attributes:
        id_at: Where the answer that begins the job has its id.
        create: A request that begins the job, before the rows are uploaded to a path with ``{@job}`` in it; without it, the rows begin it.
        start: A request after the upload that lets it run; it does nothing before. A job to which an upload may have arrived is
            left to itself if nobody knows, and another one is created.
        status_path: Where it is asked after, with GET.
        state_at: Where the answer says how far it is; without it, status 202 means that it is running, another success that it is done.
        running: What stands there while it is running; what stands there before ``start`` is no such thing.
        done: What stands there when it is done.
        failed: What stands there when it failed as a whole: that refuses the batch.
        message_at: Where it says why it failed; the first of several places where something stands.
        count_at: Where it says how many rows it went through; any other number than were sent leaves the batch unknown.
        poll_seconds: Seconds between two questions, unless ``Retry-After`` says otherwise.
        results_path: Where ``answer`` is read when the job is done, with GET; without it, the answer that says so is read.
    """

    id_at: str = "id"
    create: JobRequest | None = attrs.field(default=None, converter=as_job_request)
    start: JobRequest | None = attrs.field(default=None, converter=as_job_request)
    status_path: str = ""
    state_at: str = ""
    running: list[Any] = attrs.field(factory=list)
    done: list[Any] = attrs.field(factory=list)
    failed: list[Any] = attrs.field(factory=list)
    message_at: list[str] = attrs.field(factory=list)
    count_at: str = ""
    poll_seconds: float = 5.0
    results_path: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot work."""
        check_path(self.status_path, "job.status_path")
        if f"{{{JOB}}}" not in self.status_path:
            raise ConfigError("job.status_path does not say after which job is asked", hint='write for example status_path = "/jobs/{@job}"')
        if self.results_path:
            check_path(self.results_path, "job.results_path")
        if bool(self.state_at) != bool(self.done):
            raise ConfigError("job.state_at and done belong together", hint='write state_at = "status" and done = ["completed"], or neither')
        if not self.poll_seconds >= 0:
            raise ConfigError("job.poll_seconds is a number of seconds, 0 or more", hint="write for example poll_seconds = 5")


def as_job(value: Any) -> Any:
    """A mapping as ``Job``; anything else as it is."""
    return record(Job, value)


def check_path(path: str, where: str) -> None:
    """Refuse a path that holds what none can, or fields of rows.

    Raises:
        ConfigError: If it does.
    """
    plain = path.replace(f"{{{JOB}}}", "")
    if not path or re.search(r"[\s#\\{}\x00-\x1f\x7f]", plain) or any(part in (".", "..") for part in plain.split("/")):
        raise ConfigError(f"{where}={path!r} is no path of a job", hint="write a path; the only placeholder is {@job}")
