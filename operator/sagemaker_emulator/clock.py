"""Emulated time: runs at a chosen speed, or stands still until it is moved.

The clock owns only the time. What happens at a time belongs to `scheduler`, and the states that
resources show are computed from the time that is read here. Answers and events carry the wall clock's times:
dates that run ahead of everybody else's mislead whoever compares them.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# How precise AWS's times are, so that what a client reads back compares equal.
_DIGITS: Final = 3


@dataclass(frozen=True)
class _Stretch:
    """From the emulated moment `begin`, met `passed` real seconds after the clock's start, time had this speed."""

    begin: float
    passed: float
    speed: float


class Clock:
    """Epoch seconds that pass `speed` times as fast as real ones; a speed of 0 is manual mode.

    Args:
        speed: emulated seconds per real second, 0 or more.
        start: first emulated time in epoch seconds, the wall clock's by default.
        real: monotonic source of real seconds.

    """

    def __init__(
        self, speed: float = 1.0, *, start: float | None = None, real: Callable[[], float] = time.monotonic
    ) -> None:
        self._real = real
        self._lock = threading.Lock()
        self._emulated = round(time.time()) if start is None else start
        self._since = real()
        self._speed = _checked(speed)
        self._start = self._since
        # A clock that begins by hand shows the time that the hand gives it.
        self._wall = time.time() if speed and start is None else None
        self._stretches = [_Stretch(self._emulated, 0.0, speed)]

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> float:
        with self._lock:
            return self._read()

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on; time already passed stays as it was."""
        with self._lock:
            speed = _checked(speed)
            self._rebase(self._read(), speed)

    def jump_to(self, moment: float) -> None:
        """Move forward to `moment`; a moment that has passed changes nothing."""
        with self._lock:
            self._rebase(max(moment, self._read()), self._speed)

    def shown(self, moment: float) -> float:
        """Return the time that answers carry for an emulated moment, in epoch seconds and whole milliseconds.

        It is the wall clock's time at which the moment is first met; what a jump passes is met at the jump.
        """
        if self._wall is None:
            return round(moment, _DIGITS)
        with self._lock:
            later = bisect_left(self._stretches, moment, key=lambda one: one.begin)
            reached = self._stretches[max(later - 1, 0)]
            ends = [one.passed for one in self._stretches[later : later + 1]]
        passed = reached.passed + ((moment - reached.begin) / reached.speed if reached.speed else 0.0)
        return round(self._wall + min([passed, *ends]), _DIGITS)

    def real_seconds_until(self, moment: float) -> float | None:
        """Real seconds until `moment`, or None when it does not come by itself."""
        left = moment - self.now()
        if left <= 0:
            return 0.0
        return left / self._speed if self._speed else None

    def _read(self) -> float:
        return self._emulated + (self._real() - self._since) * self._speed

    def _rebase(self, moment: float, speed: float) -> None:
        self._emulated, self._since, self._speed = moment, self._real(), speed
        self._stretches.append(_Stretch(moment, self._since - self._start, speed))


def _checked(speed: float) -> float:
    if not 0 <= speed <= 1_000_000:
        raise ValueError(f"speed must be between 0 and 1000000 emulated seconds per second, not {speed}")
    return speed
