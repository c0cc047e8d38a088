"""So many calls in any span of time, wherever they are counted. No I/O."""

from __future__ import annotations

import math
from collections import deque


class Window:
    """At most `count` calls in any `seconds`, as AWS sees them.

    A call arrives at some moment between its sending and its answer, and those that are held up on their way may arrive
    together. So one that is under way counts, and one that was answered counts until so many seconds after its answer.
    """

    def __init__(self, count: int, seconds: float) -> None:
        self.count = count
        self._seconds = seconds
        self._under_way = 0
        self._answers: deque[float] = deque()

    def opens_in(self, now: float) -> float:
        """In how many seconds one more may be sent; 0 or less: now; infinite: not before one is answered."""
        while self._answers and now - self._answers[0] >= self._seconds:
            self._answers.popleft()
        too_many = self._under_way + len(self._answers) - self.count
        if too_many < 0:
            return 0.0
        return self._answers[too_many] + self._seconds - now if too_many < len(self._answers) else math.inf

    def sent(self) -> None:
        """A call is sent."""
        self._under_way += 1

    def answered(self, now: float) -> None:
        """A call was answered, or will be no more."""
        self._under_way -= 1
        self._answers.append(now)
