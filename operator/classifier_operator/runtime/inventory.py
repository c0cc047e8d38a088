"""What is known of AWS: the last sighting of each resource, who cares for it, and which ones are on the move.

AWS is eventually consistent: a resource that was made a moment ago may not be found yet. So "there is none" is not
believed for a while after the operator itself has made it; and of one that this process has never seen, which an
earlier one may have made just before it was killed, it must be said twice, with some time in between.

Of one that was there and was not being deleted it is believed, so that it can be put back at once; but it must be said
once more before anybody acts as if nothing were left (`unconfirmed`): a single answer may be wrong.

A sighting and a resource's owner are facts about AWS, and the same for all objects. Whether a resource is an object's
own or a stranger's follows from its owner, for each object by its UID: that one object owns it does not make it
another's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Resource, ResourceType
from classifier_operator.reconcile.decision import Meta
from classifier_operator.reconcile.owner import Owner
from classifier_operator.runtime.unsent import Unsent
from classifier_operator.sagemaker.views import (
    EndpointView,
    JobView,
    Sighting,
    Stranger,
    Unseen,
    View,
    is_another,
    says_the_same,
)

# How long "not found" right after a creation may be nothing but delay (AWS's own clients wait about 10 s).
SETTLING_SECONDS = 60.0
CONFIRMED_AFTER_SECONDS = 15.0
# The time of what the operator has made a moment ago is its own.
CLOCKS_DIFFER = timedelta(seconds=10)

Fact = View | Unseen


class Inventory:
    """Sightings by resource.

    changed: called with the object's key whenever a resource that it cares for was seen to change.
    clock: monotonic seconds.
    is_growing: the objects that there are have not all been listed yet, so more may be cared for at any moment.
    """

    def __init__(self, *, changed: Callable[[ObjectKey], None], clock: Callable[[], float]) -> None:
        self.is_growing = False
        self.unsent = Unsent()
        self._sightings: dict[Resource, Fact] = {}
        self._made: dict[Resource, float] = {}
        # Those of which AWS's word has been taken, and when "not found" was first said of others.
        self._known: set[Resource] = set()
        # Those whose tags have been read: sweeps, which ask for no tags, see strangers' as well.
        self._owners: dict[Resource, Owner] = {}
        # Who waits for a stranger's resource, and who has to ask again whose it is.
        self._waiting: dict[ObjectKey, frozenset[Resource]] = {}
        self._asking: dict[ObjectKey, set[Resource]] = defaultdict(set)
        self._missed: dict[Resource, float] = {}
        self._changed_at: dict[Resource, float] = {}
        # When "not found" was first said of what was there and was not being deleted.
        self._vanished: dict[Resource, float] = {}
        self._following: dict[ObjectKey, frozenset[Resource]] = {}
        self._guarding: dict[ObjectKey, frozenset[Resource]] = {}
        self._carers: dict[Resource, set[ObjectKey]] = defaultdict(set)
        # The same resources by what an ARN says of them, whoever's identity they are reached by.
        self._named: dict[tuple[ResourceType, str, str], set[Resource]] = defaultdict(set)
        self._changed = changed
        self._clock = clock

    def of(self, meta: Meta, resources: Iterable[Resource]) -> Mapping[Resource, Sighting]:
        """What the object knows of these resources."""
        seen = {one: self.seen_by(meta, one) for one in resources}
        return {one: sighting for one, sighting in seen.items() if sighting is not Unseen.UNKNOWN}

    def seen_by(self, meta: Meta, resource: Resource) -> Sighting:
        """What the object knows of a resource: of another owner's, that it is a stranger's."""
        fact = self.get(resource)
        owner = self._owners.get(resource)
        if isinstance(fact, Unseen) or owner is None or meta.owns(owner):
            return fact
        if resource in self._asking.get(meta.key, ()):
            return Unseen.UNKNOWN
        return Stranger(fact.arn, meta.name_of(owner), fact)

    def get(self, resource: Resource) -> Fact:
        """What is known of a resource, whosever it is."""
        return self._sightings.get(resource, Unseen.UNKNOWN)

    def is_owned(self, resource: Resource, meta: Meta) -> bool:
        """Whether its tags say that it is that object's, and not only that it is there."""
        owner = self._owners.get(resource)
        return owner is not None and meta.owns(owner)

    def unconfirmed(self, resource: Resource) -> float | None:
        """Seconds until it has to be asked for again, as "not found" was said once; None where that is settled."""
        since = self._vanished.get(resource, self._missed.get(resource))
        return None if since is None else max(0.0, since + CONFIRMED_AFTER_SECONDS - self._clock())

    def is_of_another_cluster(self, resource: Resource, meta: Meta) -> bool:
        """Return whether its tags name the object's UID, but another cluster."""
        owner = self._owners.get(resource)
        return owner is not None and owner.uid == meta.uid and not meta.owns(owner)

    def made(self, resource: Resource, sighting: View, owner: Owner) -> None:
        """The operator has just made it for that owner: a "not found" in the next minute means nothing."""
        self._made[resource] = self._clock()
        self._known.add(resource)
        self._owners[resource] = owner
        self._sightings[resource] = sighting

    def identified(self, meta: Meta, resource: Resource, sighting: View, owner: Owner) -> None:
        """AWS has said this of it, and its tags whose it is, when the object has asked."""
        self.record(resource, sighting)
        before = self._owners.get(resource)
        self._owners[resource] = owner
        self._asking[meta.key].discard(resource)
        if before is not None and before != owner:
            self._tell(resource)

    def record(self, resource: Resource, sighting: Fact) -> None:
        """AWS has said this of it."""
        before = self._sightings.get(resource)
        if sighting is Unseen.ABSENT:
            was_known = resource in self._known
            if self._is_settling(resource) or not self._is_confirmed(resource):
                return
            self._doubt_absence(resource, before, is_first=was_known and before is not Unseen.ABSENT)
            self._owners.pop(resource, None)
        else:
            self._vanished.pop(resource, None)
            # AWS has seen it: from now on "not found" means that it is gone.
            is_new = self._made.pop(resource, None) is not None
            if not is_new and is_another(before, sighting):
                # Somebody has deleted it and made one of the same name.
                self._owners.pop(resource, None)
        self._known.add(resource)
        self._missed.pop(resource, None)
        if before is not None and says_the_same(before, sighting):
            return
        self._sightings[resource] = sighting
        if before != sighting:
            self._tell(resource)

    def changed(self, resource: Resource, sighting: Fact) -> None:
        """A call of the operator's has changed it to this: what was asked for before tells of an earlier state."""
        self._changed_at[resource] = self._clock()
        self.record(resource, sighting)

    def glimpse(self, resource: Resource, sighting: Fact, asked_at: float | None = None) -> None:
        """A sweep has seen it, which does not tell whose it is; of what nobody cares for, nothing is kept.

        Of what appears where there was nothing the owner has to be asked for first; so has that of a stranger's which
        somebody waits for, as its owner may have let go of it.
        """
        is_old = asked_at is not None and asked_at < self._changed_at.get(resource, asked_at)
        if is_old or not self.is_cared_for(resource):
            return
        if sighting is not Unseen.ABSENT and self.get(resource) is Unseen.ABSENT:
            self.doubt(resource)
            self._tell(resource)
            return
        self.record(resource, sighting)
        if sighting is Unseen.ABSENT:
            return
        for key in self.carers_of(resource):
            if resource in self._waiting.get(key, frozenset()):
                self._asking[key].add(resource)
                self._changed(key)

    def deleted(self, resource: Resource) -> None:
        """The operator has deleted it and AWS has said yes."""
        self._made.pop(resource, None)
        self._vanished.pop(resource, None)
        self._owners.pop(resource, None)
        self._sightings[resource] = Unseen.ABSENT

    def forget(self, resources: Iterable[Resource]) -> None:
        """Somebody will not ask for these any more; what others care for is kept."""
        for resource in resources:
            if self.is_cared_for(resource):
                continue
            self._sightings.pop(resource, None)
            self._made.pop(resource, None)
            self._missed.pop(resource, None)
            self._vanished.pop(resource, None)
            self._known.discard(resource)
            self._owners.pop(resource, None)
            self._changed_at.pop(resource, None)
            self.unsent.forget(resource)

    def doubt(self, resource: Resource) -> None:
        """What is known may be out of date: it must be looked at again."""
        self._sightings.pop(resource, None)

    def doubt_strangers(self, meta: Meta, resources: Iterable[Resource]) -> None:
        """The object has to ask again whose these are, of those that were somebody else's."""
        for resource in resources:
            if isinstance(self.seen_by(meta, resource), Stranger):
                self._asking[meta.key].add(resource)

    def doubt_older(self, resources: Iterable[Resource], modified: str) -> None:
        """Somebody has seen endpoints as of that time (AWS's LastModifiedTime): what is older is out of date."""
        try:
            seen = datetime.fromisoformat(modified).astimezone(UTC) - CLOCKS_DIFFER
        except ValueError:
            # A hand in etcd: nothing can be told by it.
            return
        for resource in resources:
            view = self.get(resource)
            if isinstance(view, EndpointView) and view.modified is not None and view.modified < seen:
                self.doubt(resource)

    def doubt_endpoints(self, resources: Iterable[Resource]) -> None:
        """Somebody else is at work: these may have been moved since they were seen."""
        for resource in resources:
            if isinstance(self.get(resource), EndpointView):
                self.doubt(resource)

    def doubt_if_old(self, resource: Resource) -> None:
        """AWS cannot find it: that is delay if it was made a moment ago, and else somebody may have deleted it."""
        if not self._is_settling(resource):
            self.doubt(resource)

    def watch(
        self,
        key: ObjectKey,
        *,
        follow: frozenset[Resource],
        guard: frozenset[Resource],
        strangers: frozenset[Resource] = frozenset(),
    ) -> None:
        """From now on the object cares for these: `follow` is swept often, `guard` rarely.

        strangers: those of them that are somebody else's: the object waits for their owner to let go of them.
        """
        for resource in self._following.get(key, frozenset()) | self._guarding.get(key, frozenset()):
            self._drop(resource, key)
        _set(self._following, key, follow)
        _set(self._guarding, key, guard)
        _set(self._waiting, key, strangers & guard)
        for resource in follow | guard:
            self._carers[resource].add(key)
            self._named[_named(resource)].add(resource)

    def abandon(self, key: ObjectKey) -> None:
        """The object is gone and cares for nothing."""
        self.watch(key, follow=frozenset(), guard=frozenset())
        self._asking.pop(key, None)

    def carers_of(self, resource: Resource) -> tuple[ObjectKey, ...]:
        """The objects that care for it."""
        return tuple(self._carers.get(resource, ()))

    def cared_for(self, account: str, type: ResourceType, region: str, name: str) -> tuple[Resource, ...]:  # noqa: A002
        """The resources that somebody cares for and that may be this one; AWS tells names apart in any case alone."""
        found = self._named.get((type, region, name.lower()), ())
        return tuple(one for one in found if one.place.account in ("", account))

    def is_cared_for(self, resource: Resource) -> bool:
        """Whether any object cares for it."""
        return resource in self._carers

    def followed(self) -> set[Resource]:
        """Everything that is on the move, and what may be gone; not what a List has shown to be at rest.

        Whoever cares for that has been told, and takes a closer look.
        """
        doubtful = (resource for resource in self._missed if resource in self._carers)
        wanted = set[Resource]().union(*self._following.values(), doubtful)
        return {resource for resource in wanted if not _is_listed_at_rest(self.get(resource))}

    def leaving(self) -> set[Resource]:
        """Everything that is on the move and was seen to be deleted."""
        return {one for one in self.followed() if _is_leaving(self.get(one))}

    def guarded(self) -> set[Resource]:
        """Everything that ought to stay as it is."""
        return set().union(*self._guarding.values())

    def _drop(self, resource: Resource, key: ObjectKey) -> None:
        self._carers[resource].discard(key)
        if not self._carers[resource]:
            del self._carers[resource]
            name = _named(resource)
            self._named[name].discard(resource)
            if not self._named[name]:
                del self._named[name]

    def _doubt_absence(self, resource: Resource, before: Fact | None, *, is_first: bool) -> None:
        """It is not found: for the first time, though it was not being deleted, or still after a while."""
        if is_first and not (before is not None and _is_leaving(before)):
            self._vanished[resource] = self._clock()
        elif resource in self._vanished and self.unconfirmed(resource) == 0.0:
            del self._vanished[resource]

    def _is_settling(self, resource: Resource) -> bool:
        made = self._made.get(resource)
        if made is None:
            return False
        if self._clock() - made < SETTLING_SECONDS:
            return True
        del self._made[resource]
        return False

    def _is_confirmed(self, resource: Resource) -> bool:
        """Whether "not found" may be believed now."""
        # What nobody has asked AWS to make cannot turn up later.
        if resource in self._known or resource in self.unsent:
            return True
        now = self._clock()
        return now - self._missed.setdefault(resource, now) >= CONFIRMED_AFTER_SECONDS

    def _tell(self, resource: Resource) -> None:
        for key in self.carers_of(resource):
            self._changed(key)


def _is_leaving(sighting: Sighting) -> bool:
    return isinstance(sighting, JobView | EndpointView) and sighting.status == "Deleting"


def _is_listed_at_rest(sighting: Sighting) -> bool:
    return isinstance(sighting, JobView | EndpointView) and not (sighting.is_detailed or sighting.is_moving)


def _set(table: dict[ObjectKey, frozenset[Resource]], key: ObjectKey, value: frozenset[Resource]) -> None:
    if value:
        table[key] = value
    else:
        table.pop(key, None)


def _named(resource: Resource) -> tuple[ResourceType, str, str]:
    return resource.type, resource.place.region, resource.name.lower()
