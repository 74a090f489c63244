"""Each recipe has a how-to that shows it as it is; that what the pages do works is tried with all other pages."""

from __future__ import annotations

import re

import pytest
from recipe_run import RECIPES

PROJECT = RECIPES.parents[1]
PAGES = PROJECT / "docs" / "how-to" / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_the_recipe(name):
    """What the page tells its reader to write is the recipe, word for word."""
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    shown = re.search(r'^```toml title="\.sinkkit/config\.toml"\n(.*?)^```$', page, flags=re.MULTILINE | re.DOTALL)

    assert shown[1] == (RECIPES / f"{name}.toml").read_text(encoding="utf-8")


def test_pages_and_recipes_are_listed():
    """Every recipe has a page, and both are listed where one would look for them."""
    listed = (RECIPES / "README.md").read_text(encoding="utf-8")
    linked = (PROJECT / "README.md").read_text(encoding="utf-8")

    assert sorted(path.stem for path in PAGES.glob("*.md")) == NAMES
    assert sorted(re.findall(r"\]\((\w+)\.toml\)", listed)) == NAMES
    assert sorted(re.findall(r"\]\(docs/how-to/recipes/(\w+)\.md\)", linked)) == NAMES
