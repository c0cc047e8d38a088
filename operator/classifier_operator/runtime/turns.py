"""In which order a look describes resources, and when it leaves out the rest."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable

from classifier_operator.api.ledger import Resource
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind

# So many refusals in a row, and AWS as a whole is away: each of thousands of calls could last until it times out.
MOST_REFUSED = 4


class Turns:
    """Whose turn it is to be described; several who describe at the same time take from it.

    Where AWS is busy the rest is left out, and so it is where AWS refuses one after the other; one that AWS cannot show
    is no matter of those that come after it.

    first: who is to be first, or who comes next if that one is not there any more.
    left_out: who was to come next when the rest was left out; looks that always began with the same ones, and did not
    get far, would never see the others.
    """

    def __init__(self, resources: Iterable[Resource], first: Resource | None) -> None:
        ordered = sorted(resources)
        begin = bisect_left(ordered, first) if first is not None else 0
        self._waiting = deque(ordered[begin:] + ordered[:begin])
        self._refused = 0
        self.left_out: Resource | None = None

    def __iter__(self) -> Turns:
        return self

    def __next__(self) -> Resource:
        if not self._waiting:
            raise StopIteration
        return self._waiting.popleft()

    def answered(self) -> None:
        """AWS said something of one of them."""
        self._refused = 0

    def refused(self, refusal: AwsRefusal) -> None:
        """AWS said nothing of one of them; it will another time."""
        self._refused += 1
        is_over = refusal.kind is RefusalKind.THROTTLED or self._refused >= MOST_REFUSED
        if is_over and self._waiting:
            self.left_out = self._waiting[0]
            self._waiting.clear()
