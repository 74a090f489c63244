"""A run of a destination under test that is killed with SIGKILL in a process of its own, and the one that goes on from there.

The process finds the author's class again by its module and file, makes it, and dies in the middle of ``main``.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any, cast

import attrs

from sinkkit.faults import Point
from sinkkit.testing.contract_faults import same_keys
from sinkkit.testing.contract_hooks import Address, Hooks, PromiseBroken
from sinkkit.testing.contract_promises import ROWS
from sinkkit.testing.contract_run import configured, finished, pipeline_of, rows, stage
from sinkkit.testing.contract_seen import few, must_deliver, seen
from sinkkit.testing.crash import CrashAt, kill_after

KILLED_AFTER_CALLS = 3
"""The process dies when this many calls have been answered, the last of them unknown to the journal."""

SHOWN = 2_000
"""Characters of that process's output that are shown if it fails."""

VICTIM = "import sys; from sinkkit.testing.contract_kill import main; main(sys.argv[1])"
"""The program that is killed; its argument is a ``Plan``."""


@attrs.frozen(kw_only=True)
class Plan:
    """What the process that is killed has to know: the author's class, the file it stands in, and where the run happens."""

    module: str
    file: str
    name: str
    folder: str
    url: str


def a_killed_run_goes_on(hooks: Hooks, folder: Path) -> str | None:
    """After ``kill -9`` in the middle of a run, the next one sends the rest: nothing is lost, and what is repeated has its old key."""
    kind = type(hooks)
    file = getattr(sys.modules[kind.__module__], "__file__", None)
    if "<locals>" in kind.__qualname__ or file is None:
        return f"{kind.__qualname__} is made inside a function, where the process that is killed cannot find it"
    place = folder / "killed"
    with stage(hooks, place, None) as api:
        plan = Plan(module=kind.__module__, file=file, name=kind.__qualname__, folder=str(place), url=api.url)
        command = [sys.executable, "-c", VICTIM, json.dumps(attrs.asdict(plan))]
        ended = kill_after(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)})
        if not ended.killed:
            raise PromiseBroken(
                f"the run that was to be killed in another process ended by itself, with status {ended.returncode}:\n{ended.output[-SHOWN:].rstrip()}\n"
                "  likely: the class or its destination cannot be made a second time, in another process; or there are too few calls"
            )
        subject = configured(hooks, api, {})
        pipeline = pipeline_of(subject, place)
        result = seen(hooks, api, subject.options, pipeline, finished(pipeline.resume))
    when = "after a kill and a resume"
    must_deliver(result, ROWS, when)
    if len(result.twice) > result.info.total.resent:
        raise PromiseBroken(
            f"{when}, {len(result.twice)} rows had arrived twice, and only {result.info.total.resent} of them had been of unknown fate: rows {few(result.twice)}\n"
            "  likely: the function remembers rows of earlier calls and sends them again"
        )
    same_keys(result, when)
    return None


def main(text: str) -> None:
    """The run that is killed, as *text*, a ``Plan`` in JSON, says."""
    plan = Plan(**json.loads(text))
    hooks = cast("Hooks", found(plan)())
    hooks.folder = Path(plan.folder)
    subject = configured(hooks, Address(plan.url), {})
    pipeline = pipeline_of(subject, hooks.folder, CrashAt(Point.AFTER_CALL, KILLED_AFTER_CALLS))
    ended = finished(pipeline.run, rows(hooks, ROWS), table_name=hooks.table_name)
    sys.stdout.write(f"{ended}\n")  # it should not have come to this: the parent shows it


def found(plan: Plan) -> Any:
    """The author's class: in the module of its name if that is its file, else in the file alone."""
    spec = importlib.util.find_spec(plan.module) if plan.module != "__main__" else None
    if spec is not None and spec.origin is not None and Path(spec.origin) == Path(plan.file):
        module = importlib.import_module(plan.module)
    else:
        alone = importlib.util.spec_from_file_location("contract_subject", plan.file)
        if alone is None or alone.loader is None:
            raise ImportError(f"{plan.file} cannot be imported")
        module = importlib.util.module_from_spec(alone)
        sys.modules["contract_subject"] = module
        alone.loader.exec_module(module)
    kind: Any = module
    for part in plan.name.split("."):
        kind = getattr(kind, part)
    return kind
