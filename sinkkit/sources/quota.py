"""Only the first rows of a source: it is asked for one more than are wanted, to know whether there are more, and then closed."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import attrs

from sinkkit.errors import ConfigError
from sinkkit.sources.pages import ROWS_A_PAGE, ArrowPage, Page, RowsPage


@attrs.define(eq=False)
class Quota:
    """How many rows are wanted of all tables together.

    Attributes:
        most: That many.
        taken: Rows taken so far.
        more: Whether the source was seen to have more.

    Raises:
        ConfigError: If *most* is no whole number of at least 1.
    """

    most: int = attrs.field()
    taken: int = 0
    more: bool = False

    @most.validator
    def _check(self, _: object, most: object) -> None:
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            raise ConfigError(f"limit={most!r} is not possible", hint="write a whole number of rows, 1 or more")

    @property
    def next_page(self) -> int:
        """Single rows to take at a time."""
        return min(ROWS_A_PAGE, self.most - self.taken + 1)

    def pages(self, pages: Iterator[Page]) -> Iterator[Page]:
        """*pages* up to the last row wanted; they are closed then."""
        try:
            for page in pages:
                size = len(page.rows) if isinstance(page, RowsPage) else page.data.num_rows
                left = self.most - self.taken
                self.more = size > left
                if left and size:
                    self.taken += min(size, left)
                    yield beginning(page, left) if self.more else page
                if self.more:
                    return
        finally:
            if isinstance(pages, Generator):
                pages.close()


def beginning(page: Page, rows: int) -> Page:
    """The first *rows* of *page*."""
    if isinstance(page, ArrowPage):
        return attrs.evolve(page, data=page.data.slice(0, rows))
    return attrs.evolve(page, rows=page.rows[:rows])
