"""`kubectl apply -k`: what it installs is what the chart installs, and runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from classifier_operator.cli.run import command
from control_plane import ControlPlane
from tests.apiserver.world import endpoint, training
from tests.charts.conftest import Site
from tests.charts.helm import Helm, Json
from tests.charts.test_admission import pods
from tests.charts.test_openshift import refusals
from tests.charts.test_release import ROLE, SECONDS, SMOKE_TEST, sample
from tests.contract.manifests import REPOSITORY

NAME = "classifier-operator"
MANIFESTS = REPOSITORY / "manifests"
ROLE_OF_OPERATOR = "arn:aws:iam::123456789012:role/ClassifierOperator"
# What a kustomization is called, and the values by which the chart does the same.
SAME = {
    ".": [],
    "overlays/namespaced": ["--set=scope=Namespaced,rbac.aggregate=false"],
    "overlays/irsa": [f"--set=aws.irsaRoleArn={ROLE_OF_OPERATOR}"],
    "overlays/openshift": ["--set=global.compatibility.openshift.adaptSecurityContext=force"],
}
# Labels that say who made an object.
MADE_BY = ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version")


@pytest.mark.parametrize("folder", SAME)
def test_the_manifests_are_those_of_the_chart(cluster: ControlPlane, helm: Helm, folder: str) -> None:
    """But for the namespace, which the chart leaves to helm, and its hooks, which kubectl does not know."""
    rendered = helm.render(*SAME[folder], "--skip-tests", "--no-hooks", release=NAME, namespace=NAME)
    chart = {name_of(each): normal(each) for each in rendered}
    plain = {name_of(each): normal(each) for each in kustomized(cluster, MANIFESTS / folder)}
    namespace = plain.pop(f"Namespace/{NAME}")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert plain == chart


@pytest.mark.parametrize("folder", SAME)
def test_the_api_server_takes_them(cluster: ControlPlane, folder: str) -> None:
    kustomization = str(MANIFESTS / folder)
    cluster.kubectl("create", "namespace", NAME, check=False)
    done = cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-k", kustomization)
    assert done.stdout.count("(server dry run)") == len(kustomized(cluster, MANIFESTS / folder))


def test_b34_openshift_admits_the_pods_of_its_overlay(cluster: ControlPlane) -> None:
    (pod,) = pods(kustomized(cluster, MANIFESTS / "overlays" / "openshift"))
    assert list(refusals(pod)) == []
    assert pod["spec"]["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_kubectl_apply_installs_what_runs(site: Site, tmp_path: Path) -> None:
    """The manifests by a kustomization of a user's own, who says where AWS is; two replicas for all namespaces."""
    write_own(tmp_path, site.aws.url)
    site.plane.kubectl("apply", "--server-side", "-k", str(tmp_path))
    rollout = ("rollout", "status", "deployment", NAME, "-n", NAME, "--timeout=90s")
    site.plane.kubectl(*rollout, timeout=120)
    world = site.world("team", region="us-east-1", role_arn=ROLE)
    world.apply(
        sample(),
        training(region=None, roleArn=None, deletionPolicy="Delete"),
        endpoint(region=None, roleArn=None, smokeTest=SMOKE_TEST),
    )
    world.wait_for("cep", "digits", "InService", seconds=SECONDS)
    world.kubectl("delete", "classifiers", "--all", "--timeout=60s")
    assert world.remaining() == []
    world.close()
    assert "forbidden" not in site.kubelet.log(NAME).lower()
    site.plane.kubectl("delete", "-k", str(tmp_path), "--timeout=60s", timeout=90)


def write_own(folder: Path, aws: str) -> None:
    """A user's kustomization: base and patch."""
    values = {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "CLASSIFIER_OPERATOR_RUN_SWEEP_INTERVAL": "0.5",
        "CLASSIFIER_OPERATOR_RUN_WAIT_INTERVAL": "1",
    }
    environment = [{"name": name, "value": value} for name, value in values.items()]
    container = {"name": "operator", "env": environment}
    patch = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAME},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    own = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(MANIFESTS, folder.resolve())],
        "patches": [{"patch": json.dumps(patch)}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(own))


def kustomized(cluster: ControlPlane, folder: Path) -> list[Json]:
    """The objects of a kustomization."""
    return list(yaml.safe_load_all(cluster.kubectl("kustomize", str(folder)).stdout))


def name_of(manifest: Json) -> str:
    """What tells an object from the others."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def normal(manifest: Json) -> Json:
    """The object without what says who made it."""
    found: Json = json.loads(json.dumps(manifest))
    metadata = found["metadata"]
    metadata["labels"] = _labels(metadata)
    # Whether a kind stays when it is uninstalled is helm's matter.
    metadata.get("annotations", {}).pop("helm.sh/resource-policy", None)
    metadata["annotations"] = metadata.get("annotations", {})
    if found["kind"] == "Deployment":
        _make_normal(found["spec"]["template"])
    return found


def _make_normal(template: Json) -> None:
    """A pod's template, with the operator's settings in the place of the words that say them."""
    template["metadata"]["labels"] = _labels(template["metadata"])
    (container,) = template["spec"]["containers"]
    words = [word.replace("$(POD_NAMESPACE)", NAME) for word in container["args"]]
    container["args"] = {**command.make_context("run", words[1:]).params}
    container["env"] = [each for each in container["env"] if each["name"] != "POD_NAMESPACE"]


def _labels(metadata: Mapping[str, Json]) -> Json:
    return {name: value for name, value in metadata.get("labels", {}).items() if name not in MADE_BY}
