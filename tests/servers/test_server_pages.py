"""The page on servers of others shows the settings that are tested, word for word."""

from __future__ import annotations

import re

from foreign_servers import SETTINGS

PAGE = SETTINGS.parents[1] / "docs" / "how-to" / "servers-of-others.md"


def test_the_page_shows_the_settings():
    """What the page tells its reader to write is what the tests use, and all of it."""
    shown = re.findall(r'^```toml title="\.sinkkit/config\.toml"\n(.*?)^```$', PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)

    assert sorted(shown) == sorted(path.read_text(encoding="utf-8") for path in SETTINGS.glob("*.toml"))
