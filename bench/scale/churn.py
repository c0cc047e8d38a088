"""What users do all day: objects are made, edited, suspended, resumed, rolled and deleted, at a steady rate."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from bench.scale.cluster import Cluster, names
from bench.scale.manifests import ENDPOINTS, TRAININGS, Json, endpoint, training

# What is done how often, as long as there are enough objects.
_SHARES = {"edit": 3, "suspend": 1, "resume": 1, "roll": 2, "replace": 3}
# A change that is under way is given so long.
_LAST_SECONDS = 60.0
# The same things are done in each run.
SEED = 20


class Churn:
    """Keeps a population in motion from a thread, as a context manager.

    population: objects of each kind. rate: things that are done each second.
    """

    def __init__(self, cluster: Cluster, *, population: int, rate: float) -> None:
        self.done: Counter[str] = Counter()
        self._cluster = cluster
        self._rate = rate
        self._chance = random.Random(SEED)
        self._numbers = itertools.count(population)
        self._alive = {TRAININGS: names("soak", population), ENDPOINTS: names("soak", population)}
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="churn", daemon=True)

    def __enter__(self) -> Self:
        self._cluster.create([training(name) for name in self._alive[TRAININGS]])
        self._cluster.create([endpoint(name) for name in self._alive[ENDPOINTS]])
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(_LAST_SECONDS)

    def stop(self) -> None:
        """End it once what it is at is done; raises as `check` does."""
        self._ended.set()
        self._thread.join(_LAST_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError(f"the last change has taken more than {_LAST_SECONDS:.0f} s")
        self.check()

    def check(self) -> None:
        """Raise what has ended it, if something has."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        due = time.monotonic()
        try:
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                due += 1 / self._rate
                self._do(self._chance.choices(list(_SHARES), list(_SHARES.values()))[0])
        except Exception as error:  # it is told where the samples are taken
            self._failure = error

    def _do(self, what: str) -> None:
        plural = self._chance.choice((TRAININGS, ENDPOINTS))
        if what == "replace":
            self._replace(plural)
        else:
            self._cluster.patch(plural, self._chance.choice(self._alive[plural]), {"spec": self._changes(what, plural)})
        self.done[what] += 1

    def _replace(self, plural: str) -> None:
        """One goes, another one comes."""
        alive = self._alive[plural]
        self._cluster.delete(plural, alive.pop(self._chance.randrange(len(alive))))
        name = f"soak-{next(self._numbers):05d}"
        self._cluster.create([training(name) if plural == TRAININGS else endpoint(name)])
        alive.append(name)

    def _changes(self, what: str, plural: str) -> Json:
        """A change of the spec: of what is a tag only, of what makes another run, or another configuration."""
        if what in ("suspend", "resume"):
            return {"suspend": what == "suspend"}
        if what == "edit":
            return {"tags": {"team": f"team-{self._chance.randrange(9)}"}}
        if plural == TRAININGS:
            return {"hyperparameters": {"epochs": self._chance.randrange(2, 9)}}
        return {"instanceType": self._chance.choice(("ml.m5.large", "ml.m5.xlarge"))}
