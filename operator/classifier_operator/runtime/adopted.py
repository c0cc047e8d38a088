"""Finds endpoints that an earlier process adopted for an object whose status is of before that, or was lost.

An adopted endpoint may have any name. After a restore of etcd neither the annotation nor the status names it, and its
tags alone tell whose it is. What an earlier process had adopted has its tags before this process begins to work, so the
tags of all endpoints of a place are read once, for all objects, and only when an object may leave one behind. Endpoints
with the name that the operator itself gives are left out: a search finds those by that name.
"""

from __future__ import annotations

import logging

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.reconcile.decision import Meta
from classifier_operator.reconcile.owner import Owner, owner_in
from classifier_operator.runtime.act import tags_of
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.pages import NEWEST_FIRST, Turn, pages
from classifier_operator.runtime.ports import Cloud
from classifier_operator.runtime.remembered import Remembered
from classifier_operator.sagemaker.answers import reading
from classifier_operator.sagemaker.names import suffixes_in
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind, Remedy
from classifier_operator.sagemaker.views import endpoint_listed

logger = logging.getLogger(__name__)


class Adopted:
    """The endpoints of each place that have an owner's tags and a name that nobody can guess."""

    def __init__(self, cloud: Cloud, inventory: Inventory) -> None:
        self._cloud = cloud
        self._inventory = inventory
        self._owners: dict[Place, dict[Resource, Owner]] = {}
        self._reading: dict[Place, Remembered] = {}

    async def by(self, meta: Meta, place: Place, turn: Turn, *, must_tell: bool = False) -> list[Resource]:
        """Return the endpoints there whose tags name the object; none where the operator may not read that.

        must_tell: not to read it is no answer.

        Raises:
            AwsRefusal: AWS does not tell.
            NotYetError: it is not the caller's turn.

        """
        try:
            owners = await self._owners_in(place, turn)
        except AwsRefusal as refusal:
            if refusal.remedy is not Remedy.RETRY:
                # Whatever roles specs name, nothing is kept of those that AWS refuses.
                self._reading.pop(place, None)
            if must_tell or refusal.kind is not RefusalKind.ACCESS_DENIED:
                raise
            logger.warning("%s: an endpoint that it may have adopted is not looked for: %s", meta.key, refusal)
            return []
        return [one for one, owner in owners.items() if meta.owns(owner)]

    def anew(self) -> None:
        """What was read before may be of another time."""
        self._owners.clear()
        self._reading.clear()

    async def _owners_in(self, place: Place, turn: Turn) -> dict[Resource, Owner]:
        if place not in self._owners:
            cloud = self._reading.setdefault(place, Remembered(self._cloud))
            found: dict[Resource, Owner] = {}
            async for summary in pages(cloud, place, "ListEndpoints", NEWEST_FIRST, turn):
                with reading("ListEndpoints"):
                    view = endpoint_listed(summary)
                resource = Resource(place, ResourceType.ENDPOINT, view.name)
                if not self._is_named_by_us(resource) and (owner := await _owner_of(cloud, resource, view.arn, turn)):
                    found[resource] = owner
            self._owners[place] = found
            self._reading.pop(place, None)
        return self._owners[place]

    def _is_named_by_us(self, endpoint: Resource) -> bool:
        """Whether an object cares for it, and it has the name that the operator gives to that object's endpoint."""
        carers = self._inventory.carers_of(endpoint)
        return any(len(suffixes_in(one.namespace, one.name, endpoint.name) or ()) == 1 for one in carers)


async def _owner_of(cloud: Remembered, endpoint: Resource, arn: str, turn: Turn) -> Owner | None:
    """Whose it is by its tags; None where it is nobody's, or gone."""
    try:
        owner = owner_in(await tags_of(cloud, endpoint.place, arn, turn))
    except AwsRefusal as refusal:
        if refusal.kind is not RefusalKind.NOT_FOUND:
            raise
        return None
    return owner if owner.uid else None
