"""The real journal, with a look at every commit, and with kills between what was asked to be written and what was."""

from __future__ import annotations

import attrs

from sinkkit.journal.sqlite import SqliteJournal


@attrs.define(eq=False)
class WatchedJournal:
    """Implements ``Journal`` over a ``SqliteJournal``: holds back what is submitted until somebody flushes it.

    Attributes:
        journal: The real one.
        hub: Lets a commit take its time.
        point: Where a kill may come.
        defect: What is wrong with it, on purpose.
        written: Told of every move that is durable.
        check: Called after every commit.
        seconds: How long a commit takes.
    """

    journal: SqliteJournal
    hub: object
    point: object
    defect: object
    written: object
    check: object
    seconds: float
    commits: int = 0
    _line: list = attrs.field(factory=list)
    _asked: int = 0
    _durable: int = 0

    def submit(self, moves):
        """Queue *moves*; returns the ticket."""
        self.point()
        self._line.append(self.defect.moves(moves))
        self._asked += 1
        return self._asked

    async def flushed(self, ticket):
        """Make everything up to *ticket* durable, which takes its time; the first of those who wait does it for all."""
        if self._durable >= ticket:
            return
        self.point()
        await self.hub.pass_time(self.seconds)
        self.flush(ticket)

    def flush(self, ticket):
        """Make everything up to *ticket* durable at once."""
        if self._durable < ticket and not self.defect.lazy:
            self.point()
            self.commit(len(self._line))
            self.point()

    def commit(self, count):
        """Write the first *count* submissions that wait, in one commit."""
        line, self._line = self._line[:count], self._line[count:]
        if not line:
            return
        ticket = 0
        for moves in line:
            ticket = self.journal.submit(moves)
        self.journal.flush(ticket)
        self._durable += count
        self.commits += 1
        for moves in line:
            for move in moves:
                self.written.move(move)
        self.defect.journal(self.journal)
        self.check()

    def flush_all(self):
        """Make durable whatever waits; nobody is left who could be killed."""
        self.commit(len(self._line))

    @property
    def waiting(self):
        """How many submissions are not durable."""
        return len(self._line)

    def __getattr__(self, name):
        """Everything else is the journal's, after what waits."""
        self.commit(len(self._line))
        return getattr(self.journal, name)
