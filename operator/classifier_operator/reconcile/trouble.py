"""A call that was refused, and what an object says while it waits for the next try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from classifier_operator.api import conditions
from classifier_operator.api.conditions import Reason, Verdict
from classifier_operator.api.ledger import Resource
from classifier_operator.reconcile.calls import CAPACITIES
from classifier_operator.sagemaker.refusals import RefusalKind, Remedy

# IAM tells the other services of a new role within seconds, rarely a minute; five are a generous bound, after which
# the object says that it is denied and goes on asking, slowly.
ACCESS_PATIENCE = timedelta(minutes=5)

# Throttling of some seconds is AWS's everyday manner: only what lasts is a state of the object and an Event.
BUSY_PATIENCE = timedelta(seconds=30)

# Looking and tidying up are never given up, whatever AWS answers: only what the spec asks for can be refused for good.
NEVER_GIVEN_UP = ("Describe", "List", "Stop", "Delete", "Deregister", "Abort")

_WAITS = {
    RefusalKind.THROTTLED: (Reason.THROTTLED, "AWS throttles {operation}; it is tried again"),
    RefusalKind.UNAVAILABLE: (Reason.AWS_UNAVAILABLE, "{operation} got no good answer; it is tried again"),
    RefusalKind.UNREADABLE: (Reason.AWS_UNAVAILABLE, "the answer to {operation} cannot be read; it is tried again"),
    RefusalKind.QUOTA: (Reason.WAITING_FOR_QUOTA, "waiting for a service quota to allow {operation}"),
    RefusalKind.CAPACITY: (Reason.WAITING_FOR_CAPACITY, "waiting for AWS to have capacity"),
    RefusalKind.MISSING_DATA: (Reason.WAITING_FOR_DATA, "waiting for the data that {operation} needs"),
    RefusalKind.MISSING_INPUT: (Reason.WAITING_FOR_DATA, "waiting for {words}"),
    RefusalKind.ROLE_PENDING: (Reason.ACCESS_PENDING, "waiting for the execution role to take effect"),
    RefusalKind.ACCESS_DENIED: (Reason.ACCESS_PENDING, "waiting to be allowed {operation}"),
}
_STOPS = {
    RefusalKind.ALREADY_EXISTS: Reason.NAME_TAKEN,
    RefusalKind.ACCELERATOR: Reason.ACCELERATOR_UNAVAILABLE,
    RefusalKind.NOT_ALLOWED: Reason.NOT_ALLOWED,
}


class Trouble(Struct, frozen=True, kw_only=True):
    """The last refusal of a call, how long it has lasted, and when to try again."""

    operation: str
    resource: Resource
    kind: RefusalKind
    words: str
    since: datetime
    count: int
    retry_at: datetime

    @property
    def is_final(self) -> bool:
        """Whether the object says that it stops here, and what somebody can do."""
        is_one = self.kind.remedy in (Remedy.STOP, Remedy.SELDOM)
        return is_one and not self.operation.startswith(NEVER_GIVEN_UP)

    @property
    def is_never_tried_again(self) -> bool:
        """Whether the same request must not be sent again, not even after a restart."""
        return self.is_final and self.kind.remedy is Remedy.STOP

    @property
    def is_beside_the_rest(self) -> bool:
        """Whether only counts or weights are refused for good: other calls to the endpoint have nothing to do with it.

        Nothing else is held back by it: a smoke test, another configuration, an endpoint that has to be made again.
        """
        return self.is_final and self.operation == CAPACITIES

    def holds(self, operation: str, now: datetime) -> bool:
        """Whether that call to the resource has to wait."""
        return self.is_pausing(now) and (operation == self.operation or not self.is_beside_the_rest)

    @property
    def needs_somebody(self) -> bool:
        """Whether it does not pass by itself: then it is said, even of an object that is otherwise well."""
        return self.kind.remedy is not Remedy.RETRY

    @property
    def is_only_a_look(self) -> bool:
        """Whether nothing but a look at AWS was put off for a while: no reason to say anything of the object."""
        return self.operation.startswith(("Describe", "List")) and not self.needs_somebody

    def is_brief(self, now: datetime) -> bool:
        """Whether it is only that AWS is busy, and has not been for long: it delays, and is no other state."""
        return self.kind in (RefusalKind.THROTTLED, RefusalKind.UNAVAILABLE) and now - self.since < BUSY_PATIENCE

    def is_pausing(self, now: datetime) -> bool:
        """Whether the next try is not due yet."""
        return self.is_never_tried_again or now < self.retry_at

    def seconds_left(self, now: datetime) -> float | None:
        """Until the next try; None when there is none."""
        return None if self.is_never_tried_again else max(0.0, (self.retry_at - now).total_seconds())


def note_of(trouble: Trouble) -> str:
    """What an object says of trouble that does not decide how it is."""
    return f"{trouble.operation} of {trouble.resource.name} was refused: {trouble.words}"


def delay_of(trouble: Trouble, underway: Reason) -> Verdict:
    """What the object says of trouble that is brief: what it was about to do, and why it has not come to it."""
    _, text = _WAITS[trouble.kind]
    return conditions.working(underway, f"{text.format(operation=trouble.operation)}: {trouble.words}")


def verdict_of(trouble: Trouble, now: datetime, *, underway: Reason, serving: bool = False) -> Verdict:
    """What the object says: `underway` is its reason when the trouble is one that only delays it."""
    if trouble.is_final:
        reason = _STOPS.get(trouble.kind, Reason.INVALID_SPEC)
        return conditions.stalled(reason, _final_words(trouble), serving=serving)
    if trouble.kind is RefusalKind.UNFIT_TEST:
        # The picture and the names of classes lie outside the spec, and may be mended there: they are looked at again.
        return conditions.stalled(Reason.INVALID_SPEC, trouble.words, serving=serving)
    if trouble.kind is RefusalKind.ACCOUNT_MISMATCH:
        return conditions.unknown(Reason.ACCOUNT_MISMATCH, trouble.words)
    reason, text = _WAITS.get(trouble.kind, (underway, "{operation} is tried again"))
    message = _waiting_words(text, trouble)
    if reason is Reason.ACCESS_PENDING and now - trouble.since >= ACCESS_PATIENCE:
        return conditions.stalled(Reason.ACCESS_DENIED, trouble.words, serving=serving)
    ready = Reason.IN_SERVICE if serving else reason
    return conditions.working(reason, message, is_ready=serving, ready=ready)


def _waiting_words(text: str, trouble: Trouble) -> str:
    if trouble.kind is RefusalKind.MISSING_INPUT:
        return text.format(words=trouble.words)
    return f"{text.format(operation=trouble.operation)}: {trouble.words}"


def _final_words(trouble: Trouble) -> str:
    if trouble.kind is RefusalKind.NOT_IN_REGION:
        return f"{trouble.words} ({trouble.resource.place.region})"
    if trouble.kind is RefusalKind.UNKNOWN:
        return f"{trouble.words} (an answer that this version does not know; {trouble.operation} is tried again later)"
    return trouble.words


def bounded_after(after: str, now: datetime, longest: timedelta) -> str:
    """A time that a status remembers, no farther away than the longest pause: a clock may have been wrong, or set."""
    if not after:
        return after
    try:
        due = datetime.fromisoformat(after).astimezone(UTC)
    except (ValueError, OverflowError):
        return conditions.rfc3339(now)
    return conditions.rfc3339(now + longest) if due > now + longest else after
