"""What ``sinkkit.destinations.rest`` can be told: classes of settings, each checked when it is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import attrs
import httpx

from sinkkit.destinations.http_api.answer_settings import Answer, as_answer
from sinkkit.destinations.http_api.job_settings import JOB, Job, as_job
from sinkkit.destinations.http_api.places import put
from sinkkit.destinations.http_api.records import record
from sinkkit.destinations.http_api.templates import read, templates_in
from sinkkit.errors import ConfigError

NO_ADDRESS = (
    'write base_url = "https://api.example.com/v2" under [destination.NAME] in .sinkkit/config.toml, or set DESTINATION__NAME__BASE_URL; '
    "NAME is what the destination is called"
)
"""What to do where there is nowhere to send to."""

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A method, or the name of a header (RFC 9110, 5.6.2)."""

PLAIN_URL = re.compile(r"https?://[^\s/?#\\]+(/[^\s?#\\]*)?")



@attrs.frozen(kw_only=True)
class Statuses:
    """What status codes mean, where that is not what docs/reference/delivery.md says of them.

    Attributes:
        delivered: As good as a success, such as 404 for a row that is to be deleted.
        retry: Nothing arrived; try again.
        refused: Refused, definitely.
        halt: Nothing arrived; stop the run.
        read: The answer is read as that of a success is, for APIs that answer 400 or 422 with a result for each row.
    """

    delivered: list[int] = attrs.field(factory=list)
    retry: list[int] = attrs.field(factory=list)
    refused: list[int] = attrs.field(factory=list)
    halt: list[int] = attrs.field(factory=list)
    read: list[int] = attrs.field(factory=list)

    def name(self, status: int) -> bool:
        """Whether they say of *status* what it means."""
        return status in self.delivered or status in self.retry or status in self.refused or status in self.halt

    def __attrs_post_init__(self) -> None:
        """Check every code."""
        every = [*self.delivered, *self.retry, *self.refused, *self.halt, *self.read]
        wrong = [code for code in every if not 200 <= code <= 599]  # noqa: PLR2004  # the codes that end a request, RFC 9110, 15
        if wrong:
            raise ConfigError(f"statuses names {wrong[0]}, which is no status code of an answer", hint="codes are 200 to 599")
        twice = [code for code in every if every.count(code) > 1]
        if twice:
            raise ConfigError(f"statuses names {twice[0]} twice", hint="say of each code one thing")


def as_statuses(value: Any) -> Any:
    """A mapping as ``Statuses``; anything else as it is."""
    return record(Statuses, value)


