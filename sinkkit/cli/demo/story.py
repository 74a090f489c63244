"""The story of the demo: what is done, in plain words, step by step."""

from __future__ import annotations

import json
import signal
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import attrs

from sinkkit.cli.demo.contacts import HOW_MANY, contacts
from sinkkit.cli.demo.processes import Api, api, environment_for, worker
from sinkkit.cli.demo.server import FAULTS, PAUSE
from sinkkit.cli.demo.verdict import UNAVAILABLE, Call, Claim, Run, judge
from sinkkit.cli.output import counted, plain
from sinkkit.errors import SinkkitError

SCRIPT = "push_contacts.py"
WORKERS = 4
"""Calls at once, as the script's decorator says."""

KILL_AT = 2_000
"""Rows received when the worker is killed."""

Say = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Shown:
    """What came out: the claims, and the server's own count."""

    claims: Sequence[Claim]
    calls: Sequence[Call]
    seconds: float


def tell(say: Say) -> Shown:
    """Play it; *say* gets a paragraph at a time.

    Raises:
        SinkkitError: If a process of the demo fails, so that nothing can be shown.
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sinkkit-demo-") as place:
        folder = Path(place)
        environment = environment_for(folder)
        text = files("sinkkit.cli.demo").joinpath(SCRIPT).read_text(encoding="utf-8")
        (folder / SCRIPT).write_text(text, encoding="utf-8")
        _introduce(say, text)
        with api(environment) as server:
            _configure(folder, server.url)
            before_kill = _kill_in_the_middle(say, server, folder, environment)
            _run_again(say, folder, environment)
            calls = server.record()
    given = {row["id"]: row for row in json.loads(json.dumps([plain(row) for row in contacts()]))}
    run = Run(before_kill=before_kill, workers=WORKERS, pause=PAUSE)
    return Shown(claims=judge(calls, given, run), calls=calls, seconds=time.monotonic() - begun)


def _configure(folder: Path, url: str) -> None:
    (folder / ".sinkkit").mkdir()
    section = f'[destination.crm.http]\nbase_url = "{url}"\ntrust_env = false\n'
    (folder / ".sinkkit" / "config.toml").write_text(section, encoding="utf-8")


def _introduce(say: Say, script: str) -> None:
    say(
        f"{HOW_MANY:,} customer contacts have to get into another system, over its web API. This is the whole program for it; "
        "the decorated function sends one batch, and sinkkit does the rest:"
    )
    say(textwrap.indent(script.rstrip(), "    "))
    say(
        "The API is a real web server on this machine, in a process of its own. As real ones do, it now and then answers "
        f'"429, too many requests, wait {PAUSE} s" or "503, not now", and sometimes it does the work and the connection breaks '
        "before its answer arrives. It writes down every request, and it does nothing against repetitions: what is sent twice is counted twice."
    )


def _kill_in_the_middle(say: Say, server: Api, folder: Path, environment: Mapping[str, str]) -> int:
    """Start the script and kill it once the server has seen enough; returns how many requests had arrived by then."""
    say("1. The program starts.")
    with worker(folder, environment) as process:
        server.ask(f"rows {KILL_AT}")
        process.kill()
        status = process.wait()
    seen = server.ask("count")
    if status != -signal.SIGKILL:
        raise SinkkitError(f"the program ended with status {status} before it could be killed", hint="its own message stands above")
    say(
        f"2. The server has {seen['rows']:,} contacts, and the program is killed, as by `kill -9` or a power cut: "
        "it cannot save or tell anything any more. Calls are on their way at this moment."
    )
    return int(seen["requests"])


def _run_again(say: Say, folder: Path, environment: Mapping[str, str]) -> None:
    say("3. The same program is started again. It finds in its journal what is settled, and sends the rest. It reports:")
    with worker(folder, environment) as process:
        output, _ = process.communicate()
    say(textwrap.indent(output.rstrip(), "    "))
    if process.returncode != 0:
        raise SinkkitError(f"the second run ended with status {process.returncode}", hint="its own message stands above")


def server_side(calls: Sequence[Call]) -> str:
    """What the server saw, in one paragraph."""
    taken = sum(len(call.rows) for call in calls if call.processed)
    once = len({row["id"] for call in calls if call.processed for row in call.rows})
    dropped = sum(call.status is None for call in calls)
    unavailable = sum(call.status == UNAVAILABLE for call in calls)
    return (
        f"The server's own record: {counted(len(calls), 'request')}, of {len(FAULTS)} planned faults {dropped} broken connections and "
        f"{unavailable} answers 503. It took {taken:,} contacts, {taken - once:,} of them for the second time."
    )


def moral() -> str:
    """What to take home."""
    return (
        "Whether a call that got no answer had been processed, nobody but the server can know. So sinkkit sends just those batches again, "
        "with the same Idempotency-Key as the first time: an API that honours such keys takes every contact exactly once. "
        f"A script that starts over after the kill would have sent more than {KILL_AT:,} contacts twice."
    )
