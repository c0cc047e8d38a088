"""So many calls in any span of time, wherever they are counted. No I/O."""

from __future__ import annotations

import math
from collections import deque

# The part of an even share of the time that calls are apart at least.
_EVENLY = 0.9


class Window:
    """At most `count` calls in any `seconds`, as AWS sees them.

    A call arrives at some moment between its sending and its answer, and those that are held up on their way may arrive
    together. So one that is under way counts, and one that was answered counts until so many seconds after its answer.

    They are sent one by one: of two that are answered in the same moment the second's news would wait for the first's
    to be told, and be the older for it.
    """

    def __init__(self, count: int, seconds: float) -> None:
        self.count = count
        self._seconds = seconds
        # A little less than even: what an answer takes is made up for.
        self._apart = _EVENLY * seconds / count
        self._sent = -math.inf
        self._under_way = 0
        self._answers: deque[float] = deque()

    @property
    def is_under_way(self) -> bool:
        """Whether a call has not been answered."""
        return self._under_way > 0

    def opens_in(self, now: float) -> float:
        """In how many seconds one more may be sent; 0 or less: now; infinite: not before one is answered."""
        while self._answers and now - self._answers[0] >= self._seconds:
            self._answers.popleft()
        apart = self._sent + self._apart - now
        too_many = self._under_way + len(self._answers) - self.count
        if too_many < 0:
            return max(0.0, apart)
        if too_many >= len(self._answers):
            return math.inf
        return max(apart, self._answers[too_many] + self._seconds - now)

    def sent(self, at: float) -> None:
        """A call is sent, or will be, at that time."""
        self._under_way += 1
        self._sent = at

    def not_sent(self) -> None:
        """A call that was to be sent is not."""
        self._under_way -= 1

    def answered(self, now: float) -> None:
        """A call was answered, or will be no more."""
        self._under_way -= 1
        self._answers.append(now)
