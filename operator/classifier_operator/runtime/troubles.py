"""The refusals that objects are waiting out, and for how long: exponential back-off with jitter, per object."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Resource
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind, Remedy

RETRY_SECONDS = (1.0, 60.0)
# A wait ends by somebody's doing (a raised quota, a new policy): more often than every five minutes is impatient.
WAIT_SECONDS = (15.0, 300.0)


class Troubles:
    """The last refusal of each object's calls."""

    def __init__(self, *, wait_seconds: tuple[float, float] = WAIT_SECONDS, rng: random.Random | None = None) -> None:
        self._wait_seconds = wait_seconds
        self._rng = rng or random.Random()
        self._known: dict[ObjectKey, tuple[str, Trouble]] = {}

    def of(self, key: ObjectKey, identity: str) -> Trouble | None:
        """The object's trouble, unless it is about something that is no longer wanted."""
        known = self._known.get(key)
        if known is None or known[0] != identity:
            self._known.pop(key, None)
            return None
        return known[1]

    def peek(self, key: ObjectKey) -> Trouble | None:
        """The object's trouble, whatever it is about."""
        known = self._known.get(key)
        return known and known[1]

    def note(self, key: ObjectKey, identity: str, resource: Resource, refusal: AwsRefusal, now: datetime) -> Trouble:
        """The object's call was refused once more."""
        before = self.of(key, identity)
        same = before is not None and before.resource == resource and before.kind is refusal.kind
        count = before.count + 1 if before is not None and same else 1
        trouble = Trouble(
            operation=refusal.operation,
            resource=resource,
            kind=refusal.kind,
            words=refusal.words,
            since=before.since if before is not None and same else now,
            count=count,
            retry_at=now + timedelta(seconds=self._delay(refusal, count)),
        )
        self._known[key] = identity, trouble
        return trouble

    def clear(self, key: ObjectKey) -> None:
        """The object's calls succeed again."""
        self._known.pop(key, None)

    def _delay(self, refusal: AwsRefusal, count: int) -> float:
        first, most = self._wait_seconds if refusal.remedy is Remedy.WAIT else RETRY_SECONDS
        # Propagation takes a fixed time, however often one asks.
        growth = 1.3 if refusal.kind is RefusalKind.NOT_PROPAGATED else 2.0
        delay = min(most, first * growth ** min(count - 1, 16))
        return delay * self._rng.uniform(0.75, 1.25)
