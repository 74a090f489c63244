"""The live bar on a terminal: what is happening, how fast, what went wrong, how long it still takes."""

from __future__ import annotations

import sys
from threading import RLock

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sinkkit.clock import Clock
from sinkkit.events import Event, LoadStarted, RunFinished, RunHalting, RunStarted, Warned
from sinkkit.observers.phrases import counted, number, one_line, route, seconds_in_words
from sinkkit.observers.plain import figures, troubles
from sinkkit.observers.tally import Tally, View

FRAMES = 6
"""Pictures a second."""


class LiveBar:
    """An observer that keeps a picture of the run on the terminal and leaves one line when it has ended.

    Events only count; rich's own thread draws, some times a second. What the program prints meanwhile appears
    above the picture.

    Args:
        clock: Time.
        console: Where to draw; None: standard error, as it is when the run starts.
    """

    def __init__(self, clock: Clock, console: Console | None = None) -> None:
        self._given = console
        self._console = console or Console(stderr=True)
        self._tally = Tally(clock)
        self._lock = RLock()
        self._live: Live | None = None
        self._halting = False

    def __call__(self, event: Event) -> None:
        """Take *event* into account."""
        self._tally.count(event)
        match event:
            case RunStarted() | LoadStarted():
                self._start()
            case Warned():
                self._print("! ", event.message, "yellow")
            case RunHalting():
                with self._lock:
                    news, self._halting = not self._halting, True
                if news:
                    self._print("! halting, no new call starts: ", event.reason, "red")
            case RunFinished():
                self._stop()
                self._print("✓ " if event.ok else "✗ ", event.summary, "green" if event.ok else "red")
            case _:
                pass

    def _start(self) -> None:
        with self._lock:
            if self._live is not None:
                return
            self._halting = False
            self._console = self._given or Console(stderr=True)
            self._live = Live(
                console=self._console,
                get_renderable=lambda: picture(self._tally.view()),
                refresh_per_second=FRAMES,
                transient=True,
                redirect_stdout=sys.stdout.isatty(),  # what goes to a file or a pipe must not end up on the terminal
            )
            self._live.start(refresh=True)
            self._console.show_cursor()  # rich hides it, and a killed process could not bring it back

    def _stop(self) -> None:
        with self._lock:
            live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _print(self, mark: str, text: str, style: str) -> None:
        self._console.print(Text.assemble((mark, style), one_line(text)), soft_wrap=True)


def picture(view: View) -> RenderableType:
    """A run at one instant, in two lines, and further ones for what went wrong and what it waits for."""
    if not view.delivering:
        speed = f"extracted {counted(view.extracted, 'row')} · {number(view.rate)} rows/s"
        return Group(line(route(view.pipeline, view.destination), "bold"), line(f"  {speed}"))
    lines = [headline(view), line("  " + " · ".join([f"{view.done:,} of {counted(view.total, 'row')}", *figures(view)]))]
    if trouble := troubles(view):
        lines.append(line("  " + " · ".join(trouble), "yellow"))
    if view.halting is not None:
        lines.append(line(f"  halting: waiting for {counted(view.in_flight, 'call')} to end", "bold red"))
    elif view.pause > 0:
        lines.append(line(f"  waiting {seconds_in_words(view.pause)}: {one_line(view.pause_reason)}", "bold yellow"))
    return Group(*lines)


def headline(view: View) -> RenderableType:
    """Who delivers where, a bar, and the share that is done."""
    row = Table.grid(expand=True, padding=(0, 1))
    row.add_column(no_wrap=True, overflow="ellipsis")
    row.add_column(ratio=1)
    row.add_column(justify="right", no_wrap=True)
    share = 100 * view.done // view.total if view.total else 100
    name = Text(route(view.pipeline, view.destination), "bold")
    row.add_row(name, ProgressBar(total=max(1, view.total), completed=view.done), f"{share} %")
    return row


def line(text: str, style: str = "") -> Text:
    """One line that is cut where the terminal ends, so that the picture keeps its height."""
    return Text(text, style, no_wrap=True, overflow="ellipsis")
