"""The last seen state of each object of the cluster, and which endpoints follow which training.

Watch events and the answers to our own patches arrive in any order; the newer resourceVersion wins, so a late event
never takes the memory back to before a status that was just written.

An API server whose store was restored from a snapshot goes back itself. What it answers to a question that was asked
after a version was known, and that is older than that version, proves it: then the memory goes back, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from classifier_operator.api.kinds import GROUP, Kind, ObjectKey
from classifier_operator.runtime.bodies import mapping, mappings, sound, word
from classifier_operator.runtime.election.shards import Shard

Body = Mapping[str, Any]

# The answer to a patch may arrive after the watch has told of the object's end: so many ends are remembered.
REMEMBERED = 10_000
# Of the message of another shard's training so much is kept.
MESSAGE_LIMIT = 1024


class Kept(NamedTuple):
    """An object as it is kept: as JSON, which takes a fraction of a dictionary's memory, and some microseconds to read.

    version: its resourceVersion.
    """

    version: int
    uid: str
    json: bytes

    @property
    def body(self) -> Body:
        """The object."""
        body: Body = msgspec.json.decode(self.json)
        return body


class Mark(NamedTuple):
    """Which version of which object was known at a moment."""

    version: int
    uid: str


class Snapshot(Mapping[ObjectKey, Body]):
    """All objects of one moment. Each is read when it is asked for, so not all of them are in memory at a time."""

    def __init__(self, kept: Mapping[ObjectKey, Kept]) -> None:
        self._kept = kept

    def __getitem__(self, key: ObjectKey) -> Body:
        return self._kept[key].body

    def __iter__(self) -> Iterator[ObjectKey]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


class Store:
    """Bodies by key, of the objects of one shard.

    Of other shards' trainings only that is kept which endpoints that follow them look at; of other shards' endpoints
    nothing.

    changed: called with the key and the bodies before and after, whoever brought the news: a watch, or the answer to a
    patch of our own.
    """

    def __init__(
        self, changed: Callable[[ObjectKey, Body | None, Body | None], None], shard: Shard | None = None
    ) -> None:
        self._changed = changed
        self._shard = shard or Shard()
        # The highest version that was seen of any object, or that the API server has said it was at.
        self.latest = 0
        self._foreign: dict[ObjectKey, Kept] = {}
        self._gone: dict[str, None] = {}
        # Statuses that were newer than those that the API server has.
        self._recalled: dict[ObjectKey, bytes] = {}
        self._bodies: dict[ObjectKey, Kept] = {}
        self._followers: dict[ObjectKey, set[ObjectKey]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._bodies)

    def owns(self, key: ObjectKey) -> bool:
        """Whether the object is one of this shard."""
        return self._shard.owns(key.namespace, key.name)

    def get(self, key: ObjectKey) -> Body | None:
        """The object, if it exists and is one of this shard."""
        return _body(self._bodies.get(key))

    def uid(self, key: ObjectKey) -> str:
        """The UID of the object, if it exists and is one of this shard."""
        kept = self._bodies.get(key)
        return kept.uid if kept is not None else ""

    def status(self, key: ObjectKey) -> Mapping[str, Any]:
        """What the status of an object of this shard says, or said before it was wiped, changed or put back.

        Nobody but the operator writes it, and each of its writes has a higher revision than the one before. So one that
        has no higher revision and says something else was written by somebody else, or comes from a restored store.
        """
        recalled = self._recalled.get(key)
        status: Mapping[str, Any] = (
            msgspec.json.decode(recalled) if recalled is not None else (self.get(key) or {}).get("status", {})
        )
        return status

    def snapshot(self) -> Snapshot:
        """All objects as they are now; a body that is in it does not change any more."""
        return Snapshot(dict(self._bodies))

    def followed(self, key: ObjectKey) -> Body | None:
        """A training of any shard, as endpoints that follow it look at it."""
        body = _body(self._foreign.get(key) or self._bodies.get(key))
        return {**body, "status": self.status(key)} if body is not None and key in self._recalled else body

    def keys(self, kind: Kind) -> list[ObjectKey]:
        """All objects of a kind in this shard."""
        return [key for key in self._bodies if key.kind is kind]

    def mark(self, key: ObjectKey) -> Mark | None:
        """The version of the object that is known, of any shard."""
        kept = self._bodies.get(key) or self._foreign.get(key)
        return Mark(kept.version, kept.uid) if kept is not None else None

    def marks(self, kind: Kind, namespace: str = "") -> dict[ObjectKey, Mark]:
        """The same of all objects of a kind of which there is something to forget, those of other shards too.

        In a namespace, or in all where none is named.
        """
        kept = (item for bodies in (self._bodies, self._foreign) for item in bodies.items())
        of_kind = ((key, one) for key, one in kept if key.kind is kind and namespace in ("", key.namespace))
        return {key: Mark(one.version, one.uid) for key, one in of_kind}

    def ended(self) -> frozenset[str]:
        """The UIDs of objects that are known to be gone."""
        return frozenset(self._gone)

    def is_ended(self, uid: str) -> bool:
        """Whether the object of that UID is known to be gone."""
        return uid in self._gone

    def put(self, body: Body) -> bool:
        """Remember the object; whether that was news of this shard."""
        if uid_of(body) in self._gone:
            return False
        before = self.mark(key_of(body))
        if before is not None and version_of(body) <= before.version:
            return False
        return self._keep(body)

    def put_over(self, body: Body, before: Mark | None) -> bool:
        """Remember the object in the place of `before`, whichever is newer; whether that was news of this shard.

        If other news has come since `before` was known, the newer of the two counts again.
        """
        self._gone.pop(uid_of(body), None)
        return self._keep(body) if self.mark(key_of(body)) == before else self.put(body)

    def reached(self, revision: int) -> None:
        """The API server is at that revision."""
        self.latest = max(self.latest, revision)

    def went_back(self, revision: int) -> None:
        """The API server is at that revision, and what was higher is of no meaning any more."""
        self.latest = revision

    def drop(self, key: ObjectKey, uid: str = "") -> None:
        """The object is gone; with a UID, only if it is still that one and not its successor of the same name."""
        before = self.followed(key)
        if before is None and not self.owns(key):
            return
        gone = uid or uid_of(before)
        if gone:
            self._gone[gone] = None
            if len(self._gone) > REMEMBERED:
                del self._gone[next(iter(self._gone))]
        if before is not None and uid_of(before) == gone:
            self._recalled.pop(key, None)
            self._bodies.pop(key, None)
            self._foreign.pop(key, None)
            self._follow(key, before, None)
            self._changed(key, before, None)

    def followers(self, training: ObjectKey) -> Iterable[ObjectKey]:
        """The endpoints whose trainingRef names this training."""
        return tuple(self._followers.get(training, ()))

    def followers_of_unknown(self) -> Iterable[ObjectKey]:
        """The endpoints whose trainingRef names a training that is not remembered."""
        unknown = (training for training in self._followers if self.mark(training) is None)
        return {follower for training in unknown for follower in self._followers[training]}

    def _keep(self, body: Body) -> bool:
        """Remember it in the place of whatever was known; whether it is one of this shard."""
        body, key = sound(body), key_of(body)
        self.latest = max(self.latest, version_of(body))
        if not self.owns(key):
            self._keep_foreign(key, body)
            return False
        was = _body(self._bodies.get(key))
        self._recall(key, was, body)
        self._bodies[key] = _kept(body, _trimmed(body))
        self._follow(key, was, body)
        self._changed(key, was, body)
        return True

    def _recall(self, key: ObjectKey, was: Body | None, now: Body) -> None:
        """Keep the status of before, if the new one goes back behind it."""
        best = self.status(key) if uid_of(was) == uid_of(now) else {}
        if goes_back(best, now.get("status", {})):
            self._recalled[key] = msgspec.json.encode(best)
        else:
            self._recalled.pop(key, None)

    def _keep_foreign(self, key: ObjectKey, body: Body) -> None:
        if key.kind is not Kind.TRAINING:
            return
        before, after = self._foreign.get(key), _followed(body)
        self._foreign[key] = _kept(body, after)
        self._changed(key, _body(before), after)

    def _follow(self, key: ObjectKey, before: Body | None, after: Body | None) -> None:
        if key.kind is not Kind.ENDPOINT:
            return
        for training in _referred(key, before or {}):
            self._followers[training].discard(key)
            if not self._followers[training]:
                del self._followers[training]
        for training in _referred(key, after or {}):
            self._followers[training].add(key)


def revision_of(status: Mapping[str, Any]) -> int:
    """The number of the write that the status is of; a hand may have written anything there."""
    revision = status.get("revision", 0)
    return revision if isinstance(revision, int) else 0


def goes_back(before: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Whether what the operator has written is not there any more, and nothing newer of the operator's is."""
    if not before.get("observedGeneration") or revision_of(status) > revision_of(before):
        return False
    return {**status, "revision": 0} != {**before, "revision": 0}


