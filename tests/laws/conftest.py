"""The programs of the crash campaign stand beside the laws that they prove."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "crash"))
