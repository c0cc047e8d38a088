"""The whole thing: a real API server, the emulated AWS over HTTP, and the operator as a process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from control_plane import ControlPlane
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.identity import IAM_SETTINGS, install, operator_environment
from tests.apiserver.operator_process import OperatorProcess, killed_in_the_end
from tests.apiserver.replicas import Replicas
from tests.apiserver.world import BUCKET, World

# Emulated seconds per second: a training of some minutes takes some seconds.
SPEED = 100
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
    "iam": IAM_SETTINGS,
}
# Other accounts, which the operator reaches by a role of each.
ACCOUNTS = ("222222222222", "333333333333")


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorProcess]:
    """The emulated AWS, where the operator may do what manifests/iam allows it, and nothing else."""
    with EmulatorProcess("--speed", str(SPEED), "--settings", json.dumps(SETTINGS)) as process:
        install(process.url, ACCOUNTS)
        yield process


@pytest.fixture(scope="session")
def shared_namespace(installed: ControlPlane) -> str:
    """The namespace of the tests that need no operator of their own."""
    # It fails where it is there already: a second operator would serve it.
    installed.kubectl("create", "namespace", "shared")
    return "shared"


@pytest.fixture(scope="session")
def shared_operator(
    installed: ControlPlane, emulator: EmulatorProcess, shared_namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """One operator for all of them: starting one takes longer than most of the tests."""
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    with make_operator(installed, emulator.url, shared_namespace, log) as process:
        yield process


@pytest.fixture
def world(request: pytest.FixtureRequest, installed: ControlPlane, emulator: EmulatorProcess) -> Iterator[World]:
    """An AWS account with nothing in it but the data, and a namespace with nothing in it.

    A test that starts operators itself gets a namespace of its own, where the shared operator does not look.
    """
    has_own_operator = bool({"start", "replicas"}.intersection(request.fixturenames))
    namespace: str = request.getfixturevalue("namespace" if has_own_operator else "shared_namespace")
    world = World(installed, namespace, emulator.control)
    emulator.control.reset()
    emulator.control.change_settings(**SETTINGS)
    world.s3.create_bucket(Bucket=BUCKET)
    for channel in ("train", "validation"):
        world.s3.put_object(Bucket=BUCKET, Key=f"{channel}/images.rec", Body=b"not looked at")
    yield world
    emulator.control.clear_faults()
    lacked = [one for one in emulator.control.denials() if one["action"] not in world.may_lack]
    if not has_own_operator:
        world.kubectl("delete", "ctrain,cep,configmap,events", "--all", "--timeout=60s")
    world.close()
    assert not lacked, "manifests/iam does not allow what the operator asked for"


@pytest.fixture
def start(world: World, tmp_path: Path) -> Iterator[Callable[..., OperatorProcess]]:
    """Start the operator with more options and variables; it is killed when the test ends."""
    log = tmp_path / "operator.log"
    with killed_in_the_end() as begin:

        def started_with(*options: str, environment: Mapping[str, str] | None = None) -> OperatorProcess:
            given = (world.cluster, world.aws.url, world.namespace, log)
            return begin(make_operator(*given, *options, environment=environment))

        yield started_with


@pytest.fixture
def replicas(world: World, tmp_path: Path) -> Iterator[Replicas]:
    """Operators beside each other; they are killed when the test ends."""

    def make(log: Path, *options: str) -> OperatorProcess:
        return make_operator(world.cluster, world.aws.url, world.namespace, log, *options)

    started = Replicas(world, tmp_path, make)
    yield started
    started.end()


@pytest.fixture
def operator(world: World, shared_operator: OperatorProcess) -> OperatorProcess:
    """The operator, running."""
    return shared_operator


def make_operator(
    cluster: ControlPlane,
    aws_url: str,
    namespace: str,
    log: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
) -> OperatorProcess:
    """An operator in a hurry, ready to be started."""
    fast = ("--sweep-interval", "0.5", "--wait-interval", "1")
    return OperatorProcess(
        kubeconfig=cluster.kubeconfig,
        aws_url=aws_url,
        namespace=namespace,
        log=log,
        options=(*fast, *options),
        environment={**operator_environment(aws_url), **(environment or {})},
    )
