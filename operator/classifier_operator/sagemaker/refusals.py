"""What each of AWS's refusals means, and whether to wait, retry or stop: the one place that reads their texts.

`ValidationException` stands for ten different things at SageMaker, so code alone decides nothing: the rules below
are tried in order, and the first whose code and words fit wins. Order matters: "Could not find endpoint" is how
"Could not find endpoint configuration" begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class Remedy(Enum):
    """What to do about a refusal."""

    RETRY = "retry"  # soon, with back-off: it passes by itself
    WAIT = "wait"  # slowly: somebody or something else has to act first
    STOP = "stop"  # not again until the request differs


class RefusalKind(StrEnum):
    """What a refusal means, whatever its code."""

    NOT_FOUND = "NotFound"
    ALREADY_EXISTS = "AlreadyExists"
    IN_PROGRESS = "InProgress"
    ALREADY_ENDED = "AlreadyEnded"
    THROTTLED = "Throttled"
    UNAVAILABLE = "Unavailable"
    NOT_PROPAGATED = "NotPropagated"
    QUOTA = "Quota"
    CAPACITY = "Capacity"
    ROLE_PENDING = "RolePending"
    ACCESS_DENIED = "AccessDenied"
    ACCELERATOR = "AcceleratorUnavailable"
    MISSING_INPUT = "MissingInput"
    INVALID = "Invalid"

    @property
    def remedy(self) -> Remedy:
        """Whether to wait, retry or stop."""
        return _REMEDIES[self]


_REMEDIES = {
    RefusalKind.NOT_FOUND: Remedy.STOP,
    RefusalKind.ALREADY_EXISTS: Remedy.STOP,
    RefusalKind.ALREADY_ENDED: Remedy.STOP,
    RefusalKind.IN_PROGRESS: Remedy.RETRY,
    RefusalKind.THROTTLED: Remedy.RETRY,
    RefusalKind.UNAVAILABLE: Remedy.RETRY,
    RefusalKind.NOT_PROPAGATED: Remedy.RETRY,
    RefusalKind.QUOTA: Remedy.WAIT,
    RefusalKind.CAPACITY: Remedy.WAIT,
    RefusalKind.ROLE_PENDING: Remedy.WAIT,
    RefusalKind.ACCESS_DENIED: Remedy.WAIT,
    RefusalKind.MISSING_INPUT: Remedy.WAIT,
    RefusalKind.ACCELERATOR: Remedy.STOP,
    RefusalKind.INVALID: Remedy.STOP,
}


class AwsRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of ours
    """AWS did not do what was asked: which call, its code and words, and what they mean."""

    def __init__(self, operation: str, kind: RefusalKind, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.kind = kind
        self.code = code
        self.message = message

    @property
    def remedy(self) -> Remedy:
        """Whether to wait, retry or stop."""
        return self.kind.remedy

    @property
    def words(self) -> str:
        """AWS's own words, with its code."""
        return f"{self.code}: {self.message}" if self.message else self.code


@dataclass(frozen=True)
class Rule:
    """A refusal is of this kind when its code is among `codes` (any, if empty) and its text has one of `words`."""

    kind: RefusalKind
    codes: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()

    def fits(self, operation: str, code: str, message: str) -> bool:
        """Whether the rule speaks of this refusal."""
        if self.codes and code not in self.codes:
            return False
        if self.operations and operation not in self.operations:
            return False
        text = message.lower()
        return not self.words or any(word in text for word in self.words)


_VALIDATION = frozenset({"ValidationException", "ValidationError"})

