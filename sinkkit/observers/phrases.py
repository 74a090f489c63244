"""How numbers, times and reasons are put in words for people, the same in the bar, the lines and the log."""

from __future__ import annotations

LONGEST_REASON = 160
"""Characters of a reason that are shown; the journal keeps all of it."""

MINUTE = 60
HOUR = 3600
SCORE = 10


def number(value: float) -> str:
    """A count with separators: ``41,200``; below 10 with one decimal unless it is whole."""
    if value < SCORE and value != int(value):
        return f"{value:.1f}"
    return f"{value:,.0f}"


def counted(count: int, noun: str) -> str:
    """``1 call``, ``2 calls``, ``1,000 rows``: *noun* takes a plain s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def seconds_in_words(seconds: float) -> str:
    """``0.5 s``, ``30 s``, ``2 min 05 s``, ``3 h 20 min``."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{number(seconds)} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"


def one_line(text: str) -> str:
    """*text* as one line that does nothing to a terminal: other people's servers write it."""
    clean = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return clean if len(clean) <= LONGEST_REASON else f"{clean[: LONGEST_REASON - 1]}…"


def route(pipeline: str, destination: str | None) -> str:
    """``nightly_crm → crm_contacts``, or the pipeline alone while only extracting."""
    return f"{pipeline} → {destination}" if destination else pipeline
