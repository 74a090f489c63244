"""What every test gets: Hypothesis profiles, an environment of its own, and the real inputs if they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

CI = "CI" in os.environ
PROJECT = Path(__file__).resolve().parent.parent
SETTINGS = ("SINKKIT_", "DESTINATION__")

settings.register_profile(
    "quick",
    max_examples=30,
    deadline=None,  # a busy machine is not a defect
    derandomize=CI,  # a change is judged by the same examples each time; people look for new ones
    database=None if CI else DirectoryBasedExampleDatabase(PROJECT / ".hypothesis" / "examples"),  # tests run in other folders
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=1_000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(autouse=True)
def isolation(tmp_path, tmp_path_factory, monkeypatch):
    """Run each test in an empty folder, with an empty home and no settings in the environment."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(SETTINGS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of the real inputs, which lies beside the project, not in it."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real inputs are not there: {folder}")
    return folder
