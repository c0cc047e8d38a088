"""How fast calls of one operation may follow each other: found out from what AWS says, for AWS publishes no rates.

A pace begins carefully. While calls wait for it and none is throttled it doubles every second; what has gone well for a
second is proven. The first throttling ends that: the pace goes back to a little below what was proven, rests, and
climbs from there by some percent a second, until it is throttled again, and goes back to where it was ten seconds
before; each rest is twice as long as the one before.
A pace that is throttled although it was proven is halved, and comes back bit by bit (additive increase,
multiplicative decrease). One that is throttled at its slowest was not too fast: AWS has trouble of its own, so all that
was learned is void, and once calls go well again the search begins anew.
"""

from __future__ import annotations

# By how much a pace grows in a second: before it was ever throttled, and after. What is under way when AWS first
# throttles is throttled as well, and that is more the faster it grew.
GROWTH = 2.0
CLIMB = 1.02
# Seconds without growth after a throttling: AWS's limits change rarely.
REST_SECONDS = (10.0, 600.0)
# Calls that were on their way when the pace fell are throttled as well: that is the same event.
ONE_EVENT_SECONDS = 1.0
# Below what was proven, so that AWS's bucket, which is empty by then, fills again.
MARGIN = 0.98
# A climb goes beyond what AWS takes for as long as there is something in its bucket: often about ten seconds.
OVERSHOOT = CLIMB**-10
# Of a pace that was throttled below what was proven, so much is thought to be right.
BACKING_OFF = 0.9
FALL = 0.5
RECOVERY = 0.1
# However often AWS throttles, it is asked now and then.
LEAST = 0.2


class Pace:
    """Calls a second, at first `rate` and never above `most`; `now` is in monotonic seconds everywhere."""

    def __init__(self, rate: float, most: float, now: float) -> None:
        self.rate = min(rate, most)
        self._most = most
        self._least = self.rate * LEAST
        self._proven = self.rate
        self._rest = 0.0
        self._grows_from = now
        self._fell_at = now - ONE_EVENT_SECONDS
        self._changed_at = now
        self._begun: tuple[float, float] | None = None

    @property
    def burst(self) -> float:
        """How many may go at once after a pause: less than AWS's own bucket is likely to hold."""
        return max(1.0, self.rate / 2)

    def went_well(self, now: float, *, is_waited_for: bool) -> None:
        """A call was not throttled. Only a pace that is waited for is worth changing."""
        elapsed = min(1.0, now - self._changed_at)
        self._changed_at = now
        if self.rate < self._proven:
            self.rate = min(self._proven, self.rate + self._proven * RECOVERY * elapsed)
        elif is_waited_for and now >= self._grows_from:
            self._grow(now, elapsed)
        else:
            self._begun = None

    def throttled(self, now: float) -> None:
        """AWS said that this was too fast."""
        if now - self._fell_at < ONE_EVENT_SECONDS:
            return
        if self.rate <= self._least:
            self._rest = 0.0
            self._grows_from, self._fell_at, self._changed_at, self._begun = now, now, now, None
            return
        if self.rate > self._proven:
            # No lower than what the climb began with.
            found = max(self._proven, self.rate * OVERSHOOT) if self._rest else self._proven * MARGIN
            self.rate = self._proven = found
        else:
            self._proven = max(self._least, self.rate * BACKING_OFF)
            self.rate = max(self._least, self.rate * FALL)
        self._rest = min(REST_SECONDS[1], self._rest * 2 or REST_SECONDS[0])
        self._grows_from = now + self._rest
        self._fell_at = self._changed_at = now
        self._begun = None

    def _grow(self, now: float, elapsed: float) -> None:
        if self._rest:
            self.rate = min(self._most, self.rate * CLIMB**elapsed)
            return
        if self._begun is None:
            self._begun = now, self.rate
        began, rate = self._begun
        if now - began >= 1.0:
            self._proven = max(self._proven, rate)
            self._begun = now, self.rate
        self.rate = min(self._most, self.rate * GROWTH**elapsed)
