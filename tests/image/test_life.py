"""The image at work: in the cluster as its service account, with nothing that it could write to."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from control_plane import ControlPlane
from control_plane.catalog import REPOSITORY
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.identity import install, operator_environment
from tests.apiserver.servers import SETTINGS, SPEED
from tests.apiserver.world import BUCKET, World, endpoint, training
from tests.image.conftest import TAG
from tests.image.workshop import Workshop, terminate, wait_until_healthy

# Of the first test in a process: it builds the image, and once on a machine its base.
pytestmark = pytest.mark.timeout(900)

NAME = "classifier-operator"
MANIFESTS = REPOSITORY / "manifests"
ACCOUNT_FOLDER = "/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture
def world() -> Iterator[World]:
    """A cluster where the operator is installed from the manifests, and an AWS account with data."""
    settings = ("--speed", str(SPEED), "--settings", json.dumps(SETTINGS))
    with ControlPlane.start() as cluster, EmulatorProcess(*settings) as emulator:
        install(emulator.url)
        cluster.kubectl("apply", "--server-side", "-k", str(MANIFESTS))
        world = World(cluster, "default", emulator.control)
        world.s3.create_bucket(Bucket=BUCKET)
        for channel in ("train", "validation"):
            world.s3.put_object(Bucket=BUCKET, Key=f"{channel}/images.rec", Body=b"not looked at")
        yield world
        world.close()
        assert emulator.control.denials() == []


@pytest.fixture
def account(world: World, tmp_path: Path) -> Path:
    """The folder that a pod of the Deployment has of its service account."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text(world.cluster.kubectl("-n", NAME, "create", "token", NAME).stdout.strip())
    (folder / "namespace").write_text(NAME)
    cluster = yaml.safe_load(world.cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    (folder / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return folder


def test_the_container_trains_serves_and_cleans_up(
    workshop: Workshop, world: World, account: Path, tmp_path: Path
) -> None:
    deployment = json.loads(world.cluster.kubectl("-n", NAME, "get", "deployment", NAME, "-o", "json").stdout)
    (in_pod,) = deployment["spec"]["template"]["spec"]["containers"]
    port, log, folder = _free_port(), tmp_path / "container.log", tmp_path / "empty"
    folder.mkdir()
    server = yaml.safe_load(world.cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    environment = {
        "POD_NAMESPACE": NAME,
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": server.rpartition(":")[2],
        "AWS_ENDPOINT_URL": world.aws.url,
        **operator_environment(world.aws.url),
        # No address of its own, as a pod has.
        "CLASSIFIER_OPERATOR_RUN_HEALTH_PORT": str(port),
        "CLASSIFIER_OPERATOR_RUN_SWEEP_INTERVAL": "0.5",
    }
    arguments = [word.replace("$(POD_NAMESPACE)", NAME) for word in in_pod["args"]]
    command = (*workshop.inspect(TAG)["OCIv1"]["config"]["Entrypoint"], *arguments)
    volumes = {account: ACCOUNT_FOLDER, folder: "/tmp"}
    with (
        workshop.container(TAG) as container,
        log.open("wb") as output,
        container.running(*command, environment=environment, volumes=volumes, log=output) as process,
    ):
        wait_until_healthy(port, process, log)
        world.apply(training(), endpoint())
        world.wait_for("ctrain", "digits", "Completed")
        world.wait_for("cep", "digits", "InService")
        world.delete("cep", "digits")
        world.delete("ctrain", "digits")
        assert [kind for kind, _, status in world.remaining() if status != "Completed"] == []
        assert terminate(process) == 0, log.read_text()[-3000:]


def test_any_user_of_the_group_root_will_do(workshop: Workshop, world: World, account: Path, tmp_path: Path) -> None:
    """As OpenShift starts it: a user without a name or a home, that owns nothing and may read what the group may."""
    port, log, folder = _free_port(), tmp_path / "container.log", tmp_path / "empty"
    folder.mkdir(mode=0o777)
    server = yaml.safe_load(world.cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    environment = {
        "HOME": "/tmp",
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": server.rpartition(":")[2],
        "AWS_ENDPOINT_URL": world.aws.url,
        **operator_environment(world.aws.url),
    }
    command = ("classifier-operator", "run", "--health-port", str(port), "--sweep-interval", "0.5")
    volumes = {account: ACCOUNT_FOLDER, folder: "/tmp"}
    with (
        workshop.container(TAG) as container,
        log.open("wb") as output,
        container.running(
            *command, environment=environment, volumes=volumes, log=output, user="1000660000:0"
        ) as process,
    ):
        wait_until_healthy(port, process, log)
        world.apply(training())
        world.wait_for("ctrain", "digits", "Completed")
        world.delete("ctrain", "digits")
        assert terminate(process) == 0, log.read_text()[-3000:]
    assert "Traceback" not in log.read_text()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
