"""The real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# Linux's CLOCK_MONOTONIC stands still in a suspended machine, which would believe in its Lease when it wakes up.
_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
# What is due is compared with the time of day, so that goes on steadily: where the machine's clock is set, ours follows
# by so much of each second that passes. A wait is a quarter too long or too short then, and an hour takes four.
_FOLLOWS = 0.25


class SystemClock:
    """The machine's clock, without its leaps.

    wall: the time of day as the machine has it. monotonic: seconds that never go back.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = lambda: time.clock_gettime(_MONOTONIC),
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._time, self._at = wall(), monotonic()

    def now(self) -> datetime:
        """The time of day, in UTC; it never goes back, and never leaps."""
        with self._lock:
            at = self._monotonic()
            passed = timedelta(seconds=at - self._at)
            ours = self._time + passed
            off = self._wall() - ours
            most = max(passed * _FOLLOWS, timedelta())
            self._time, self._at = ours + max(-most, min(most, off)), at
            return self._time

    def monotonic(self) -> float:
        """Seconds that never go back, and go on while the machine is suspended."""
        return self._monotonic()
