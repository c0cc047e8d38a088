"""Owns how long work is shown: a spinner with a clock on a terminal, a line now and then in a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Reporter:
    """Says on standard error what is happening, and for how long it has been."""

    def __init__(
        self,
        console: Console | None = None,
        *,
        interval: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._interval = interval
        self._clock = clock

    def say(self, text: str) -> None:
        """Print one line."""
        self._console.print(text, markup=False)

    @contextmanager
    def task(self, text: str) -> Iterator[None]:
        """Show `text` while the body runs, and how long it took when it has ended well."""
        began = self._clock()
        with self._spinner(text) if self._console.is_terminal else self._lines(text, began):
            yield
        self.say(f"{text}: done in {_elapsed(self._clock() - began)}")

    @contextmanager
    def _spinner(self, text: str) -> Iterator[None]:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            progress.add_task(text, total=None)
            yield

    @contextmanager
    def _lines(self, text: str, began: float) -> Iterator[None]:
        self.say(f"{text} ...")
        ended = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(text, began, ended), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            ended.set()
            ticker.join()

    def _tick(self, text: str, began: float, ended: threading.Event) -> None:
        while not ended.wait(self._interval):
            self.say(f"{text} ... {_elapsed(self._clock() - began)}")


def _elapsed(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