def is_older(body: Body, before: Mark | None) -> bool:
    """Whether the object, as it is here, is older than what was known of it, or of one of the same name."""
    return before is not None and version_of(body) < before.version


def key_of(body: Body) -> ObjectKey:
    """The key of an object."""
    metadata = body["metadata"]
    return ObjectKey(Kind(body["kind"]), metadata["namespace"], metadata["name"])


def uid_of(body: Body | None) -> str:
    """The object's UID, which its successor of the same name does not share; nothing where there is no object."""
    uid: str = body["metadata"].get("uid", "") if body is not None else ""
    return uid


def _referred(endpoint: ObjectKey, body: Body) -> list[ObjectKey]:
    spec = body.get("spec", {})
    refs = [mapping(one.get("trainingRef")) for one in (spec, *mappings(spec.get("variants")))]
    return [ObjectKey(Kind.TRAINING, endpoint.namespace, name) for ref in refs if (name := word(ref.get("name")))]


def _body(kept: Kept | None) -> Body | None:
    return kept.body if kept is not None else None


def _kept(body: Body, what: Body) -> Kept:
    return Kept(version_of(body), uid_of(body), msgspec.json.encode(what))


def version_of(body: Body) -> int:
    """Which version of the object it is, a number that each write raises."""
    # They count for all objects together: one that was made anew under the name of another has a higher one.
    # Comparable as numbers since Kubernetes 1.35 says so (KEP-5504); etcd's revisions have always been.
    return int(body["metadata"].get("resourceVersion") or 0)


def _trimmed(body: Body) -> Body:
    """Without what takes memory and decides nothing."""
    metadata = {name: value for name, value in body["metadata"].items() if name not in _NOT_KEPT}
    if annotations := body["metadata"].get("annotations"):
        # What somebody has last applied repeats the whole spec.
        metadata["annotations"] = {name: value for name, value in annotations.items() if name.startswith(GROUP)}
    return {**body, "metadata": metadata}


_NOT_KEPT = ("managedFields", "labels", "annotations")


def _followed(training: Body) -> Body:
    """What endpoints look at: see `gather.endpoint_of`, and `app`, which tells them when it changes."""
    metadata, status = training["metadata"], training.get("status", {})
    kept = {name: metadata[name] for name in _FOLLOWED_METADATA if name in metadata}
    said = [
        {**condition, "message": word(condition.get("message"))[:MESSAGE_LIMIT]}
        for condition in mappings(status.get("conditions"))
    ]
    seen = {name: status[name] for name in ("image", "modelArtifacts") if name in status}
    return {"kind": training["kind"], "metadata": kept, "status": {**seen, "conditions": said}}


_FOLLOWED_METADATA = ("namespace", "name", "uid", "generation", "resourceVersion")
