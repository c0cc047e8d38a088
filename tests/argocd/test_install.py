"""The operator installed by Argo CD, from its chart and from plain manifests: it works, and nothing is OutOfSync."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from control_plane import ControlPlane
from control_plane.binaries import Finder
from control_plane.catalog import ARGOCD as ARGOCD_MODULE
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.servers import SPEED
from tests.apiserver.world import BUCKET, Json, World, training
from tests.argocd.applications import Applications, is_settled, resources_of
from tests.argocd.customizations import ARGOCD
from tests.argocd.repository import Repository
from tests.argocd.servers import ArgoCD
from tests.argocd.states import SETTINGS
from tests.charts.kubelet import Kubelet
from tests.contract.manifests import REPOSITORY

URL = "https://git.example.com/platform/classifier-operator.git"
IN_CLUSTER = "https://kubernetes.default.svc"
NAME = NAMESPACE = "classifier-operator"


@dataclass(frozen=True)
class Site:
    """A cluster without the two kinds, whose pods run, with Argo CD, and the emulated AWS."""

    plane: ControlPlane
    argocd: Applications
    aws: EmulatorProcess
    repository: Repository

    def variables(self) -> list[Json]:
        """What the operator needs to find the emulated AWS."""
        given = {"AWS_ENDPOINT_URL": self.aws.url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        return [{"name": name, "value": value} for name, value in given.items()]

    def example(self, file: str) -> Json:
        """One of the examples, with the test's own repository and cluster."""
        text = (ARGOCD / file).read_text()
        assert URL in text
        assert IN_CLUSTER in text
        loaded: Json = yaml.safe_load(text.replace(URL, self.repository.url).replace(IN_CLUSTER, self.plane.url))
        return loaded


@pytest.fixture(scope="module")
def site(tools: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for both ways to install."""
    folder = tmp_path_factory.mktemp("site")
    source = Finder().source("argocd", ARGOCD_MODULE)
    repository = Repository(folder / "repository")
    for name in ("charts", "crds", "manifests"):
        shutil.copytree(REPOSITORY / name, repository.folder / name)
    repository.commit_all()
    with (
        ControlPlane.start(controllers=True) as plane,
        EmulatorProcess("--speed", str(SPEED)) as aws,
        Kubelet(plane, folder) as kubelet,
        ArgoCD(plane, tools, source, folder / "argocd"),
    ):
        aws.control.change_settings(**SETTINGS)
        yield Site(plane, Applications(plane), aws, repository)
        assert kubelet.error is None


def from_chart(site: Site) -> Json:
    application = site.example("application.yaml")
    application["spec"]["source"]["helm"]["valuesObject"]["extraEnv"] = site.variables()
    return application


def from_manifests(site: Site) -> Json:
    application = site.example("application-manifests.yaml")
    add = [{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": one} for one in site.variables()]
    patch = {"target": {"kind": "Deployment"}, "patch": json.dumps(add)}
    application["spec"]["source"]["kustomize"]["patches"].append(patch)
    return application


WAYS: dict[str, Callable[[Site], Json]] = {"chart": from_chart, "manifests": from_manifests}


@pytest.mark.parametrize("way", WAYS)
def test_the_operator_is_installed_and_works(site: Site, way: str) -> None:
    site.argocd.apply(WAYS[way](site))
    status = site.argocd.settled(NAME, seconds=150)["status"]
    kinds = {one.partition("/")[0] for one in resources_of(status)}
    assert {"CustomResourceDefinition", "Deployment", "ClusterRole", "ServiceAccount"} <= kinds

    site.plane.kubectl("create", "namespace", way)
    world = World(site.plane, way, site.aws.control)
    world.s3.create_bucket(Bucket=BUCKET)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    # What the operator and the cluster's own controllers have written by now is no difference.
    assert is_settled(site.argocd.refresh(NAME)["status"])
    world.delete("ctrain", "digits")
    world.close()
    uninstall(site)


def uninstall(site: Site) -> None:
    """Delete the Application and what it has made; the two kinds stay."""
    finalizer = {"metadata": {"finalizers": ["resources-finalizer.argocd.argoproj.io"]}}
    site.argocd.kubectl("patch", "application", NAME, "--type=merge", "-p", json.dumps(finalizer))
    site.argocd.kubectl("delete", "application", NAME, "--timeout=50s")
    roles = site.plane.kubectl("get", "deployment,clusterrole", "--all-namespaces", "-o", "name").stdout
    assert NAME not in roles
    kinds = site.plane.kubectl("get", "crd", "-o", "name").stdout
    assert kinds.count("classifiers.sagemaker.dev") == 2
