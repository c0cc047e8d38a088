"""The real time."""

from __future__ import annotations

import time
from datetime import UTC, datetime

# Linux's CLOCK_MONOTONIC stands still in a suspended machine, which would believe in its Lease when it wakes up.
_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back, and go on while the machine is suspended."""
        return time.clock_gettime(_MONOTONIC)
