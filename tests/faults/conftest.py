"""Faults: a hundred objects on a real API server and the emulated AWS, and whatever can go wrong around them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.identity import IAM_SETTINGS, install
from tests.apiserver.servers import SPEED
from tests.apiserver.world import BUCKET, World
from tests.faults.accounts import ELSEWHERE
from tests.faults.objects import Objects
from tests.faults.population import FAST, Population
from tests.faults.stage import Stage

# The whole log is wanted: what was made twice is found by looking at all that was made.
SETTINGS = {**FAST, "iam": IAM_SETTINGS, "call_log_size": 500_000}


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorProcess]:
    """The emulated AWS."""
    with EmulatorProcess("--speed", str(SPEED), "--settings", json.dumps(SETTINGS)) as process:
        install(process.url, (ELSEWHERE,))
        yield process


@pytest.fixture
def world(installed: ControlPlane, emulator: EmulatorProcess, namespace: str) -> Iterator[World]:
    """An AWS account with nothing in it but the data, and a namespace with nothing in it."""
    emulator.control.reset()
    emulator.control.set_speed(SPEED)
    world = World(installed, namespace, emulator.control)
    world.s3.create_bucket(Bucket=BUCKET)
    for channel in ("train", "validation"):
        world.s3.put_object(Bucket=BUCKET, Key=f"{channel}/images.rec", Body=b"not looked at")
    yield world
    emulator.control.clear_faults()
    world.close()


@pytest.fixture
def stage(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The hundred objects in their states, and the operator that has brought them there."""
    objects = Objects(world.cluster.kubeconfig, world.namespace)
    stage = Stage(world, Population(world, objects), tmp_path, request.node.name)
    try:
        stage.operator.start()
        stage.population.make()
        yield stage
    finally:
        stage.close()
        objects.close()
