"""One look at many resources of one type in one place, by the cheapest calls: a List for many, Describe for few.

What a hint is about is described, however many there are: a List of a thousand takes five seconds by AWS's limit.

A List costs a call for each hundred resources of the whole account, other people's included; a Describe costs one for
each resource. How many pages a List takes is only known once it has been read to its end, so that is remembered. Where
describing is cheaper, listing is tried again now and then: other people's resources come and go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.runtime.act import Executor
from classifier_operator.runtime.inventory import CLOCKS_DIFFER, Inventory
from classifier_operator.runtime.monitoring.logs import fields_of
from classifier_operator.runtime.ports import Clock, Cloud
from classifier_operator.runtime.turns import Turns
from classifier_operator.runtime.workqueue import Priority
from classifier_operator.sagemaker.answers import UnreadableAnswerError, next_token, reading, structures
from classifier_operator.sagemaker.refusals import AwsRefusal, Remedy
from classifier_operator.sagemaker.views import EndpointView, JobView, Sighting, endpoint_listed, job_listed

logger = logging.getLogger(__name__)

T = TypeVar("T")

PAGE_SIZE = 100
# Clocks differ, and a creation time is AWS's: look a little further back than the oldest that is missed.
OVERLAP = timedelta(minutes=2)
# What a List would cost is found out anew after so long.
COST_KNOWN_SECONDS = 300.0
# So many of a group are described at the same time.
AT_ONCE = 4
# Of so many groups something is remembered between looks: specs may name any role and region.
MOST_GROUPS = 1000
# A page that is refused is asked for again until then: whoever gives up begins with the first page the next time.
PAGE_TRIES = 4
# These can be listed with all that is looked at; of others a List tells too little.
LISTED = frozenset({ResourceType.TRAINING_JOB, ResourceType.ENDPOINT})


class Occasion(Enum):
    """Why something is looked at: a hint says that it has changed, it is on the move, or it ought to stay as it is."""

    HINT = "hint"
    SWEEP = "sweep"
    GUARD = "guard"


class Group(NamedTuple):
    """What is looked at together. What ought to stay as it is gives way to what is on the move."""

    place: Place
    type: ResourceType
    occasion: Occasion = Occasion.SWEEP

    @property
    def priority(self) -> Priority:
        """How urgent looks at the group are."""
        return Priority.LOW if self.occasion is Occasion.GUARD else Priority.NORMAL

    @property
    def may_be_listed(self) -> bool:
        """Whether a List tells of all of it, soon enough."""
        return self.type in LISTED and self.occasion is not Occasion.HINT


class ListCost:
    """How many pages a List of one group takes, as far as is known."""

    def __init__(self) -> None:
        self._pages = 1
        self._known_at = 0.0

    def is_worth_it(self, members: int, now: float) -> bool:
        """Whether listing is cheaper than describing so many, or has to be tried again to be known."""
        is_old = now - self._known_at > COST_KNOWN_SECONDS
        return members > (1 if is_old else self._pages)

    def was(self, pages: int, now: float) -> None:
        """A List took so many, or would have taken more."""
        self._pages = max(1, pages)
        self._known_at = now


class Looks:
    """Looks at groups of resources and records what AWS says.

    looked: called with each resource that was looked at, and with the refusal where AWS did not show it.
    erred: called for each unexpected error.
    """

    def __init__(
        self,
        cloud: Cloud,
        inventory: Inventory,
        executor: Executor,
        clock: Clock,
        looked: Callable[[Resource, AwsRefusal | None], None],
        erred: Callable[[], None] = lambda: None,
    ) -> None:
        self._cloud = cloud
        self._inventory = inventory
        self._executor = executor
        self._clock = clock
        self._looked = looked
        self._erred = erred
        self._costs: dict[Group, ListCost] = {}
        self._left_out: dict[Group, Resource] = {}
        self.heard_at = clock.monotonic()

    async def at(self, group: Group, members: Callable[[], Set[Resource]]) -> None:
        """Look at these, which are all of the group, and then at those that have come to it meanwhile."""
        looked: set[Resource] = set()
        while wanted := members() - looked:
            shown: set[Resource] = set()
            try:
                if group.may_be_listed and self._cost(group).is_worth_it(len(wanted), self._clock.monotonic()):
                    shown = await self._listed(group, wanted)
            except AwsRefusal as refusal:
                self._heard(group, refusal)
                if refusal.remedy is Remedy.RETRY:
                    return
            looked |= wanted | shown
            if missing := wanted - shown:
                await self._described(group, missing)

    async def _described(self, group: Group, missing: Set[Resource]) -> None:
        """Describe these; those that were left out the last time come first."""
        turns = Turns(missing, self._left_out.pop(group, None))
        await asyncio.gather(*(self._describe(group, turns) for _ in range(min(AT_ONCE, len(missing)))))
        if turns.left_out is not None:
            _remember(self._left_out, group, turns.left_out)

    async def _describe(self, group: Group, turns: Turns) -> None:
        """Describe one after the other, as others do at the same time."""
        for resource in turns:
            try:
                await self._executor.describe(resource, group.priority)
            except AwsRefusal as refusal:
                self._heard(group, refusal)
                if refusal.remedy is Remedy.RETRY:
                    turns.refused(refusal)
                    continue
                self._tell(resource, refusal)
            except Exception:
                # Of one resource: the others are looked at nevertheless.
                logger.exception("look at %s %s: unforeseen", resource.type, resource.name)
                self._erred()
            else:
                self._tell(resource, None)
            turns.answered()

    async def _listed(self, group: Group, members: Set[Resource]) -> set[Resource]:
        """Record what a List says of the members; which of them it named.

        It ends once it has cost as much as to describe all of them would have. Of one that is begun before it is known
        what there is, something is kept of everything, until it is: a member may turn out to have been named already.
        """
        may_grow = self._inventory.is_growing
        named: dict[Resource, JobView | EndpointView] = {}
        found: set[Resource] = set()
        query = _query(group.type, [self._inventory.get(member) for member in members])
        for pages in range(1, len(members) + 1):
            asked_at = self._clock.monotonic()
            page = await self._page(group, query)
            self.heard_at = self._clock.monotonic()
            named.update({Resource(group.place, group.type, view.name): view for view in _views(group, page)})
            for member in [one for one in named if one in members or (may_grow and self._inventory.is_cared_for(one))]:
                self._inventory.glimpse(member, named.pop(member), asked_at)
                self._tell(member, None)
                found.add(member)
            if not self._inventory.is_growing:
                named.clear()
            with reading(_list_of(group)):
                token = next_token(page)
            is_over = not token or members <= found
            if is_over or pages == len(members):
                self._cost(group).was(pages if is_over else pages + 1, self._clock.monotonic())
                break
            query = {**query, "NextToken": token}
        return found

    async def _page(self, group: Group, query: Mapping[str, Any]) -> dict[str, Any]:
        """One page; nothing is lost by giving up the first one."""
        tries = PAGE_TRIES if "NextToken" in query else 1
        while True:
            try:
                return await self._cloud.call(group.place, _list_of(group), query, turn=group.priority)
            except AwsRefusal as refusal:
                tries -= 1
                if not tries or refusal.remedy is not Remedy.RETRY:
                    raise
                self._heard(group, refusal)

    def _heard(self, group: Group, refusal: AwsRefusal) -> None:
        # Several that time out one after the other take long, but nothing hangs.
        self.heard_at = self._clock.monotonic()
        logger.info("sweep of %s in %s: %s", group.type, group.place.region, refusal, extra=fields_of(refusal))

    def _tell(self, resource: Resource, refusal: AwsRefusal | None) -> None:
        self.heard_at = self._clock.monotonic()
        self._looked(resource, refusal)

    def _cost(self, group: Group) -> ListCost:
        """What is known of the group's List; of groups that were not looked at for longest it is forgotten."""
        cost = self._costs.pop(group, None) or ListCost()
        _remember(self._costs, group, cost)
        return cost


