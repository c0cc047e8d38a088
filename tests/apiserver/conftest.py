"""The whole thing: a real API server, the emulated AWS over HTTP, and the operator as a process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import BUCKET, World
from tests.contract.manifests import CRDS

# Emulated seconds per second: a training of some minutes takes some seconds.
SPEED = 60
SETTINGS = {
    "training": {"work": "none", "starting_seconds": 30, "training_seconds": 60, "stopping_seconds": 30},
    "endpoint": {
        "creating_seconds": 60,
        "updating_seconds": 60,
        "rolling_back_seconds": 30,
        "scaling_seconds": 30,
        "load_model": False,
    },
    "elastic_inference": {"available": True, "first_call_real_seconds": 0.2},
}


@pytest.fixture(scope="session")
def served(cluster: ControlPlane) -> ControlPlane:
    """The control plane once it serves both kinds."""
    cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    return cluster


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorProcess]:
    """The emulated AWS."""
    with EmulatorProcess("--speed", str(SPEED), "--settings", json.dumps(SETTINGS)) as process:
        yield process


@pytest.fixture
def world(served: ControlPlane, namespace: str, emulator: EmulatorProcess) -> Iterator[World]:
    """A fresh namespace, and an AWS account with nothing in it but the data."""
    emulator.control.reset()
    emulator.control.change_settings(**SETTINGS)
    world = World(served, namespace, emulator.control)
    world.s3.create_bucket(Bucket=BUCKET)
    for channel in ("train", "validation"):
        world.s3.put_object(Bucket=BUCKET, Key=f"{channel}/images.rec", Body=b"not looked at")
    yield world
    world.close()


@pytest.fixture
def start(world: World, tmp_path: Path) -> Iterator[Callable[..., OperatorProcess]]:
    """Start the operator with more options; it is killed when the test ends."""
    started: list[OperatorProcess] = []

    def started_with(*options: str) -> OperatorProcess:
        process = OperatorProcess(
            kubeconfig=world.cluster.kubeconfig,
            aws_url=world.aws.url,
            namespace=world.namespace,
            log=tmp_path / "operator.log",
            options=("--sweep-interval", "0.5", "--wait-interval", "1", *options),
        )
        started.append(process)
        process.start()
        return process

    yield started_with
    for process in started:
        process.kill()


@pytest.fixture
def operator(start: Callable[..., OperatorProcess]) -> OperatorProcess:
    """The operator, running."""
    return start()
