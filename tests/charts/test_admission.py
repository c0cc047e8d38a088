"""What the chart renders is taken by a real API server, down to the Pod Security Standard "restricted"."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from control_plane import ControlPlane, KubectlError
from tests.charts.helm import CHART, Helm, Json

VALUES = [pytest.param(path, id=path.stem) for path in sorted(CHART.glob("ci/*.yaml"))]
PSS = "pod-security.kubernetes.io"
# Fields of Prometheus' operator, as its own CRDs have them, that the chart uses.
MONITORING = {
    "ServiceMonitor": ("servicemonitors", {"namespaceSelector", "selector", "endpoints"}),
    "PodMonitor": ("podmonitors", {"namespaceSelector", "selector", "podMetricsEndpoints"}),
    "PrometheusRule": ("prometheusrules", {"groups"}),
}


@pytest.fixture(scope="module")
def prepared(cluster: ControlPlane) -> ControlPlane:
    """The control plane with the kinds of Prometheus' operator, a RuntimeClass, and namespaces that are restricted."""
    definitions = [_definition(kind, plural, fields) for kind, (plural, fields) in MONITORING.items()]
    labels = {f"{PSS}/enforce": "restricted", f"{PSS}/warn": "restricted"}
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ops", "labels": labels}}]
    runtime = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "gvisor"},
        "handler": "runsc",
    }
    items = {"apiVersion": "v1", "kind": "List", "items": [*definitions, *namespaces, runtime]}
    cluster.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(items))
    names = [f"crd/{plural}.monitoring.coreos.com" for plural, _ in MONITORING.values()]
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
    return cluster


def _definition(kind: str, plural: str, fields: set[str]) -> Json:
    group = "monitoring.coreos.com"
    anything = {"x-kubernetes-preserve-unknown-fields": True}
    spec = {"type": "object", "properties": dict.fromkeys(sorted(fields), anything)}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


@pytest.mark.parametrize("values", VALUES)
def test_every_object_is_accepted(prepared: ControlPlane, helm: Helm, values: Path) -> None:
    manifests = helm.template("--values", str(values))
    count = len([each for each in yaml.safe_load_all(manifests) if each])
    options = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    done = prepared.kubectl("apply", *options, "-f", "-", input=manifests)
    assert done.stdout.count("(server dry run)") == count
    assert done.stderr == ""


@pytest.mark.parametrize("values", VALUES)
def test_every_pod_is_restricted(prepared: ControlPlane, helm: Helm, values: Path) -> None:
    found = pods(helm.render("--values", str(values)))
    assert found
    for pod in found:
        done = prepared.kubectl("create", "--dry-run=server", "-n", "ops", "-f", "-", input=json.dumps(pod))
        assert done.stderr == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"capabilities": {"drop": []}}, "unrestricted capabilities"),
        ({"allowPrivilegeEscalation": True}, "allowPrivilegeEscalation != false"),
        ({"runAsNonRoot": False}, "runAsNonRoot != true"),
        ({"seccompProfile": {"type": "Unconfined"}}, "seccompProfile"),
    ],
)
def test_a_pod_that_may_more_is_refused(prepared: ControlPlane, helm: Helm, change: Json, words: str) -> None:
    """So the API server has looked."""
    pod = deepcopy(pods(helm.render())[0])
    pod["spec"]["containers"][0]["securityContext"].update(change)
    with pytest.raises(KubectlError, match=words):
        prepared.kubectl("create", "--dry-run=server", "-n", "ops", "-f", "-", input=json.dumps(pod))


@pytest.mark.parametrize("values", VALUES)
def test_a_pod_can_write_to_tmp_alone(helm: Helm, values: Path) -> None:
    for pod in pods(helm.render("--values", str(values))):
        container = next(each for each in pod["spec"]["containers"] if each["name"] in ("operator", "check"))
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
        assert writable == ["/tmp"]


def pods(objects: list[Json]) -> list[Json]:
    """The pods of a release: those of its Deployments and of its hooks."""
    found = [each for each in objects if each["kind"] == "Pod"]
    for each in objects:
        if each["kind"] in ("Deployment", "Job"):
            template = each["spec"]["template"]
            spec = {"restartPolicy": "Always", **template["spec"]}
            found.append(
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", **template["metadata"]}, "spec": spec}
            )
    return found
