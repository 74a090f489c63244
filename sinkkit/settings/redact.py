"""Masking of secrets in texts and errors (law L7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from threading import Lock
from typing import Any, Final

from sinkkit.errors import RedactedError
from sinkkit.settings.secret import MASK, SHORTEST, Secret

LONGEST_PATTERN = 256
"""Characters of a secret up to which every mixture of plain and percent-encoded characters is looked for; of longer ones the usual encodings."""

BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")

Span = tuple[int, int]


def percent_pattern(value: str) -> str:
    """A pattern for *value* with any of its characters percent-encoded, in either case and any number of times, or ``+`` for a space."""
    pieces = []
    for character in value:
        coded = "".join(f"%(?:25)*(?i:{byte:02x})" for byte in character.encode("utf-8", "surrogatepass"))
        pieces.append(f"(?:{re.escape(character)}|{coded}{'|' + re.escape('+') if character == ' ' else ''})")
    return "".join(pieces)


def escaped(value: str) -> Iterator[str]:
    """*value* as it stands inside JSON, Python literals, HTML and URLs."""
    import html  # these are needed once there is a secret to mask
    import json
    from urllib.parse import quote, quote_plus

    data = value.encode("utf-8", "surrogatepass")
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield from (repr(value)[1:-1], repr(data)[2:-1], html.escape(value))
    if len(value) > LONGEST_PATTERN:
        yield from (quote(data), quote(data, safe=""), quote_plus(data))
        yield from (line for line in value.splitlines() if len(line) > 2 * SHORTEST and not line.startswith("-----"))


def base64_cores(value: str) -> Iterator[str]:
    """The characters that any base64 text holding *value* must hold, for each of the three ways it can fall into groups of three bytes.

    What stands before it (the user name of Basic authentication) and after it is unknown and shares characters with its first and last bytes.
    """
    import base64

    data = value.encode("utf-8", "surrogatepass")
    for shift in range(3):
        first, last = -(-8 * shift // 6), 8 * (shift + len(data)) // 6
        text = base64.b64encode(b"\0" * shift + data).decode()[first:last]
        yield from dict.fromkeys((text, text.replace("+", "-").replace("/", "_")))


class Redactor:
    """Masks every secret that was added, and those of ``EVERYWHERE``, however they are encoded. May be used from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: dict[str, None] = {}
        self._built = 0
        self._plain: list[re.Pattern[str]] = []
        self._cores: list[str] = []

    def add(self, value: Any) -> None:
        """Mask *value* from now on: text, bytes, a ``Secret`` of such, or anything by its ``str``.

        Values shorter than four characters are not masked, they would be found in every other word; they are refused where they come in.
        """
        value = value.reveal() if isinstance(value, Secret) else value
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        if len(text) >= SHORTEST:
            with self._lock:
                self._values.setdefault(text)

    def text(self, s: str) -> str:
        """*s* with ``***`` in place of every secret, its escaped and percent-encoded forms, and any base64 text that holds it."""
        if not self.knows_any():
            return s
        patterns, cores = self.prepared()
        # Each pass shortens the text, as a secret is longer than its mask; another is needed if a secret looks like a mask and its neighbours.
        while spans := merged([*plain_spans(s, patterns), *core_spans(s, cores)]):
            pieces, at = [], 0
            for start, end in spans:
                pieces += [s[at:start], MASK]
                at = end
            s = "".join([*pieces, s[at:]])
        return s

    def knows_any(self) -> bool:
        """Whether there is anything to mask."""
        return bool(self._values) or (self is not EVERYWHERE and EVERYWHERE.knows_any())

    def prepared(self) -> tuple[list[re.Pattern[str]], list[str]]:
        """The patterns of all secrets; each secret's are made once."""
        patterns, cores = self.own()
        if self is EVERYWHERE:
            return patterns, cores
        further, more = EVERYWHERE.own()
        return patterns + further, cores + more

    def own(self) -> tuple[list[re.Pattern[str]], list[str]]:
        """The patterns of the secrets that were added here."""
        with self._lock:
            for value in list(self._values)[self._built :]:
                forms = dict.fromkeys(form for form in (value, *escaped(value)) if len(form) >= SHORTEST)
                body = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
                extra = f"|{percent_pattern(value)}" if len(value) <= LONGEST_PATTERN else ""
                # A lookahead finds occurrences that overlap, as of "aaaa" in "aaaaaa".
                self._plain.append(re.compile(f"(?=({body}{extra}))"))
                self._cores.extend(core for core in base64_cores(value) if core not in self._cores)
                self._built += 1
            return list(self._plain), list(self._cores)

    def error(self, exc: BaseException) -> BaseException:
        """*exc* itself if no text of it, of its notes or of the errors it is chained to holds a secret, else a stand-in.

        The stand-in is a ``RedactedError`` that names the type, has the masked text and notes, keeps the traceback as text in a note (frames would
        keep the locals), and is chained to stand-ins, or to those links that hold no secret.
        """
        if not self.knows_any() or not any(self.is_told_by(link) for link in chain(exc)):
            return exc
        return self.stand_in(exc, {})

    def is_told_by(self, exc: BaseException) -> bool:
        """Whether a text of this error itself holds a secret."""
        return any(self.text(text) != text for text in texts(exc))

    def stand_in(self, exc: BaseException, made: dict[int, BaseException]) -> BaseException:
        """A stand-in for *exc* and, by way of *made*, one for each link of its chain however they are tied together."""
        if id(exc) in made:
            return made[id(exc)]
        if not any(self.is_told_by(link) for link in chain(exc)):
            return exc
        kind = f"{type(exc).__module__}.{type(exc).__qualname__}".removeprefix("builtins.")
        shadow = RedactedError(f"{kind}: {self.text(told(exc))}", original_type=kind)
        made[id(exc)] = shadow
        for note in getattr(exc, "__notes__", ()):
            shadow.add_note(self.text(str(note)))
        for inner in getattr(exc, "exceptions", ()):
            other = self.stand_in(inner, made)
            shadow.add_note(f"one of its errors: {self.text(told(other))}")
        if exc.__traceback__ is not None:
            import traceback

            frames = "".join(traceback.StackSummary.extract(traceback.walk_tb(exc.__traceback__)).format())
            shadow.add_note(f"raised in:\n{self.text(frames).rstrip()}")
        shadow.__cause__ = None if exc.__cause__ is None else self.stand_in(exc.__cause__, made)
        shadow.__context__ = None if exc.__context__ is None else self.stand_in(exc.__context__, made)
        shadow.__suppress_context__ = exc.__suppress_context__
        return shadow


