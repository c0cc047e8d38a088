"""The last seen state of each object of the cluster, and which endpoints follow which training.

Watch events and the answers to our own patches arrive in any order; the newer resourceVersion wins, so a late event
never takes the memory back to before a status that was just written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from classifier_operator.api.kinds import Kind, ObjectKey

Body = Mapping[str, Any]

# The answer to a patch may arrive after the watch has told of the object's end: so many ends are remembered.
REMEMBERED = 10_000


class Store:
    """Bodies by key.

    changed: called with the key and the bodies before and after, whoever brought the news: a watch, or the answer to a
    patch of our own.
    """

    def __init__(self, changed: Callable[[ObjectKey, Body | None, Body | None], None]) -> None:
        self._changed = changed
        self._gone: dict[str, None] = {}
        self._bodies: dict[ObjectKey, Body] = {}
        self._followers: dict[ObjectKey, set[ObjectKey]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._bodies)

    def get(self, key: ObjectKey) -> Body | None:
        """The object, if it exists."""
        return self._bodies.get(key)

    def snapshot(self) -> Mapping[ObjectKey, Body]:
        """All objects as they are now; a body that is in it does not change any more."""
        return dict(self._bodies)

    def keys(self, kind: Kind) -> list[ObjectKey]:
        """All objects of a kind."""
        return [key for key in self._bodies if key.kind is kind]

    def put(self, body: Body) -> bool:
        """Remember the object; whether that was news."""
        key = key_of(body)
        before = self._bodies.get(key)
        if uid_of(body) in self._gone:
            return False
        if before is not None and not _is_newer(body, before):
            return False
        self._bodies[key] = _trimmed(body)
        self._follow(key, before, body)
        self._changed(key, before, body)
        return True

    def drop(self, key: ObjectKey, uid: str = "") -> None:
        """The object is gone; with a UID, only if it is still that one and not its successor of the same name."""
        before = self._bodies.get(key)
        gone = uid or uid_of(before)
        if gone:
            self._gone[gone] = None
            if len(self._gone) > REMEMBERED:
                del self._gone[next(iter(self._gone))]
        if before is not None and uid_of(before) == gone:
            del self._bodies[key]
            self._follow(key, before, None)
            self._changed(key, before, None)

    def followers(self, training: ObjectKey) -> Iterable[ObjectKey]:
        """The endpoints whose trainingRef names this training."""
        return tuple(self._followers.get(training, ()))

    def _follow(self, key: ObjectKey, before: Body | None, after: Body | None) -> None:
        if key.kind is not Kind.ENDPOINT:
            return
        for training in _referred(key, before or {}):
            self._followers[training].discard(key)
            if not self._followers[training]:
                del self._followers[training]
        for training in _referred(key, after or {}):
            self._followers[training].add(key)


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
    refs = [spec.get("trainingRef"), *(one.get("trainingRef") for one in spec.get("variants", ()))]
    return [ObjectKey(Kind.TRAINING, endpoint.namespace, ref["name"]) for ref in refs if ref]


def _is_newer(body: Body, than: Body) -> bool:
    # Versions count for all objects together: one that was made anew under the name of another has a higher one.
    return _version(body) > _version(than)


def _version(body: Body) -> int:
    # Comparable as numbers since Kubernetes 1.35 says so (KEP-5504); etcd's revisions have always been.
    return int(body["metadata"].get("resourceVersion") or 0)


def _trimmed(body: Body) -> Body:
    """Without what takes memory and decides nothing."""
    metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
    return {**body, "metadata": metadata}
