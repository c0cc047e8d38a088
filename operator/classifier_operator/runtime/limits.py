"""How many calls a second go to AWS: one token bucket for each account, region and operation, shared by everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from classifier_operator.api.ledger import Place

# AWS publishes no request quotas for SageMaker; two List calls a second is what Service Quotas shows to users.
DEFAULT_RATES = {"List": 2.0, "": 10.0}


class TokenBucket:
    """At most `rate` takes a second over time, and `burst` at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._refilled = clock()

    def take(self) -> float:
        """Take one token; how many seconds to wait before using it."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._refilled) * self._rate)
        self._refilled = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)


class RateLimits:
    """The buckets."""

    def __init__(self, clock: Callable[[], float], rates: dict[str, float] | None = None) -> None:
        self._clock = clock
        self._rates = rates or DEFAULT_RATES
        self._buckets: dict[tuple[Place, str], TokenBucket] = {}

    async def acquire(self, place: Place, operation: str) -> None:
        """Return when the call may be made."""
        seconds = self._bucket(place, operation).take()
        if seconds:
            await asyncio.sleep(seconds)

    def _bucket(self, place: Place, operation: str) -> TokenBucket:
        key = place, operation
        if key not in self._buckets:
            is_list = operation.startswith("List") and operation != "ListTags"
            rate = self._rates["List" if is_list else ""]
            self._buckets[key] = TokenBucket(rate, 1.0 if is_list else max(1.0, rate), self._clock)
        return self._buckets[key]
