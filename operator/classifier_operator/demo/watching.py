"""Owns how the two objects' states are seen to move, and when that is over: well, badly, or not in time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from classifier_operator.api.kinds import Kind
from classifier_operator.demo.cluster import DemoCluster
from classifier_operator.demo.errors import DemoError

POLL_SECONDS: Final = 0.25
APPLIED: Final = "Applied"
GONE: Final = "Gone"

# A single failure may be the machine's; this many in a row are the cluster's.
_FAILURES: Final = 20


@dataclass(frozen=True)
class Sight:
    """An object as it was seen: the reason of the condition that matters most, and that condition's message."""

    kind: Kind
    name: str
    state: str
    message: str = ""
    is_settled: bool = False
    is_stalled: bool = False

    @property
    def title(self) -> str:
        """The object in words."""
        return f"{self.kind.value}/{self.name}"


Sights = Mapping[Kind, Sight]


def sight_of(kind: Kind, name: str, body: Mapping[str, Any] | None) -> Sight:
    """What an object says of itself; None is an object that does not exist."""
    if body is None:
        return Sight(kind, name, GONE)
    conditions = {one["type"]: one for one in body.get("status", {}).get("conditions", ())}
    true = {name for name, one in conditions.items() if one["status"] == "True"}
    for which in ("Stalled", "Reconciling", "Ready"):
        if which in conditions:
            text = " ".join(conditions[which].get("message", "").split())
            settled = "Ready" in true and not true & {"Stalled", "Reconciling"}
            return Sight(kind, name, conditions[which]["reason"], text, settled, "Stalled" in true)
    return Sight(kind, name, APPLIED)


@dataclass
class Watcher:
    """Looks at both objects again and again, and tells `show` of each change of state once."""

    cluster: DemoCluster
    names: Mapping[Kind, str]
    show: Callable[[Sight], None]
    problem: Callable[[], str]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _last: dict[Kind, Sight] = field(default_factory=dict)
    _failed: int = 0

    def until(self, is_done: Callable[[Sights], bool], what: str, patience: float) -> Sights:
        """Watch until `is_done`, for `patience` seconds at most.

        Raises:
            DemoError: an object is Stalled, `problem` has something to say, or it took too long.

        """
        deadline = self.clock() + patience
        while not is_done(sights := self._look()):
            for sight in sights.values():
                if sight.is_stalled:
                    raise DemoError(f"{sight.title} is stalled ({sight.state}): {sight.message}")
            if problem := self.problem():
                raise DemoError(problem)
            if self.clock() > deadline:
                raise DemoError(f"{what} took over {patience:.0f} s; {_in_words(sights)}")
            self.sleep(POLL_SECONDS)
        return sights

    def _look(self) -> Sights:
        kinds = ",".join(kind.plural for kind in self.names)
        answer = self.cluster.kubectl("get", kinds, "--output=json", check=False)
        if answer.returncode:
            self._failed += 1
            if self._failed >= _FAILURES:
                raise DemoError(f"the cluster does not answer: {answer.stderr.strip()}")
            return self._last
        self._failed = 0
        bodies = {(one["kind"], one["metadata"]["name"]): one for one in json.loads(answer.stdout)["items"]}
        for kind, name in self.names.items():
            self._see(sight_of(kind, name, bodies.get((kind.value, name))))
        return self._last

    def _see(self, sight: Sight) -> None:
        before = self._last.get(sight.kind)
        self._last[sight.kind] = sight
        if before is None or before.state != sight.state:
            self.show(sight)


def are_serving(sights: Sights) -> bool:
    """Both objects are what their specs say."""
    return bool(sights) and all(sight.is_settled for sight in sights.values())


def are_gone(sights: Sights) -> bool:
    """Neither object exists."""
    return bool(sights) and all(sight.state == GONE for sight in sights.values())


def _in_words(sights: Sights) -> str:
    return "; ".join(f"{one.title} is {one.state}: {one.message}" for one in sights.values()) or "nothing was seen"
