"""Finds at AWS what bears an object's tags, whatever its status says.

The names of an object's resources have a part in common, so a List by that part (NameContains) has all of them and few
others; of each whose name the operator can have made for the object, ListTags tells whose it is. What costs money and
may have any name, an adopted endpoint, is looked for among all endpoints, which are read once for all objects
(runtime/adopted.py): for a lost status only where none is found by its name.

A search may take many calls, and each of them may be put off. What has been answered is kept until the search is over,
so that it goes on where it was.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import timedelta
from typing import Any

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.scaling import DIMENSION, scalable_target
from classifier_operator.reconcile.decision import Meta
from classifier_operator.reconcile.owner import owner_in
from classifier_operator.reconcile.past import Found, SearchCall
from classifier_operator.runtime.act import described, tags_of
from classifier_operator.runtime.adopted import Adopted
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.pages import NEWEST_FIRST, Turn, pages
from classifier_operator.runtime.ports import Clock, Cloud
from classifier_operator.runtime.referrers import served_by_others
from classifier_operator.runtime.remembered import Remembered
from classifier_operator.sagemaker.answers import reading, structures, text
from classifier_operator.sagemaker.names import common_part, suffixes_in
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind, Remedy
from classifier_operator.sagemaker.views import EndpointView, JobView, PlainView, Unseen, View, job_listed
from classifier_operator.training.status import HISTORY_LIMIT

logger = logging.getLogger(__name__)

# A creation time is AWS's, an object's age the API server's.
CLOCKS_DIFFER = timedelta(hours=1)
# No training job is older and still runs: 28 days are the most that it may run, and the most that it may wait.
OLDEST_RUNNING = timedelta(days=57)


class Searcher:
    """Carries out searches; each goes on where it was when it is asked for again."""

    def __init__(self, cloud: Cloud, inventory: Inventory, clock: Clock) -> None:
        self._cloud = cloud
        self._inventory = inventory
        self._clock = clock
        self._adopted = Adopted(cloud, inventory)
        self._under_way: dict[ObjectKey, Remembered] = {}
        self._running: dict[Place, tuple[JobView, ...]] = {}
        self._listing: dict[Place, Remembered] = {}

    async def run(self, meta: Meta, call: SearchCall, turn: Turn) -> Found:
        """Search to the end.

        Raises:
            AwsRefusal: AWS does not tell.
            NotYetError: it is not the caller's turn.

        """
        cloud = self._under_way.setdefault(meta.key, Remembered(self._cloud))
        search = _Search(cloud, self._inventory, meta, call, turn)
        for place in call.places:
            if call.kind is Kind.ENDPOINT:
                await search.of_endpoint(place, self._adopted)
            elif call.is_lost or call.with_ended:
                await search.of_jobs(place)
            else:
                await search.of_running(place, await self._jobs_running_in(place, turn))
        self.forget(meta.key)
        found = search.found()
        _tell(call, meta, found)
        return found

    def forget(self, key: ObjectKey) -> None:
        """The object needs no search any more."""
        self._under_way.pop(key, None)

    def anew(self) -> None:
        """What was seen before may be of another time."""
        self._under_way.clear()
        self._running.clear()
        self._listing.clear()
        self._adopted.anew()

    async def _jobs_running_in(self, place: Place, turn: Turn) -> tuple[JobView, ...]:
        """All jobs that ran there when it was first asked: once for all objects, for it may take many pages.

        What an earlier process had begun and may not be on record, ran before this one works.
        """
        if place not in self._running:
            cloud = self._listing.setdefault(place, Remembered(self._cloud))
            # A token goes with the query that it came of, so the query does not change when the listing goes on.
            since = (self._clock.now() - OLDEST_RUNNING).replace(minute=0, second=0, microsecond=0)
            query = {"StatusEquals": "InProgress", "CreationTimeAfter": since, **NEWEST_FIRST}
            listed = pages(cloud, place, "ListTrainingJobs", query, turn)
            try:
                with reading("ListTrainingJobs"):
                    self._running[place] = tuple([job_listed(one) async for one in listed])
            except AwsRefusal as refusal:
                if refusal.remedy is not Remedy.RETRY:
                    # Whatever roles specs name, nothing is kept of those that AWS refuses.
                    self._listing.pop(place, None)
                raise
            self._listing.pop(place, None)
        return self._running[place]


def _tell(call: SearchCall, meta: Meta, found: Found) -> None:
    """Log what a status did not name."""
    known = {one.acting_for("") for one in call.known}
    names = ", ".join(f"{one.type} {one.name}" for one in found.resources if one not in known)
    if call.is_lost:
        logger.warning("%s: its status was lost; at AWS there is of it: %s", meta.key, names or "nothing")
    elif names:
        logger.warning("%s: at AWS there is of it what its status does not name: %s", meta.key, names)


class _Search:
    """One search, from its beginning."""

    def __init__(self, cloud: Remembered, inventory: Inventory, meta: Meta, call: SearchCall, turn: Turn) -> None:
        self._cloud = cloud
        self._inventory = inventory
        self._meta = meta
        self._call = call
        self._turn = turn
        self._found: dict[Resource, View] = {}
        self._described: dict[Resource, View] = {}
        self._referred: list[Resource] = []

    def found(self) -> Found:
        """What there is, by the names that decisions have for it."""
        return Found(
            resources=tuple(one.acting_for("") for one in self._found),
            described={one.acting_for(""): view for one, view in self._described.items()},
            referred=tuple(one.acting_for("") for one in self._referred),
        )

    # Training jobs

    async def of_jobs(self, place: Place) -> None:
        """Look for the jobs that have not ended, and for the last ones that have."""
        own: list[JobView] = []
        ended = 0
        async for summary in self._listed(place, ResourceType.TRAINING_JOB):
            with reading("ListTrainingJobs"):
                view = job_listed(summary)
            if not self._may_be_ours(view.name, of_job=True) or (view.has_ended and ended >= HISTORY_LIMIT):
                continue
            if await self._is_ours(Resource(place, ResourceType.TRAINING_JOB, view.name), view):
                own.append(view)
                ended += view.has_ended
        for view in reversed(own):
            await self._take_job(place, view)

    async def of_running(self, place: Place, running: Iterable[JobView]) -> None:
        """Take those of the jobs that are the object's."""
        for view in running:
            resource = Resource(place, ResourceType.TRAINING_JOB, view.name)
            if self._may_be_ours(view.name, of_job=True) and await self._is_ours(resource, view):
                self._found[resource] = view

    async def _take_job(self, place: Place, view: JobView) -> None:
        resource = Resource(place, ResourceType.TRAINING_JOB, view.name)
        self._found[resource] = view
        if self._call.is_lost and (described := await self._describe(resource)) is not None:
            self._described[resource] = described

    # Endpoints, and what they are made of

    async def of_endpoint(self, place: Place, adopted: Adopted) -> None:
        """Look for endpoints, their scalable targets, configurations and models.

        adopted: finds endpoints that the object may have adopted.
        """
        endpoints = await self._endpoints(place, adopted)
        for kind in (ResourceType.MODEL, ResourceType.ENDPOINT_CONFIG):
            async for summary in self._listed(place, kind):
                with reading(f"List{kind}s"):
                    name, arn = text(summary, f"{kind}Name"), text(summary, f"{kind}Arn")
                await self._take(Resource(place, kind, name), PlainView(arn))
        self._found |= endpoints
        await self._note_what_others_serve(place, endpoints)
        if self._call.is_lost:
            for view in endpoints.values():
                await self._describe_what_serves(place, view)
        known = {one for one in self._call.known if one.type is ResourceType.ENDPOINT and one.place == place}
        await self._take_targets(place, {**dict.fromkeys(known), **endpoints})

    async def _note_what_others_serve(self, place: Place, endpoints: Mapping[Resource, EndpointView]) -> None:
        """Look whether an endpoint that was let go of serves a configuration or a model of the object's.

        One that has adopted nothing, and of which no configuration is left that none of its endpoints serves, has let
        go of nothing.
        """
        served = {name for view in endpoints.values() for name in (view.config_name, view.pending_config)}
        found = [one for one in self._found if one.place == place]
        strays = [one for one in found if one.type is ResourceType.ENDPOINT_CONFIG and one.name not in served]
        has_adopted = self._meta.adopt or not all(self._may_be_ours(one.name) for one in endpoints)
        if strays or has_adopted:
            models = [one for one in found if one.type is ResourceType.MODEL]
            since = self._call.since - CLOCKS_DIFFER if self._call.since is not None else None
            own = {*endpoints, *self._known}
            self._referred += await served_by_others(self._cloud, [*strays, *models], own, since=since, turn=self._turn)

    async def _take(self, resource: Resource, view: PlainView) -> None:
        """Take a model or a configuration, if it is the object's."""
        if not self._may_be_ours(resource.name) or not await self._is_ours(resource, view):
            return
        self._found[resource] = view
        # Of a model a List tells nothing that counts.
        if self._call.is_lost and (described := await self._describe(resource)) is not None:
            self._described[resource] = described

    async def _endpoints(self, place: Place, adopted: Adopted) -> dict[Resource, EndpointView]:
        """The endpoints that the ledger does not name, described.

        One that was adopted may have any name: of a lost status it is looked for where none is found by its name.
        """
        named = [one for one in self._call.endpoints if one.place == place]
        found = [one for one in named if one not in self._known and await self._is_there(one)]
        # An annotation that was changed may have adopted another one before.
        if not (found and self._call.is_lost) or self._meta.adopt:
            others = await adopted.by(self._meta, place, self._turn, must_tell=self._call.is_lost)
            others = [one for one in others if one not in self._known and one not in named]
            found += [one for one in others if await self._is_there(one)]
        for one in found:
            self._found.pop(one, None)
        views = {one: view for one in found if isinstance(view := await self._describe(one), EndpointView)}
        self._described |= views
        return views

    async def _is_there(self, endpoint: Resource) -> bool:
        view = await self._describe(endpoint)
        return view is not None and await self._is_ours(endpoint, view)

    async def _describe_what_serves(self, place: Place, endpoint: EndpointView) -> None:
        """What a configuration serves only it tells, and its models; it may be somebody else's, which was adopted."""
        for name in filter(None, (endpoint.config_name, endpoint.pending_config)):
            config = Resource(place, ResourceType.ENDPOINT_CONFIG, name)
            view = await self._describe(config)
            if not isinstance(view, PlainView):
                continue
            self._described[config] = view
            for variant in view.variants:
                model = Resource(place, ResourceType.MODEL, variant.model_name)
                if (described := await self._describe(model)) is not None:
                    self._described[model] = described

    async def _take_targets(self, place: Place, endpoints: Mapping[Resource, EndpointView | None]) -> None:
        """Look for the scalable targets of these endpoints; without the permission the operator can have made none."""
        for endpoint, view in endpoints.items():
            names = {*self._call.variants, *(one.name for one in (view.variants if view else ()))}
            ids = [scalable_target(endpoint, name).name for name in sorted(names)]
            query = {"ServiceNamespace": "sagemaker", "ScalableDimension": DIMENSION, "ResourceIds": ids}
            try:
                answer = await self._cloud.call(place, "DescribeScalableTargets", query, turn=self._turn)
            except AwsRefusal as refusal:
                if refusal.kind is not RefusalKind.ACCESS_DENIED:
                    raise
                logger.info("%s: scalable targets are not looked for: %s", self._meta.key, refusal)
                continue
            with reading("DescribeScalableTargets"):
                found = [text(one, "ResourceId") for one in structures(answer, "ScalableTargets")]
            self._found |= {Resource(place, ResourceType.SCALABLE_TARGET, one): PlainView("") for one in found}

    # Both

    @property
    def _known(self) -> frozenset[Resource]:
        return self._call.known

    async def _listed(self, place: Place, kind: ResourceType) -> AsyncIterator[Mapping[str, Any]]:
        """The summaries of what may be the object's by name and age, newest first.

        Where the status looks whole, what may be missing in it does not outweigh that the permission is missing.
        """
        call = self._call
        since = {"CreationTimeAfter": call.since - CLOCKS_DIFFER} if call.since is not None else {}
        query = {"NameContains": common_part(call.namespace, call.name), **since, **NEWEST_FIRST}
        try:
            async for summary in pages(self._cloud, place, f"List{kind}s", query, self._turn):
                yield summary
        except AwsRefusal as refusal:
            if call.is_lost or refusal.kind is not RefusalKind.ACCESS_DENIED:
                raise
            logger.warning("%s: what its status may not name is not looked for: %s", self._meta.key, refusal)

    def _may_be_ours(self, name: str, *, of_job: bool = False) -> bool:
        suffixes = suffixes_in(self._call.namespace, self._call.name, name)
        return suffixes is not None and len(suffixes) == (2 if of_job else 1)

    async def _is_ours(self, resource: Resource, view: View) -> bool:
        """Whether its tags say so; what the ledger names already is none that is looked for."""
        if resource in self._known and not self._call.is_lost:
            return False
        if not self._inventory.is_owned(resource, self._meta):
            try:
                tags = await tags_of(self._cloud, resource.place, view.arn, self._turn)
            except AwsRefusal as refusal:
                if refusal.kind is not RefusalKind.NOT_FOUND:
                    raise
                return False
            if not self._meta.owns(owner := owner_in(tags)):
                # Nobody may care for it, and then nobody would forget what is recorded of it.
                return False
            seen = self._inventory.get(resource)
            view = view if isinstance(seen, Unseen) else seen
            self._inventory.identified(self._meta, resource, view, owner)
        return self._inventory.is_owned(resource, self._meta)

    async def _describe(self, resource: Resource) -> View | None:
        """What AWS says of it; None where there is none."""
        view = await described(self._cloud, resource, self._turn)
        if view is not None and self._inventory.is_owned(resource, self._meta):
            self._inventory.record(resource, view)
        return view
