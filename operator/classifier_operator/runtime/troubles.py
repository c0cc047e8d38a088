"""The refusals that objects are waiting out, and for how long: exponential back-off with jitter, per resource."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Resource
from classifier_operator.reconcile.trouble import NEVER_GIVEN_UP, Trouble
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind, Remedy

RETRY_SECONDS = (1.0, 60.0)
# A wait ends by somebody's doing (a raised quota, a new policy, a file that is uploaded): more often than every five
# minutes is impatient, and less often is slow.
WAIT_SECONDS = (15.0, 300.0)
# An answer that nobody knows may be about the spec, and then it passes by an edit, or about something else.
SELDOM_SECONDS = (3600.0, 6 * 3600.0)


class Backoff:
    """How long to wait before the next try: exponential, with jitter."""

    def __init__(self, wait_seconds: tuple[float, float] = WAIT_SECONDS, rng: random.Random | None = None) -> None:
        self._wait_seconds = wait_seconds
        self._rng = rng or random.Random()

    def again(self, before: Trouble | None, resource: Resource, refusal: AwsRefusal, now: datetime) -> Trouble:
        """The trouble after one more refusal; of another kind than before, it is another trouble."""
        if before is not None and before.kind is not refusal.kind:
            before = None
        count = before.count + 1 if before is not None else 1
        return Trouble(
            operation=refusal.operation,
            resource=resource,
            kind=refusal.kind,
            words=refusal.words,
            since=before.since if before is not None else now,
            count=count,
            retry_at=now + timedelta(seconds=self.delay(refusal, count)),
        )

    def delay(self, refusal: AwsRefusal, count: int) -> float:
        """Seconds to wait after as many refusals of this kind."""
        first, most = self._bounds(refusal)
        # Propagation takes a fixed time, however often one asks.
        growth = 1.3 if refusal.kind is RefusalKind.NOT_PROPAGATED else 2.0
        delay = min(most, first * growth ** min(count - 1, 16))
        # Never sooner: what is not found is believed to be gone when it is still not found at the next try.
        delay *= self._rng.uniform(1.0, 1.5)
        return min(delay, most) if refusal.remedy is Remedy.WAIT else delay

    def _bounds(self, refusal: AwsRefusal) -> tuple[float, float]:
        if refusal.remedy is Remedy.WAIT:
            return self._wait_seconds
        is_seldom = refusal.remedy is Remedy.SELDOM and not refusal.operation.startswith(NEVER_GIVEN_UP)
        return SELDOM_SECONDS if is_seldom else RETRY_SECONDS


class Troubles:
    """The last refusal of each object's calls, by the resource that was called for."""

    def __init__(self, *, wait_seconds: tuple[float, float] = WAIT_SECONDS, rng: random.Random | None = None) -> None:
        self.backoff = Backoff(wait_seconds, rng)
        self._known: dict[ObjectKey, tuple[str, dict[Resource, Trouble]]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, key: ObjectKey, identity: str) -> Mapping[Resource, Trouble]:
        """The object's troubles, unless they are about something that is no longer wanted."""
        known = self._known.get(key)
        if known is None or known[0] != identity:
            self._known.pop(key, None)
            return {}
        return known[1]

    def latest(self, key: ObjectKey) -> tuple[str, Mapping[Resource, Trouble]] | None:
        """The object's troubles and what they are about, whatever that is."""
        return self._known.get(key)

    def note(
        self,
        key: ObjectKey,
        identity: str,
        resource: Resource,
        refusal: AwsRefusal,
        now: datetime,
        before: Trouble | None = None,
    ) -> Trouble:
        """The object's call was refused once more; `before`: with what the last time, if that is forgotten by now."""
        troubles = dict(self.of(key, identity))
        trouble = self.backoff.again(troubles.get(resource, before), resource, refusal, now)
        self._known[key] = identity, {**troubles, resource: trouble}
        return trouble

    def answered(self, key: ObjectKey, resource: Resource, operation: str) -> None:
        """The call succeeded. That a look succeeds says nothing of a change that was refused."""
        identity, troubles = self._known.get(key, ("", {}))
        trouble = troubles.get(resource)
        if trouble is not None and (trouble.operation == operation or not operation.startswith("Describe")):
            self._keep(key, identity, {one: other for one, other in troubles.items() if one != resource})

    def has(self, key: ObjectKey, kind: RefusalKind) -> bool:
        """Return whether something of the object was refused for that reason."""
        _, troubles = self._known.get(key, ("", {}))
        return any(trouble.kind is kind for trouble in troubles.values())

    def over(self, key: ObjectKey, kind: RefusalKind) -> None:
        """What was refused for that reason is not refused any more: it is tried at once."""
        identity, troubles = self._known.get(key, ("", {}))
        if self.has(key, kind):
            self._keep(key, identity, {one: trouble for one, trouble in troubles.items() if trouble.kind is not kind})

    def seconds_until_next(self, key: ObjectKey, now: datetime) -> float | None:
        """Until the next try of whatever is put off; None when nothing is.

        Asked at the end of a pass, which has tried whatever was due: what is due still has nothing to try any more,
        and is forgotten.
        """
        identity, troubles = self._known.get(key, ("", {}))
        pausing = {one: trouble for one, trouble in troubles.items() if trouble.is_pausing(now)}
        self._keep(key, identity, pausing)
        waits = (trouble.seconds_left(now) for trouble in pausing.values())
        return min((wait for wait in waits if wait is not None), default=None)

    def clear(self, key: ObjectKey) -> None:
        """The object is gone."""
        self._known.pop(key, None)

    def _keep(self, key: ObjectKey, identity: str, troubles: dict[Resource, Trouble]) -> None:
        if troubles:
            self._known[key] = identity, troubles
        else:
            self._known.pop(key, None)
