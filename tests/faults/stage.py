"""One fault's stage: the population, the operator or several, and what stands between them and the API server."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path

from tests.apiserver.identity import operator_environment
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World
from tests.faults.audit import audit, stops_what_is_unwanted
from tests.faults.population import Population
from tests.faults.sizes import SIZE, chance
from tests.faults.stir import Stir

# An Event in a log, as runtime/write.py announces it.
_ANNOUNCED = re.compile(r" classifier_operator\.runtime\.write Classifier\w+/\S+: \w+: ")
_FAST = ("--sweep-interval", "0.5", "--wait-interval", "1")


class Stage:
    """What a fault test has in its hands."""

    def __init__(self, world: World, population: Population, folder: Path, name: str) -> None:
        self.world = world
        self.population = population
        self.chance: random.Random = chance(name)
        self._folder = folder
        self._operators: list[OperatorProcess] = []
        self.operator = self.another()

    def another(self, kubeconfig: Path | None = None, environment: Mapping[str, str] | None = None) -> OperatorProcess:
        """One more operator, not started yet; with other variables than those of its credentials, if given."""
        operator = OperatorProcess(
            kubeconfig=kubeconfig or self.world.cluster.kubeconfig,
            aws_url=self.world.aws.url,
            namespace=self.world.namespace,
            log=self._folder / f"operator-{len(self._operators)}.log",
            options=_FAST,
            environment=environment or operator_environment(self.world.aws.url),
        )
        self._operators.append(operator)
        return operator

    def stirred(self, pace: float = 0.5, *, makes: bool = True) -> Stir:
        """Hands that go on working; `makes`: at new objects, too."""
        return Stir(self.population, self.chance, pace, makes=makes)

    def audit(self, lost_events: int | None = 0) -> None:
        """The fault is over: all that is to be done gets done, and then all is looked at."""
        stops_what_is_unwanted(self.population)
        self.population.release()
        audit(self.population, SIZE.settling_seconds, lost_events)
        for operator in self._operators:
            # kopf has tracebacks of its own when it is ended while it begins to watch; ours are announced so.
            assert "unforeseen" not in operator.log.read_text(), "the operator met something unforeseen"

    def unpublished(self) -> int:
        """How many Events the operators have announced in their logs and never published: a kill forgets what waits."""
        announced = sum(len(_ANNOUNCED.findall(operator.log.read_text())) for operator in self._operators)
        return max(0, announced - len(self.world.all_events()))

    def close(self) -> None:
        """End what runs; the ends of the logs are shown with a failure."""
        for operator in self._operators:
            operator.kill()
            print(f"{operator.log}:\n{operator.log.read_text()[-5000:]}" if operator.log.exists() else "")
