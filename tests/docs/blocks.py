"""The code blocks of a Markdown page: found, told apart, and run as a reader would run them."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import attrs

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]

FENCE = re.compile(r"^(?P<fence>```+)(?P<language>\w*)(?:\s+title=\"(?P<title>[^\"]+)\")?\s*$")
NOT_RUN = re.compile(r"^<!-- not run: (?P<reason>.{10,}) -->$")
SHELL = ("bash", "console", "sh")
RUN = ("python", *SHELL, "toml")
SECONDS_A_BLOCK = 240
"""A block that takes longer hangs; where, its stacks tell."""

VARIABLE = {
    r"\.\.\.": r"(?s:.*?)",
    r"\d+(?:\.\d+)? s\b": r"[\d,]+(?:\.\d+)? s\b",
    r"\d{13}-[0-9a-f]{16}": r"\d{13}-[0-9a-f]{16}",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d",
    r"127\.0\.0\.1:\d+": r"127\.0\.0\.1:\d+",
}
"""What differs from run to run, as it is shown, and what it may be: anything for ``...``, durations, load ids, times, ports."""


@attrs.frozen
class Block:
    """One fenced block; *title* names the file it is saved to; *reason* says why it is not run."""

    page: Path
    line: int
    language: str
    text: str
    title: str | None = None
    reason: str | None = None

    @property
    def place(self):
        """The page and line, for messages."""
        return f"{self.page.relative_to(PROJECT)}:{self.line}"


def blocks_of(page):
    """Every fenced block of *page*, in order."""
    found, opened, reason = [], None, None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if opened is not None:
            if line.strip() == opened["fence"]:
                found.append(Block(page, opened["line"], opened["language"], "".join(opened["lines"]), opened["title"], opened["reason"]))
                opened = reason = None
            else:
                opened["lines"].append(f"{line}\n")
        elif fence := FENCE.match(line):
            opened = {**fence.groupdict(), "line": number, "lines": [], "reason": reason}
        elif line.strip():
            marked = NOT_RUN.match(line)
            reason = marked["reason"] if marked else None
    assert opened is None, f"{page}:{opened['line']}: the block does not end"
    return found


def pattern_of(shown):
    """What *shown* output stands for, as a regular expression."""
    splitter = re.compile("|".join(f"({known})" for known in VARIABLE))
    parts, at = [], 0
    for match in splitter.finditer(shown):
        parts += [re.escape(shown[at : match.start()]), list(VARIABLE.values())[match.lastindex - 1]]
        at = match.end()
    return re.compile("".join([*parts, re.escape(shown[at:])]))


def plain(text):
    """Lines without the spaces at their ends, and without empty ones around them."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def matches(shown, printed):
    """Whether what was *printed* is what the page has *shown*."""
    return pattern_of(plain(shown)).fullmatch(plain(printed)) is not None


@attrs.define
class Reader:
    """Somebody who follows a page from top to bottom in an empty folder."""

    folder: Path
    namespace: dict = attrs.field(factory=lambda: {"__name__": "page"})
    started: list = attrs.field(factory=list)

    def follow(self, blocks):
        """Do what each block says and compare what the page shows with what was printed; returns how many were run."""
        done = 0
        for block, following in zip_longest(blocks, blocks[1:]):
            if block.language not in RUN or block.reason is not None:
                continue
            printed = self.do(block)
            done += 1
            if following is not None and following.language == "text" and following.reason is None:
                assert matches(following.text, printed), f"{following.place}: the page shows\n{following.text}\nand this was printed:\n{printed}"
        return done

    def do(self, block):
        """Save, run or read one block; returns what it printed."""
        if block.language not in SHELL and block.title is not None:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            path.chmod(0o600)  # as pages tell their readers to do with secrets
            return ""
        if block.language == "python":
            return self.python(block)
        if block.language == "toml":
            raise AssertionError(f"{block.place}: a toml block needs a title, the file it belongs to")
        return self.in_background(block) if block.title == "another terminal" else self.shell(block)

    def python(self, block):
        """Run Python in the page's one namespace."""
        source = "\n" * block.line + block.text
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, str(block.page), "exec", dont_inherit=True), self.namespace)
        return printed.getvalue()

    def environment(self):
        """The reader's environment: the tools of this Python come first."""
        own = {"PYTEST_DEBUG_TEMPROOT": str(self.folder)}  # a pytest of the reader's does not tidy up behind ours
        return {**os.environ, **own, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", "NO_COLOR": "1", "COLUMNS": "120"}

    def shell(self, block):
        """Run shell commands; the last one ends with 0, or with the status that the title of the block says."""
        expected = int((block.title or "exit status 0").removeprefix("exit status "))
        text = re.sub(r"^\$ ", "", block.text, flags=re.MULTILINE)
        output = self.folder / ".printed"
        with output.open("w+") as file:
            process = subprocess.Popen(
                ["bash", "-c", text],
                cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            )
            self.started.append(process)
            try:
                status = process.wait(SECONDS_A_BLOCK)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGABRT)
                status = f"none after {SECONDS_A_BLOCK} s: {process.wait()}"
        printed = output.read_text()
        assert status == expected, f"{block.place}: exit status {status}\n{printed}"
        return printed

    def in_background(self, block):
        """Start what the reader types in another terminal; returns its first line of output."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {block.text}"],
            cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )
        self.started.append(process)
        return process.stdout.readline()

    def leave(self):
        """End what is still running."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout:
                process.stdout.close()
