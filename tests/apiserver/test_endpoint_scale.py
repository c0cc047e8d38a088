"""The scale subresource: kubectl scale, and a real HorizontalPodAutoscaler."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane, find_tools
from tests.apiserver.operator_process import STOP_SECONDS, OperatorProcess
from tests.apiserver.serving import NAME, live_variants, serve, settled
from tests.apiserver.world import Json, World, condition, until

MANAGER = "kube-controller-manager"


def scale_of(world: World) -> Json:
    """The scale subresource, as an autoscaler reads it."""
    path = f"/apis/classifiers.sagemaker.dev/v1alpha1/namespaces/{world.namespace}/classifierendpoints/{NAME}/scale"
    found: Json = json.loads(world.kubectl("get", "--raw", path))
    return found


def test_kubectl_scale_changes_the_count_in_place(world: World, operator: OperatorProcess) -> None:
    before = serve(world)
    world.kubectl("scale", "cep", NAME, "--replicas=3")
    until(lambda: world.status("cep", NAME).get("instanceCount") == 3, "three instances")
    assert settled(world)["endpointConfigName"] == before["endpointConfigName"]
    assert live_variants(world)["AllTraffic"]["CurrentInstanceCount"] == 3
    assert (world.calls("UpdateEndpoint"), world.calls("UpdateEndpointWeightsAndCapacities")) == (0, 1)


def test_the_scale_subresource_is_complete(world: World, operator: OperatorProcess) -> None:
    serve(world, instanceCount=2)
    scale = scale_of(world)
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (2, 2)
    assert scale["status"]["selector"]


def test_an_endpoint_is_ready_while_it_is_scaled(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(endpoint={"scaling_seconds": 300})
    serve(world)
    world.kubectl("scale", "cep", NAME, "--replicas=2")
    status = world.wait_for("cep", NAME, "Updating", of="Reconciling")
    assert condition(status, "Ready")["status"] == "True"
    assert settled(world)["instanceCount"] == 2


@pytest.fixture
def autoscalers(installed: ControlPlane, tmp_path: Path) -> Iterator[None]:
    """The controller of HorizontalPodAutoscalers, alone and in a hurry."""
    command = [
        str(find_tools(MANAGER)[MANAGER]),
        f"--kubeconfig={installed.kubeconfig}",
        "--controllers=horizontal-pod-autoscaler-controller",
        "--horizontal-pod-autoscaler-sync-period=1s",
        "--leader-elect=false",
        "--secure-port=0",
    ]
    with (tmp_path / f"{MANAGER}.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        yield
        process.terminate()
        process.wait(STOP_SECONDS)


def test_a_horizontal_pod_autoscaler_raises_the_count(
    world: World, operator: OperatorProcess, autoscalers: None
) -> None:
    serve(world)
    world.apply(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": NAME},
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "classifiers.sagemaker.dev/v1alpha1",
                    "kind": "ClassifierEndpoint",
                    "name": NAME,
                },
                "minReplicas": 2,
                "maxReplicas": 4,
            },
        }
    )

    def state() -> str:
        return world.kubectl("get", "hpa", NAME, "-o", "yaml")

    until(lambda: world.get("cep", NAME)["spec"]["instanceCount"] == 2, "the autoscaler to act", state=state)
    assert settled(world)["instanceCount"] == 2
    shown = json.loads(world.kubectl("get", "hpa", NAME, "-o", "json"))
    assert shown["status"]["desiredReplicas"] == 2
    world.kubectl("delete", "hpa", NAME)
