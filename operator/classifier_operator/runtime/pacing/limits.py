"""Whose turn it is to call AWS: one token bucket for each account, region and operation, shared by everything.

Those who have to wait stand in line, the urgent ones first: what a person has just done or deleted, then the sweeps,
then what is looked at for the sake of order. Waiting counts as well, so nobody waits for ever. Namespaces take turns:
ten thousand calls of one delay another's by one. A pass over an object does not wait, because thousands of passes that
wait would keep everybody else from working: it ends, and is called again when it is its turn.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import NamedTuple

from msgspec import Struct

from classifier_operator.api.ledger import Place
from classifier_operator.runtime.pacing.pace import Pace
from classifier_operator.runtime.pacing.rates import LISTS_A_SECOND, account_of, rates_for
from classifier_operator.runtime.pacing.waiters import Waiter, Waiters
from classifier_operator.runtime.pacing.window import Window
from classifier_operator.runtime.workqueue import Priority

# Those that read many. ListTags reads of one resource what Describe does not tell.
_LISTS = ("ListTrainingJobs", "ListEndpoints")
# A turn that is not taken in so many seconds is lost: whoever waited does not need it any more.
TURN_SECONDS = 30.0
# A call of which it is known when it may be sent is handed over so long before: a busy event loop would be late for it.
LEAD_SECONDS = 0.1
# That somebody has waited says something of the next moments, too.
_SECONDS_OF_ONE = 1.0
# So many lines are kept. A spec may name any role and region; what was found out of those that are not used is
# forgotten first.
MOST_LINES = 1000


class NotYetError(Exception):
    """It is not the caller's turn; the caller is called when it is."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who wants to call AWS, how urgent it is, and how to call it when it is its turn.

    group: those who take turns with other groups: the callers of one namespace.
    """

    name: Hashable
    priority: Priority
    call: Callable[[], None]
    group: Hashable = ""


class Turn(NamedTuple):
    """One call may be made in `opens_in` seconds; `waited`: how many seconds it took."""

    opens_in: float
    waited: float = 0.0


class Line:
    """One bucket, and those who wait for a token of it; `window`: what besides must never be exceeded."""

    def __init__(self, pace: Pace, clock: Callable[[], float], window: Window | None = None) -> None:
        self._pace = pace
        self._clock = clock
        self._window = window
        self._tokens = pace.burst
        self._filled_at = clock()
        self._waiting = Waiters()
        self._last_stood = -math.inf
        self._standing: dict[Hashable, Waiter] = {}
        self._turns: dict[Hashable, tuple[float, float]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def rate(self) -> float:
        """Calls a second, as of now."""
        return self._pace.rate

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits, has a turn, or is waited for."""
        self._forget_turns()
        is_under_way = self._window is not None and self._window.is_under_way
        return not (self._waiting or self._turns or is_under_way)

    async def wait(self, priority: Priority, group: Hashable = "") -> Turn:
        """Return when it is the caller's turn."""
        if self._is_free():
            return self._turn(self._goes())
        turn = asyncio.get_running_loop().create_future()

        def take() -> bool:
            if turn.done():
                return False
            turn.set_result(self._goes())
            return True

        waiter = self._stand(group, priority, take)
        try:
            not_before: float = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.ended(0.0)
            raise
        return self._turn(not_before, self._clock() - waiter.since)

    def claim(self, caller: Caller) -> Turn:
        """Take the caller's turn.

        Raises:
            NotYetError: it is not its turn; it stands in line.

        """
        now = self._clock()
        end, waited = self._turns.pop(caller.name, (-math.inf, 0.0))
        if now <= end:
            return self._turn(self._goes(), waited)
        if self._is_free():
            return self._turn(self._goes())
        standing = self._standing.get(caller.name)
        if standing is None or caller.priority < standing.priority:
            since = standing and standing.since
            waiter = self._stand(caller.group, caller.priority, partial(self._give, caller), since=since)
            self._standing[caller.name] = waiter
        raise NotYetError

    def withdraw(self, name: Hashable) -> None:
        """Who has this name wants nothing any more: others are not to wait behind it, nor for the turn it has got."""
        self._standing.pop(name, None)
        if self._turns.pop(name, None) is not None:
            self._tokens += 1

    def give_back(self) -> None:
        """Take back a turn: the call is not made."""
        self._tokens += 1
        if self._window is not None:
            self._window.not_sent()
        if self._waiting:
            self._serve_now()

    def ended(self, ago: float) -> None:
        """A call is under way no more for so many seconds, whatever came of it."""
        if self._window is None:
            return
        self._window.answered(self._clock() - ago)
        if self._timer is not None:
            self._serve_now()

    def went_well(self) -> None:
        """AWS took a call."""
        now = self._clock()
        # One who calls again and again, and waits each time, does not wait in this moment.
        had_to_wait = now - self._last_stood <= _SECONDS_OF_ONE + 2 / self._pace.rate
        self._pace.went_well(now, is_waited_for=bool(self._waiting) or had_to_wait)

    def throttled(self) -> None:
        """AWS had too many."""
        self._pace.throttled(self._clock())
        self._fill()
        self._tokens = min(0.0, self._tokens)

    def _stand(
        self, group: Hashable, priority: Priority, take: Callable[[], bool], *, since: float | None = None
    ) -> Waiter:
        self._last_stood = self._clock()
        waiter = self._waiting.add(group, since or self._last_stood, priority, take)
        if self._timer is None:
            self._serve_later()
        return waiter

    def _give(self, caller: Caller) -> bool:
        standing = self._standing.get(caller.name)
        if standing is None or standing.priority < caller.priority:
            return False
        del self._standing[caller.name]
        now = self._clock()
        self._turns[caller.name] = now + TURN_SECONDS, now - standing.since
        caller.call()
        return True

    def _is_free(self) -> bool:
        self._fill()
        if self._waiting or not self._may_go():
            return False
        self._tokens -= 1
        return True

    def _may_go(self) -> bool:
        return self._tokens >= 1 and self._opens_in() <= LEAD_SECONDS

    def _opens_in(self) -> float:
        return self._window.opens_in(self._clock()) if self._window is not None else 0.0

    def _turn(self, not_before: float, waited: float = 0.0) -> Turn:
        return Turn(max(0.0, not_before - self._clock()), waited)

    def _goes(self) -> float:
        """One more is under way; not before when."""
        opens_in = self._opens_in()
        not_before = self._clock() + (max(0.0, opens_in) if math.isfinite(opens_in) else 0.0)
        if self._window is not None:
            self._window.sent(not_before)
        return not_before

    def _fill(self) -> None:
        now = self._clock()
        # A window says already how many may go at once; what comes late because of it is not to be lost.
        burst = max(self._pace.burst, self._window.count if self._window is not None else 0.0)
        self._tokens = min(burst, self._tokens + (now - self._filled_at) * self._pace.rate)
        self._filled_at = now

    def _serve_later(self) -> None:
        opens_in = self._opens_in()
        # Before an answer there is nothing to count from; it comes with `ended`.
        window = opens_in - LEAD_SECONDS if math.isfinite(opens_in) else TURN_SECONDS
        seconds = max(window, (1 - self._tokens) / self._pace.rate)
        # Where a call could go, it is those whose turn it is that are waited for.
        seconds = max(0.001, seconds) if seconds > 0 else 1 / self._pace.rate
        self._timer = asyncio.get_running_loop().call_later(seconds, self._serve)

    def _serve_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._serve()

    def _serve(self) -> None:
        """Give out the tokens that there are, to the most urgent first."""
        self._timer = None
        self._fill()
        self._forget_turns()
        # Turns that pile up, because nobody has the time to take them, would all be taken at once.
        while self._waiting and self._may_go() and len(self._turns) < max(1.0, self._pace.rate):
            if self._waiting.serve_one(self._clock()):
                self._tokens -= 1
        if self._waiting:
            self._serve_later()

    def _forget_turns(self) -> None:
        now = self._clock()
        for name in [name for name, (end, _) in self._turns.items() if end < now]:
            del self._turns[name]


