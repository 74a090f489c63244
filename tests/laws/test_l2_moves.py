"""Law L2 for packages that move: whatever is tried and fails on the way, each row is delivered once, by one of the two pipelines."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

import sinkkit
from sinkkit.errors import ConfigError, PackageCorrupted, SinkkitError
from sinkkit.faults import OF_EXPORT, OF_IMPORT, idle
from sinkkit.testing import FailAt

ROWS = [{"id": number} for number in range(12)]
STEPS = st.one_of(
    st.tuples(st.just("export"), st.sampled_from([None, *OF_EXPORT])),
    st.tuples(st.just("import"), st.sampled_from([None, *OF_IMPORT])),
    st.tuples(st.sampled_from(["resume here", "resume there", "run here", "lose the file"]), st.none()),
)


class Pair:
    """Two pipelines, a package in the first, and a file for it."""

    def __init__(self, folder):
        self.folder = folder
        self.sent = []
        self.file = folder / "out.tar"
        self.pipeline("here").extract(ROWS, table_name="t", run_id="only")

    def pipeline(self, name, point=None):
        """The pipeline *name*, which fails at *point*."""
        sink = sinkkit.destination(name="crm", batch_size=5, workers=1, durability="process")(lambda items: self.sent.extend((name, row["id"]) for row in items))
        made = sinkkit.pipeline(name, sink, pipelines_dir=self.folder / "state", progress="off")
        made.faults = idle if point is None else FailAt(point)
        return made

    def do(self, what, point):
        """One step, whether it can be done or not."""
        if what == "export":
            self.pipeline("here", point).packages.export(self.file)
        elif what == "import":
            self.pipeline("there", point).packages.import_file(self.file)
        elif what == "run here":
            self.pipeline("here").run(ROWS, table_name="t", run_id="only")
        elif what == "lose the file":
            self.file.unlink(missing_ok=True)
        else:
            self.pipeline(what.removeprefix("resume ")).resume()

    def finish(self):
        """What people do in the end: export again, import, and resume both."""
        with suppress(ConfigError):  # nothing is there to export any more
            self.do("export", None)
        with suppress(ConfigError):  # it was imported before, or there is nothing to import
            self.do("import", None)
        for name in ("here", "there"):
            self.do(f"resume {name}", None)


@given(steps=st.lists(STEPS, max_size=8))
def test_each_row_is_delivered_once_by_one_of_two(steps):
    """After any exports, imports, runs, failures and lost files, finishing what was begun delivers each row once, and no step sent one twice."""
    with TemporaryDirectory() as folder:
        pair = Pair(Path(folder))
        for what, point in steps:
            with suppress(SinkkitError):
                pair.do(what, point)
            assert len(pair.sent) in {0, len(ROWS)}
        pair.finish()

        assert sorted(number for _, number in pair.sent) == [row["id"] for row in ROWS]
        assert len({name for name, _ in pair.sent}) == 1
        assert [list(pair.pipeline(name).pending) for name in ("here", "there")] == [[], []]


def test_a_file_without_seal_is_never_taken():
    """What an export leaves when it fails before its package was handed over cannot be imported, whatever it is called."""
    with TemporaryDirectory() as folder:
        pair = Pair(Path(folder))
        seen = []

        class Looking(FailAt):
            """Tries to import the half-written file at the moment at which the package is about to be handed over, and just after."""

            def __call__(self, point):
                if point in OF_EXPORT[:2]:
                    (part,) = pair.folder.glob(".out.tar.*")
                    try:
                        pair.pipeline("there").packages.import_file(part)
                    except PackageCorrupted as error:
                        seen.append(error.message)

        pipeline = pair.pipeline("here")
        pipeline.faults = Looking(OF_EXPORT[2], 99)
        pipeline.packages.export(pair.file)

        assert ["no seal" in message or "empty file" in message or "unexpected end" in message for message in seen] == [True, True]
