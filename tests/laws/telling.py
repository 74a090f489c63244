"""What is said and stored of a run, all of it, and the forms in which a secret might show in it."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import traceback
import warnings
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from urllib.parse import quote, quote_plus

from hypothesis import settings
from hypothesis import strategies as st

import sinkkit
from sinkkit.errors import DeliveryFailed, SinkkitError

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=3, max_size=30)
SECRETS = st.one_of(TEXTS, st.text("ab%/+=&'\"\\ \n", min_size=3, max_size=12)).map("§{}§".format)
"""Between two rare characters, so that no text of ours holds one by chance."""

few = settings(max_examples=5, deadline=None)


def forms(secret):
    """How a secret may show: plain, on one line, in a URL, in JSON, in Python, in base64, and as part of Basic authentication."""
    data = secret.encode()
    encoded = [quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    based = [b64encode(data).decode()[:-4], urlsafe_b64encode(data).decode()[:-4], b64encode(b"ann:" + data).decode()[8:-4]]
    return list(dict.fromkeys(form for form in [secret, repr(secret)[1:-1], repr(data)[2:-1], *encoded, *based] if len(form) > 4))


class Records(logging.Handler):
    """Everything that a log record of ours says and holds."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.said = []

    def emit(self, record):
        self.said += [record.getMessage(), repr(vars(record))]


@contextlib.contextmanager
def logged():
    """The texts of the records of our logger in the block."""
    handler, logger = Records(), logging.getLogger("sinkkit")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield handler.said
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def links(error):
    """The error and all that it is chained to."""
    seen, waiting = [], [error]
    while waiting:
        link = waiting.pop()
        if link is not None and not any(link is other for other in seen):
            seen.append(link)
            waiting += [link.__cause__, link.__context__]
    return seen


def told_by(error):
    """Every text in which an error may be shown or sent to another process."""
    said = ["".join(traceback.format_exception(error))]
    for link in links(error):
        said += [str(link), repr(link), repr(link.args), repr(getattr(link, "__notes__", ())), repr(vars(link))]
        if isinstance(link, SinkkitError):
            said.append(pickle.dumps(link).decode("latin-1"))
    return said


def assert_hidden(secret, texts, folder, *, but=()):
    """No form of the secret is in any of *texts*, or in any file of *folder* but those where it was put."""
    files = [path for path in sorted(Path(folder).rglob("*")) if path.is_file() and path.name not in but]
    assert [(form, text) for form in forms(secret) for text in texts if form in text] == []
    assert [(form, path.name) for form in forms(secret) for path in files if form.encode() in path.read_bytes()] == []
    assert texts != []


def everything_said(destination, folder, data=None):
    """Run a destination, collect all that is said of it, and export its dead letters."""
    said, events = [], []
    with warnings.catch_warnings(record=True) as caught, logged() as records:
        warnings.simplefilter("always")
        for name, progress in (("p", "log"), ("q", lambda event: events.append(repr(event)))):
            pipeline = sinkkit.pipeline(name, destination=destination, pipelines_dir=folder, progress=progress)
            try:
                info = pipeline.run([{"id": 1}, {"id": 2}, {"id": 3}] if data is None else data(), table_name="t")
            except SinkkitError as error:
                said += told_by(error)
                info = error.info if isinstance(error, DeliveryFailed) else None
            said += [str(info), repr(info), "" if info is None else json.dumps(info.asdict(), default=str), repr(pipeline)]
            try:
                letters = pipeline.rejected()
                said += [repr(pipeline.state()), *map(repr, letters), repr(letters.to_arrow().to_pylist())]
            except SinkkitError as error:  # it was never run, or its journal is broken
                said += told_by(error)
    return said + events + records + [str(one.message) for one in caught]


class Talkative(Exception):
    """A user's error that holds more than it says."""
