"""Which destination a pipeline was run with: a small file in the pipeline's folder, so that ``resume`` need not be told again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import attrs

from sinkkit.errors import ConfigError
from sinkkit.events import Event, RunStarted

FILE = "cli.json"


@attrs.frozen
class Remembered:
    """How a destination was named, and the folder that the command was given in."""

    reference: str
    folder: str


@attrs.frozen
class Remembering:
    """An observer that writes down the reference once the run owns its pipeline, when no other run can write there.

    Attributes:
        pipeline_folder: Where the pipeline's state is.
        reference: The destination as it was typed.
    """

    pipeline_folder: Path
    reference: str

    def __call__(self, event: Event) -> None:
        """Write, at the start of a run."""
        if isinstance(event, RunStarted) and event.destination is not None:
            entry = Remembered(self.reference, str(Path.cwd()))
            known = {**recalled(self.pipeline_folder), event.destination: entry}
            text = json.dumps({name: attrs.asdict(one) for name, one in known.items()}, indent=2)
            beside = self.pipeline_folder / f"{FILE}.{os.getpid()}"
            beside.write_text(f"{text}\n", encoding="utf-8")
            beside.replace(self.pipeline_folder / FILE)


def recalled(pipeline_folder: Path) -> dict[str, Remembered]:
    """Destination names to what is remembered of them, the one used last at the end; empty if nothing is.

    Raises:
        ConfigError: If the file is not what was written.
    """
    path = pipeline_folder / FILE
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: Remembered(**entry) for name, entry in found.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} cannot be understood: {error}", hint="remove it, and name the destination: sinkkit resume PIPELINE DESTINATION") from error
