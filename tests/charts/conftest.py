"""helm, and a cluster in which what it installs really runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from control_plane import ControlPlane
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver import servers as apiserver
from tests.apiserver.servers import SPEED
from tests.apiserver.world import BUCKET, World
from tests.charts.helm import Helm, Json
from tests.charts.kubelet import Kubelet


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """helm without a cluster: it renders."""
    return Helm(tmp_path_factory.mktemp("helm"))


# What the operator may do at AWS is tried in tests/apiserver; here its credentials are whatever a Secret has.
SETTINGS = {**apiserver.SETTINGS, "iam": {"enforce": False}}


@dataclass(frozen=True)
class Site:
    """A cluster whose Deployments, Jobs and pods run, and the emulated AWS."""

    plane: ControlPlane
    kubelet: Kubelet
    aws: EmulatorProcess
    helm: Helm

    def apply(self, *manifests: Json) -> None:
        """Apply manifests as the administrator."""
        self.plane.kubectl(
            "apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        )

    def world(self, namespace: str, **annotations: str) -> World:
        """A fresh namespace with these annotations, and an AWS account with nothing in it but the data."""
        self.aws.control.reset()
        self.aws.control.change_settings(**SETTINGS)
        self.plane.kubectl("create", "namespace", namespace)
        for name, value in annotations.items():
            key = f"classifiers.sagemaker.dev/{name.replace('_', '-')}"
            self.plane.kubectl("annotate", "namespace", namespace, f"{key}={value}")
        world = World(self.plane, namespace, self.aws.control)
        world.s3.create_bucket(Bucket=BUCKET)
        for channel in ("train", "validation"):
            world.s3.put_object(Bucket=BUCKET, Key=f"{channel}/images.rec", Body=b"not looked at")
        return world


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for the tests of a module."""
    folder = tmp_path_factory.mktemp("site")
    with (
        ControlPlane.start(controllers=True) as plane,
        EmulatorProcess("--speed", str(SPEED), "--settings", json.dumps(SETTINGS)) as aws,
        Kubelet(plane, folder) as kubelet,
    ):
        yield Site(plane, kubelet, aws, Helm(folder / "helm", plane.kubeconfig))
        assert kubelet.error is None
