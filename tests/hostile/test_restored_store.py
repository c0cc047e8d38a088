"""etcd is restored from a snapshot while the operator runs: it goes back along, and is not stopped by it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.identity import install
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.servers import SETTINGS, SPEED, make_operator
from tests.apiserver.serving import live_config, made, serve, settled
from tests.apiserver.world import BUCKET, World, training, until
from tests.contract.manifests import CRDS
from tests.faults.objects import Objects

# More than an API server writes of itself while it starts: what is written after a restore stays below what was known.
WRITES = 30


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """An API server whose store nobody else needs."""
    with ControlPlane.start() as plane:
        plane.install(CRDS)
        yield plane


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatorProcess]:
    """The emulated AWS."""
    with EmulatorProcess("--speed", str(SPEED), "--settings", json.dumps(SETTINGS)) as process:
        install(process.url)
        yield process


@pytest.fixture
def world(plane: ControlPlane, aws: EmulatorProcess) -> Iterator[World]:
    """A namespace of its own, and an account with nothing in it but the data."""
    namespace = f"test-{secrets.token_hex(4)}"
    plane.kubectl("create", "namespace", namespace)
    aws.control.reset()
    world = World(plane, namespace, aws.control)
    world.s3.create_bucket(Bucket=BUCKET)
    for channel in ("train", "validation"):
        world.s3.put_object(Bucket=BUCKET, Key=f"{channel}/images.rec", Body=b"not looked at")
    yield world
    assert aws.control.denials() == []
    world.close()


@pytest.fixture
def operator(world: World, tmp_path: Path) -> Iterator[OperatorProcess]:
    """An operator, which looks at the API server's revision often."""
    log = tmp_path / "operator.log"
    process = make_operator(world.cluster, world.aws.url, world.namespace, log, "--namespace-interval", "1")
    with process:
        yield process


@pytest.fixture
def objects(world: World) -> Iterator[Objects]:
    """The namespace's objects, for whoever does not give up while the API server starts."""
    objects = Objects(world.cluster.kubeconfig, world.namespace)
    yield objects
    objects.close()


@pytest.fixture
def snapshot(world: World, objects: Objects, tmp_path: Path) -> Callable[[], Callable[[], None]]:
    """Take a snapshot; what is returned restores it, after so many writes that versions go back by a lot."""

    def taken() -> Callable[[], None]:
        folder = tmp_path / "snapshot"
        world.cluster.snapshot(folder)
        return lambda: _restored(folder)

    def _restored(folder: Path) -> None:
        for name in objects.all():
            for number in range(WRITES):
                objects.patch(name, {"metadata": {"annotations": {"written": str(number)}}})
        world.cluster.restore(folder)
        # Its answer is the first after the API server has found itself.
        objects.all()

    return taken


def conflicts(operator: OperatorProcess) -> float:
    """How many of its writes have met a conflict."""
    lines = [line for line in operator.get("/metrics").splitlines() if "kubernetes_writes_total" in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines if 'status="conflict"' in line)


def test_what_is_edited_after_a_restore_is_done(
    world: World, operator: OperatorProcess, snapshot: Callable[[], Callable[[], None]]
) -> None:
    world.apply(training())
    serve(world, "served")
    world.wait_for("ctrain", "digits", "Completed")
    restore = snapshot()
    before = conflicts(operator)
    restore()
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 5}})
    world.patch_spec("cep", "served", {"instanceType": "ml.m5.xlarge"})
    until(lambda: world.status("ctrain", "digits").get("observedGeneration") == 2, "the edit to be seen")
    world.wait_for("ctrain", "digits", "Completed")
    settled(world, "served")
    assert world.job()["HyperParameters"]["epochs"] == "5"
    assert live_config(world, "served")["ProductionVariants"][0]["InstanceType"] == "ml.m5.xlarge"
    assert conflicts(operator) - before < 10
    assert "the API server has gone back" in operator.log.read_text()
    # A watch that hears again is what sees the next edit at once.
    world.delete("ctrain", "digits")
    world.delete("cep", "served")
    assert made(world, "endpoints") == {}


def test_what_is_younger_or_was_deleted_since_comes_and_goes_with_the_snapshot(
    world: World, operator: OperatorProcess, snapshot: Callable[[], Callable[[], None]]
) -> None:
    """What came back is as its spec says again; what has no object any more runs on, and the log names it."""
    for name in ("ended", "kept"):
        world.apply(training(name))
    serve(world, "gone")
    for name in ("ended", "kept"):
        world.wait_for("ctrain", name, "Completed")
    restore = snapshot()
    serve(world, "young")
    orphan = world.status("cep", "young")["endpointName"]
    world.delete("cep", "gone")
    world.delete("ctrain", "ended")
    assert set(made(world, "endpoints")) == {orphan}
    jobs = world.calls("CreateTrainingJob")
    restore()
    back = world.status("cep", "gone")["endpointName"]
    until(lambda: set(made(world, "endpoints")) == {orphan, back}, "the endpoint to be made again")
    settled(world, "gone")
    assert world.status("ctrain", "ended")["conditions"][0]["reason"] == "Completed"
    assert not world.exists("cep", "young")
    log = f"ClassifierEndpoint/{world.namespace}/young is gone and was not let go"
    until(lambda: log in operator.log.read_text(), "the orphan to be named")
    assert orphan in operator.log.read_text()
    # Nothing is trained again, and the one without an object is nobody's to delete.
    assert world.calls("CreateTrainingJob") == jobs
    assert made(world, "endpoints")[orphan]["status"] == "InService"
