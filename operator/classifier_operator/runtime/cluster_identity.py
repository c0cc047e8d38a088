"""Which cluster this is: as the operator was told, or as the UID of the namespace kube-system says.

That namespace is made with the cluster and stays as long as it, so its UID is a name that no other cluster has, but for
one that was made from a copy of this one's etcd.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable

from classifier_operator.api.cluster_name import ClusterNames
from classifier_operator.runtime.informers import pause_after
from classifier_operator.runtime.ports import Cluster, ClusterUnavailableError, GoneError

logger = logging.getLogger(__name__)

SYSTEM_NAMESPACE = "kube-system"


class ClusterIdentity:
    """The names of the cluster, learnt once.

    given: the name that somebody has given; "" to learn one.
    former: names that the cluster had before.
    """

    def __init__(self, given: str = "", former: Iterable[str] = ()) -> None:
        self.names = ClusterNames(name=given, former=frozenset(former))

    async def learn(self, cluster: Cluster) -> bool:
        """Ask for the name where it is not known; return whether it has become known by this.

        Raises:
            ClusterUnavailableError: the API server gave no answer, so that nothing is known of whether it would.

        """
        if self.names.name:
            return False
        try:
            read = await cluster.read_namespace(SYSTEM_NAMESPACE)
        except GoneError:
            return False
        except ClusterUnavailableError as error:
            if error.status not in (401, 403):
                raise
            logger.info("no cluster tag is written: the namespace %s may not be read: %s", SYSTEM_NAMESPACE, error)
            return False
        uid = str(read["metadata"].get("uid", ""))
        self.names = ClusterNames(name=uid, former=self.names.former)
        if uid:
            logger.info("the cluster's name is %s, the UID of the namespace %s", uid, SYSTEM_NAMESPACE)
        return bool(uid)

    async def learn_or_wait(self, cluster: Cluster, rng: random.Random, missing: Callable[[str], None]) -> None:
        """Return once the name is known, or it is known that nobody may tell it: nothing is made before that.

        missing: called with what is waited for.
        """
        failures = 0
        while True:
            try:
                await self.learn(cluster)
            except ClusterUnavailableError as error:
                message = f"cannot read what the cluster is called: {error}"
                missing(message)
                logger.warning("%s", message)
                failures += 1
                await asyncio.sleep(pause_after(failures, rng))
            else:
                return

    async def relearn(self, cluster: Cluster) -> bool:
        """Return whether the name has become known by this: the permission to read it may have come since the start."""
        try:
            return await self.learn(cluster)
        except ClusterUnavailableError as error:
            logger.warning("the cluster's name: %s", error)
            return False
