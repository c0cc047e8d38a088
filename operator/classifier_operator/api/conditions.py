"""Conditions as kstatus reads them: Ready, and the abnormal-true Reconciling and Stalled.

Reconciling and Stalled are absent when there is nothing abnormal to say: kstatus and Argo CD's health scripts
treat their presence as news. A transition time moves only when a condition's status flips, so two passes that
see the same world produce the same list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, structs

from classifier_operator.api.cut import cut


class ConditionType(StrEnum):
    """The condition types that both kinds publish."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Reason(StrEnum):
    """Every reason that a condition or an Event of this operator can carry."""

    # On the way
    IMPORTING = "Importing"
    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    TRAINING = "Training"
    UPLOADING = "Uploading"
    STOPPING = "Stopping"
    WAITING_FOR_TRAINING = "WaitingForTraining"
    ADOPTING = "Adopting"
    RELEASING = "Releasing"
    CREATING = "Creating"
    UPDATING = "Updating"
    RESTORING = "Restoring"
    ROLLING_BACK = "RollingBack"
    SMOKE_TESTING = "SmokeTesting"
    DELETING = "Deleting"
    WAITING_FOR_CAPACITY = "WaitingForCapacity"
    WAITING_FOR_QUOTA = "WaitingForQuota"
    WAITING_FOR_DATA = "WaitingForData"
    THROTTLED = "Throttled"
    ACCESS_PENDING = "AccessPending"
    AWS_UNAVAILABLE = "AWSUnavailable"
    ACCOUNT_MISMATCH = "AccountMismatch"
    INTERNAL_ERROR = "InternalError"
    # Done
    COMPLETED = "Completed"
    IN_SERVICE = "InService"
    SERVING_PREVIOUS = "ServingPrevious"
    SUSPENDED = "Suspended"
    SUPERSEDED = "Superseded"
    # Needs somebody
    JOB_FAILED = "JobFailed"
    JOB_STOPPED = "JobStopped"
    JOB_LOST = "JobLost"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
    MAX_WAIT_TIME_EXCEEDED = "MaxWaitTimeExceeded"
    INVALID_SPEC = "InvalidSpec"
    NOT_ALLOWED = "NotAllowed"
    ACCESS_DENIED = "AccessDenied"
    NAME_TAKEN = "NameTaken"
    ROLLED_BACK = "RolledBack"
    SMOKE_TEST_FAILED = "SmokeTestFailed"
    ENDPOINT_FAILED = "EndpointFailed"
    OUT_OF_SERVICE = "OutOfService"
    ACCELERATOR_UNAVAILABLE = "AcceleratorUnavailable"
    UPDATE_ROLLBACK_FAILED = "UpdateRollbackFailed"
    # Works, and is probably not meant: an Event only
    PROBABLE_MISTAKE = "ProbableMistake"


class Condition(Struct, frozen=True, rename="camel", kw_only=True):
    """A metav1.Condition."""

    type: ConditionType
    status: str
    reason: str
    message: str = ""
    observed_generation: int = 0
    last_transition_time: str = ""

    @property
    def is_true(self) -> bool:
        """Whether the condition holds."""
        return self.status == "True"


class Verdict(Struct, frozen=True, kw_only=True):
    """What is to be said of an object, before it is put into conditions.

    `ready` is why it is (not) ready; `reconciling` and `stalled` are None where there is nothing to say.
    `is_unknown`: whether it is ready, nobody can tell.
    """

    is_ready: bool
    is_unknown: bool = False
    ready: Reason
    message: str = ""
    reconciling: Reason | None = None
    stalled: Reason | None = None
    stalled_message: str = ""

    @property
    def headline(self) -> tuple[Reason, str]:
        """The reason and message that matter most: what stalls, else what goes on, else how it is."""
        if self.stalled is not None:
            return self.stalled, self.stalled_message or self.message
        return self.reconciling or self.ready, self.message


def working(reason: Reason, message: str, *, is_ready: bool = False, ready: Reason | None = None) -> Verdict:
    """Something is under way that will end by itself."""
    return Verdict(is_ready=is_ready, ready=ready or reason, message=message, reconciling=reason)


def unknown(reason: Reason, message: str) -> Verdict:
    """Nobody can tell how it is; it goes on by itself once somebody can."""
    return Verdict(is_ready=False, is_unknown=True, ready=reason, message=message, reconciling=reason)


def settled(reason: Reason, message: str) -> Verdict:
    """The object is what its spec says."""
    return Verdict(is_ready=True, ready=reason, message=message)


def idle(reason: Reason, message: str) -> Verdict:
    """Nothing runs, and that is what was asked for."""
    return Verdict(is_ready=False, ready=reason, message=message)


def stalled(reason: Reason, message: str, *, serving: bool = False) -> Verdict:
    """It will not go on by itself; `serving` says that the previous state is still good."""
    ready = Reason.SERVING_PREVIOUS if serving else reason
    return Verdict(is_ready=serving, ready=ready, message=message, stalled=reason, stalled_message=message)


def with_verdict(
    conditions: Sequence[Condition], verdict: Verdict, *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The conditions after the verdict; what did not change is returned as it was."""
    message = cut(verdict.message)
    is_ready = "Unknown" if verdict.is_unknown else str(verdict.is_ready)
    wanted = [(ConditionType.READY, is_ready, verdict.ready, message)]
    if verdict.reconciling is not None:
        wanted.append((ConditionType.RECONCILING, "True", verdict.reconciling, message))
    if verdict.stalled is not None:
        words = cut(verdict.stalled_message or verdict.message)
        wanted.append((ConditionType.STALLED, "True", verdict.stalled, words))
    before = {condition.type: condition for condition in conditions}
    return tuple(
        _moved(
            before.get(kind),
            Condition(type=kind, status=status, reason=reason.value, message=text, observed_generation=generation),
            now,
        )
        for kind, status, reason, text in wanted
    )


def with_note(conditions: Sequence[Condition], note: str) -> tuple[Condition, ...]:
    """The conditions with something to add to what each says, without another reason; what is there stays as it is."""
    return tuple(
        one if note in one.message else structs.replace(one, message=cut(f"{one.message}; {note}"))
        for one in conditions
    )


def find(conditions: Sequence[Condition], kind: ConditionType) -> Condition | None:
    """The condition of that type, if it is there."""
    return next((condition for condition in conditions if condition.type == kind), None)


def rfc3339(moment: datetime) -> str:
    """A time as Kubernetes writes it, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _moved(before: Condition | None, after: Condition, now: datetime) -> Condition:
    flipped = before is None or before.status != after.status
    time = rfc3339(now) if flipped or before is None else before.last_transition_time
    return structs.replace(after, last_transition_time=time)
