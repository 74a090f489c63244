"""Peak memory of a whole run over its import, for a generator of so many rows: ``python benchmarks/memory.py 1000000 10000000``.

Each number of rows runs in a process of its own; prints one line each (MiB).
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator


def peak_mib() -> float:
    """Peak resident memory of this process so far, in MiB (Linux counts KiB, macOS bytes)."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def run(rows: int) -> None:
    """Push *rows* generated rows into a sink that only counts them, and print what it took."""
    import sinkkit

    seen = [0]

    @sinkkit.destination(batch_size=1000)
    def count(items: list[dict]) -> None:
        seen[0] += len(items)

    def generated() -> Iterator[dict[str, object]]:
        for i in range(rows):
            yield {"id": i, "qty": i % 100, "price": i * 0.25, "name": f"name_{i}", "active": i % 2 == 0, "created": "2024-01-01"}

    with tempfile.TemporaryDirectory() as folder:
        pipeline = sinkkit.pipeline("memory", destination=count, pipelines_dir=folder, progress="off")
        before = peak_mib()
        pipeline.run(generated(), table_name="items")
        after = peak_mib()
    if seen[0] != rows:
        raise SystemExit(f"{seen[0]} rows arrived of {rows}")
    print(f"{rows:>12,} rows: {after - before:6.1f} MiB over the import of {before:.1f} MiB")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        run(int(sys.argv[2]))
    else:
        for count in sys.argv[1:] or ["1000000", "10000000"]:
            subprocess.run([sys.executable, __file__, "--one", count], check=True)
