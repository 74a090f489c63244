"""What an answer says and where: the classes of settings under ``answer``."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from sinkkit.destinations.http_api.records import record
from sinkkit.errors import ConfigError

MEBIBYTE = 1 << 20


@attrs.frozen(kw_only=True)
class Rules:
    """How one thing that an answer says is told to be good or bad; places are dotted paths into it.

    Attributes:
        ok_at: Where it says whether it went well; it did if what stands there is one of ``ok_values``.
        ok_values: What means that it did.
        error_at: Where an error stands, if there is one, or a list of such places; null, false, and what is empty are none.
        status_at: Where a status code stands, which means what it would mean as the status of an answer.
        retry_at: Where it says why it failed; it is tried again if what stands there is one of ``retry_values``.
        retry_values: Reasons that pass.
        message_at: Where the destination's own message stands; the first of several places where something does.
        receipt_at: Where the destination's own id of the row stands.
    """

    ok_at: str = ""
    ok_values: list[Any] = attrs.field(factory=lambda: [True])
    error_at: str | list[str] = ""
    status_at: str = ""
    retry_at: str = ""
    retry_values: list[Any] = attrs.field(factory=list)
    message_at: list[str] = attrs.field(factory=list)
    receipt_at: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what would never count."""
        if bool(self.retry_at) != bool(self.retry_values):
            raise ConfigError("retry_at and retry_values belong together", hint='write retry_at = "error.code" and retry_values = ["RATE_LIMITED"]')

    @property
    def error_places(self) -> list[str]:
        """``error_at`` as a list."""
        places = [self.error_at] if isinstance(self.error_at, str) else self.error_at
        return [place for place in places if place]

    @property
    def judges(self) -> bool:
        """Whether they say anything of good and bad."""
        return bool(self.ok_at or self.error_places or self.status_at)


@attrs.frozen(kw_only=True)
class Results(Rules):
    """``answer.results``: one result for each row.

    Attributes:
        at: Where the list of results stands; without it, the answer itself is the list.
        match: ``order``: the results are in the order of the rows; ``id``: each repeats an id of its row.
        id_at: Where in a result the id stands.
        row_id: The field of the row that it repeats, a dotted path.
    """

    at: str = ""
    match: Literal["order", "id"] = "order"
    id_at: str = "id"
    row_id: str = "id"


def as_results(value: Any) -> Any:
    """A mapping as ``Results``; anything else as it is."""
    return record(Results, value)


@attrs.frozen(kw_only=True)
class Errors(Rules):
    """``answer.errors``: a list of errors that name rows; a row that none names was delivered.

    Attributes:
        at: Where the list stands; nothing there means that there was no error; without it, the answer itself is the list.
        match: ``id``: they name rows by an id; ``index``: by their number in the request.
        id_at: Where in an error the id or the number stands; a list there names several rows.
        row_id: The field of the row that holds the id, a dotted path.
        first_index: The number of the first row.
    """

    at: str = ""
    match: Literal["id", "index"] = "id"
    id_at: str = "id"
    row_id: str = "id"
    first_index: int = 0


def as_errors(value: Any) -> Any:
    """A mapping as ``Errors``; anything else as it is."""
    return record(Errors, value)


@attrs.frozen(kw_only=True)
class Answer(Rules):
    """``answer``: what the answer as a whole says, and where it speaks of rows.

    Attributes:
        results: One result for each row.
        errors: Errors that name rows.
        halt_at: Where it says why it failed; the run stops if what stands there is one of ``halt_values``.
        halt_values: Reasons for which any other request would fail, too, such as a key that expired.
        count_at: Where it says how many rows it took; any other number than were delivered leaves the batch unknown.
        format: ``json``, ``jsonl`` or ``csv`` (a list of tables of texts).
        most_bytes: The longest answer that is read.
        most_seconds: The longest time that reading it may take.
    """

    results: Results | None = attrs.field(default=None, converter=as_results)
    errors: Errors | None = attrs.field(default=None, converter=as_errors)
    halt_at: str = ""
    halt_values: list[Any] = attrs.field(factory=list)
    count_at: str = ""
    format: Literal["json", "jsonl", "csv"] = "json"
    most_bytes: int = 10 * MEBIBYTE
    most_seconds: float = 120.0

    def __attrs_post_init__(self) -> None:
        """Refuse what contradicts itself."""
        super().__attrs_post_init__()
        if bool(self.halt_at) != bool(self.halt_values):
            raise ConfigError("halt_at and halt_values belong together", hint='write halt_at = "error.code" and halt_values = ["TOKEN_EXPIRED"]')
        if self.results is not None and self.errors is not None and self.results.match == "order":
            raise ConfigError(
                "answer.results are matched by order, and answer.errors names rows besides",
                hint="with both, not every row has a result: match results by id, or leave one of the two out",
            )
        if not self.most_bytes > 0 or not self.most_seconds > 0:
            raise ConfigError("answer.most_bytes and most_seconds are numbers above 0", hint="leave them out")

    @property
    def is_read(self) -> bool:
        """Whether anything of the answer counts but its status."""
        return self.judges or bool(self.results or self.errors or self.count_at or self.receipt_at or self.halt_at)


def as_answer(value: Any) -> Any:
    """A mapping as ``Answer``; anything else as it is."""
    return record(Answer, value)
