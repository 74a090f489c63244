"""Places where settings stand: files of a test of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, another home, and an environment without settings of other tests."""
    here = tmp_path / "project"
    (here / ".sinkkit").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SINKKIT_CONFIG_DIR", raising=False)
    for name in [name for name in os.environ if "__" in name]:
        monkeypatch.delenv(name)
    return here


@pytest.fixture
def write(project: Path):
    """Writes a file, private to its owner, below the current directory."""

    def writer(text: str | bytes, name: str = "config.toml", folder: Path | None = None, mode: int = 0o600) -> Path:
        path = (folder or project / ".sinkkit") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    return writer
