"""Things to do at a moment of emulated time, and the pool that does the slow ones.

One thread and one heap serve any number of resources. States are never set from here in time: readers
compute them from the clock, so a late callback delays work and events but never shows a wrong state.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sagemaker_emulator.clock import Clock

logger = logging.getLogger(__name__)
Action = Callable[[], None]


class WorkPool:
    """A few threads for training and model loading, with a way to wait until all is done."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="emulator-work")
        self._idle = threading.Condition()
        self._outstanding = 0

    def submit(self, action: Action) -> None:
        with self._idle:
            self._outstanding += 1
        try:
            self._pool.submit(action).add_done_callback(self._finished)
        except RuntimeError:  # shut down meanwhile
            self._count_down()

    def wait_idle(self, timeout: float = 300.0) -> bool:
        """Whether all submitted work ended within `timeout` real seconds."""
        with self._idle:
            return self._idle.wait_for(lambda: self._outstanding == 0, timeout)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _finished(self, done: Future[None]) -> None:
        if not done.cancelled() and (error := done.exception()):
            logger.error("work failed", exc_info=error)
        self._count_down()

    def _count_down(self) -> None:
        with self._idle:
            self._outstanding -= 1
            self._idle.notify_all()


class Scheduler:
    """Runs actions when the clock reaches their moment, and moves the clock by hand."""

    def __init__(self, clock: Clock, pool: WorkPool) -> None:
        self.clock = clock
        self.pool = pool
        self._heap: list[tuple[float, int, Action]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._driving = threading.RLock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="emulator-scheduler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def at(self, moment: float, action: Action) -> None:
        """Call `action` once at emulated `moment`, soon if that has passed."""
        with self._changed:
            heapq.heappush(self._heap, (moment, next(self._order), action))
            if self._heap[0][2] is action:
                self._changed.notify()

    def set_speed(self, speed: float) -> None:
        self.clock.set_speed(speed)
        with self._changed:
            self._changed.notify()

    def advance(self, seconds: float) -> None:
        """Move the clock, stopping at each due moment and waiting for the work that starts there.

        This makes a test's result independent of how fast the machine is.
        """
        if seconds < 0:
            raise ValueError(f"time cannot be moved back: {seconds}")
        target = self.clock.now() + seconds
        with self._driving:
            self._step_through(target)
            self.clock.jump_to(target)

    def clear(self) -> None:
        with self._changed:
            self._heap.clear()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        self.pool.close()

    def _step_through(self, target: float) -> None:
        self.pool.wait_idle()
        while (due := self._next_due()) is not None and due <= target:
            self.clock.jump_to(due)
            self._run_due()
            self.pool.wait_idle()

    def _run(self) -> None:
        while self._wait_for_due():
            with self._driving:
                self._run_due()

    def _wait_for_due(self) -> bool:
        with self._changed:
            while not self._closing:
                due = self._heap[0][0] if self._heap else None
                wait = None if due is None else self.clock.real_seconds_until(due)
                if wait == 0.0:
                    return True
                self._changed.wait(wait)
            return False

    def _run_due(self) -> None:
        while (action := self._pop_due()) is not None:
            try:
                action()
            except Exception:
                logger.exception("a scheduled action failed")

    def _next_due(self) -> float | None:
        with self._changed:
            return self._heap[0][0] if self._heap else None

    def _pop_due(self) -> Action | None:
        with self._changed:
            if self._heap and self._heap[0][0] <= self.clock.now():
                return heapq.heappop(self._heap)[2]
            return None
