"""Events as log records: the right level, and no flood."""

from __future__ import annotations

import logging

import attrs

from sinkkit.events import ConcurrencyChanged
from sinkkit.observers.log import LogRecords
from sinkkit.testing import FakeClock


def test_each_event_has_its_level(events, caplog):
    """Stages are INFO, retries and warnings WARNING, calls DEBUG, all under the logger of the package."""
    caplog.set_level(logging.DEBUG, "sinkkit")
    log = LogRecords(FakeClock())
    for event in events.values():
        log(event)

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "nightly → crm: run started"),
        ("DEBUG", "contacts: 1,000 rows extracted"),
        ("INFO", "load l1: 1,000 rows extracted and kept"),
        ("INFO", "load l1: delivering 1,000 rows to crm, 100 settled before"),
        ("DEBUG", "4 calls in flight"),
        ("DEBUG", "contacts: 2 calls settled: 190 rows delivered, 10 rejected; 3 in flight"),
        ("DEBUG", "contacts: call 2 for 100 rows in 0.5 s: 503 Busy [31m later"),
        ("WARNING", "contacts: 1 call (100 rows) tried again, the last in 0.5 s as attempt 2: 503 Busy [31m later"),
        ("INFO", "crm: waiting 30 s: the destination answered 429"),
        ("INFO", "halting, no new call starts: 401 Unauthorized"),
        ("INFO", "load l1: ended with rows left open"),
        ("INFO", "nightly: 190 rows delivered, 800 pending"),
        ("WARNING", "rows of an earlier run were finished first"),
    ]
    assert all(record.name == "sinkkit" for record in caplog.records)


def test_retries_are_told_together(events, caplog):
    """Hundreds of retries in twenty seconds are three warnings, and their counts add up."""
    caplog.set_level(logging.INFO, "sinkkit")
    clock = FakeClock()
    log = LogRecords(clock)
    for n in range(640):
        log(attrs.evolve(events["retry"], reason=f"503, request {n}"))
        clock.advance(1 / 32)
    log(events["finished"])
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]

    assert [record.args[1].replace(",", "").split()[0] for record in warnings] == ["1", "320", "319"]
    assert "503, request 639" in warnings[-1].getMessage()


def test_nothing_is_configured(events):
    """No handler is added and no level is set."""
    logger = logging.getLogger("sinkkit")
    before = (list(logger.handlers), logger.level, logger.propagate)
    log = LogRecords(FakeClock())
    log(events["calls"])

    assert (list(logger.handlers), logger.level, logger.propagate) == before


def test_changes_of_the_adaptive_window_are_details(caplog):
    """How many calls may run at once is a DEBUG record."""
    caplog.set_level(logging.DEBUG, "sinkkit")
    LogRecords(FakeClock())(ConcurrencyChanged(destination="crm", calls=8))

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("DEBUG", "crm: up to 8 calls at once")]
