"""Act: send a decision's calls, and remember what AWS said.

Some refusals are answers: "not found" to a deletion, "already exists" to a creation whose first answer was lost. They
are turned into sightings here. Every other refusal goes to the caller, which decides when to try again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from classifier_operator.api.kinds import OBJECT_TAG, UID_TAG
from classifier_operator.api.ledger import Resource, ResourceType
from classifier_operator.endpoint.scaling import endpoint_of
from classifier_operator.reconcile.calls import Call, describe, retag, takes_over
from classifier_operator.reconcile.decision import Meta
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.pacing.limits import Caller, NotYetError
from classifier_operator.runtime.ports import Clock, Cloud
from classifier_operator.runtime.workqueue import Priority
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from classifier_operator.sagemaker.views import (
    EndpointView,
    JobView,
    ModelView,
    PlainView,
    Sighting,
    Stranger,
    Unseen,
    View,
    endpoint_described,
    job_described,
    model_described,
)

# Tags become visible some seconds after the resource: a young one without tags may still be our own.
TAGS_VISIBLE_AFTER = timedelta(minutes=2)


class Executor:
    """Sends calls to AWS and records in the inventory what came of them."""

    def __init__(self, cloud: Cloud, inventory: Inventory, clock: Clock) -> None:
        self._cloud = cloud
        self._inventory = inventory
        self._clock = clock
        self._described: dict[Resource, dict[str, Any]] = {}

    def leave(self, name: Hashable, forgotten: Collection[Resource]) -> None:
        """Who has this name has nothing to ask of AWS now, and has nothing to do with these any more."""
        self._cloud.withdraw(name)
        self._inventory.forget(forgotten)
        for resource in forgotten:
            self._described.pop(resource, None)

    async def run(self, meta: Meta, call: Call, turn: Caller | Priority = Priority.NORMAL) -> bool:
        """Send one call; what is asked of the owner before takes turns as it does, what a refusal makes needed waits.

        Returns whether AWS took it; if not, its refusal told that there is no need.

        Raises:
            AwsRefusal: AWS refused, and the refusal is not an answer in itself.
            NotYetError: it is not the caller's turn.

        """
        try:
            if call.checks_owner:
                await self._identify(meta, call.resource, turn)
                return True
            if not await self._may_change(meta, call, turn):
                return False
            answer = await self._cloud.call(call.resource.place, call.operation, call.params, turn=turn)
        except AwsRefusal as refusal:
            if not await self._is_an_answer(meta, call, refusal):
                raise
            return False
        self._record(call, answer)
        return True

    async def describe(self, resource: Resource, priority: Priority = Priority.NORMAL) -> None:
        """Look at one resource, outside of any decision."""
        try:
            answer = await self._described_now(resource, priority)
        except AwsRefusal as refusal:
            if refusal.kind is not RefusalKind.NOT_FOUND:
                raise
            self._inventory.record(resource, Unseen.ABSENT)
        else:
            self._inventory.glimpse(resource, view_of(resource.type, answer))

    def _record(self, call: Call, answer: dict[str, Any]) -> None:
        resource, inventory = call.resource, self._inventory
        if call.creates:
            inventory.made(resource, _just_made(call, answer, self._clock.now()))
        elif call.operation in ("DeleteEndpoint", "DeleteTrainingJob"):
            inventory.record(resource, _with_status(inventory.get(resource), "Deleting"))
        elif call.operation.startswith(("Delete", "Deregister")) and call.operation != "DeleteTags":
            inventory.deleted(resource)
        elif call.operation == "AddTags":
            _own(inventory, resource)
        elif call.operation == "RegisterScalableTarget":
            # It may have been deregistered before: it is there again.
            inventory.doubt(resource)
        elif call.operation.startswith("Describe"):
            inventory.record(resource, view_of(resource.type, answer))
        elif call.operation == "StopTrainingJob":
            inventory.record(resource, _with_status(inventory.get(resource), "Stopping"))
        elif call.operation.startswith("UpdateEndpoint"):
            inventory.record(resource, _with_status(inventory.get(resource), "Updating"))

    async def _is_an_answer(self, meta: Meta, call: Call, refusal: AwsRefusal) -> bool:
        """Whether the refusal tells the state of the resource, so that the next decision can go on from there."""
        if refusal.kind is RefusalKind.ALREADY_EXISTS and call.creates:
            sighting, tags = await self._whose(meta, call.resource)
            if not isinstance(sighting, Stranger):
                await self._add_tags(call, sighting.arn, tags)
            self._inventory.identified(call.resource, sighting)
            return True
        if refusal.kind is RefusalKind.NOT_FOUND and not call.creates:
            self._inventory.record(call.resource, Unseen.ABSENT)
            if self._inventory.get(call.resource) is not Unseen.ABSENT:
                # Made a moment ago, and not seen everywhere yet.
                raise AwsRefusal(
                    refusal.operation,
                    RefusalKind.NOT_PROPAGATED,
                    refusal.code,
                    refusal.message,
                    request_id=refusal.request_id,
                ) from refusal
            return True
        if refusal.kind is RefusalKind.ALREADY_ENDED:
            self._inventory.doubt(call.resource)
            return True
        if refusal.kind is RefusalKind.ACCESS_DENIED and not call.creates:
            # A policy that asks for the owner's tag denies what is gone, too: AWS finds no tag on it.
            self._inventory.doubt(call.resource)
        if call.changes and refusal.kind in (RefusalKind.IN_PROGRESS, RefusalKind.UNAVAILABLE):
            # It may have taken effect, or the state is not what it was thought to be: look before the next try.
            self._inventory.doubt(call.resource)
        if refusal.kind is RefusalKind.NOT_PROPAGATED:
            for needed in _needed_by(call, refusal.message):
                self._inventory.doubt_if_old(needed)
        return False

    async def _may_change(self, meta: Meta, call: Call, turn: Caller | Priority) -> bool:
        """Whether what the call changes is the object's own, or nobody's and about to be; asked once in a process.

        A name in the status proves nothing: an object that was restored from a backup, perhaps in another cluster,
        names what still belongs to the first one.
        """
        changed = _whose_tags_count(call.resource)
        if not call.changes or call.creates or self._inventory.is_owned(changed):
            return True
        sighting = self._inventory.get(changed)
        if sighting is Unseen.ABSENT:
            return True
        if isinstance(sighting, Stranger):
            return takes_over(call) and not sighting.owner
        return not isinstance(await self._identify(meta, changed, turn), Stranger)

    async def _identify(self, meta: Meta, resource: Resource, turn: Caller | Priority) -> View | Stranger:
        sighting, _ = await self._whose(meta, resource, turn)
        self._inventory.identified(resource, sighting)
        return sighting

    async def _add_tags(self, call: Call, arn: str, had: dict[str, str]) -> None:
        """Its own resource of earlier: what it lacks of the tags that it would have been made with."""
        wanted = {tag["Key"]: tag["Value"] for tag in call.params.get("Tags", ())}
        for one in retag(call.resource, arn, wanted={**had, **wanted}, had=had):
            await self._cloud.call(one.resource.place, one.operation, one.params)

    async def _whose(
        self, meta: Meta, resource: Resource, turn: Caller | Priority = Priority.NORMAL
    ) -> tuple[View | Stranger, dict[str, str]]:
        """Whether an existing resource of that name is this object's own, by its owner tag; and all of its tags."""
        answer = self._described.pop(resource, None) or await self._described_now(resource, turn)
        view = view_of(resource.type, answer)
        try:
            listed = await self._cloud.call(resource.place, "ListTags", {"ResourceArn": view.arn}, turn=turn)
        except NotYetError:
            # Whoever stands in the second line is not to stand in the first one again.
            self._described[resource] = answer
            raise
        tags = {tag["Key"]: tag["Value"] for tag in listed.get("Tags", ())}
        if tags.get(UID_TAG) == meta.uid:
            return view, tags
        made = answer.get("CreationTime")
        is_young = made is not None and self._clock.now() - made < TAGS_VISIBLE_AFTER
        if not tags and is_young and resource.name != meta.adopt:
            message = f"{resource.name} was made a moment ago and has no tags yet"
            raise AwsRefusal("ListTags", RefusalKind.NOT_PROPAGATED, "TagsNotVisible", message)
        owner = tags.get(OBJECT_TAG) or tags.get(UID_TAG, "")
        return Stranger(view.arn, owner, view), tags

    async def _described_now(self, resource: Resource, turn: Caller | Priority) -> dict[str, Any]:
        call = describe(resource)
        return await self._cloud.call(resource.place, call.operation, call.params, turn=turn)


