"""Write status: the finalizer, the status and the Events of one object, and only what differs.

A status patch that changes nothing is not free: it costs a call, and whoever waits for its echo waits in vain.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from classifier_operator.api.conditions import ConditionType, Reason
from classifier_operator.api.cut import cut, one_line
from classifier_operator.api.kinds import API_VERSION, FINALIZER, ObjectKey
from classifier_operator.api.redaction import redacted, status_redacted
from classifier_operator.runtime.bodies import mapping, mappings, word
from classifier_operator.runtime.failures import failed
from classifier_operator.runtime.gather import has_finalizer, is_being_deleted
from classifier_operator.runtime.ports import Clock, Cluster, ClusterUnavailableError, ConflictError, GoneError
from classifier_operator.runtime.store import Body, Store, revision_of, uid_of, version_of

logger = logging.getLogger(__name__)

REPORTER = "classifier-operator"
# An Event's message has at most 1,024 bytes where it has an eventTime.
NOTE_LIMIT = 1024
# So much of an object's name, which has 253 characters at most, and a hash.
NAME_ROOM = 230


class Writer:
    """Writes what was decided back to the cluster, and remembers the answers.

    publish: takes an Event (v1).
    """

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        clock: Clock,
        identity: str,
        publish: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._clock = clock
        self._identity = identity
        self._publish = publish

    async def hold(self, key: ObjectKey, body: Body) -> Body:
        """The object with our finalizer: from now on it does not go before we have cleaned up."""
        if has_finalizer(body):
            return body
        finalizers = [*body["metadata"].get("finalizers", ()), FINALIZER]
        return await self._patch(key, body, {"metadata": {"finalizers": finalizers}})

    async def release(self, key: ObjectKey, body: Body) -> None:
        """Take our finalizer off."""
        finalizers = [name for name in body["metadata"].get("finalizers", ()) if name != FINALIZER]
        try:
            await self._patch(key, body, {"metadata": {"finalizers": finalizers}})
        except GoneError:
            self._store.drop(key, uid_of(body))

    async def settle(self, key: ObjectKey, body: Body, status: Mapping[str, Any]) -> None:
        """Write what a pass has come to.

        What has something at AWS is held back, again where `kubectl replace` has taken our finalizer off; so is what
        may have something there: a status that was lost, and is not rebuilt yet, has no observedGeneration.
        """
        is_lost = not status.get("observedGeneration")
        if (is_lost or leaves_something(status)) and not is_being_deleted(body):
            body = await self.hold(key, body)
        await self.status(key, body, status)

    async def status(self, key: ObjectKey, body: Body, status: Mapping[str, Any]) -> Body:
        """The object with that status, and an Event when its headline is another one than before."""
        before = body.get("status", {})
        changes = _numbered(body, status)
        if changes:
            # Most passes end with what is there already.
            status = status_redacted(status)
            changes = _numbered(body, status)
        if not changes:
            return body
        try:
            written = await self._patch(key, body, {"status": changes}, status=True)
        except ClusterUnavailableError as error:
            if error.refuses_content:
                await self._say_refused(key, body, status, error)
            raise
        news = news_of(before, status)
        if news is not None:
            reason, note, is_warning = news
            await self.announce(key, written, reason, note, is_warning=is_warning)
        for note in new_warnings(before, status):
            await self.announce(key, written, Reason.PROBABLE_MISTAKE, note, is_warning=True)
        return written

    async def _say_refused(
        self, key: ObjectKey, body: Body, status: Mapping[str, Any], error: ClusterUnavailableError
    ) -> None:
        """Say in a smaller status that the whole one is refused for good; the ledger is in it whatever happens."""
        before = body.get("status", {})
        ledger = {"resources": status["resources"]} if "resources" in status else {}
        message = f"the API server refuses the status that the operator has for this object: {error}"
        generation = body["metadata"].get("generation", 1)
        said = status_redacted(failed({**before, **ledger}, message, generation=generation, now=self._clock.now()))
        if not (changes := _numbered(body, said)):
            return
        try:
            written = await self._patch(key, body, {"status": changes}, status=True)
        except (ClusterUnavailableError, ConflictError, GoneError) as refusal:
            logger.warning("%s: nor does it take a smaller status: %s", key, refusal)
            return
        if news := news_of(before, said):
            await self.announce(key, written, news[0], news[1], is_warning=news[2])

    async def _patch(self, key: ObjectKey, body: Body, patch: dict[str, Any], *, status: bool = False) -> Body:
        """Patch the object, if it is still the one that was decided about."""
        metadata = {**patch.get("metadata", {}), "resourceVersion": body["metadata"]["resourceVersion"]}
        answer = await self._cluster.patch(key, {**patch, "metadata": metadata}, status=status)
        self._store.put(answer)
        known = self._store.get(key)
        is_same = known is not None and known["metadata"]["uid"] == body["metadata"]["uid"]
        return known if known is not None and is_same else answer

    async def announce(self, key: ObjectKey, body: Body, reason: str, note: str, *, is_warning: bool) -> None:
        """Tell it, in the log and by an Event."""
        note = redacted(note)
        logger.log(
            logging.WARNING if is_warning else logging.INFO,
            "%s: %s: %s",
            key,
            reason,
            note,
            extra={"reason": reason},
        )
        await self._publish(self._event(key, body, reason, note, is_warning))

    def _event(self, key: ObjectKey, body: Body, reason: str, note: str, is_warning: bool) -> dict[str, Any]:
        """Return an Event of core v1.

        `kubectl describe` and `--sort-by=.lastTimestamp` order Events by times that events.k8s.io/v1 refuses to take.
        """
        now = self._clock.now()
        second = now.isoformat(timespec="seconds").replace("+00:00", "Z")
        unique = hashlib.sha256(f"{body['metadata']['uid']}{reason}{now.isoformat()}".encode()).hexdigest()[:16]
        # A name that is cut must not end in what no part of a name may end in.
        name = f"{key.name[:NAME_ROOM].rstrip('-.')}.{unique}"
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": key.namespace},
            "eventTime": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "firstTimestamp": second,
            "lastTimestamp": second,
            "count": 1,
            "type": "Warning" if is_warning else "Normal",
            "reason": reason,
            "action": "Reconcile",
            "message": cut(one_line(note), NOTE_LIMIT),
            "source": {"component": REPORTER},
            "reportingComponent": REPORTER,
            "reportingInstance": self._identity,
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": key.kind.value,
                "namespace": key.namespace,
                "name": key.name,
                "uid": body["metadata"]["uid"],
                "resourceVersion": body["metadata"]["resourceVersion"],
            },
        }


def leaves_something(status: Mapping[str, Any]) -> bool:
    """Whether there is, or may be, something at AWS that goes only with the object."""
    return bool(status.get("resources") or mapping(status.get("import")).get("uploads"))


def as_json(value: Any) -> Any:
    """A status as the API server has it: lists where ours are tuples, or nothing would ever be equal."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _numbered(body: Body, after: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that makes the object's status into that one, as the operator's next write; empty when it is that one.

    By their numbers what the operator has written is told from what anybody else has. A number counts from the object's
    version, which each write raises: so it is higher than all before it, those too that a wiped status had.
    """
    before = body.get("status", {})
    revision = max(revision_of(before), revision_of(after), version_of(body))
    changes = merge_patch({**before, "revision": revision}, {**after, "revision": revision})
    return {**changes, "revision": revision + 1} if changes else {}


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7396) that makes `before` into `after`; empty when they are the same."""
    patch: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            nested = merge_patch(old, value)
            if nested:
                patch[name] = nested
        elif name not in before or old != value:
            patch[name] = value
    return patch


def news_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str, bool] | None:
    """Reason, note and severity of the Event that this change of status deserves."""
    was, now = headline(before), headline(after)
    if now is None or (was is not None and was[:2] == now[:2]):
        return None
    kind, reason, message = now
    is_warning = kind == ConditionType.STALLED or reason in (Reason.ROLLING_BACK, Reason.INTERNAL_ERROR)
    return reason, message, is_warning


def new_warnings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the warnings that the status did not have: each is told once, also by an operator that has just begun."""
    told = before.get("warnings")
    return [one for one in after.get("warnings", ()) if not (isinstance(told, list) and one in told)]


def headline(status: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """The condition that matters most: what stalls, else what goes on, else how it is."""
    conditions = {word(one.get("type")): one for one in mappings(status.get("conditions")) if word(one.get("reason"))}
    for kind in (ConditionType.STALLED, ConditionType.RECONCILING, ConditionType.READY):
        if kind in conditions:
            return kind.value, conditions[kind]["reason"], word(conditions[kind].get("message"))
    return None


def seen_by_followers(body: Body | None) -> Any:
    """Return what endpoints that follow a training look at; None while there is no training."""
    if body is None:
        return None
    status = body.get("status", {})
    return status.get("modelArtifacts"), headline(status)
