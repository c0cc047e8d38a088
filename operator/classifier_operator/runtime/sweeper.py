"""Reads the state of everything that is on the move, by the cheapest calls: many by one List, few by Describe.

One task for all objects. A List costs a call for each hundred resources of the whole account, other people's
included; a Describe costs one for each resource. Whichever is fewer is taken, judged by the pages that the last List
needed. AWS allows about two List calls a second for an account and region.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.runtime.act import Executor
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.monitoring.logs import fields_of
from classifier_operator.runtime.ports import Clock, Cloud
from classifier_operator.sagemaker.refusals import AwsRefusal, Remedy
from classifier_operator.sagemaker.views import EndpointView, JobView, Sighting, endpoint_listed, job_listed

logger = logging.getLogger(__name__)

PAGE_SIZE = 100
# Clocks differ, and a creation time is AWS's: look a little further back than the oldest that is missed.
OVERLAP = timedelta(minutes=2)
# After a start everything that is on the move is unknown: that is looked at before the first interval is over.
FIRST_SWEEP_SECONDS = 1.0
# Hints come in swarms: those of a moment are looked at together.
HINT_SECONDS = 0.2

_Group = tuple[Place, ResourceType]


class Sweeper:
    """Keeps the inventory's followed and guarded resources up to date.

    interval: seconds between sweeps of what is on the move.
    guard_interval: seconds between looks at what ought to stay as it is.
    looked: called with each resource that was looked at, and with the refusal where AWS did not show it.
    """

    def __init__(
        self,
        cloud: Cloud,
        inventory: Inventory,
        executor: Executor,
        clock: Clock,
        *,
        interval: float,
        guard_interval: float,
        observe: Callable[[float], None],
        looked: Callable[[Resource, AwsRefusal | None], None],
    ) -> None:
        self._cloud = cloud
        self._inventory = inventory
        self._executor = executor
        self._clock = clock
        self._interval = interval
        self._guard_interval = guard_interval
        self._observe = observe
        self._looked = looked
        self._pages: dict[_Group, int] = {}
        self._guarded_at = clock.monotonic()
        self._hinted: set[Resource] = set()
        self._has_hints = asyncio.Event()
        self.finished_at = clock.monotonic()

    async def run(self) -> None:
        """Sweep until cancelled."""
        self.finished_at = self._clock.monotonic()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._sweep_for_ever())
            both.create_task(self._follow_hints())

    def hint(self, resource: Resource) -> None:
        """Look at it within a moment; many hints within that moment are looked at together by the cheapest calls."""
        self._hinted.add(resource)
        self._has_hints.set()

    async def _follow_hints(self) -> None:
        while True:
            await self._has_hints.wait()
            await asyncio.sleep(HINT_SECONDS)
            self._has_hints.clear()
            hinted, self._hinted = self._hinted, set()
            await self.sweep(hinted)

    async def _sweep_for_ever(self) -> None:
        pause = min(FIRST_SWEEP_SECONDS, self._interval)
        while True:
            await asyncio.sleep(pause)
            pause = self._interval
            began = self._clock.monotonic()
            await self.sweep(self._due(began))
            self.finished_at = self._clock.monotonic()
            self._observe(self.finished_at - began)

    async def sweep(self, resources: Iterable[Resource]) -> None:
        """Look at these resources once."""
        groups: dict[_Group, set[Resource]] = defaultdict(set)
        for resource in resources:
            groups[resource.place, resource.type].add(resource)
        await asyncio.gather(*(self._refresh(group, members) for group, members in groups.items()))

    def _due(self, now: float) -> set[Resource]:
        due = self._inventory.followed()
        if now - self._guarded_at >= self._guard_interval:
            self._guarded_at = now
            due |= self._inventory.guarded()
        return due

    async def _refresh(self, group: _Group, members: set[Resource]) -> None:
        missing = members
        if len(members) > self._pages.get(group, 1):
            try:
                missing = members - await self._listed(group, members)
            except AwsRefusal as refusal:
                _log(group, refusal)
                if refusal.remedy is Remedy.RETRY:
                    return
        for resource in sorted(missing):
            try:
                await self._executor.describe(resource)
            except AwsRefusal as refusal:
                _log(group, refusal)
                # When AWS is busy the next sweep looks again; what is denied for one is no matter of the others.
                if refusal.remedy is Remedy.RETRY:
                    return
                self._looked(resource, refusal)
            else:
                self._looked(resource, None)

    async def _listed(self, group: _Group, members: set[Resource]) -> set[Resource]:
        """Record what a List says of the members; which of them it named."""
        place, kind = group
        names = {member.name: member for member in members}
        found: set[Resource] = set()
        pages, token = 0, None
        query = _query(kind, [self._inventory.get(member) for member in members])
        while len(found) < len(members):
            page = await self._cloud.call(place, f"List{kind}s", {**query, **({"NextToken": token} if token else {})})
            pages += 1
            for view in _views(kind, page):
                member = names.get(view.name)
                if member is not None:
                    self._inventory.glimpse(member, view)
                    self._looked(member, None)
                    found.add(member)
            token = page.get("NextToken")
            if not token:
                break
        self._pages[group] = max(1, pages)
        return found


def _log(group: _Group, refusal: AwsRefusal) -> None:
    logger.info("sweep of %s in %s: %s", group[1], group[0].region, refusal, extra=fields_of(refusal))


def _query(kind: ResourceType, sightings: Iterable[Sighting]) -> dict[str, Any]:
    """The List that reaches back just far enough; newest first, so that it can stop once all are found."""
    query: dict[str, Any] = {"MaxResults": PAGE_SIZE, "SortBy": "CreationTime", "SortOrder": "Descending"}
    since = _oldest(list(sightings))
    if since is not None:
        # Training jobs by creation: with LastModifiedTimeAfter their List may return empty pages for long.
        bound = "CreationTimeAfter" if kind is ResourceType.TRAINING_JOB else "LastModifiedTimeAfter"
        query[bound] = since - OVERLAP
    return query


def _oldest(sightings: list[Sighting]) -> datetime | None:
    times = [_time(sighting) for sighting in sightings]
    known = [time for time in times if time is not None]
    # One whose time is not known may be as old as can be.
    return min(known) if known and len(known) == len(times) else None


def _time(sighting: Sighting) -> datetime | None:
    if isinstance(sighting, JobView):
        return sighting.created
    return sighting.modified if isinstance(sighting, EndpointView) else None


def _views(kind: ResourceType, page: Mapping[str, Any]) -> list[JobView] | list[EndpointView]:
    if kind is ResourceType.TRAINING_JOB:
        return [job_listed(summary) for summary in page["TrainingJobSummaries"]]
    return [endpoint_listed(summary) for summary in page["Endpoints"]]