EVERYWHERE: Final = Redactor()
"""Knows what ``sinkkit.secrets[...]`` gave: no run is known where a key is read, so every run masks it, as long as the process lives."""


def plain_spans(text: str, patterns: list[re.Pattern[str]]) -> Iterator[Span]:
    """Where *text* matches one of *patterns*, overlaps included."""
    return (match.span(1) for pattern in patterns for match in pattern.finditer(text))


def core_spans(text: str, cores: list[str]) -> Iterator[Span]:
    """The whole base64 texts around each of *cores* in *text*."""
    for core in cores:
        start = text.find(core)
        while start >= 0:
            end = start + len(core)
            while (
                start > 0 and text[start - 1] != "=" and ord(text[start - 1]) in BASE64
            ):  # "=" ends base64, before it stands a name
                start -= 1
            while end < len(text) and ord(text[end]) in BASE64:
                end += 1
            yield start, end
            start = text.find(core, end)


def merged(spans: list[Span]) -> list[Span]:
    """*spans* in order, those that overlap or touch joined."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def told(exc: BaseException) -> str:
    """What the error says, even if saying it fails."""
    try:
        return str(exc)
    except Exception as error:  # noqa: BLE001 - an error of the user's whose own __str__ is broken must not hide the error
        return f"(its text cannot be shown: {type(error).__name__})"


def texts(exc: BaseException) -> Iterator[str]:
    """Every text by which the error may be shown: itself, its arguments, its notes."""
    yield told(exc)
    for argument in (exc, *exc.args, *getattr(exc, "__notes__", ())):
        try:
            yield argument if isinstance(argument, str) else repr(argument)
        except Exception as error:  # noqa: BLE001 - the same: a broken __repr__ of an argument
            yield type(error).__name__


def chain(exc: BaseException) -> Iterator[BaseException]:
    """The error, its causes, contexts and grouped errors, each once."""
    seen: dict[int, None] = {}
    waiting = [exc]
    while waiting:
        link = waiting.pop()
        if id(link) not in seen:
            seen[id(link)] = None
            yield link
            linked = (link.__cause__, link.__context__, *getattr(link, "exceptions", ()))
            waiting.extend(other for other in linked if isinstance(other, BaseException))
