"""What was asked of the emulator: a count per operation, and a bounded log of calls."""

from __future__ import annotations

import itertools
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call and how it ended.

    `time` is emulated, `real_seconds` how long the answer took. `effect` says whether the operation was
    carried out, which after an injected fault can be so although the answer is an error. `permissions` are those that
    it needed, and whether the caller had each, where that is enforced; they end with the first that was missing.
    """

    time: float
    real_seconds: float
    service: str
    operation: str
    account: str
    region: str
    access_key: str
    resource: str
    status: int
    code: str
    effect: bool
    request: dict[str, Any] | None = None
    permissions: tuple[dict[str, Any], ...] = ()
    number: int = 0


class CallLog:
    """Counts for ever, and the last calls in full."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._log: deque[dict[str, Any]] = deque(maxlen=size)
        # Apart from the log, so that a cleared log hides none.
        self._denials: deque[dict[str, Any]] = deque(maxlen=size)
        self._counts: Counter[str] = Counter()
        self._codes: Counter[str] = Counter()
        self._last = 0

    def add(self, call: Call) -> None:
        with self._lock:
            self._last += 1
            self._log.append({**asdict_shallow(call), "number": self._last})
            self._denials.extend(one for one in call.permissions if not one["allowed"])
            self._counts[call.operation] += 1
            self._codes[f"{call.operation}:{call.code or call.status}"] += 1

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(sorted(self._counts.items()))

    def outcomes(self) -> dict[str, int]:
        """Calls by operation and how they ended, for example `CreateModel:ValidationException`."""
        with self._lock:
            return dict(sorted(self._codes.items()))

    def last(self) -> int:
        """The number of the latest call."""
        with self._lock:
            return self._last

    def entries(self, *, operation: str = "", since: int = 0) -> list[dict[str, Any]]:
        """Logged calls with a number above `since`, the oldest first."""
        with self._lock:
            # The numbers in the log follow each other.
            skipped = max(0, since - (self._last - len(self._log)))
            entries = list(itertools.islice(self._log, skipped, None))
        return [e for e in entries if e["number"] > since and operation in ("", e["operation"])]

    def denials(self) -> list[dict[str, Any]]:
        """The permissions that callers lacked since the last reset, the oldest first."""
        with self._lock:
            return list(self._denials)

    def reset(self) -> None:
        """Forget the denials, too."""
        self.clear()
        with self._lock:
            self._denials.clear()

    def clear(self) -> None:
        with self._lock:
            self._log.clear()
            self._counts.clear()
            self._codes.clear()


def asdict_shallow(call: Call) -> dict[str, Any]:
    """The call's members; the request is shared, not copied, since ten thousand are kept."""
    return dict(vars(call))
