"""Act: send a decision's calls, and remember what AWS said.

Some refusals are answers: "not found" to a deletion, "already exists" to a creation whose first answer was lost. They
are turned into sightings here. Every other refusal goes to the caller, which decides when to try again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.scaling import endpoint_of
from classifier_operator.reconcile.calls import Call, describe, lets_go, retag, takes_over
from classifier_operator.reconcile.decision import Meta
from classifier_operator.reconcile.owner import Owner, owner_in
from classifier_operator.runtime.inventory import Fact, Inventory
from classifier_operator.runtime.needs import CameWith, missed_by, needed_by
from classifier_operator.runtime.pacing.limits import Caller, NotYetError
from classifier_operator.runtime.ports import Answering, Clock, Cloud
from classifier_operator.runtime.workqueue import Priority
from classifier_operator.sagemaker.answers import next_token, reading, tags_in, text, time
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
    config_described,
    endpoint_described,
    job_described,
    model_described,
)

# Tags become visible some seconds after the resource: a young one without tags may still be our own.
TAGS_VISIBLE_AFTER = timedelta(minutes=2)
# A resource has 50 tags at most, beside AWS's own.
MOST_TAG_PAGES = 60
# After these refusals of a change it is not known what is there now.
_MAY_HAVE_TAKEN_EFFECT = (RefusalKind.IN_PROGRESS, RefusalKind.UNAVAILABLE, RefusalKind.UNREADABLE)


class Executor:
    """Sends calls to AWS and records in the inventory what came of them."""

    def __init__(self, cloud: Cloud, inventory: Inventory, clock: Clock) -> None:
        self._cloud = cloud
        self._inventory = inventory
        self._clock = clock
        self._described: dict[tuple[ObjectKey, Resource], dict[str, Any]] = {}
        self._came_with = CameWith()

    def leave(self, key: ObjectKey, forgotten: Collection[Resource]) -> None:
        """The object has nothing to ask of AWS now, and has nothing to do with these any more."""
        self._cloud.withdraw(key)
        self._inventory.forget(forgotten)
        for resource in forgotten:
            self._described.pop((key, resource), None)
            self._came_with.forget(key, resource)

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
        except AwsRefusal as refusal:
            if not await self._is_an_answer(meta, call, refusal):
                raise
            return False
        await self._check_needs(meta, call, turn)
        try:
            with self._inventory.unsent.sending(call):
                answer = await self._cloud.call(call.resource.place, call.operation, call.params, turn=turn)
        except AwsRefusal as refusal:
            if not await self._is_an_answer(meta, call, refusal):
                raise
            return False
        try:
            with reading(call.operation):
                self._record(meta, call, answer)
        except AwsRefusal:
            # It has taken effect, and it is not known what is there now: look.
            self._inventory.doubt(call.resource)
            raise
        return True

    async def is_own(self, meta: Meta, resource: Resource, turn: Caller | Priority = Priority.NORMAL) -> bool:
        """Whether the resource is the object's; its tags are read once in a process.

        Raises:
            AwsRefusal: AWS does not tell.
            NotYetError: it is not the caller's turn.

        """
        if not self._inventory.is_owned(resource, meta):
            await self._identify(meta, resource, turn)
        return self._inventory.is_owned(resource, meta)

    async def describe(self, resource: Resource, priority: Priority = Priority.NORMAL) -> None:
        """Look at one resource, outside of any decision."""
        found: View | Unseen = Unseen.ABSENT
        asked_at = self._clock.monotonic()
        try:
            found = view_of(resource.type, await self._described_now(resource, priority))
        except AwsRefusal as refusal:
            if refusal.kind is not RefusalKind.NOT_FOUND:
                raise
        self._inventory.glimpse(resource, found, asked_at)

    def _record(self, meta: Meta, call: Call, answer: dict[str, Any]) -> None:
        resource, inventory = call.resource, self._inventory
        if call.creates:
            inventory.made(resource, _just_made(call, answer, self._clock.now()), meta.owner)
        elif call.operation in ("DeleteEndpoint", "DeleteTrainingJob"):
            inventory.changed(resource, _with_status(inventory.get(resource), "Deleting"))
        elif call.operation.startswith(("Delete", "Deregister")) and call.operation != "DeleteTags":
            inventory.deleted(resource)
        elif takes_over(call) or lets_go(call):
            self._own(meta, resource, meta.owner if takes_over(call) else Owner())
            self._came_with.note(meta, call, inventory.get(resource))
        elif call.operation == "RegisterScalableTarget":
            # It may have been deregistered before: it is there again.
            inventory.doubt(resource)
        elif call.operation.startswith("Describe"):
            inventory.record(resource, view_of(resource.type, answer))
        elif call.operation == "StopTrainingJob":
            inventory.changed(resource, _with_status(inventory.get(resource), "Stopping"))
        elif call.operation.startswith("UpdateEndpoint"):
            inventory.changed(resource, _with_status(inventory.get(resource), "Updating"))

    async def _is_an_answer(self, meta: Meta, call: Call, refusal: AwsRefusal) -> bool:
        """Whether the refusal tells the state of the resource, so that the next decision can go on from there."""
        if refusal.kind is RefusalKind.ALREADY_EXISTS and call.creates:
            view, tags = await self._whose(meta, call.resource)
            owner = owner_in(tags)
            if meta.owns(owner):
                await self._add_tags(call, view.arn, tags)
            self._inventory.identified(meta, call.resource, view, owner)
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
        if call.changes and refusal.kind in _MAY_HAVE_TAKEN_EFFECT:
            # It may have taken effect, or the state is not what it was thought to be: look before the next try.
            self._inventory.doubt(call.resource)
        if refusal.kind is RefusalKind.NOT_PROPAGATED:
            for needed in missed_by(call, refusal.message):
                self._inventory.doubt_if_old(needed)
        return False

    async def _may_change(self, meta: Meta, call: Call, turn: Caller | Priority) -> bool:
        """Whether what the call changes is the object's own, or nobody's and about to be.

        Asked once in a process, but for what is taken over: another operator may have done so a moment ago.

        A name in the status proves nothing: an object that was restored from a backup, perhaps in another cluster,
        names what still belongs to the first one.
        """
        changed = _whose_tags_count(call.resource)
        if not call.changes or call.creates or self._inventory.is_owned(changed, meta):
            return True
        sighting = self._inventory.seen_by(meta, changed)
        if sighting is Unseen.ABSENT:
            return True
        if sighting is Unseen.UNKNOWN or takes_over(call) or not isinstance(sighting, Stranger):
            sighting = await self._identify(meta, changed, turn)
        if isinstance(sighting, Stranger):
            return takes_over(call) and not sighting.owner
        return True

    async def _check_needs(self, meta: Meta, call: Call, turn: Caller | Priority) -> None:
        """Refuse a call that would make the object's own endpoint serve what belongs to another object.

        A status tells which configuration is gone back to, and a hand may have written it. What has no owner may be
        used: an endpoint that was taken over came with a configuration and models of somebody's. So may the
        configuration that this process has seen it serve when it took it over, whosever that is.
        """
        for needed in needed_by(call):
            if self._inventory.is_owned(needed, meta) or self._inventory.get(needed) is Unseen.ABSENT:
                continue
            if self._came_with.has(meta, call, needed):
                continue
            try:
                sighting = self._inventory.seen_by(meta, needed)
                if not isinstance(sighting, Stranger):
                    sighting = await self._identify(meta, needed, turn)
            except AwsRefusal as refusal:
                if refusal.kind is not RefusalKind.NOT_FOUND:
                    raise
                # AWS says so of the call itself.
                continue
            if isinstance(sighting, Stranger) and sighting.owner:
                message = f"{needed.type} {needed.name} belongs to {sighting.owner} and is not used"
                raise AwsRefusal(call.operation, RefusalKind.ALREADY_EXISTS, "NotOwned", message)

    async def _identify(self, meta: Meta, resource: Resource, turn: Caller | Priority) -> Sighting:
        view, tags = await self._whose(meta, resource, turn)
        self._inventory.identified(meta, resource, view, owner_in(tags))
        return self._inventory.seen_by(meta, resource)

    def _own(self, meta: Meta, resource: Resource, owner: Owner) -> None:
        """A resource has got an owner's tags, or lost them."""
        view = self._inventory.get(resource)
        if not isinstance(view, Unseen):
            self._inventory.identified(meta, resource, view, owner)

    async def _add_tags(self, call: Call, arn: str, had: dict[str, str]) -> None:
        """Its own resource of earlier: what it lacks of the tags that it would have been made with."""
        wanted = {tag["Key"]: tag["Value"] for tag in call.params.get("Tags", ())}
        for one in retag(call.resource, arn, wanted={**had, **wanted}, had=had):
            await self._cloud.call(one.resource.place, one.operation, one.params)

    async def _whose(
        self, meta: Meta, resource: Resource, turn: Caller | Priority = Priority.NORMAL
    ) -> tuple[View, dict[str, str]]:
        """What AWS says of an existing resource, and all of its tags, which tell its owner."""
        answer = self._described.pop((meta.key, resource), None) or await self._described_now(resource, turn)
        view = view_of(resource.type, answer)
        try:
            tags = await tags_of(self._cloud, resource.place, view.arn, turn)
        except NotYetError:
            # Whoever stands in the second line is not to stand in the first one again.
            self._described[meta.key, resource] = answer
            raise
        with reading(describe(resource).operation):
            made = time(answer, "CreationTime")
        is_young = made is not None and self._clock.now() - made < TAGS_VISIBLE_AFTER
        if not tags and is_young and resource.name != meta.adopt:
            message = f"{resource.name} was made a moment ago and has no tags yet"
            raise AwsRefusal("ListTags", RefusalKind.NOT_PROPAGATED, "TagsNotVisible", message)
        return view, tags

    async def _described_now(self, resource: Resource, turn: Caller | Priority) -> dict[str, Any]:
        call = describe(resource)
        return await self._cloud.call(resource.place, call.operation, call.params, turn=turn)


