"""How the next trainings and deployments end, when a test or a user has ordered it."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

Kind = Literal["training", "creation", "update"]
KINDS: dict[str, tuple[str, ...]] = {
    "training": ("fail", "stop", "max_runtime", "max_wait", "interrupt", "capacity"),
    "creation": ("fail",),
    "update": ("roll_back", "rollback_fails"),
}


@dataclass(frozen=True)
class Outcome:
    """One ordered ending.

    kind: what it applies to: a "training", the "creation" of an endpoint or its next "update".
    result: one of `KINDS[kind]`.
    reason: the FailureReason; it may be empty, as users report of rollbacks.
    after_seconds: emulated seconds into the state in which it happens; None for the usual duration.
    name: pattern (`*`, `?`) of the resources it applies to.
    """

    kind: Kind
    result: str
    reason: str = ""
    after_seconds: float | None = None
    name: str = "*"

    def __post_init__(self) -> None:
        allowed = KINDS.get(self.kind)
        if allowed is None:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.result not in allowed:
            raise ValueError(f"result of a {self.kind} must be one of {', '.join(allowed)}, not {self.result!r}")


class Outcomes:
    """A queue of ordered endings; each is used once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[Outcome] = []

    def order(self, outcome: Outcome, count: int = 1) -> None:
        with self._lock:
            self._queue.extend([outcome] * count)

    def take(self, kind: Kind, name: str) -> Outcome | None:
        with self._lock:
            for index, outcome in enumerate(self._queue):
                if outcome.kind == kind and fnmatchcase(name, outcome.name):
                    return self._queue.pop(index)
        return None

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(outcome) for outcome in self._queue]
