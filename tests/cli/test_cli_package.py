"""`sinkkit package`: what is in a load package, and packages that go from one machine to another."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def taken(sinkkit_command):
    """A pipeline `nightly` that has taken 50 rows; its load id."""
    return sinkkit_command("extract", "nightly", "sinks.fifty", "--json").document["report"]["load_ids"][0]


def test_from_one_machine_to_another(sinkkit_command, sent, taken, tmp_path):
    """Exported here and imported where pipelines are kept elsewhere, a package is delivered there and not here."""
    there = {"SINKKIT_PIPELINES_DIR": str(tmp_path / "other machine")}
    exported = sinkkit_command("package", "export", "nightly", "--to", "out.tar.gz")
    here = [sinkkit_command("load", "nightly", "sinks.good"), sinkkit_command("status", "nightly")]
    imported = sinkkit_command("package", "import", "out.tar.gz", **there)
    before = sent()
    loaded = sinkkit_command("load", "nightly", "sinks.good", **there)

    assert [done.status for done in (exported, *here, imported, loaded)] == [0] * 5
    assert exported.out.splitlines() == [
        f"nightly: load package {taken} (50 rows) handed over in out.tar.gz",
        "take it over there: sinkkit package import out.tar.gz",
    ]
    assert here[0].out == "nightly: nothing is pending\n"
    assert ["pending: nothing" in here[1].out, "handed over: 50 rows in 1 load package" in here[1].out] == [True, True]
    assert imported.out.splitlines()[0] == f"nightly: load package {taken} (50 rows) taken over"
    assert (before, len(sent())) == ([], 50)


def test_as_json(sinkkit_command, taken):
    """Export, import, show and status tell programs the same."""
    exported = sinkkit_command("package", "export", "nightly", "--load", taken, "--to", "out.tar", "--json").document
    status = sinkkit_command("status", "nightly", "--json").document
    imported = sinkkit_command("package", "import", "out.tar", "--pipeline", "other", "--json").document
    shown = sinkkit_command("package", "show", "other", "--json").document["package"]

    assert exported["file"] == exported["load"]["handed_over_to"] == str(Path("out.tar").absolute())
    assert status["pipeline"]["handed_over"] == [exported["load"]]
    assert (imported["pipeline"], imported["load"]["imported_from"], imported["load"]["load_id"]) == ("other", "nightly", taken)
    assert shown["tables"]["fifty"]["columns"]["id"]["data_type"] == "bigint"
    assert [(job["rows"], job["counts"]["pending"], job["problem"]) for job in shown["jobs"]] == [(50, 50, None)]


def test_what_is_in_a_package(sinkkit_command, taken):
    """Tables with their columns, and jobs with their rows, bytes and checksums, are shown before, within and after a delivery."""
    before = sinkkit_command("package", "show", "nightly")
    sinkkit_command("load", "nightly", "sinks.stopped")
    within = sinkkit_command("package", "show", "nightly", "--json").document["package"]
    sinkkit_command("load", "nightly", "sinks.stopped", "--set", "number=0")
    after = sinkkit_command("package", "show", "nightly", "--load", taken)
    nothing = sinkkit_command("package", "show", "nightly")

    assert [word in before.out for word in ("table fifty: 50 rows, append", "bigint", "fifty.0.jsonl", "holds")] == [True] * 4
    counts = within["jobs"][0]["counts"]
    assert (counts["delivered"], counts["pending"], counts["in_flight"]) == (30, 20, 0)
    assert (after.status, "its files were removed" in after.out) == (0, True)
    assert (nothing.status, "no load package is pending" in nothing.err) == (2, True)


def test_a_damaged_package_is_shown(sinkkit_command, taken, tmp_path):
    """A file that is not what was written is named, and the exit status is 1."""
    (path,) = (tmp_path / "state" / "nightly" / "packages" / taken).glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"17", b"18", 1))
    shown = sinkkit_command("package", "show", "nightly")

    assert shown.status == 1
    assert ["WRONG" in shown.out, "damaged: " in shown.out, "checksum is wrong" in shown.out] == [True] * 3


def test_wrong_use(sinkkit_command, taken, tmp_path):
    """What cannot be done ends with 2, a file that is not what was exported with 1, and each says why."""
    (tmp_path / "bad.tar").write_bytes(b"rubbish")
    sinkkit_command("package", "export", "nightly", "--to", "out.tar")
    done = [
        sinkkit_command("package", "export", "nightly", "--load", taken, "--to", "again.tar"),
        sinkkit_command("package", "export", "nowhere", "--to", "again.tar"),
        sinkkit_command("package", "export", "nightly"),
        sinkkit_command("package", "import", "out.tar"),
        sinkkit_command("package", "import", "missing.tar"),
        sinkkit_command("package", "import", "bad.tar", "--pipeline", "other"),
        sinkkit_command("package", "show", "nightly", "--load", "x"),
    ]

    assert [one.status for one in done] == [2, 2, 2, 2, 2, 1, 2]
    said = ["was handed over in", "there is no pipeline", "--to", "was handed over by it", "is no file", "is not what was exported", "knows no load package"]
    assert [text in one.err for text, one in zip(said, done, strict=True)] == [True] * 7


def test_the_group_explains_itself(sinkkit_command):
    """Without a command, the group lists its commands."""
    shown = sinkkit_command("package", "--help")

    assert [word in shown.out for word in ("show", "export", "import")] == [True] * 3
