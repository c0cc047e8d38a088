"""Several operators beside each other, and what they leave in the cluster: their Leases."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import Json, World, until

LEASE = "classifier-operator"


class Replicas:
    """Starts operators with leader election in the world's namespace, each with a log of its own."""

    def __init__(self, world: World, folder: Path, make: Callable[..., OperatorProcess]) -> None:
        self._world = world
        self._folder = folder
        self._make = make
        self._started: list[OperatorProcess] = []

    def start(self, *options: str) -> OperatorProcess:
        """One more."""
        log = self._folder / f"operator-{len(self._started)}.log"
        process = self._make(log, "--leader-elect", "--lease-namespace", self._world.namespace, *options)
        self._started.append(process)
        process.start()
        return process

    def pair(self) -> tuple[OperatorProcess, OperatorProcess]:
        """One that leads, and one that stands by."""
        leader = self.start()
        leads(leader)
        standby = self.start()
        says(standby, "standing by")
        return leader, standby

    def end(self) -> None:
        """Kill what is left, paused or not."""
        for process in self._started:
            process.kill()

    def lease(self, name: str = LEASE) -> Json:
        """The Lease's spec."""
        found: Json = json.loads(self._world.kubectl("get", "lease", name, "-o", "json"))["spec"]
        return found

    def time(self, field: str, name: str = LEASE) -> datetime:
        """The Lease's `renewTime` or `acquireTime`."""
        return datetime.fromisoformat(self.lease(name)[field])

    def leases(self) -> list[str]:
        """The names of all Leases that somebody holds."""
        listed = json.loads(self._world.kubectl("get", "leases", "-o", "json"))["items"]
        return sorted(one["metadata"]["name"] for one in listed if one["spec"].get("holderIdentity"))


def is_leading(process: OperatorProcess) -> bool:
    """Whether it works."""
    return process.metric("leading") == 1.0


def leads(process: OperatorProcess) -> None:
    """Wait until it works."""
    until(lambda: is_leading(process) and process.get("/readyz") == "ok", "the process to lead")


def says(process: OperatorProcess, words: str) -> None:
    """Wait until its log says so."""
    until(lambda: words in process.log.read_text(), f"{words!r} to be said")


def made(world: World, operation: str = "CreateTrainingJob") -> Sequence[str]:
    """What was made, call by call."""
    return [call["resource"] for call in world.aws.calls(operation) if call["effect"]]
