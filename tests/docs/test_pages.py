"""Every code block of README and docs is run, as a reader would run it, and prints what the page shows."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from blocks import PAGES, PROJECT, RUN, Reader, blocks_of, matches

LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
MOST_NOT_RUN = 3


def name(page):
    """A page as people call it."""
    return str(page.relative_to(PROJECT))


def in_blocks(page):
    """The page without its code blocks."""
    return re.sub(r"^```.*?^```\s*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page):
    """The anchors that headings of a page get, as GitHub makes them."""
    headings = re.findall(r"^#+\s+(.+?)\s*$", in_blocks(page), flags=re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """Somebody in an empty folder, whose modules and environment are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    known, environment = list(sys.modules), dict(os.environ)
    reader = Reader(tmp_path)
    yield reader
    reader.leave()
    os.environ.clear()
    os.environ.update(environment)
    for module in [module for module in sys.modules if module not in known]:
        if str(tmp_path) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_a_page_tells_its_reader_to_do_works(page, reader):
    """The blocks of a page, run in order in one folder, work and print what the page shows."""
    blocks = blocks_of(page)
    expected = [block for block in blocks if block.language in RUN and block.reason is None]

    assert reader.follow(blocks) == len(expected)


def test_few_blocks_are_not_run():
    """A block that is not run says why, and there are few of them."""
    left_out = [block for page in PAGES for block in blocks_of(page) if block.reason is not None]

    assert len(left_out) <= MOST_NOT_RUN, [block.place for block in left_out]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_block_says_what_it_is(page):
    """No block is left without a language, by which it would escape being run."""
    known = [*RUN, "text", "mermaid", "json", "sql"]

    assert [block.place for block in blocks_of(page) if block.language not in known] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    """A link to a page or a heading of ours leads to one that is there."""
    lost = []
    for link in LINK.finditer(in_blocks(page)):
        path, _, anchor = link["target"].partition("#")
        if path.startswith(("http:", "https:", "mailto:")):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(link["target"])

    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_page_is_linked_to(page):
    """Each page can be reached from README by following links."""
    seen, line = [], [PROJECT / "README.md"]
    while line:
        here = line.pop()
        if here in seen or here.suffix != ".md" or not here.exists():
            continue
        seen.append(here)
        line += [(here.parent / link["target"].partition("#")[0]).resolve() for link in LINK.finditer(in_blocks(here)) if ":" not in link["target"]]

    assert page in seen


@pytest.mark.parametrize(
    ("shown", "printed", "fits"),
    [
        ("3 rows in 0.01 s", "3 rows in 12.50 s", True),
        ("3 rows in 0.01 s", "4 rows in 0.01 s", False),
        ("a ... z", "a b\nc z", True),
        ("id 1795239948589-456182be35f702d4", "id 1700000000000-0000000000000000", True),
        ("a", "a\nb", False),
        ("a \nb\n", "a\nb", True),
    ],
)
def test_only_what_varies_may_differ(shown, printed, fits):
    """Durations, ids and dots may stand for something else; nothing else may."""
    assert matches(shown, printed) is fits


def test_pages_are_found():
    """The pages that are checked are those of the project."""
    assert Path(PAGES[0]).name == "README.md"
    assert len(PAGES) > 1
