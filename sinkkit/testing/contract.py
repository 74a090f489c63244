"""What every destination has to keep, as a class of tests that authors hold their own destinations to.

::

    from crm import push
    from sinkkit.testing import DestinationContract

    class TestPush(DestinationContract):
        def destination(self, api):
            return push(api_key="sesame")

pytest finds a test for each promise. One that is broken says what was seen, and what in the function is likely wrong.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sinkkit.errors import ConfigError
from sinkkit.testing import contract_faults as faults
from sinkkit.testing import contract_promises as promises
from sinkkit.testing.answers import Answer, Request
from sinkkit.testing.api import MisbehavingApi
from sinkkit.testing.contract_hooks import PromiseBroken
from sinkkit.testing.contract_kill import a_killed_run_goes_on
from sinkkit.testing.wire import rows_in

CARRYING = ("POST", "PUT", "PATCH")
"""Methods of requests that bring rows, unless ``delivers`` says otherwise."""


class DestinationContract:
    """Tests of a destination; inherit, say which in ``destination``, and override what else is not as it is here.

    Each test starts an API of its own (``MisbehavingApi``) and sends some rows through a pipeline of its own, in an empty folder, with calls
    of at most 5 rows; with one worker, unless calls at once are what it is about. A client that is injected talks to that API. Settings come from ``destination``
    alone: files and environment are not read, so that no test reaches the real system by mistake.

    Attributes:
        http: Whether the destination talks to *api* over HTTP; where it does not, override ``received``, and faults are not tested.
        pause_seconds: What the API asks for in ``Retry-After``, in seconds.
        table_name: The table of the rows.
        folder: A folder of the test's own, for what is no API: a file, a database. Set before ``destination`` is called.
    """

    http: bool = True
    pause_seconds: float = 1
    table_name: str = "contract"
    folder: Path

    def destination(self, api: Any) -> Any:  # noqa: ARG002  # for those who override it
        """The destination under test, as a pipeline takes it, with its settings.

        Args:
            api: The API to talk to: its ``url``. In the process that is killed it has nothing else.
        """
        raise ConfigError(
            f"{type(self).__name__} says nothing of its destination", hint="define destination(self, api) and return it, with its settings"
        )

    def received(self, api: MisbehavingApi) -> Iterable[Any]:
        """The rows that arrived, each as often as it did; by default those of the requests that *api* carried out.

        For what speaks no HTTP, read them from the system itself, not from this process's memory: one of the runs is in another process.
        """
        return [row for request in api.requests if request.processed and self.delivers(request) for row in request.rows]

    def row(self, number: int) -> Mapping[str, Any]:
        """The row with this *number*, from 0, that the destination can take; another number gives another row."""
        return {
            "id": number,
            "name": f"Zoë Łącka 😀 {number}",
            "score": number + 0.25,
            "active": number % 2 == 0,
            "note": None,
            "tags": ["a", "b"],
            "address": {"city": "Kraków", "lines": ["ul. Długa 1", ""]},
        }

    def arrived(self, row: Mapping[str, Any]) -> Any:
        """How *row* looks where it has arrived, if the function changes it; by default as it was given."""
        return row

    def number_of(self, arrived: Any) -> int:
        """The number of a row that has *arrived*; by default what it has as ``id``."""
        return int(arrived["id"])

    def delivers(self, request: Request) -> bool:
        """Whether *request* brings rows, and not for example a login; by default POST, PUT and PATCH with rows in them."""
        return request.method in CARRYING and bool(request.rows)

    def rows_in(self, headers: Mapping[str, str], body: bytes) -> list[Any]:
        """The rows in a request's *body*; by default a JSON array, a JSON object (one row), or JSON Lines.

        Raises:
            ValueError: If there is no making sense of it, which the API answers with 400.
        """
        return rows_in(headers, body)

    def key(self, request: Request) -> str | None:
        """The idempotency key, where *request* carries it elsewhere than in the destination's ``idempotency_header`` or ``Idempotency-Key``."""
        return request.key

    def answer(self, api: MisbehavingApi, request: Request) -> Answer:  # noqa: ARG002  # for those who override it
        """What *api* answers to a *request* that it carries out, lookups of a probe included; by default ``200 {"ok": true}``."""
        return Answer()

    def partly(self, request: Request, refused: Mapping[int, str]) -> Answer | None:  # noqa: ARG002  # for those who override it
        """What the API answers where it takes the rows of *request* but for those *refused*, by index, with its message for each.

        None: the API cannot refuse single rows, or this class does not say how; that is then not tested.
        """
        return None

    def test_rows_arrive_once(self, tmp_path: Path) -> None:
        """Every row arrives, and none twice."""
        self._hold(promises.rows_arrive_once, tmp_path)

    def test_values_arrive_as_given(self, tmp_path: Path) -> None:
        """The values of the rows arrive as they were given."""
        self._hold(promises.values_arrive_as_given, tmp_path)

    def test_an_empty_run_sends_nothing(self, tmp_path: Path) -> None:
        """A run without rows makes no call."""
        self._hold(promises.an_empty_run_sends_nothing, tmp_path)

    def test_one_row_arrives(self, tmp_path: Path) -> None:
        """A single row arrives."""
        self._hold(promises.one_row_arrives, tmp_path)

    def test_a_full_call_arrives(self, tmp_path: Path) -> None:
        """As many rows as the destination takes in a call arrive together."""
        self._hold(promises.a_full_call_arrives, tmp_path)

    def test_concurrent_calls_are_safe(self, tmp_path: Path) -> None:
        """Calls that run side by side do not get in each other's way."""
        self._hold(promises.concurrent_calls_are_safe, tmp_path)

    def test_errors_are_not_swallowed(self, tmp_path: Path) -> None:
        """What the API refuses, or fails to do, is never reported as delivered."""
        self._hold(faults.errors_are_not_swallowed, tmp_path)

    def test_a_refused_batch_becomes_dead_letters(self, tmp_path: Path) -> None:
        """A row for which the API refuses a request comes back with the API's own message, and its neighbours arrive."""
        self._hold(faults.a_refused_batch_becomes_dead_letters, tmp_path)

    def test_refused_rows_become_dead_letters(self, tmp_path: Path) -> None:
        """Rows that the API refuses one by one come back, each with its message; needs ``partly``."""
        self._hold(faults.refused_rows_become_dead_letters, tmp_path)

    def test_a_failed_call_is_tried_again(self, tmp_path: Path) -> None:
        """What did not arrive is sent again until it does, once."""
        self._hold(faults.a_failed_call_is_tried_again, tmp_path)

    def test_a_lost_answer_is_repeated_under_its_key(self, tmp_path: Path) -> None:
        """Where the API did the work and its answer was lost, the same rows go again under the same key."""
        self._hold(faults.a_lost_answer_is_repeated_under_its_key, tmp_path)

    def test_retry_after_is_obeyed(self, tmp_path: Path) -> None:
        """No request comes before the time has passed that the API asked for."""
        self._hold(faults.retry_after_is_obeyed, tmp_path)

    def test_an_expired_login_stops_the_run(self, tmp_path: Path) -> None:
        """An answer 401 ends the run at once: no dead letters, no further calls."""
        self._hold(faults.an_expired_login_stops_the_run, tmp_path)

    def test_a_probe_tells_what_arrived(self, tmp_path: Path) -> None:
        """The probe, if there is one, tells batches that arrived from those that did not; needs ``answer`` to answer its lookups."""
        self._hold(faults.a_probe_tells_what_arrived, tmp_path)

    def test_a_killed_run_goes_on(self, tmp_path: Path) -> None:
        """After ``kill -9`` in the middle, the next run sends the rest; what is repeated has its old key."""
        self._hold(a_killed_run_goes_on, tmp_path)

    def _hold(self, promise: Callable[[Any, Path], str | None], folder: Path) -> None:
        """Fail with what is wrong, and with the trace of the function's own error if there was one; or skip, and say why."""
        import pytest

        wrong = reason = None
        try:
            reason = promise(self, folder)
        except (PromiseBroken, ConfigError) as error:
            wrong = told(error)
        if wrong is not None:
            pytest.fail(wrong, pytrace=False)
        if reason is not None:
            pytest.skip(reason)


def told(error: Exception) -> str:
    """What is wrong, for people: the message, and the trace of the author's own error behind it, if there is one."""
    cause = error.__cause__
    return str(error) if cause is None else f"{error}\n\n{''.join(traceback.format_exception(cause)).rstrip()}"
