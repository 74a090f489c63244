"""The processes of the demo: the API, which is asked by lines, and the worker that is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import attrs

import sinkkit
from sinkkit.cli.demo.verdict import Call
from sinkkit.errors import SinkkitError

CONFIGURES = ("DESTINATION__", "SINKKIT_", "DEMO__")
"""Beginnings of environment variables by which a user's own settings would get into the demo."""


@attrs.frozen
class Api:
    """The running API."""

    process: subprocess.Popen[str]
    url: str

    def ask(self, line: str) -> Any:
        """Its answer to *line*.

        Raises:
            SinkkitError: If it has ended.
        """
        return ask(self.process, line)

    def record(self) -> list[Call]:
        """Every request it got."""
        return [Call(**entry) for entry in self.ask("record")]


def ask(process: subprocess.Popen[str], line: str | None) -> Any:
    """Write *line*, if there is one, and read the answer.

    Raises:
        SinkkitError: If the process has ended.
    """
    if line is not None:
        to_it = cast("IO[str]", process.stdin)
        to_it.write(f"{line}\n")
        to_it.flush()
    answer = cast("IO[str]", process.stdout).readline()
    if not answer:
        raise SinkkitError(f"the server of the demo ended with status {process.wait()}", hint="its own message stands above")
    return json.loads(answer)


@contextmanager
def api(environment: Mapping[str, str]) -> Iterator[Api]:
    """The API, while the block runs."""
    command = [sys.executable, "-m", "sinkkit.cli.demo.server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True, encoding="utf-8", start_new_session=True) as process:
        try:
            yield Api(process, ask(process, None)["url"])
        finally:
            process.kill()


@contextmanager
def worker(folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The user's script, running in *folder*; killed at the end of the block if it still runs."""
    command = [sys.executable, "push_contacts.py"]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8", start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def environment_for(folder: Path) -> dict[str, str]:
    """This process's environment without the user's own settings, with the demo's home and state in *folder*."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CONFIGURES)}
    package = str(Path(sinkkit.__file__).parent.parent)
    if "site-packages" not in package:  # run from a checkout: the children have to find it too
        kept["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [kept.get("PYTHONPATH")])])
    return {**kept, "HOME": str(folder), "SINKKIT_PIPELINES_DIR": str(folder / "state"), "PYTHONIOENCODING": "utf-8"}
