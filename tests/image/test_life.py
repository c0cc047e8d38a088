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
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.conftest import SETTINGS, SPEED
from tests.apiserver.identity import install, operator_environment
from tests.apiserver.world import BUCKET, World, endpoint, training
from tests.image.conftest import TAG
from tests.image.workshop import Workshop, terminate, wait_until_healthy

# Of the first test in a process: it builds the image, and once on a machine its base.
pytestmark = pytest.mark.timeout(900)

ACCOUNT_FOLDER = "/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture
def world(installed: ControlPlane, namespace: str) -> Iterator[World]:
    """A namespace, and an AWS account with data."""
    with EmulatorProcess("--speed", str(SPEED), "--settings", json.dumps(SETTINGS)) as emulator:
        install(emulator.url)
        world = World(installed, namespace, emulator.control)
        world.s3.create_bucket(Bucket=BUCKET)
        for channel in ("train", "validation"):
            world.s3.put_object(Bucket=BUCKET, Key=f"{channel}/images.rec", Body=b"not looked at")
        yield world
        world.close()
        assert emulator.control.denials() == []


@pytest.fixture
def account(world: World, tmp_path: Path) -> Path:
    """The folder that a pod has of its service account."""
    world.kubectl("create", "serviceaccount", "operator")
    subject = f"--serviceaccount={world.namespace}:operator"
    world.kubectl("create", "clusterrolebinding", world.namespace, "--clusterrole=cluster-admin", subject)
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text(world.kubectl("create", "token", "operator").strip())
    (folder / "namespace").write_text(world.namespace)
    cluster = yaml.safe_load(world.cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    (folder / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return folder


def test_the_container_trains_serves_and_cleans_up(
    workshop: Workshop, world: World, account: Path, tmp_path: Path
) -> None:
    port = _free_port()
    log = tmp_path / "container.log"
    server = yaml.safe_load(world.cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    environment = {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": server.rpartition(":")[2],
        "AWS_ENDPOINT_URL": world.aws.url,
        **operator_environment(world.aws.url),
    }
    (tmp_path / "empty").mkdir()
    volumes = {account: ACCOUNT_FOLDER, tmp_path / "empty": "/tmp"}
    options = ["--namespace", world.namespace, "--health-port", str(port), "--sweep-interval", "0.5"]
    with (
        workshop.container(TAG) as container,
        log.open("wb") as output,
        container.running(
            "classifier-operator", "run", *options, environment=environment, volumes=volumes, log=output
        ) as process,
    ):
        wait_until_healthy(port, process, log)
        world.apply(training(), endpoint())
        world.wait_for("ctrain", "digits", "Completed")
        world.wait_for("cep", "digits", "InService")
        world.delete("cep", "digits")
        world.delete("ctrain", "digits")
        assert [kind for kind, _, status in world.remaining() if status != "Completed"] == []
        assert terminate(process) == 0, log.read_text()[-3000:]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
