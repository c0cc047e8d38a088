"""Owns what the demo shows on its way: live in a terminal, plain lines elsewhere; one line for each change of state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from classifier_operator.demo.watching import Sight

_TITLE_WIDTH = 26
_STATE_WIDTH = 19


@dataclass(frozen=True)
class Timing:
    """How long a part of the demo took, in seconds."""

    what: str
    seconds: float


class View:
    """Writes to a console; keeps the time."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console
        self.timings: list[Timing] = []
        self._clock = clock
        self._began = clock()

    def say(self, text: str = "") -> None:
        """Print a line, however long."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._began

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show that something is under way, and how long it took when it has ended well."""
        began = self._clock()
        with self._live(Spinner("dots", text)):
            yield
        self._took(text, self._clock() - began)

    @contextmanager
    def watching(self, text: str) -> Iterator[Callable[[Sight], None]]:
        """Give what is to be called with each change of state, and show the states as they are now."""
        self.say(f"{text}:")
        began = self._clock()
        board = Board(self._clock)
        with self._live(board):

            def show(sight: Sight) -> None:
                board.put(sight)
                head = f"{self.elapsed:7.1f} s  {sight.title:<{_TITLE_WIDTH}}  {sight.state:<{_STATE_WIDTH}}"
                self.say(f"{head} {sight.message}".rstrip())

            yield show
        self._took(text, self._clock() - began)

    def _took(self, what: str, seconds: float) -> None:
        self.timings.append(Timing(what, seconds))
        self.say(f"{self.elapsed:7.1f} s  {what}: done in {seconds:.1f} s")

    @contextmanager
    def _live(self, shown: Spinner | Board) -> Iterator[None]:
        if not self.console.is_terminal:
            yield
            return
        # What is printed meanwhile goes above it; at the end it vanishes.
        with Live(shown, console=self.console, transient=True, refresh_per_second=8):
            yield


class Board:
    """The states of the objects as they are now, and for how long."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows: dict[str, tuple[Sight, float]] = {}

    def put(self, sight: Sight) -> None:
        """An object has another state."""
        self._rows[sight.title] = (sight, self._clock())

    def __rich__(self) -> Table:
        table = Table("object", "state", "for", "message", box=box.SIMPLE)
        for sight, since in self._rows.values():
            table.add_row(sight.title, sight.state, f"{self._clock() - since:.0f} s", sight.message)
        return table
