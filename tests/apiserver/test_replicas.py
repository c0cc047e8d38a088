"""Several replicas: who takes over and when, and what one that has lost the Lease cannot do any more."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

from tests.apiserver.replicas import Replicas, is_leading, leads, made
from tests.apiserver.world import World, endpoint, training, until

# What is promised. A Lease lasts 10 s from when a standby has seen its last renewal, for which it looks every 2 s.
TAKEOVER = timedelta(seconds=15)


def test_a_standby_is_alive_and_ready_and_does_nothing(world: World, replicas: Replicas) -> None:
    leader, standby = replicas.pair()
    assert (standby.get("/healthz"), standby.get("/readyz"), standby.metric("leading")) == ("ok", "ok", 0.0)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    assert is_leading(leader)
    assert "kubernetes_writes_total{" not in standby.get("/metrics")


def test_a_killed_leader_is_replaced_and_nothing_is_made_twice(world: World, replicas: Replicas) -> None:
    world.aws.change_settings(training={"training_seconds": 2000})
    leader, standby = replicas.pair()
    names = [f"model-{number}" for number in range(6)]
    world.apply(*(training(name, deletionPolicy="Delete") for name in names), endpoint("model-0"))
    until(lambda: len(made(world)) >= 3, "some jobs to be made")
    leader.kill()
    last_renewal = replicas.time("renewTime")
    leads(standby)
    assert timedelta(seconds=9) < replicas.time("acquireTime") - last_renewal < TAKEOVER
    spec = replicas.lease()
    assert (spec["leaseDurationSeconds"], spec["leaseTransitions"]) == (10, 1)
    for name in names:
        world.wait_for("ctrain", name, "Completed")
    world.wait_for("cep", "model-0", "InService")
    assert len(made(world)) == len(set(made(world))) == len(names)
    assert len(made(world, "CreateEndpoint")) == 1


def test_a_paused_leader_that_wakes_up_does_no_harm(world: World, replicas: Replicas) -> None:
    world.aws.change_settings(training={"training_seconds": 100_000})
    paused, standby = replicas.pair()
    world.apply(training("old"), training("waiting", suspend=True))
    world.wait_for("ctrain", "old", "Training")
    world.wait_for("ctrain", "waiting", "Suspended")
    # It is stopped between a call and its answer, with much to do once it wakes up.
    world.aws.latency("CreateTrainingJob", 3)
    world.apply(*(training(f"new-{number}") for number in range(20)))
    until(lambda: "Starting" in world.kubectl("get", "ctrain", "-o", "json"), "work to be under way")
    paused.pause()
    world.aws.latency("CreateTrainingJob", 0)
    leads(standby)
    for number in range(20):
        world.wait_for("ctrain", f"new-{number}", "Training")
    assert standby.stop() == 0
    until(lambda: replicas.leases() == [], "the Lease to be released")
    # Now nobody works: whatever happens from here on is the doing of the one that wakes up.
    calls, version = len(world.aws.calls()), _versions(world)
    world.patch_spec("ctrain", "waiting", {"suspend": False})
    changed = _versions(world)
    paused.wake()
    assert paused.ended() == 1
    assert "the Lease classifier-operator is lost" in paused.log.read_text()
    assert len(world.aws.calls()) == calls
    assert _versions(world) == changed != version
    assert replicas.leases() == []
    assert len(made(world)) == len(set(made(world))) == 21


def test_a_leader_that_is_told_to_end_is_replaced_at_once(world: World, replicas: Replicas) -> None:
    leader, standby = replicas.pair()
    world.aws.latency("CreateTrainingJob", 2)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Starting", of="Reconciling")
    assert leader.stop() == 0
    stopped_at = datetime.now(UTC)
    leads(standby)
    # Much less than the ten seconds after which a Lease is taken that was not released.
    assert replicas.time("acquireTime") - stopped_at < timedelta(seconds=6)
    world.wait_for("ctrain", "digits", "Completed")
    assert len(made(world)) == 1
    assert "released the Lease" in leader.log.read_text()


def test_a_standby_ends_when_it_is_told_to(world: World, replicas: Replicas) -> None:
    leader, standby = replicas.pair()
    assert standby.stop() == 0
    assert is_leading(leader)
    assert "Traceback" not in standby.log.read_text()


def test_a_rolling_upgrade_under_edits_loses_nothing(world: World, replicas: Replicas) -> None:
    first, second = replicas.pair()
    edits = _Edits(world)
    with edits:
        new = []
        for old in (first, second):
            new.append(replicas.start())
            edits.go_on()
            assert new[-1].get("/readyz") == "ok"
            assert old.stop() == 0
        until(lambda: any(map(is_leading, new)), "one of the new ones to lead")
        edits.go_on()
    for name in edits.names:
        _wait_until_done(world, name)
        assert world.job(name)["HyperParameters"]["epochs"] == str(edits.epochs[name])
    assert len(made(world)) == len(set(made(world)))


def test_a_leader_that_cannot_reach_the_cluster_stops_and_comes_back(world: World, replicas: Replicas) -> None:
    leader = replicas.start()
    leads(leader)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    world.cluster.stop_apiserver()
    try:
        assert leader.ended() == 1
        calls = len(world.aws.calls())
        successor = replicas.start()
        assert successor.get("/readyz") != "ok"
        assert len(world.aws.calls()) == calls
    finally:
        world.cluster.start_apiserver()
    leads(successor)
    world.apply(training("other"))
    world.wait_for("ctrain", "other", "Completed")
    assert len(made(world)) == 2


class _Edits:
    """Somebody who makes trainings and changes them, again and again."""

    def __init__(self, world: World) -> None:
        self.names = [f"model-{number}" for number in range(4)]
        self.epochs = dict.fromkeys(self.names, 2)
        self.count = 0
        self._world = world
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._edit)

    def __enter__(self) -> None:
        self._world.apply(*(training(name) for name in self.names))
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def go_on(self) -> None:
        """Wait for some more."""
        before = self.count
        until(lambda: self.count > before + 3, "edits to go on")

    def _edit(self) -> None:
        while not self._is_over.wait(0.3):
            name = self.names[self.count % len(self.names)]
            self.epochs[name] += 1
            self._world.patch_spec("ctrain", name, {"hyperparameters": {"epochs": self.epochs[name]}})
            self.count += 1


def _wait_until_done(world: World, name: str) -> None:
    """Wait for the job of the last spec."""

    def is_done() -> bool:
        found = world.get("ctrain", name)
        status = found.get("status", {})
        is_current: bool = status.get("observedGeneration") == found["metadata"]["generation"]
        return is_current and status.get("jobStatus") == "Completed"

    until(is_done, f"{name} to be done", 90, lambda: world.get("ctrain", name))


def _versions(world: World) -> list[tuple[str, str]]:
    """Everything that an operator may write in the namespace, each with its version."""
    listed = json.loads(world.kubectl("get", "ctrain,cep,events.events.k8s.io", "-o", "json"))["items"]
    return sorted((one["metadata"]["uid"], one["metadata"]["resourceVersion"]) for one in listed)
