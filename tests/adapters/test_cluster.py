"""The namespaces that an operator serves, read from a real API server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from classifier_operator.adapters import cluster as adapter
from classifier_operator.adapters.cluster import KubernetesCluster
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.ports import ClusterUnavailableError
from control_plane import ControlPlane

READER = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [namespaces], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader}]
"""


def names(kubeconfig: Path, namespaces: Sequence[str] = ()) -> set[str]:
    async def read() -> set[str]:
        settings = Configuration()
        await config.load_kube_config(str(kubeconfig), client_configuration=settings)
        connected = KubernetesCluster(ApiClient(settings), namespaces, Metrics())
        try:
            return {one["metadata"]["name"] async for one in connected.list_namespaces()}
        finally:
            await connected.close()

    return asyncio.run(read())


@pytest.fixture
def reader(cluster: ControlPlane, namespace: str) -> Path:
    """A service account that may read the one namespace, as in a namespaced installation."""
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=READER)
    return cluster.service_account_kubeconfig(namespace, "reader")


def test_all_namespaces_are_listed_page_by_page(
    cluster: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "PAGE_SIZE", 1)
    assert {namespace, "default", "kube-system"} <= names(cluster.kubeconfig)


def test_named_namespaces_are_read_one_by_one(cluster: ControlPlane, namespace: str) -> None:
    assert names(cluster.kubeconfig, [namespace, "default"]) == {namespace, "default"}


def test_one_that_is_not_there_or_not_allowed_does_not_hide_the_others(reader: Path, namespace: str) -> None:
    assert names(reader, ["default", "none", namespace]) == {namespace}


def test_a_listing_that_is_not_allowed_is_no_empty_one(reader: Path) -> None:
    with pytest.raises(ClusterUnavailableError, match="HTTP 403"):
        names(reader)