RULES = (
    Rule(
        RefusalKind.THROTTLED,
        frozenset(
            {
                "ThrottlingException",
                "Throttling",
                "ThrottledException",
                "RequestLimitExceeded",
                "TooManyRequestsException",
                "RequestThrottled",
                "RequestThrottledException",
                "SlowDown",
            }
        ),
    ),
    # Elastic Inference was retired in 2024; what AWS says today is not documented, so any refusal that speaks of
    # accelerators counts, whether it comes as a quota ("total_accelerator_count") or as an invalid value.
    Rule(
        RefusalKind.ACCELERATOR,
        _VALIDATION | {"ResourceLimitExceeded"},
        ("accelerator", "elastic inference", "ml.eia"),
        ("CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint"),
    ),
    Rule(
        RefusalKind.UNAVAILABLE,
        frozenset({"ModelNotReadyException", "ServiceUnavailable", "InternalFailure", "InternalDependencyException"}),
    ),
    # The runtime learns of a new endpoint a moment after the control plane calls it InService.
    Rule(RefusalKind.NOT_PROPAGATED, _VALIDATION, ("not found",), ("InvokeEndpoint",)),
    Rule(RefusalKind.QUOTA, frozenset({"ResourceLimitExceeded", "ServiceQuotaExceededException"})),
    Rule(RefusalKind.CAPACITY, frozenset({"CapacityError", "InsufficientCapacityException"})),
    Rule(RefusalKind.ALREADY_EXISTS, frozenset({"ResourceInUse"}), (), ("CreateTrainingJob",)),
    Rule(RefusalKind.IN_PROGRESS, frozenset({"ResourceInUse", "ConflictException"})),
    Rule(
        RefusalKind.NOT_FOUND,
        frozenset(
            {
                "ResourceNotFound",
                "ResourceNotFoundException",
                "ObjectNotFoundException",
                "NoSuchKey",
                "NoSuchBucket",
                "404",
            }
        ),
    ),
    Rule(RefusalKind.ALREADY_EXISTS, _VALIDATION, ("already existing", "already exists")),
    Rule(RefusalKind.IN_PROGRESS, _VALIDATION, ("cannot update in-progress", "cannot delete in-progress")),
    # The endpoint is on the move, or gone: to register another of its variants is enough, if that moves its count.
    Rule(RefusalKind.IN_PROGRESS, _VALIDATION, ("status should be in 'inservice'",), ("RegisterScalableTarget",)),
    Rule(RefusalKind.ALREADY_ENDED, _VALIDATION, ("the training job is in status",)),
    # The configuration was made a moment ago and is not seen everywhere yet (documented for CreateEndpoint).
    Rule(
        RefusalKind.NOT_PROPAGATED,
        _VALIDATION,
        ("could not find endpoint configuration",),
        ("CreateEndpoint", "UpdateEndpoint"),
    ),
    Rule(RefusalKind.NOT_PROPAGATED, _VALIDATION, ('could not find model "',), ("CreateEndpointConfig",)),
    Rule(
        RefusalKind.NOT_FOUND,
        _VALIDATION,
        (
            "could not find endpoint configuration",
            "could not find endpoint",
            'could not find model "',
            "requested resource not found",
            "could not find training job",
        ),
    ),
    # A role that was made a moment ago: IAM takes seconds, rarely a minute, to tell SageMaker.
    Rule(
        RefusalKind.ROLE_PENDING,
        _VALIDATION,
        (
            "could not assume role",
            "could not access model data",
            "unauthorized to list objects",
            "access denied to outputdataconfig",
            "no identity-based policy allows",
            "access denied to hub content",
            "access denied for repository",
        ),
    ),
    Rule(
        RefusalKind.ACCESS_DENIED,
        frozenset(
            {
                "AccessDeniedException",
                "AccessDenied",
                "UnauthorizedOperation",
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "ExpiredToken",
                "ExpiredTokenException",
                "SignatureDoesNotMatch",
                "NoCredentials",
                "403",
            }
        ),
    ),
)


def classify(operation: str, code: str, message: str, status: int = 400) -> AwsRefusal:
    """The refusal that this answer is; `status` is the HTTP status, 0 where no answer came."""
    kind = next((rule.kind for rule in RULES if rule.fits(operation, code, message)), None)
    if kind is None:
        unavailable = status == 0 or status >= 500
        kind = RefusalKind.UNAVAILABLE if unavailable else RefusalKind.INVALID
    return AwsRefusal(operation, kind, code, message)
