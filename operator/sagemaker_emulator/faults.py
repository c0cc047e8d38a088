"""Trouble on request: throttling, errors before or after the effect, latency, outages.

This module decides; the HTTP server carries out (waits, cuts the connection, answers). Operations are named as in the
call log: SageMaker's by their own name, those of other services with the service in front
(`sts.AssumeRole`), and `*` for any.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from sagemaker_emulator import errors
from sagemaker_emulator.errors import AwsError

When = Literal["before", "after"]


@dataclass(frozen=True)
class Failure:
    """How a call fails. `reset` cuts the connection instead of answering."""

    code: str = "InternalFailure"
    message: str = errors.INTERNAL_FAILURE
    status: int = 500
    reset: bool = False

    def as_error(self) -> AwsError:
        return AwsError(self.code, self.message, self.status)


@dataclass
class Planned:
    """The next `count` matching calls fail; None means until the faults are cleared."""

    operation: str
    failure: Failure
    when: When
    count: int | None
    resource: str = "*"

    def matches(self, operation: str, resource: str) -> bool:
        return fnmatchcase(operation, self.operation) and fnmatchcase(resource, self.resource)


class TokenBucket:
    """AWS's throttle: `rate` calls per second on average, `burst` at once."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._filled = now

    def take(self, now: float) -> bool:
        self._tokens = min(self.burst, self._tokens + (now - self._filled) * self.rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass(frozen=True)
class Limit:
    """A throttle as it was asked for. Real seconds, since clients back off in real time."""

    rate: float
    burst: float


@dataclass(frozen=True)
class Verdict:
    """What to do with one call: wait, then fail before or after it takes effect, or nothing."""

    delay: float = 0.0
    failure: Failure | None = None
    when: When = "before"


THROTTLED = Failure("ThrottlingException", "Rate exceeded", 400)
OUTAGES: dict[str, Failure] = {
    "error": Failure(),
    "unavailable": Failure("ServiceUnavailable", "Service Unavailable", 503),
    "reset": Failure(reset=True),
}


@dataclass
class Faults:
    """The faults in force. All methods may be called from any thread."""

    clock: Callable[[], float] = time.monotonic
    chance: random.Random = field(default_factory=random.Random)
    limits: dict[str, Limit] = field(default_factory=dict)
    latencies: dict[str, float] = field(default_factory=dict)
    throttled_fraction: float = 0.0
    outage: str = ""
    _planned: list[Planned] = field(default_factory=list)
    _buckets: dict[tuple[str, str, str], TokenBucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, operation: str, *, account: str, region: str, resource: str) -> Verdict:
        """Decide about one call. Outages come first, then throttles, as at AWS's front door."""
        with self._lock:
            delay = self.latencies.get(operation, self.latencies.get("*", 0.0))
            if self.outage:
                return Verdict(delay, OUTAGES[self.outage])
            if self._is_throttled(operation, account, region):
                return Verdict(delay, THROTTLED)
            if planned := self._take_planned(operation, resource):
                return Verdict(delay, planned.failure, planned.when)
            return Verdict(delay)

    def throttle(self, operation: str, rate: float, burst: float) -> None:
        """Let through `rate` calls a second per account and region, `burst` at once; a burst of 0 lifts it."""
        with self._lock:
            self._buckets = {key: b for key, b in self._buckets.items() if key[0] != operation}
            if burst > 0:
                self.limits[operation] = Limit(rate, burst)
            else:
                self.limits.pop(operation, None)

    def plan(self, planned: Planned) -> None:
        with self._lock:
            self._planned.append(planned)

    def clear(self) -> None:
        with self._lock:
            self.limits.clear()
            self.latencies.clear()
            self._buckets.clear()
            self._planned.clear()
            self.throttled_fraction = 0.0
            self.outage = ""

    def describe(self) -> dict[str, Any]:
        """The faults in force, as JSON."""
        with self._lock:
            return {
                "limits": {name: asdict(limit) for name, limit in self.limits.items()},
                "latencies": dict(self.latencies),
                "throttled_fraction": self.throttled_fraction,
                "outage": self.outage,
                "planned": [asdict(planned) for planned in self._planned],
            }

    def _is_throttled(self, operation: str, account: str, region: str) -> bool:
        if self.throttled_fraction and self.chance.random() < self.throttled_fraction:
            return True
        return not all(
            self._bucket(name, account, region).take(self.clock()) for name in (operation, "*") if name in self.limits
        )

    def _bucket(self, name: str, account: str, region: str) -> TokenBucket:
        key = (name, account, region)
        if key not in self._buckets:
            limit = self.limits[name]
            self._buckets[key] = TokenBucket(limit.rate, limit.burst, self.clock())
        return self._buckets[key]

    def _take_planned(self, operation: str, resource: str) -> Planned | None:
        for planned in self._planned:
            if planned.matches(operation, resource):
                self._use_up(planned)
                return planned
        return None

    def _use_up(self, planned: Planned) -> None:
        if planned.count is None:
            return
        planned.count -= 1
        if planned.count <= 0:
            self._planned.remove(planned)
