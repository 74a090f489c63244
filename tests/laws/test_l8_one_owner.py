"""Law L8: two processes on one pipeline: one works, the other is told who does; a dead owner holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from threading import Event, Thread

import pytest

import sinkkit
from sinkkit.errors import PipelineLocked

OWNER = """
import signal, sinkkit, sys
@sinkkit.destination(batch_size=1, workers=1)
def sink(items):
    print("calling", flush=True)
    {looking}
    print("looked", flush=True)
    signal.pause()
sinkkit.pipeline("p", destination=sink, pipelines_dir=sys.argv[1], progress="off", drain=0).run([1, 2, 3], table_name="t")
"""


@contextmanager
def owner(folder, looking=""):
    """A process that owns the pipeline *p* and is in the middle of a call."""
    command = [sys.executable, "-c", OWNER.format(looking=looking), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert [process.stdout.readline() for _ in range(2)] == ["calling\n", "looked\n"]
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@sinkkit.destination(batch_size=1, workers=1)
def sink(items):
    """Deliver everything."""


def pipeline(folder, name="p"):
    """The pipeline as this process sees it."""
    return sinkkit.pipeline(name, destination=sink, pipelines_dir=folder, progress="off")


@pytest.mark.parametrize("wish", ["run", "resume", "extract", "normalize", "drop"])
def test_the_second_is_told_who_owns_it(tmp_path, wish):
    """Whatever changes a pipeline is refused while another process runs it, and names that process; nothing is changed."""
    arguments = {"run": ([4],), "extract": ([4],)}.get(wish, ())
    options = {"table_name": "t"} if arguments else {}
    with owner(tmp_path) as process:
        mine = pipeline(tmp_path)
        with pytest.raises(PipelineLocked, match=rf"process {process.pid} on .* since ") as refused:
            getattr(mine, wish)(*arguments, **options)

        assert refused.value.hint is not None
        assert [package.total.extracted for package in mine.pending] == [3]


def test_looking_needs_no_lock(tmp_path):
    """Pending packages, the state and dead letters can be read while another process runs the pipeline."""
    with owner(tmp_path) as process:
        mine = pipeline(tmp_path)

        assert [package.total.unknown for package in mine.pending] == [1]
        assert f"process {process.pid}" in mine.state().owner
        assert list(mine.rejected()) == []


def test_looking_from_inside_keeps_the_lock(tmp_path):
    """A function that looks at the pipeline that calls it does not let others in by that."""
    looking = 'print(sinkkit.attach("p", sys.argv[1], progress="off").state().owner, file=sys.stderr)'
    with owner(tmp_path, looking), pytest.raises(PipelineLocked):
        pipeline(tmp_path).resume()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_dead_owner_holds_nothing(tmp_path, number):
    """After the owner was killed, its rows are delivered by the next process without any wait or cleaning up."""
    with owner(tmp_path) as process:
        os.kill(process.pid, number)
        process.wait(30)
        info = pipeline(tmp_path).resume()

    assert (info.total.delivered, info.total.resent, info.total.pending) == (3, 1, 0)
    assert pipeline(tmp_path).state().owner is None


def test_other_pipelines_are_not_concerned(tmp_path):
    """A pipeline of another name in the same folder runs at the same time."""
    with owner(tmp_path):
        assert pipeline(tmp_path, "q").run([1], table_name="t").total.delivered == 1


def test_two_threads_are_two_owners(tmp_path):
    """A second run in the same process is refused while the first is under way, and may start after it."""
    inside, go_on = Event(), Event()

    @sinkkit.destination(batch_size=1, workers=1)
    def waiting(items):
        inside.set()
        assert go_on.wait(20)

    first = sinkkit.pipeline("p", destination=waiting, pipelines_dir=tmp_path, progress="off")
    thread = Thread(target=first.run, args=([1],), kwargs={"table_name": "t"})
    thread.start()
    assert inside.wait(20)
    try:
        with pytest.raises(PipelineLocked, match="this process"):
            pipeline(tmp_path).resume()
    finally:
        go_on.set()
        thread.join()

    assert pipeline(tmp_path).run([2], table_name="t").total.delivered == 1


def test_a_forked_child_owns_nothing():
    """A pipeline made before a fork is refused in the child, and the child's end does not let the parent's lock go."""
    code = """
import os, sinkkit, sys, tempfile
from sinkkit.errors import PipelineLocked
folder = tempfile.mkdtemp()
@sinkkit.destination(batch_size=1, workers=1)
def sink(items):
    child = os.fork()
    if child == 0:
        try:
            mine.resume()
        except PipelineLocked as error:
            print("child:", "fork" in str(error), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    other = "import sinkkit, sys; sinkkit.pipeline('p', destination='x.y', pipelines_dir=sys.argv[1], progress='off').normalize()"
    import subprocess
    ended = subprocess.run([sys.executable, "-c", other, folder], capture_output=True, text=True)
    print("other:", "PipelineLocked" in ended.stderr, flush=True)
mine = sinkkit.pipeline("p", destination=sink, pipelines_dir=folder, progress="off")
print("delivered:", mine.run([1], table_name="t").total.delivered)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.splitlines() == ["child: True", "other: True", "delivered: 1"]
