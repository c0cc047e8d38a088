"""Owns the list of what the operator asks of the API server, for whoever grants it or checks that it is granted.

The roles of the chart and of the manifests say the same; `tests/charts` holds all of them against the operator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from classifier_operator.api.kinds import GROUP, Kind


class Permission(NamedTuple):
    """One verb on one resource. Without a namespace: in all of them, or of a resource that is in none."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def path(self) -> str:
        """The resource as a role names it."""
        return "/".join(part for part in (self.resource, self.subresource) if part)

    def __str__(self) -> str:
        what = f"{self.verb} {self.path}.{self.group}".rstrip(".")
        named = f" {self.name}" if self.name else ""
        return f"{what}{named} in {self.namespace or 'all namespaces'}"


# By its UID a cluster without a name knows what is its own at AWS; an operator that may not read it goes without.
CLUSTER_UID = Permission("get", "", "namespaces", namespace="kube-system", name="kube-system")

_COORDINATION = "coordination.k8s.io"


def permissions(namespaces: Sequence[str], lease_namespace: str = "") -> list[Permission]:
    """What an operator needs that serves these namespaces (none: all), and agrees by Leases there on who works."""
    found = [permission for namespace in namespaces or ("",) for permission in _of_objects(namespace)]
    if not namespaces:
        found.append(Permission("list", "", "namespaces"))
    if lease_namespace:
        verbs = ("create", "get", "list", "update")
        found += [Permission(verb, _COORDINATION, "leases", namespace=lease_namespace) for verb in verbs]
        if not namespaces:
            # Whether another operator serves the same objects: its Lease is in a namespace of its own.
            found.append(Permission("list", _COORDINATION, "leases"))
    return found


def _of_objects(namespace: str) -> Iterator[Permission]:
    for kind in Kind:
        for verb in ("get", "list", "watch", "patch"):
            yield Permission(verb, GROUP, kind.plural, namespace=namespace)
        yield Permission("patch", GROUP, kind.plural, "status", namespace=namespace)
    yield Permission("get", "", "configmaps", namespace=namespace)
    yield Permission("create", "", "events", namespace=namespace)
    # A request for a namespace counts as one in it, which is why a Role may allow it.
    yield Permission("get", "", "namespaces", namespace=namespace, name=namespace)