class RateLimits:
    """The lines.

    rates: calls a second to begin with, and at most: of all Lists together, of each operation that describes, and of
    each other one ("").
    """

    def __init__(self, clock: Callable[[], float], rates: Mapping[str, tuple[float, float]] | None = None) -> None:
        self._clock = clock
        self._rates = rates or rates_for(1)
        # The one that was used last is the last one.
        self._lines: dict[tuple[str, str, str], Line] = {}
        # Where each caller stands, or has got a turn.
        self._stood: dict[Hashable, set[Line]] = defaultdict(set)
        self._own_account = ""

    def told(self, place: Place, arn: str) -> None:
        """AWS has named a resource there: that tells the operator's own account, which roles may be of as well."""
        if not place.assume_role_arn:
            self._own_account = arn.split(":")[4]

    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return sum(map(len, self._lines.values()))

    def rate(self, place: Place, operation: str) -> float:
        """Calls a second as of now; of all Lists together."""
        return self._line(place, operation).rate

    async def acquire(
        self, place: Place, operation: str, priority: Priority = Priority.NORMAL, group: Hashable = ""
    ) -> Turn:
        """Return when the call may be made, or a moment before it may."""
        return await self._line(place, operation).wait(priority, group)

    def claim(self, place: Place, operation: str, caller: Caller) -> Turn:
        """Return if the call may be made now, or in a moment.

        Raises:
            NotYetError: the caller is called when it may.

        """
        line = self._line(place, operation)
        try:
            return line.claim(caller)
        except NotYetError:
            self._stood[caller.name].add(line)
            raise

    def withdraw(self, name: Hashable) -> None:
        """The caller of that name wants nothing any more, wherever it stands."""
        for line in self._stood.pop(name, ()):
            line.withdraw(name)

    def give_back(self, place: Place, operation: str) -> None:
        """Take back a turn: the call is not made."""
        self._line(place, operation).give_back()

    def ended(self, place: Place, operation: str, ago: float = 0.0) -> None:
        """The call, which was waited for or claimed, is under way no more for so many seconds.

        A busy event loop learns of it later than it was.
        """
        self._line(place, operation).ended(ago)

    def went_well(self, place: Place, operation: str) -> None:
        """AWS took the call."""
        self._line(place, operation).went_well()

    def throttled(self, place: Place, operation: str) -> None:
        """AWS said that there are too many."""
        self._line(place, operation).throttled()

    def _line(self, place: Place, operation: str) -> Line:
        bucket = "List" if operation in _LISTS else operation
        account = account_of(place)
        name = "" if account == self._own_account else account, place.region, bucket
        line = self._lines.pop(name, None)
        if line is None:
            self._forget_one()
            line = self._new_line(bucket)
        self._lines[name] = line
        return line

    def _new_line(self, bucket: str) -> Line:
        sort = "Describe" if bucket.startswith("Describe") or bucket == "ListTags" else bucket
        rate, most = self._rates.get(sort, self._rates[""])
        window = Window(LISTS_A_SECOND, LISTS_A_SECOND / most) if bucket == "List" else None
        return Line(Pace(rate, most, self._clock()), self._clock, window)

    def _forget_one(self) -> None:
        """Forget the line that has not been used for longest, of those that nobody needs, when there are too many."""
        if len(self._lines) >= MOST_LINES:
            unused = next((name for name, line in self._lines.items() if line.is_idle), None)
            if unused is not None:
                del self._lines[unused]
