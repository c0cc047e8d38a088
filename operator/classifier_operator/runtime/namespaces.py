"""What fields mean when they are absent: the namespace's annotations over the operator's settings.

Annotations are read when an object of the namespace is first looked at, again when somebody has just made or changed
one, and now and then for all namespaces: a changed annotation also reaches objects that nothing else happens to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Set
from typing import Any

from classifier_operator.api.kinds import ENFORCE_ANNOTATION, GROUP
from classifier_operator.reconcile.decision import Defaults
from classifier_operator.reconcile.walls import enforced_by
from classifier_operator.runtime.annotations import OF_NAMESPACES, UnknownAnnotations
from classifier_operator.runtime.ports import Cluster, ClusterUnavailableError, GoneError

logger = logging.getLogger(__name__)

_Request = asyncio.Task[Mapping[str, Any]]


class NamespaceDefaults:
    """The defaults of each namespace in which there are objects."""

    def __init__(self, cluster: Cluster, fallback: Defaults) -> None:
        self._cluster = cluster
        self._fallback = fallback
        self._known: dict[str, Defaults] = {}
        self._annotations = UnknownAnnotations()
        self._under_way: dict[str, _Request] = {}
        self._to_come: dict[str, _Request] = {}

    async def of(self, namespace: str, *, afresh: bool = False) -> Defaults:
        """The defaults in that namespace; `afresh`: what a person has just done there counts already.

        Raises:
            ClusterUnavailableError: nothing is known, and the namespace cannot be read: nothing is guessed, because
                its annotations may be what keeps its objects from another team's role.

        """
        known = self._known.get(namespace)
        if known is not None and not afresh:
            return known
        try:
            read = await self._read(namespace)
        except (GoneError, ClusterUnavailableError) as error:
            # A namespace with objects in it is not gone: an API server that says so has not been asked, or is ill.
            if known is None:
                raise ClusterUnavailableError(f"namespace {namespace} cannot be read: {error}") from error
            logger.warning("namespace %s keeps its last known annotations: %s", namespace, error)
            return known
        self._known[namespace] = self._in(read)
        return self._known[namespace]

    def known(self, namespace: str) -> Defaults | None:
        """Return what is known of that namespace without asking anybody; None where it is nothing."""
        return self._known.get(namespace)

    async def load(self) -> None:
        """Read all namespaces that can be read, so that what is on record of their objects may be looked at early."""
        try:
            async for one in self._cluster.list_namespaces():
                self._known[one["metadata"]["name"]] = self._in(one)
        except (GoneError, ClusterUnavailableError) as error:
            logger.warning("namespaces are read one by one: %s", error)

    async def _read(self, namespace: str) -> Mapping[str, Any]:
        """The namespace as it is now: one request for all who ask for it before the request begins."""
        request = self._to_come.get(namespace)
        if request is None:
            request = asyncio.get_running_loop().create_task(
                self._read_after(self._under_way.get(namespace), namespace)
            )
            self._to_come[namespace] = request
        return await request

    async def _read_after(self, earlier: _Request | None, namespace: str) -> Mapping[str, Any]:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._under_way[namespace] = self._to_come.pop(namespace)
        try:
            read = await self._cluster.read_namespace(namespace)
        finally:
            del self._under_way[namespace]
        if read.get("metadata", {}).get("name") != namespace:
            raise ClusterUnavailableError("the API server answered with something else")
        return read

    async def refresh(self, in_use: Set[str]) -> frozenset[str]:
        """Read all namespaces once; those in use whose defaults are others than before.

        One that cannot be read keeps what is known of it. What is not in use is forgotten.
        """
        for namespace in self._known.keys() - in_use:
            del self._known[namespace]
            self._annotations.forget(f"namespace {namespace}")
        try:
            found = {one["metadata"]["name"]: one async for one in self._cluster.list_namespaces()}
        except (GoneError, ClusterUnavailableError) as error:
            logger.warning("namespaces keep their last known annotations: %s", error)
            return frozenset()
        known = self._known.keys() & found.keys()
        read = {namespace: self._in(found[namespace]) for namespace in known}
        changed = frozenset(namespace for namespace in known if self._known[namespace] != read[namespace])
        self._known.update(read)
        return changed

    def _in(self, namespace: Mapping[str, Any]) -> Defaults:
        self._annotations.note(f"namespace {namespace['metadata']['name']}", namespace, OF_NAMESPACES)
        annotations = namespace["metadata"].get("annotations") or {}
        enforced, problem = enforced_by(annotations.get(ENFORCE_ANNOTATION))

        def chosen(name: str, fallback: str) -> str:
            return str(annotations.get(f"{GROUP}/{name}", fallback))

        return Defaults(
            region=chosen("region", self._fallback.region),
            role_arn=chosen("role-arn", self._fallback.role_arn),
            assume_role_arn=chosen("assume-role-arn", self._fallback.assume_role_arn),
            deletion_policy=chosen("deletion-policy", self._fallback.deletion_policy),
            enforced=enforced,
            enforcement_problem=problem,
        )
