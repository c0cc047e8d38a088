"""What each of AWS's refusals means, and whether to wait, retry or stop: the one place that reads their texts.

`ValidationException` stands for ten different things at SageMaker, so code alone decides nothing: the rules below
are tried in order, and the first whose code and words fit wins. Order matters: "Could not find endpoint" is how
"Could not find endpoint configuration" begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from classifier_operator.api.cut import NAME_LIMIT, cut
from classifier_operator.api.redaction import redacted


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
    MISSING_DATA = "MissingData"
    INVALID = "Invalid"
    # Not of AWS: the operator's credentials are of another account than what they would be used for.
    ACCOUNT_MISMATCH = "AccountMismatch"
    # AWS has answered, and the operator cannot read it.
    UNREADABLE = "Unreadable"
    # Not of AWS, but of where an input is fetched from.
    NOT_ALLOWED = "NotAllowed"
    BAD_SOURCE = "BadSource"
    SOURCE_UNAVAILABLE = "SourceUnavailable"

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
    RefusalKind.MISSING_DATA: Remedy.WAIT,
    RefusalKind.UNREADABLE: Remedy.WAIT,
    RefusalKind.ACCOUNT_MISMATCH: Remedy.WAIT,
    RefusalKind.ACCELERATOR: Remedy.STOP,
    RefusalKind.INVALID: Remedy.STOP,
    RefusalKind.NOT_ALLOWED: Remedy.STOP,
    RefusalKind.BAD_SOURCE: Remedy.STOP,
    RefusalKind.SOURCE_UNAVAILABLE: Remedy.RETRY,
}


# Of these nobody knows whether AWS has done what was asked.
MAY_HAVE_TAKEN_EFFECT = frozenset({RefusalKind.UNAVAILABLE, RefusalKind.UNREADABLE, RefusalKind.ALREADY_EXISTS})


class AwsRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of ours
    """AWS did not do what was asked: which call, its code and words, and what they mean.

    The words are shown to everybody who may look at the object: what is secret in them is left out.

    request_id: by which AWS's support finds the request. It is for the log, and stays out of `words`: it is another one
    at each try, so a status that told it would be written, and an Event be published, at each try as well.
    """

    def __init__(self, operation: str, kind: RefusalKind, code: str, message: str, *, request_id: str = "") -> None:
        message = cut(redacted(message))
        code = cut(code, NAME_LIMIT)
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.kind = kind
        self.code = code
        self.message = message
        self.request_id = request_id

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


# The operator's own code for an answer that it cannot read.
UNREADABLE_CODE = "UnreadableAnswer"
_VALIDATION = frozenset({"ValidationException", "ValidationError"})

RULES = (
    Rule(RefusalKind.UNREADABLE, frozenset({UNREADABLE_CODE})),
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
                "BandwidthLimitExceeded",
                "PriorRequestNotComplete",
                "EC2ThrottledException",
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
    # "Signature expired" and "RequestExpired" are about the way or a clock, not about the credentials.
    Rule(RefusalKind.UNAVAILABLE, frozenset({"RequestExpired", "RequestTimeTooSkewed", "RequestTimeout"})),
    Rule(
        RefusalKind.UNAVAILABLE,
        frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"}),
        ("signature expired", "signature not yet current"),
    ),
    Rule(
        RefusalKind.UNAVAILABLE,
        frozenset(
            {
                "ModelNotReadyException",
                "ServiceUnavailable",
                "ServiceUnavailableException",
                "InternalFailure",
                "InternalServerError",
                "InternalServerException",
                "InternalServiceException",
                "InternalError",
                "InternalDependencyException",
                "RequestTimeoutException",
                "IDPCommunicationError",
                # S3, for what the network did to a part on its way.
                "BadDigest",
            }
        ),
    ),
    # The runtime learns of a new endpoint a moment after the control plane calls it InService.
    Rule(RefusalKind.NOT_PROPAGATED, _VALIDATION, ("not found",), ("InvokeEndpoint",)),
    Rule(
        RefusalKind.QUOTA,
        frozenset({"ResourceLimitExceeded", "ServiceQuotaExceededException", "LimitExceededException"}),
    ),
    Rule(
        RefusalKind.CAPACITY,
        frozenset({"CapacityError", "InsufficientCapacityException", "InsufficientInstanceCapacity"}),
    ),
    Rule(
        RefusalKind.CAPACITY,
        _VALIDATION,
        ("insufficientinstancecapacity", "insufficient capacity", "unable to provision requested ml compute capacity"),
    ),
    Rule(RefusalKind.ALREADY_EXISTS, frozenset({"ResourceInUse"}), (), ("CreateTrainingJob",)),
    Rule(
        RefusalKind.IN_PROGRESS,
        frozenset({"ResourceInUse", "ConflictException", "ConcurrentUpdateException", "OperationAborted"}),
    ),
    # An upload that was aborted while it was being filled, by a lifecycle rule or by somebody: another is begun.
    Rule(RefusalKind.NOT_PROPAGATED, frozenset({"NoSuchUpload"}), (), ("UploadPart", "CompleteMultipartUpload")),
    Rule(
        RefusalKind.NOT_FOUND,
        frozenset(
            {
                "ResourceNotFound",
                "ResourceNotFoundException",
                "ObjectNotFoundException",
                "NoSuchKey",
                "NoSuchBucket",
                "NoSuchUpload",
                # SQS, in its new protocol and as boto3 calls it.
                "QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue",
                "404",
            }
        ),
    ),
    Rule(RefusalKind.ALREADY_EXISTS, _VALIDATION, ("already existing", "already exists")),
    # The last of these is Application Auto Scaling's, of an endpoint that is created or updated.
    Rule(
        RefusalKind.IN_PROGRESS,
        _VALIDATION,
        ("cannot update in-progress", "cannot delete in-progress", "the status should be in 'inservice'"),
    ),
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
    # Of these, whatever the words are, one thing alone can be missing: what bears the tags.
    Rule(
        RefusalKind.NOT_FOUND,
        _VALIDATION,
        ("could not find", "not found", "does not exist"),
        ("ListTags", "AddTags", "DeleteTags"),
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
    # Data that is put there later, or a role that may not list it: the text names both.
    Rule(RefusalKind.MISSING_DATA, _VALIDATION, ("no s3 objects found under s3 url",), ("CreateTrainingJob",)),
    # A key that is disabled or pending deletion, or a policy that does not name the role yet: a person mends it there.
    Rule(
        RefusalKind.ACCESS_DENIED,
        frozenset(
            {
                "KMSAccessDeniedException",
                "KMSDisabledException",
                "KMSInvalidStateException",
                "KMSNotFoundException",
                "KMSOptInRequired",
                "KMS.DisabledException",
                "KMS.KMSInvalidStateException",
                "KMS.NotFoundException",
            }
        ),
    ),
    Rule(RefusalKind.THROTTLED, frozenset({"KMSThrottlingException"})),
    Rule(RefusalKind.ACCESS_DENIED, _VALIDATION, ("not authorized to perform: kms:",)),
    # Credentials that are still expired after they were renewed (`adapters/aws.py`) need somebody, as all of these do.
    Rule(
        RefusalKind.ACCESS_DENIED,
        frozenset(
            {
                "AccessDeniedException",
                "AccessDenied",
                "UnauthorizedOperation",
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "InvalidAccessKeyId",
                "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
                "IncompleteSignature",
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "AuthFailure",
                "NotAuthorized",
                "OptInRequired",
                "RegionDisabledException",
                "SubscriptionRequiredException",
                "FailedResourceAccessException",
                "InvalidToken",
                "ExpiredToken",
                "ExpiredTokenException",
                "TokenRefreshRequired",
                "InvalidIdentityToken",
                "NoCredentials",
                "403",
            }
        ),
    ),
)

# Credentials that were good until now: renewed ones are tried before anybody is asked.
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})


def classify(operation: str, code: str, message: str, status: int = 400, request_id: str = "") -> AwsRefusal:
    """The refusal that this answer is; `status` is the HTTP status, 0 where no answer came."""
    kind = next((rule.kind for rule in RULES if rule.fits(operation, code, message)), None)
    if kind is None:
        unavailable = status == 0 or status >= 500
        kind = RefusalKind.UNAVAILABLE if unavailable else RefusalKind.INVALID
    return AwsRefusal(operation, kind, code, message, request_id=request_id)
