"""Leases on a real API server, with the permissions that the operator needs for them and no others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from msgspec import structs

from classifier_operator.adapters.cluster import KubernetesCluster
from classifier_operator.adapters.leases import KubernetesLeases
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.election.lease import Lease
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.ports import ClusterUnavailableError, ConflictError
from control_plane import ControlPlane

ROLE = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: elector}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: elector}
rules: [{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: elector}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: elector}
subjects: [{kind: ServiceAccount, name: elector}]
"""
LATER = "2026-11-24T12:00:02.000000Z"
NOW = "2026-11-24T12:00:00.000000Z"
LEASE = Lease(name="op-1-of-3", holder="a_1", duration=10.0, acquired=NOW, renewed=NOW, shards=3)


@pytest_asyncio.fixture
async def elector(cluster: ControlPlane, namespace: str) -> AsyncIterator[KubernetesCluster]:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=ROLE)
    settings = Configuration()
    kubeconfig = cluster.service_account_kubeconfig(namespace, "elector")
    await config.load_kube_config(str(kubeconfig), client_configuration=settings)
    connected = KubernetesCluster(ApiClient(settings), (), Metrics())
    yield connected
    await connected.close()


@pytest.fixture
def leases(elector: KubernetesCluster, namespace: str) -> KubernetesLeases:
    return KubernetesLeases(elector, namespace, "op")


async def test_what_is_made_is_read_as_it_was(leases: KubernetesLeases) -> None:
    assert await leases.read(LEASE.name) is None
    made = await leases.create(LEASE)
    assert made.version
    assert await leases.read(LEASE.name) == made
    with pytest.raises(ConflictError):
        await leases.create(LEASE)


async def test_only_the_version_that_is_there_is_replaced(leases: KubernetesLeases) -> None:
    made = await leases.create(LEASE)
    renewed = await leases.replace(structs.replace(made, renewed=LATER))
    with pytest.raises(ConflictError):
        await leases.replace(structs.replace(made, renewed="2026-11-24T12:00:04.000000Z"))
    assert renewed.renewed == LATER
    assert await leases.read(LEASE.name) == renewed


async def test_one_that_was_deleted_is_made_anew_by_its_renewal(
    leases: KubernetesLeases, cluster: ControlPlane, namespace: str
) -> None:
    """Unlike other objects; whoever is faster has it, and the other one gets a conflict."""
    made = await leases.create(LEASE)
    cluster.kubectl("delete", "lease", "-n", namespace, LEASE.name)
    assert (await leases.replace(made)).version != made.version
    with pytest.raises(ConflictError):
        await leases.create(LEASE)
    cluster.kubectl("delete", "lease", "-n", namespace, LEASE.name)
    await leases.create(structs.replace(LEASE, holder="b_1"))
    with pytest.raises(ConflictError):
        await leases.replace(structs.replace(made, renewed=LATER))


async def test_only_the_leases_of_the_release_are_listed(
    leases: KubernetesLeases, elector: KubernetesCluster, namespace: str
) -> None:
    made = await leases.create(LEASE)
    await KubernetesLeases(elector, namespace, "other").create(Lease(name="other", holder="b", duration=10.0))
    assert await leases.of_release() == [made]


async def test_a_lease_of_somebody_elses_making_is_read(
    leases: KubernetesLeases, cluster: ControlPlane, namespace: str
) -> None:
    labels = {"classifiers.sagemaker.dev/lease-name": "op", "classifiers.sagemaker.dev/shards": "many"}
    strange = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "op", "labels": labels}}
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(strange))
    [found] = await leases.of_release()
    assert (found.holder, found.duration, found.shards) == ("", 0.0, 0)
    assert (await leases.replace(structs.replace(LEASE, name="op", version=found.version))).shards == 3


async def test_what_is_not_allowed_is_no_lease(elector: KubernetesCluster) -> None:
    with pytest.raises(ClusterUnavailableError, match="403"):
        await KubernetesLeases(elector, "kube-system", "op").read("op")


async def test_without_the_lease_nothing_is_written(cluster: ControlPlane) -> None:
    """And reading goes on."""
    settings = Configuration()
    await config.load_kube_config(str(cluster.kubeconfig), client_configuration=settings)
    connected = KubernetesCluster(ApiClient(settings), (), Metrics(), lambda: False)
    try:
        with pytest.raises(ClusterUnavailableError, match="does not hold the Lease any more"):
            await connected.patch(ObjectKey(Kind.TRAINING, "default", "x"), {})
        with pytest.raises(ClusterUnavailableError, match="does not hold the Lease any more"):
            await connected.post_event({"metadata": {"namespace": "default"}})
        assert (await connected.read_namespace("default"))["metadata"]["name"] == "default"
    finally:
        await connected.close()
