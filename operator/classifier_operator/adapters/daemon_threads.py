"""Threads that nobody waits for when the process ends: the interpreter's end waits for those of concurrent.futures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# A thread that has nothing to do for so long ends.
IDLE_SECONDS = 30.0


class DaemonThreads(Executor):
    """Runs each call in a thread at once, an idle or a new one; their number is the caller's care."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._idle = 0
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._unfinished: set[Future[Any]] = set()

    @property
    def unfinished(self) -> int:
        """How many calls have not ended."""
        return len(self._unfinished)

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin at once."""
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        with self._lock:
            is_taken = self._idle > 0
            self._idle -= is_taken
        self._calls.put(call)
        if not is_taken:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return future

    def finish(self, seconds: float) -> int:
        """Wait for calls that are under way, no longer than that; returns how many are still not finished."""
        return len(wait(tuple(self._unfinished), timeout=seconds).not_done)

    def _work(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._idle:
                        self._idle -= 1
                        return
                # A call has been put for this thread in the same moment.
                continue
            call()
            # What it has referred to may be large.
            del call
            with self._lock:
                self._idle += 1
