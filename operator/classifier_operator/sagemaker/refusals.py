"""What a refusal of AWS can mean, and whether to wait, retry or stop."""

from __future__ import annotations

from enum import Enum, StrEnum

from classifier_operator.api.cut import NAME_LIMIT, cut
from classifier_operator.api.redaction import redacted


class Remedy(Enum):
    """What to do about a refusal."""

    RETRY = "retry"  # soon, with back-off: it passes by itself
    WAIT = "wait"  # slowly: somebody or something else has to act first
    STOP = "stop"  # not again until the request differs
    SELDOM = "seldom"  # said as if for good, and tried again at long intervals: nobody knows whether it passes


class RefusalKind(StrEnum):
    """What a refusal means, whatever its code."""

    NOT_FOUND = "NotFound"
    ALREADY_EXISTS = "AlreadyExists"
    IN_PROGRESS = "InProgress"
    ALREADY_ENDED = "AlreadyEnded"
    THROTTLED = "Throttled"
    UNAVAILABLE = "Unavailable"
    NOT_PROPAGATED = "NotPropagated"
    # A container that does not answer yet, or has too much to do.
    NOT_READY = "NotReady"
    QUOTA = "Quota"
    CAPACITY = "Capacity"
    ROLE_PENDING = "RolePending"
    ACCESS_DENIED = "AccessDenied"
    ACCELERATOR = "AcceleratorUnavailable"
    MISSING_INPUT = "MissingInput"
    MISSING_DATA = "MissingData"
    # The smoke test asks for what no model can answer: a picture that is too large, a class that nobody has named.
    UNFIT_TEST = "UnfitTest"
    NOT_IN_REGION = "NotInRegion"
    INVALID = "Invalid"
    # No row of the table speaks of it.
    UNKNOWN = "UnknownAnswer"
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
    RefusalKind.NOT_READY: Remedy.RETRY,
    RefusalKind.QUOTA: Remedy.WAIT,
    RefusalKind.CAPACITY: Remedy.WAIT,
    RefusalKind.ROLE_PENDING: Remedy.WAIT,
    RefusalKind.ACCESS_DENIED: Remedy.WAIT,
    RefusalKind.MISSING_INPUT: Remedy.WAIT,
    RefusalKind.MISSING_DATA: Remedy.WAIT,
    RefusalKind.UNFIT_TEST: Remedy.WAIT,
    RefusalKind.UNREADABLE: Remedy.WAIT,
    RefusalKind.ACCOUNT_MISMATCH: Remedy.WAIT,
    RefusalKind.ACCELERATOR: Remedy.STOP,
    RefusalKind.NOT_IN_REGION: Remedy.STOP,
    RefusalKind.INVALID: Remedy.STOP,
    RefusalKind.UNKNOWN: Remedy.SELDOM,
    RefusalKind.NOT_ALLOWED: Remedy.STOP,
    RefusalKind.BAD_SOURCE: Remedy.STOP,
    RefusalKind.SOURCE_UNAVAILABLE: Remedy.RETRY,
}


# Of these nobody knows whether AWS has done what was asked.
MAY_HAVE_TAKEN_EFFECT = frozenset({RefusalKind.UNAVAILABLE, RefusalKind.UNREADABLE, RefusalKind.ALREADY_EXISTS})

# The operator's own code for an answer that it cannot read.
UNREADABLE_CODE = "UnreadableAnswer"

# Credentials that were good until now: renewed ones are tried before anybody is asked.
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})


class AwsRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of ours
    """AWS did not do what was asked: which call, its code and words, and what they mean.

    The words are shown to everybody who may look at the object: what is secret in them is left out.

    request_id: by which AWS's support finds the request. It is for the log, and stays out of `words`: it is another one
    at each try, so a status that told it would be written, and an Event be published, at each try as well.
    """

    def __init__(self, operation: str, kind: RefusalKind, code: str, message: str, *, request_id: str = "") -> None:
        message = cut(redacted(message))
        code = cut(code, NAME_LIMIT)
        super().__init__(": ".join(filter(None, (operation, code, message))))
        self.operation = operation
        self.kind = kind
        self.code = code
        self.message = message
        self.request_id = request_id

    def meaning(self, kind: RefusalKind) -> AwsRefusal:
        """Return the same refusal with another meaning."""
        return AwsRefusal(self.operation, kind, self.code, self.message, request_id=self.request_id)

    @property
    def remedy(self) -> Remedy:
        """Whether to wait, retry or stop."""
        return self.kind.remedy

    @property
    def words(self) -> str:
        """AWS's own words, with its code; a refusal of the operator's own has none."""
        return ": ".join(filter(None, (self.code, self.message)))