async def described(cloud: Answering, resource: Resource, turn: Caller | Priority) -> View | None:
    """Return what AWS says of a resource; None where there is none.

    Raises:
        AwsRefusal: AWS does not tell.
        NotYetError: it is not the caller's turn.

    """
    call = describe(resource)
    try:
        answer = await cloud.call(resource.place, call.operation, call.params, turn=turn)
    except AwsRefusal as refusal:
        if refusal.kind is not RefusalKind.NOT_FOUND:
            raise
        return None
    return view_of(resource.type, answer)


async def tags_of(cloud: Answering, place: Place, arn: str, turn: Caller | Priority) -> dict[str, str]:
    """Read all tags of a resource; a page may have fewer than are asked for, and ours may be on any of them.

    Raises:
        AwsRefusal: AWS does not tell, or not to the end.
        NotYetError: it is not the caller's turn.

    """
    tags: dict[str, str] = {}
    query = {"ResourceArn": arn}
    for _ in range(MOST_TAG_PAGES):
        page = await cloud.call(place, "ListTags", query, turn=turn)
        with reading("ListTags"):
            tags |= tags_in(page)
            token = next_token(page)
        if not token:
            return tags
        query = {"ResourceArn": arn, "NextToken": token}
        # Who has begun goes on; nobody gives up a place in the line between two pages.
        turn = turn.priority if isinstance(turn, Caller) else turn
    message = f"the tags of {arn} do not end after {MOST_TAG_PAGES} pages"
    raise AwsRefusal("ListTags", RefusalKind.UNAVAILABLE, "TooManyPages", message)


