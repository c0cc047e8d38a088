"""Leases of `coordination.k8s.io/v1` by plain requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from classifier_operator.adapters.cluster import KubernetesCluster
from classifier_operator.api.cut import NAME_LIMIT, cut, one_line
from classifier_operator.api.kinds import GROUP
from classifier_operator.api.names import is_namespace
from classifier_operator.api.paths import below, path_of
from classifier_operator.runtime.election.lease import Lease
from classifier_operator.runtime.election.others import HeldLease
from classifier_operator.runtime.ports import ClusterUnavailableError, GoneError

# What Leases belong together, and into how many shards the work is divided by whoever holds one.
RELEASE_LABEL = f"{GROUP}/lease-name"
SHARDS_LABEL = f"{GROUP}/shards"
# Which namespaces its holder serves, by commas; empty: all of them.
SERVES_ANNOTATION = f"{GROUP}/serves"


class KubernetesLeases:
    """The Leases of one namespace that belong to one release.

    serves: the namespaces that the release's operators serve, which is written on the Lease for other operators.
    """

    def __init__(self, cluster: KubernetesCluster, namespace: str, release: str, serves: Sequence[str] = ()) -> None:
        self._cluster = cluster
        self._serves = ",".join(serves)
        self._path = path_of("apis", "coordination.k8s.io", "v1", "namespaces", namespace, "leases")
        self._namespace = namespace
        self._release = release

    async def read(self, name: str) -> Lease | None:
        """The Lease as it is now, if there is one."""
        try:
            return _lease(await self._cluster.request("GET", below(self._path, name)))
        except GoneError:
            return None

    async def create(self, lease: Lease) -> Lease:
        """Make it. Raises ConflictError when there is one."""
        return _lease(await self._cluster.request("POST", self._path, body=self._body(lease)))

    async def replace(self, lease: Lease) -> Lease:
        """Write it, if it still has that version. Raises ConflictError or GoneError when it has not."""
        return _lease(await self._cluster.request("PUT", below(self._path, lease.name), body=self._body(lease)))

    async def of_release(self) -> list[Lease]:
        """All Leases of the release. Without a resourceVersion in the query, what is listed is the latest there is."""
        query = [("labelSelector", f"{RELEASE_LABEL}={self._release}")]
        return [_lease(item) for item in (await self._cluster.request("GET", self._path, query=query))["items"]]

    def _body(self, lease: Lease) -> dict[str, Any]:
        metadata = {
            "name": lease.name,
            "namespace": self._namespace,
            "labels": {RELEASE_LABEL: self._release, SHARDS_LABEL: str(lease.shards)},
            "annotations": {SERVES_ANNOTATION: self._serves},
            **({"resourceVersion": lease.version} if lease.version else {}),
        }
        spec = {
            "holderIdentity": lease.holder,
            "leaseDurationSeconds": int(lease.duration),
            "leaseTransitions": lease.transitions,
            "acquireTime": lease.acquired or None,
            "renewTime": lease.renewed or None,
        }
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


class AllLeases:
    """The Leases of all operators of the cluster; of one namespace, where no more may be listed."""

    def __init__(self, cluster: KubernetesCluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace

    async def everywhere(self) -> list[HeldLease]:
        """All that may be listed. Raises ClusterUnavailableError."""
        try:
            return await self._listed()
        except ClusterUnavailableError as error:
            if error.status != HTTPStatus.FORBIDDEN or not self._namespace:
                raise
            return await self._listed("namespaces", self._namespace)

    async def _listed(self, *place: str) -> list[HeldLease]:
        path = path_of("apis", "coordination.k8s.io", "v1", *place, "leases")
        answer = await self._cluster.request("GET", path, query=[("labelSelector", RELEASE_LABEL)])
        return [held(item) for item in answer["items"]]


def held(body: Mapping[str, Any]) -> HeldLease:
    """Return a Lease of an operator as others see it; what anybody may have written there is bounded."""
    metadata, spec = body["metadata"], body.get("spec", {})
    release = (metadata.get("labels") or {}).get(RELEASE_LABEL, metadata["name"])
    serves = str((metadata.get("annotations") or {}).get(SERVES_ANNOTATION, ""))
    return HeldLease(
        place=f"{metadata['namespace']}/{release}",
        name=metadata["name"],
        version=metadata["resourceVersion"],
        holder=cut(one_line(str(spec.get("holderIdentity") or "")), NAME_LIMIT),
        serves=tuple(name for name in serves.split(",") if is_namespace(name)),
    )


def _lease(body: Mapping[str, Any]) -> Lease:
    metadata, spec = body["metadata"], body.get("spec", {})
    return Lease(
        name=metadata["name"],
        version=metadata["resourceVersion"],
        holder=spec.get("holderIdentity") or "",
        duration=float(spec.get("leaseDurationSeconds") or 0),
        transitions=spec.get("leaseTransitions") or 0,
        acquired=spec.get("acquireTime") or "",
        renewed=spec.get("renewTime") or "",
        shards=_number(metadata.get("labels", {}).get(SHARDS_LABEL, "")),
    )


def _number(written: str) -> int:
    """A number of shards; 0, which nobody has, for a label that is not ours."""
    return int(written) if written.isascii() and written.isdigit() else 0
