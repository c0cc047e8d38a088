"""`kubectl scale` and autoscalers set and read an endpoint's instance count."""

from __future__ import annotations

import json
from typing import Any

from control_plane import ControlPlane
from tests.contract.api_server import ApiServer
from tests.contract.conftest import NAMESPACE
from tests.contract.manifests import ENDPOINT, VARIANTS
from tests.contract.paths import patched
from tests.contract.refusals.serving import NONE_AT_ALL
from tests.contract.statuses import ENDPOINT_STATUS


def test_kubectl_scale_sets_the_count(api: ApiServer, installed: ControlPlane) -> None:
    api.create(patched(ENDPOINT, {"metadata.name": "scaled"}))

    _scale(installed, "scaled", 3)

    assert api.read("ClassifierEndpoint", "scaled")["spec"]["instanceCount"] == 3


def test_a18_b26_an_endpoint_that_is_scaled_to_nothing_says_how_to_suspend_it(
    api: ApiServer, installed: ControlPlane
) -> None:
    api.create(patched(ENDPOINT, {"metadata.name": "never-0"}))

    done = _scale(installed, "never-0", 0, check=False)

    assert f"spec.instanceCount: Invalid value: 0: {NONE_AT_ALL}" in done.stderr
    assert api.read("ClassifierEndpoint", "never-0")["spec"]["instanceCount"] == 1


def test_variants_are_not_scaled_as_one(api: ApiServer, installed: ControlPlane) -> None:
    api.create(patched(VARIANTS, {"metadata.name": "several"}))

    done = _scale(installed, "several", 3, check=False)

    assert "with variants each of them has an instanceCount of its own" in done.stderr


def test_an_autoscaler_reads_count_and_selector(api: ApiServer, installed: ControlPlane) -> None:
    api.create(patched(ENDPOINT, {"metadata.name": "read", "spec.instanceCount": 2}))
    api.write_status("ClassifierEndpoint", "read", ENDPOINT_STATUS)
    path = f"/apis/classifiers.sagemaker.dev/v1alpha1/namespaces/{NAMESPACE}/classifierendpoints/read/scale"

    scale = json.loads(installed.kubectl("get", "--raw", path).stdout)

    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 1, "selector": ENDPOINT_STATUS["selector"]}


def _scale(cluster: ControlPlane, name: str, replicas: int, *, check: bool = True) -> Any:
    return cluster.kubectl("scale", f"cep/{name}", "-n", NAMESPACE, f"--replicas={replicas}", check=check)
