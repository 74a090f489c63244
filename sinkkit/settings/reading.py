"""One setting from its places: found, made a value, completed field by field, with every problem collected instead of raised."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Union

import attrs

from sinkkit.errors import ConfigError
from sinkkit.settings.keys import SENSITIVE
from sinkkit.settings.learning import (
    declares_secrets,
    learn,
    learn_passwords,
    learn_private,
    learn_text,
    may_tell,
    secret_texts,
    shown,
    too_plain,
)
from sinkkit.settings.lookup import Hit, Lookup
from sinkkit.settings.questions import Found, Problem, Question, Reading
from sinkkit.settings.secret import MASK, SHORTEST, Secret, SecretInConfigWarning
from sinkkit.settings.values.kinds import (
    ANYTHING,
    bare,
    described,
    fields,
    is_mapping,
    is_native,
    is_record,
    is_secret,
    is_writable,
    members,
    record_in_secret,
)
from sinkkit.settings.values.scalars import SCALARS
from sinkkit.settings.values.tables import as_table, as_written, key_place, overlaid
from sinkkit.settings.values.texts import JsonText, text_of
from sinkkit.settings.values.typed import NOTHING, convert, refusal, unpacked
from sinkkit.settings.wanted import MISSING


def read(reading: Reading, question: Question, default: Any = MISSING) -> Any:
    """The value, or ``MISSING`` if there is none or a problem was noted; *default* completes an attrs class found in part."""
    if question.kind in SCALARS:
        return read_leaf(reading, question)
    inside = record_in_secret(question.kind)
    if inside is not None:
        default = default.reveal() if isinstance(default, Secret) else default
        value = read(reading, attrs.evolve(question, kind=inside, secret=True), default)
        return value if value is MISSING or value is None else Secret(value)
    if is_nothing(reading, question):
        return None
    kinds = [bare(member) for member in members(question.kind) if member is not type(None)]
    records = [kind for kind in kinds if is_record(kind)]
    others = [kind for kind in kinds if not is_record(kind)]
    if not records:
        return read_table(reading, question) if any(is_mapping(kind) for kind in kinds) else read_leaf(reading, question)
    before = len(reading.problems)
    value = read_record(reading, question, records, default)
    if value is not MISSING or not others or len(reading.problems) == before:
        return value
    # No class of the union fits what was found; another member of it may.
    trial = reading.trial()
    value = read_leaf(trial, attrs.evolve(question, kind=Union[tuple(others)]))  # noqa: UP007 - made at run time
    if value is not MISSING:
        del reading.problems[before:]
        reading.found += trial.found
    return value


def is_nothing(reading: Reading, question: Question) -> bool:
    """Whether a table that may be left out is given as the text ``none``."""
    kinds = [bare(member) for member in members(question.kind)]
    if type(None) not in kinds or str in kinds or not any(is_record(kind) or is_mapping(kind) for kind in kinds):
        return False
    hit = next(reading.lookup.hits(question.path, stated=question.stated, tables=True), None)
    if hit is None or not isinstance(hit.raw, str) or hit.raw.strip().lower() not in NOTHING:
        return False
    note_found(reading, attrs.evolve(question, secret=False), attrs.evolve(hit, private=False), None, ())
    return True


def read_leaf(reading: Reading, question: Question) -> Any:
    """A value that stands in one place as a whole."""
    tables = is_secret(question.kind)
    hit = next(reading.lookup.hits(question.path, stated=question.stated, tables=tables), None)
    if hit is None:
        return MISSING
    value = value_of(reading, question, hit, hit.raw)
    if value is not MISSING:
        note_found(reading, question, hit, value, shadows(reading, question, hit, tables))
    return value


def read_table(reading: Reading, question: Question) -> Any:
    """A table with free keys, joined key by key from every place; an argument stands alone."""
    layers: list[tuple[Hit, Mapping[str, Any]]] = []
    for hit in reading.lookup.hits(question.path, stated=question.stated, tables=True):
        if isinstance(hit.raw, Secret):
            learn(reading.redactor, question.name, hit.raw, secret=True)
            question = attrs.evolve(question, secret=True)
        try:
            layers.append((hit, as_table(hit.raw, question.kind)))
            if hit.private and reading.thorough:
                learn_private(reading.redactor, layers[-1][1])
        except ConfigError as error:
            if not layers and len(members(question.kind)) > 1:
                return read_leaf(reading, question)
            reading.problems.append(Problem(f"{question.name} ({hit.place}): {error.message}", error.hint))
            return MISSING
        if hit.index == 0:
            break
    if not layers:
        return MISSING
    whole = overlaid([table for _, table in layers])
    value = value_of(reading, question, layers[0][0], whole)
    if value is not MISSING:
        for key in whole:
            inner = Question((*question.path, str(key)), Any, question.secret)
            holders = [key_place(reading.lookup, inner, hit) for hit, table in layers if key in table]
            note_found(reading, inner, holders[0], whole[key], tuple(hit.place for hit in holders[1:]))
    return value


def value_of(reading: Reading, question: Question, hit: Hit, raw: Any) -> Any:
    """*raw* as the type asked for, its secrets known to the redactor; ``MISSING`` and a problem if it does not fit."""
    hidden = question.secret or is_secret(question.kind)
    given = raw = as_written(raw, question.kind)
    if isinstance(raw, Secret) and (hidden if question.kind in ANYTHING else not is_secret(question.kind)):
        raw = raw.reveal()
    if hit.index == 0 and not is_writable(question.kind):
        learn(reading.redactor, question.name, given, secret=False)
        return given
    show = not (hidden or hit.private or may_tell(question.name, given))
    try:
        check_characters(raw)
        value = convert(raw, question.kind, show=show)
    except ConfigError as error:
        reading.problems.append(Problem(f"{question.name} ({hit.place}): {error.message}", error.hint))
        return MISSING
    declared, masked = is_secret(question.kind), question.secret and question.masked
    # An empty password inside a URL is none; an empty variable is a mistake.
    allowed = ("",) if isinstance(given, Secret) else ()
    strict = declared or (masked and (len(question.path) == 1 or bool(SENSITIVE.search(question.path[-1]))))
    strict = strict or (isinstance(given, Secret) and isinstance(value, str | bytes))
    short = [text for text in secret_texts(value, strict) if len(text) < SHORTEST and text not in allowed]
    if short:
        reading.problems.append(too_short(question.name, hit.place, empty=not any(short)))
        return MISSING
    if (declared or masked) and not hit.for_secrets and hit.place not in reading.warned:
        reading.warned[hit.place] = None
        message = f"{question.name} is a secret and stands in {hit.place}: move it to secrets.toml, or set it in the environment"
        warnings.warn(SecretInConfigWarning(message), stacklevel=2)
    kept = masked or isinstance(given, Secret)
    learn(reading.redactor, question.name, value, secret=declared or (kept and not too_plain(value)))
    for text in () if isinstance(value, bool) else secret_texts(given):
        learn_text(reading.redactor, question.name, text)
    if isinstance(raw, str) and not isinstance(value, str):
        learn_passwords(reading.redactor, raw)
    if hit.private and reading.thorough:
        learn_private(reading.redactor, raw)
    return value


def check_characters(raw: Any) -> None:
    """Refuse text that was made of bytes which are no UTF-8, as the environment may hold.

    Raises:
        ConfigError: If *raw* is such; the message does not repeat it.
    """
    text = raw.reveal() if isinstance(raw, Secret) else raw
    if isinstance(text, str) and not text.isascii():
        text_of(text, "the value")


def too_short(name: str, place: str, *, empty: bool = False) -> Problem:
    """The problem of a secret that cannot be masked, or that is *empty*."""
    if empty:
        return Problem(f"{name} ({place}): is empty, and it is a secret", "write the secret there, or take the key away")
    return Problem(
        f"{name} ({place}): a secret of fewer than {SHORTEST} characters",
        f"such a value cannot be masked: use one of {SHORTEST} characters or more, or declare the setting without Secret",
    )


def shadows(reading: Reading, question: Question, used: Hit, tables: bool) -> tuple[str, ...]:
    """The places but the one *used* that hold the setting too; providers that are costly to ask are not asked for that."""
    if not reading.thorough:
        return ()
    hits = reading.lookup.hits(question.path, stated=question.stated, tables=tables, cheap=True)
    return tuple(hit.place for hit in hits if hit.place != used.place)


def note_found(reading: Reading, question: Question, hit: Hit, value: Any, hidden_places: tuple[str, ...]) -> None:
    """Remember where a value came from."""
    hidden = (
        question.secret
        or is_secret(question.kind)
        or SENSITIVE.search(question.path[-1])
        or isinstance(hit.raw, Secret)
        or (hit.private and isinstance(hit.raw, str | JsonText))
    )
    text = "None" if value is None else MASK if hidden else shown(question.name, value)
    reading.found.append(Found(question.name, text, hit.provider, hit.place, hidden_places))


def read_record(reading: Reading, question: Question, records: list[Any], default: Any) -> Any:
    """An attrs class or dataclass, or the first of several that fits; of those that do not, the one that fits best is reported."""
    trials = []
    for kind in records:
        trial = reading.trial()
        base = default if isinstance(default, kind) else MISSING
        value = read_fields(trial, attrs.evolve(question, kind=kind), kind, base)
        trials.append((len(trial.problems), value is MISSING, trial, value))
        if value is not MISSING:
            break
    answered = [entry for entry in trials if not entry[1]] or [entry for entry in trials if entry[0]]
    if not answered:
        return MISSING
    _, _, best, value = min(answered, key=lambda entry: entry[0])
    reading.found += best.found
    reading.problems += best.problems
    return value


def read_fields(reading: Reading, question: Question, kind: Any, default: Any) -> Any:
    """An object of *kind*, each field from the first place that has it; *default*, an object, gives the fields that no place has."""
    whole = taken_apart(reading, question, kind)
    if whole is not MISSING or reading.problems:
        return whole
    values: dict[str, Any] = {}
    lacking: list[Question] = []
    masked = not declares_secrets(kind)
    for field in fields(kind):
        below, before = question.below(field, masked=masked), len(reading.problems)
        value = read(reading, below, MISSING if default is MISSING else getattr(default, field.attribute, MISSING))
        if value is not MISSING:
            values[field.key] = value
        elif len(reading.problems) == before and default is not MISSING:
            values[field.key] = getattr(default, field.attribute)
        elif len(reading.problems) == before and field.required:
            lacking.append(below)
    if not reading.found and not reading.problems:
        return MISSING
    values |= {below.path[-1]: demanded(reading, below) for below in lacking}
    return MISSING if reading.problems else built(reading, question, kind, values)


def demanded(reading: Reading, question: Question) -> Any:
    """What a required setting is that stands nowhere: an object whose fields all have defaults, or else a problem for each thing missing."""
    inside = record_in_secret(question.kind)
    if inside is not None:
        made = demanded(reading, attrs.evolve(question, kind=inside, secret=True))
        return made if made is MISSING else Secret(made)
    records = [bare(member) for member in members(question.kind)]
    kind = records[0]
    if len(records) > 1 or not is_record(kind) or is_native(kind):
        reading.problems.append(missing(reading.lookup, question))
        return MISSING
    before = len(reading.problems)
    values = {field.key: demanded(reading, question.below(field)) for field in fields(kind) if field.required}
    return MISSING if len(reading.problems) > before else built(reading, question, kind, values)


def built(reading: Reading, question: Question, kind: Any, values: dict[str, Any]) -> Any:
    """The object, or a problem if its class refuses the values."""
    try:
        return kind(**values)
    except ConfigError as error:
        what, hint = error.message, error.hint
    except Exception as error:  # noqa: BLE001 - whatever a user's class raises on these values, it is told as one problem among others
        what, hint = f"{kind.__name__} refuses these values: {type(error).__name__}: {error}", None
    places = ", ".join(dict.fromkeys(entry.place for entry in reading.found))
    reading.problems.append(Problem(f"{question.name} ({places or 'defaults'}): {what}", hint))
    return MISSING


def taken_apart(reading: Reading, question: Question, kind: Any) -> Any:
    """Read values that were given in one piece into their fields; an object that is complete is given back."""
    for hit in reading.lookup.hits(question.path, stated=question.stated, tables=True):
        raw = hit.raw.reveal() if isinstance(hit.raw, Secret) else hit.raw
        if isinstance(raw, str) and raw is not hit.raw:
            learn(reading.redactor, question.name, hit.raw, secret=True)
        if isinstance(raw, kind) and not is_native(kind):
            if hit.index == 0:
                learn(reading.redactor, question.name, raw, secret=question.secret)
                note_found(reading, question, hit, raw, ())
                return raw
            continue
        if isinstance(raw, Mapping):
            continue
        try:
            parts = raw if isinstance(raw, kind) else unpacked(raw, kind, show=False)
            if not isinstance(parts, Mapping) and not isinstance(parts, kind):
                raise refusal(kind, raw, show=False)
        except ConfigError as error:
            reading.problems.append(Problem(f"{question.name} ({hit.place}): {error.message}", error.hint))
            return MISSING
        reading.lookup.keep_native(hit, question.path, parts)
    return MISSING


def missing(lookup: Lookup, question: Question) -> Problem:
    """The problem of a setting that stands nowhere."""
    places = "".join(f"\n      {line}" for line in lookup.tried(question.path, stated=question.stated))
    close = lookup.similar(question.path)
    guess = f"\n    did you mean {close}?" if close else ""
    kinds = [bare(member) for member in members(question.kind)]
    if any(is_native(kind) for kind in kinds):
        keys = ", ".join(field.key for kind in kinds if is_record(kind) for field in fields(kind))
        guess += f"\n    write it in one piece, or as a table of {keys}"
    expected = "" if question.kind in ANYTHING else f" ({described(question.kind)})"
    return Problem(
        f"{question.name}{expected} is missing; it was looked for, in this order, in\n{places[1:]}{guess}", missing=True
    )