@attrs.frozen(kw_only=True)
class File:
    """``file``: the file of a ``multipart`` body.

    Attributes:
        field: The name of its part.
        name: Its own name.
        format: What is in it: ``csv``, ``jsonl`` or ``json``.
        fields: Further parts, texts; in a request of one row, templates.
    """

    field: str = "file"
    name: str = "rows.csv"
    format: Literal["csv", "jsonl", "json"] = "csv"
    fields: dict[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Refuse names that would break the frame of their part."""
        for name in (self.field, self.name, *self.fields):
            if not name or re.search(r'[^\x20-\x7e]|["\\]', name):
                raise ConfigError(f"{name!r} is no name of a part or a file", hint="write printable ASCII without quotes")
        list(templates_in(self.fields, "file.fields"))


def one_of_each(headers: Any) -> Any:
    """Headers, each once: ``X_TEAM`` of the environment is the ``X-Team`` of a file; the first value counts, under the last spelling."""
    if not isinstance(headers, Mapping):
        return headers
    spelt = {str(name).lower().replace("_", "-"): name for name in headers}
    values: dict[str, Any] = {}
    for name, value in headers.items():
        values.setdefault(spelt[str(name).lower().replace("_", "-")], value)
    return values


def as_file(value: Any) -> Any:
    """A mapping as ``File``; anything else as it is."""
    return record(File, value)


@attrs.frozen(kw_only=True, eq=False)
class Endpoint:
    """One kind of request. A text in ``path``, ``query``, ``headers`` and ``row`` may hold ``{field}``, a dotted path into the row.

    Attributes:
        base_url: What ``path`` is put behind; without it, the ``base_url`` of the client, ``[destination.NAME.http]``.
        method: The method.
        path: The path; what rows put into it is percent-encoded as one segment.
        send: ``batch``: the rows of a batch whose path, query and headers are the same share a request; ``row``: each has its own.
        query: Parameters of the URL; one whose field is null or missing is left out.
        headers: Headers; one whose field is null or missing is left out. Keys and passwords belong under ``[destination.NAME.http]``.
        format: The body: ``json``; ``jsonl``, a line a row; ``csv``; ``form``, URL-encoded; ``multipart``, a file; ``text``; ``none``.
        compression: ``gzip`` compresses the body.
        lines: With ``jsonl``: the lines that each row becomes, where they are not one; templates as ``row`` is one.
        text: With ``text``: what each row becomes, a template; those of a batch stand one behind the other.
        file: With ``multipart``: the file and what stands beside it.
        rows_at: Where in the body the rows stand, such as ``inputs``; without it, the body is the list of rows, or the row.
        body: Constants beside the rows, for which ``rows_at`` is needed; in a request of one row, templates.
        row: What each row becomes; without it, the row as it is, but for what says which operation is meant.
        drop_nulls: Whether fields that are null are left out of the body.
        required: Fields, as dotted paths, without which a row is rejected and not sent: where they are null, missing or an empty text.
        statuses: What status codes mean.
        job: Where rows are taken as a job, which is asked after until it is done.
        answer: Where an answer says what became of each row; without it, its status says that all is well.
    """

    base_url: str = ""
    method: str = "POST"
    path: str = ""
    send: Literal["batch", "row"] = "batch"
    query: dict[str, Any] = attrs.field(factory=dict)
    headers: dict[str, str] = attrs.field(factory=dict, converter=one_of_each)
    format: Literal["json", "jsonl", "csv", "form", "multipart", "text", "none"] = "json"
    compression: Literal["none", "gzip"] = "none"
    lines: list[Any] = attrs.field(factory=list)
    text: str = ""
    file: File = attrs.field(factory=File, converter=as_file)
    rows_at: str = ""
    body: dict[str, Any] = attrs.field(factory=dict)
    row: dict[str, Any] = attrs.field(factory=dict)
    drop_nulls: bool = False
    required: list[str] = attrs.field(factory=list)
    statuses: Statuses = attrs.field(factory=Statuses, converter=as_statuses)
    answer: Answer = attrs.field(factory=Answer, converter=as_answer)
    job: Job | None = attrs.field(default=None, converter=as_job)

    def __attrs_post_init__(self) -> None:
        """Check what can be checked without a row."""
        _check_target(self)
        for name, value in self.headers.items():
            if not TOKEN.fullmatch(name):
                raise ConfigError(f"{name!r} is no name of a header", hint="names are letters, digits and hyphens")
            _refuse_controls(value, f"headers.{name}")
        for what in ("query", "body", "row", "headers", "lines", "text"):
            list(templates_in(getattr(self, what), what))
        if self.statuses.read and not self.answer.is_read:
            raise ConfigError("statuses.read names statuses whose answer is to be read, and nothing under answer says how", hint="write [answer.results] or [answer.errors]")
        check_format(self)
        names_job = JOB in read(self.path, "path").names
        if names_job != (self.job is not None and self.job.create is not None):
            raise ConfigError("{@job} in path and job.create belong together: the job that rows are uploaded to", hint="write both, or neither")
        self._check_body()

    def _check_body(self) -> None:
        if self.rows_at:
            try:
                put(dict(self.body), self.rows_at, [])
            except ValueError as error:
                raise ConfigError(f"rows_at={self.rows_at!r} goes through {error}, which body says is no table", hint="choose another place") from None
        if self.send == "batch" and (one := next((name for template in templates_in(self.body, "body") for name in template.names), None)):
            raise ConfigError(f"body names the field {one!r}, and a batch has many rows", hint='write it under row, or send = "row"')
        if self.body and not self.rows_at and self.send == "batch":
            raise ConfigError("body says what stands beside the rows, and not where the rows stand", hint='write for example rows_at = "inputs"')


@attrs.frozen(kw_only=True, eq=False)
class DeleteEndpoint(Endpoint):
    """``delete``: where rows go that are to be deleted; one a request and without body, unless it says otherwise.

    Attributes:
        when: Values of ``operation_field`` that mean so.
    """

    method: str = "DELETE"
    send: Literal["batch", "row"] = "row"
    format: Literal["json", "jsonl", "csv", "form", "multipart", "text", "none"] = "none"
    when: list[Any] = attrs.field(factory=lambda: [True])


def as_delete_endpoint(value: Any) -> Any:
    """A mapping as ``DeleteEndpoint``; anything else as it is."""
    return record(DeleteEndpoint, value)


@attrs.frozen(kw_only=True, eq=False)
class RestSettings(Endpoint):
    """The settings of ``sinkkit.destinations.rest``: those of an endpoint, and which rows go to another one.

    Attributes:
        operation_field: The field that says which rows are to be deleted, a dotted path; it is no part of the body.
        delete: The endpoint of those rows.
    """

    operation_field: str = ""
    delete: DeleteEndpoint | None = attrs.field(default=None, converter=as_delete_endpoint)

    def __attrs_post_init__(self) -> None:
        """Check what can be checked without a row."""
        super().__attrs_post_init__()
        if bool(self.operation_field) != bool(self.delete):
            raise ConfigError(
                "operation_field and delete belong together: which rows are to be deleted, and where",
                hint='write operation_field = "_deleted" and [destination.NAME.delete] with a path such as "/contacts/{id}"',
            )

    def http_defaults(self) -> Mapping[str, Any]:
        """What the client has where ``http`` does not say it: with its own ``base_url``, credentials go there and nowhere else."""
        return {"base_url": self.base_url} if self.base_url else {}

    def option_defaults(self) -> Mapping[str, Any]:
        """What holds of a batch where nobody says it: where each row has a request of its own, each is a batch of its own."""
        alone = self.send == "row" and (self.delete is None or self.delete.send == "row")
        return {"batch_size": 1} if alone else {}

    def check_together(self, options: Mapping[str, Any], http: Mapping[str, Any]) -> None:
        """Refuse what does not go with the settings of any destination, or of the client.

        Raises:
            ConfigError: If there is nowhere to send to, or two places; or a key that would stand for two requests.
        """
        base = http.get("base_url")
        if not base:
            raise ConfigError("base_url is missing: there is nowhere to send to", hint=NO_ADDRESS)
        if self.base_url and not _same_place(self.base_url, str(base)):
            raise ConfigError("base_url and http.base_url are not the same", hint="write it once: credentials go to http.base_url alone")
        creates = any(one is not None and one.job is not None and one.job.create is not None for one in (self, self.delete))
        if creates and options["idempotency_header"]:
            raise ConfigError(
                "job.create and idempotency_header do not go together: a job that is resumed would send its upload under the key of another request",
                hint="leave idempotency_header out: jobs are remembered, and submitted once",
            )


def check_format(endpoint: Endpoint) -> None:
    """Refuse settings of a body that its format has no place for.

    Raises:
        ConfigError: Naming them.
    """
    form = endpoint.format
    if form != "json" and (endpoint.rows_at or endpoint.body):
        raise ConfigError(f"format={form!r} has no place for rows_at and body", hint="leave them out, or write format = 'json'")
    if form != "jsonl" and endpoint.lines:
        raise ConfigError(f"lines are those of format='jsonl', and this is {form!r}", hint="write row, or format = 'jsonl'")
    if bool(endpoint.text) is not (form == "text"):
        raise ConfigError("text and format='text' belong together: what each row becomes", hint='write for example text = "{name},{amount}\\n"')
    if form == "text" and endpoint.row:
        raise ConfigError("text and row both say what a row becomes", hint="leave row out")
    if endpoint.lines and endpoint.row:
        raise ConfigError("lines and row both say what a row becomes", hint="write what row says as one of the lines")
    if form == "form" and endpoint.send == "batch":
        raise ConfigError("format='form' has the fields of one row", hint='write send = "row"')
    if endpoint.send == "batch" and any(template.names for template in templates_in(endpoint.file.fields, "file.fields")):
        raise ConfigError("file.fields names fields of a row, and a batch has many rows", hint='write constants, or send = "row"')


def _check_target(endpoint: Endpoint) -> None:
    if not TOKEN.fullmatch(endpoint.method):
        raise ConfigError(f"method={endpoint.method!r} is no HTTP method", hint="write POST, PUT, PATCH or DELETE")
    if endpoint.base_url and not PLAIN_URL.fullmatch(endpoint.base_url):
        raise ConfigError("base_url is not a URL with a host and without query", hint='write for example base_url = "https://api.example.com/v2"')
    path = read(endpoint.path, "path")
    if any(path.forms):
        raise ConfigError(f"path={endpoint.path!r} asks for a form of a value", hint="what stands in the path is text and percent-encoded; leave the colon out")
    literal = "".join(path.parts[::2])
    if re.search(r"[\s?#\\\x00-\x1f\x7f]", literal):
        raise ConfigError(f"path={endpoint.path!r} holds what no path can", hint="parameters of the URL go under query; write spaces as %20")
    if any(part in (".", "..") for part in endpoint.path.split("/")):
        raise ConfigError(f"path={endpoint.path!r} has a segment . or ..", hint="write the path that is meant")


def _refuse_controls(text: str, where: str) -> None:
    if re.search(r"[^\x20-\x7e]", text):
        raise ConfigError(f"{where} holds a character that no header can carry", hint="write printable ASCII, on one line")


def _same_place(one: str, other: str) -> bool:
    return httpx.URL(f"{one.rstrip('/')}/") == httpx.URL(f"{other.rstrip('/')}/")
