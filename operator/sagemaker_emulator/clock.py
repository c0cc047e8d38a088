"""Emulated time: runs at a chosen speed, or stands still until it is moved.

The clock owns only the time. What happens at a time belongs to `scheduler`, and the states that
resources show are computed from the time that is read here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


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

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> float:
        with self._lock:
            return self._read()

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on; time already passed stays as it was."""
        with self._lock:
            self._rebase(self._read())
            self._speed = _checked(speed)

    def jump_to(self, moment: float) -> None:
        """Move forward to `moment`; a moment that has passed changes nothing."""
        with self._lock:
            self._rebase(max(moment, self._read()))

    def real_seconds_until(self, moment: float) -> float | None:
        """Real seconds until `moment`, or None when it does not come by itself."""
        left = moment - self.now()
        if left <= 0:
            return 0.0
        return left / self._speed if self._speed else None

    def _read(self) -> float:
        return self._emulated + (self._real() - self._since) * self._speed

    def _rebase(self, moment: float) -> None:
        self._emulated, self._since = moment, self._real()


def _checked(speed: float) -> float:
    if not 0 <= speed <= 1_000_000:
        raise ValueError(f"speed must be between 0 and 1000000 emulated seconds per second, not {speed}")
    return speed