def _remember(table: dict[Group, T], group: Group, value: T) -> None:
    """Put the value at the end of the table, which forgets what was put there first."""
    table[group] = value
    if len(table) > MOST_GROUPS:
        del table[next(iter(table))]


def _query(kind: ResourceType, sightings: Iterable[Sighting]) -> dict[str, Any]:
    """The List that reaches just as far as it has to; newest first, so that it can stop once all are found."""
    query: dict[str, Any] = {"MaxResults": PAGE_SIZE, "SortBy": "CreationTime", "SortOrder": "Descending"}
    views = [one if isinstance(one, JobView | EndpointView) else None for one in sightings]
    created = _known([view.created if view is not None else None for view in views])
    # Training jobs by creation: with LastModifiedTimeAfter their List may return empty pages for long.
    is_of_jobs = kind is ResourceType.TRAINING_JOB
    changed = created if is_of_jobs else _known([_modified(view) for view in views])
    if changed:
        query["CreationTimeAfter" if is_of_jobs else "LastModifiedTimeAfter"] = min(changed) - OVERLAP
    if created:
        # What that leaves out, because the clocks differ by more, is described.
        query["CreationTimeBefore"] = max(created) + CLOCKS_DIFFER
    return query


def _known(times: list[datetime | None]) -> list[datetime]:
    """The times, if all of them are known: one that is not may be as old or as new as can be."""
    known = [time for time in times if time is not None]
    return known if len(known) == len(times) else []


def _modified(view: JobView | EndpointView | None) -> datetime | None:
    return view.modified if isinstance(view, EndpointView) else None


def _list_of(group: Group) -> str:
    return f"List{group.type}s"


def _views(group: Group, page: Mapping[str, Any]) -> Iterator[JobView | EndpointView]:
    """What a page says of resources; what it says of one in a way that cannot be read is left out, and described."""
    is_of_jobs = group.type is ResourceType.TRAINING_JOB
    with reading(_list_of(group)):
        summaries = structures(page, "TrainingJobSummaries" if is_of_jobs else "Endpoints")
    for summary in summaries:
        try:
            yield job_listed(summary) if is_of_jobs else endpoint_listed(summary)
        except UnreadableAnswerError as error:
            logger.warning("%s in %s: %s", _list_of(group), group.place.region, error)