def _whose_tags_count(resource: Resource) -> Resource:
    """A scalable target bears no tags: it is its endpoint's."""
    return endpoint_of(resource) if resource.type is ResourceType.SCALABLE_TARGET else resource


def _needed_by(call: Call, words: str) -> list[Resource]:
    """The configurations or models that the call refers to: AWS says that it cannot find one of them.

    An update needs the configuration that it leaves as well; only AWS's words tell which of the two is missed.
    """
    place, params = call.resource.place, call.params
    if call.operation == "CreateEndpointConfig":
        return [Resource(place, ResourceType.MODEL, one["ModelName"]) for one in params["ProductionVariants"]]
    if call.operation in ("CreateEndpoint", "UpdateEndpoint"):
        names = {params["EndpointConfigName"], *_CONFIG_IN_WORDS.findall(words)}
        return [Resource(place, ResourceType.ENDPOINT_CONFIG, name) for name in names]
    return []


_CONFIG_IN_WORDS = re.compile(r"endpoint-config/([a-zA-Z0-9-]+)")


def view_of(kind: ResourceType, answer: dict[str, Any]) -> View:
    """A Describe's answer as a view."""
    if kind is ResourceType.TRAINING_JOB:
        return job_described(answer)
    if kind is ResourceType.ENDPOINT:
        return endpoint_described(answer)
    if kind is ResourceType.MODEL:
        return model_described(answer)
    return PlainView(answer[f"{kind}Arn"])


def _just_made(call: Call, answer: dict[str, Any], now: datetime) -> View:
    """What AWS would say of it, if it said it at once."""
    kind, name = call.resource.type, call.resource.name
    arn = answer[f"{kind}Arn"]
    if kind is ResourceType.TRAINING_JOB:
        return JobView(name=name, arn=arn, status="InProgress", secondary_status="Starting", created=now)
    if kind is ResourceType.ENDPOINT:
        config = call.params["EndpointConfigName"]
        return EndpointView(name=name, arn=arn, status="Creating", config_name=config, created=now, modified=now)
    return ModelView(arn) if kind is ResourceType.MODEL else PlainView(arn)


def _own(inventory: Inventory, resource: Resource) -> None:
    """A resource without an owner has got our tags: it is no stranger any more."""
    sighting = inventory.get(resource)
    if isinstance(sighting, Stranger) and sighting.view is not None:
        inventory.identified(resource, sighting.view)


def _with_status(sighting: Sighting, status: str) -> Sighting:
    if isinstance(sighting, JobView):
        return structs.replace(sighting, status=status, secondary_status=status, is_detailed=False)
    if isinstance(sighting, EndpointView):
        return structs.replace(sighting, status=status, is_detailed=False)
    return Unseen.UNKNOWN
