"""``python -m sinkkit``: the command line."""

from __future__ import annotations

from sinkkit.cli import main

if __name__ == "__main__":
    main()