def _whose_tags_count(resource: Resource) -> Resource:
    """A scalable target bears no tags: it is its endpoint's."""
    return endpoint_of(resource) if resource.type is ResourceType.SCALABLE_TARGET else resource


def view_of(kind: ResourceType, answer: dict[str, Any]) -> View:
    """A Describe's answer as a view. Raises AwsRefusal for one that cannot be read."""
    with reading(f"Describe{kind}"):
        if kind is ResourceType.TRAINING_JOB:
            return job_described(answer)
        if kind is ResourceType.ENDPOINT:
            return endpoint_described(answer)
        if kind is ResourceType.MODEL:
            return model_described(answer)
        return config_described(answer)


def _just_made(call: Call, answer: dict[str, Any], now: datetime) -> View:
    """What AWS would say of it, if it said it at once."""
    kind, name = call.resource.type, call.resource.name
    arn = text(answer, f"{kind}Arn")
    if kind is ResourceType.TRAINING_JOB:
        return JobView(name=name, arn=arn, status="InProgress", secondary_status="Starting", created=now)
    if kind is ResourceType.ENDPOINT:
        config = call.params["EndpointConfigName"]
        return EndpointView(name=name, arn=arn, status="Creating", config_name=config, created=now, modified=now)
    return ModelView(arn) if kind is ResourceType.MODEL else PlainView(arn)


def _with_status(sighting: Fact, status: str) -> Fact:
    if isinstance(sighting, JobView):
        return structs.replace(sighting, status=status, secondary_status=status, is_detailed=False)
    if isinstance(sighting, EndpointView):
        return structs.replace(sighting, status=status, is_detailed=False)
    return Unseen.UNKNOWN
