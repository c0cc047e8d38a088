"""Hands that go on working while the fault lasts: objects are edited, made and deleted, at random moments."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from types import TracebackType

from tests.apiserver.world import until
from tests.faults.ends import COMPLETED, IN_SERVICE
from tests.faults.groups import served, trained
from tests.faults.objects import Name
from tests.faults.population import Population

# Fewer than this are asked for: what is asked for has to be done in the end.
_MOST_MADE = 8
_MACHINES = ("ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.large")
_SECONDS = 120.0
_SECONDS_FOR_ONE = 5.0


class Stir:
    """A thread of its own, while a `with` block lasts; it may be entered again, and goes on where it was.

    pace: seconds between two things, on average.
    makes: whether new objects are made, too.
    """

    def __init__(self, population: Population, chance: random.Random, pace: float = 0.5, *, makes: bool = True) -> None:
        self.done: list[str] = []
        self._population = population
        self._chance = chance
        self._pace = pace
        self._epochs: dict[Name, int] = {}
        self._made = 0 if makes else _MOST_MADE
        self._disposable = population.of("disposable")
        self._is_over = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread()

    def __enter__(self) -> Stir:
        self._population.begin()
        self._is_over.clear()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        print(f"stirred: {', '.join(self.done)}")
        if self._failure is not None and error is None:
            raise self._failure

    def go_on(self, times: int = 3) -> None:
        """Wait for some more to be done: each takes half a second, and on a busy machine several times as long."""
        before, seconds = len(self.done), max(_SECONDS, times * _SECONDS_FOR_ONE)
        until(lambda: self._failure or len(self.done) >= before + times, "hands to go on", seconds)

    def _work(self) -> None:
        while not self._is_over.wait(self._chance.uniform(0, 2 * self._pace)):
            try:
                self.done.append(self._chance.choice(self._kinds())())
            except Exception as error:
                self._failure = error
                return

    def _kinds(self) -> list[Callable[[], str]]:
        kinds = [self._train_anew, self._train_anew, self._change_machines, self._scale, self._tag]
        if self._made < _MOST_MADE:
            kinds += [self._make_training, self._make_endpoint]
        return [*kinds, self._delete] if self._disposable else kinds

    def _train_anew(self) -> str:
        name = self._chance.choice(self._population.of("busy", "ctrain"))
        self._epochs[name] = self._epochs.get(name, 10) + 1
        self._population.objects.edit(name, {"hyperparameters": {"epochs": self._epochs[name]}})
        return f"{name} has {self._epochs[name]} epochs"

    def _change_machines(self) -> str:
        name, machine = self._chance.choice(self._population.of("busy", "cep")), self._chance.choice(_MACHINES)
        self._population.objects.edit(name, {"instanceType": machine})
        return f"{name} on {machine}"

    def _scale(self) -> str:
        name, count = self._chance.choice(self._population.of("served")), self._chance.randint(1, 4)
        self._population.objects.edit(name, {"instanceCount": count})
        return f"{name} on {count}"

    def _tag(self) -> str:
        name, value = self._chance.choice(self._population.of("completed")), str(self._chance.randint(1, 9))
        self._population.objects.edit(name, {"tags": {"team": value}})
        return f"{name} tagged {value}"

    def _make_training(self) -> str:
        self._made += 1
        self._population.create(trained(f"new-{self._made}"), "ctrain", COMPLETED)
        return f"ctrain/new-{self._made} made"

    def _make_endpoint(self) -> str:
        self._made += 1
        self._population.create(served(f"new-{self._made}"), "cep", IN_SERVICE)
        return f"cep/new-{self._made} made"

    def _delete(self) -> str:
        name = self._disposable.pop(self._chance.randrange(len(self._disposable)))
        self._population.delete(name)
        return f"{name} deleted"
