"""Packages for a journal under test."""

from __future__ import annotations

from sinkkit.journal.records import JobRecord, PackageRecord, PackageState


def register(journal, load_id="load", rows=(100,), table="t"):
    """Make a package known, with a job for each number of *rows*; its jobs."""
    record = PackageRecord(
        load_id=load_id, folder=f"packages/{load_id}", state=PackageState.NORMALIZED, run_name=None, destination=None, created_at=1.0
    )
    firsts = [sum(rows[:n]) for n in range(len(rows))]
    jobs = [
        JobRecord(id=0, load_id=load_id, name=f"{table}.{n}", table=table, row_count=count, first_index=first)
        for n, (count, first) in enumerate(zip(rows, firsts, strict=True))
    ]
    journal.register(record, jobs)
    return journal.jobs(load_id)
