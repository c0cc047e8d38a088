"""What each of AWS's refusals means: the one place that reads their texts.

`ValidationException` stands for ten different things at SageMaker, so code alone decides nothing: the rules below are
tried in order, and the first whose code and words fit wins. Order matters: "Could not find endpoint" is how "Could not
find endpoint configuration" begins. Words are matched after the user's own names are cut out (words.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from classifier_operator.sagemaker import phrases
from classifier_operator.sagemaker import refusal_codes as codes
from classifier_operator.sagemaker.enums import with_few_values
from classifier_operator.sagemaker.phrases import Phrase, says
from classifier_operator.sagemaker.refusals import UNREADABLE_CODE, AwsRefusal, RefusalKind
from classifier_operator.sagemaker.words import ACCELERATORS, without_names


@dataclass(frozen=True)
class Rule:
    """A refusal is of this kind when its code is among `codes` (any, if empty) and its text has one of `words`."""

    kind: RefusalKind
    codes: frozenset[str] = frozenset()
    words: tuple[str | Phrase, ...] = ()
    operations: tuple[str, ...] = ()

    def fits(self, operation: str, code: str, words: str) -> bool:
        """Whether the rule speaks of this refusal; `words` are AWS's own, in small letters (`without_names`)."""
        if self.codes and code not in self.codes:
            return False
        if self.operations and operation not in self.operations:
            return False
        return not self.words or any(says(words, one) for one in self.words)


_VALIDATION = frozenset({"ValidationException", "ValidationError"})
_LIMITS = codes.LIMITS
_OF_ENDPOINTS = ("CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint")
_FROM_S3 = ("CreateTrainingJob", "CreateModel", "CreateEndpoint", "UpdateEndpoint")
_NO_IMAGE = ("requested image * not found", 'requested image "" not found', "requested image not found")
_MAKING = (*_OF_ENDPOINTS, "CreateTrainingJob", "CreateModel", "UpdateEndpointWeightsAndCapacities")

RULES = (
    Rule(RefusalKind.UNREADABLE, frozenset({UNREADABLE_CODE})),
    Rule(
        RefusalKind.THROTTLED,
        codes.THROTTLED,
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
        codes.UNAVAILABLE,
    ),
    # The runtime learns of a new endpoint a moment after the control plane calls it InService.
    Rule(RefusalKind.NOT_PROPAGATED, _VALIDATION, ("not found",), ("InvokeEndpoint",)),
    # Elastic Inference was retired in 2024; what AWS says today is not documented, so any refusal that speaks of
    # accelerators counts, here of a quota ("total_accelerator_count").
    # A limit of 0 is how a region or an account without them says so; one above 0 can be raised.
    Rule(RefusalKind.QUOTA, _LIMITS, (phrases.ACCELERATOR_QUOTA,), _OF_ENDPOINTS),
    Rule(RefusalKind.ACCELERATOR, _LIMITS, ACCELERATORS, _OF_ENDPOINTS),
    Rule(RefusalKind.ACCELERATOR, _VALIDATION, (phrases.ACCELERATOR_NOT_IN_REGION,), _OF_ENDPOINTS),
    # AWS uses the code of a quota for it; no quota that anybody may ask for helps (amazon-sagemaker-examples#1001).
    Rule(
        RefusalKind.NOT_IN_REGION,
        _LIMITS | _VALIDATION,
        (
            phrases.NOT_IN_REGION,
            "does not support that instance type in that region",
        ),
        _MAKING,
    ),
    Rule(RefusalKind.QUOTA, _LIMITS),
    Rule(
        RefusalKind.CAPACITY,
        frozenset({"CapacityError", "InsufficientCapacityException", "InsufficientInstanceCapacity"}),
    ),
    Rule(
        RefusalKind.CAPACITY,
        _VALIDATION,
        (
            "insufficientinstancecapacity",
            "insufficient capacity",
            "unable to provision requested ml compute capacity",
            "not enough capacity",
            phrases.NO_CAPACITY,
            "temporarily unavailable in supported availability zones",
        ),
    ),
    Rule(RefusalKind.ALREADY_EXISTS, frozenset({"ResourceInUse"}), (), ("CreateTrainingJob",)),
    Rule(
        RefusalKind.IN_PROGRESS,
        frozenset({"ResourceInUse", "ConflictException", "ConcurrentUpdateException", "OperationAborted"}),
    ),
    # An upload that was aborted while it was being filled, by a lifecycle rule or by somebody: another is begun.
    Rule(RefusalKind.NOT_PROPAGATED, frozenset({"NoSuchUpload"}), (), ("UploadPart", "CompleteMultipartUpload")),
    # A bucket that another step of the same deployment makes.
    Rule(
        RefusalKind.MISSING_DATA,
        frozenset({"NoSuchBucket"}),
        (),
        ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"),
    ),
    Rule(
        RefusalKind.NOT_FOUND,
        codes.NOT_FOUND,
    ),
    Rule(RefusalKind.ALREADY_EXISTS, _VALIDATION, ("already existing", "already exists")),
    # The last of these is Application Auto Scaling's, of an endpoint that is created or updated.
    Rule(
        RefusalKind.IN_PROGRESS,
        _VALIDATION,
        ("cannot update in-progress", "cannot delete in-progress", 'the status should be in ""'),
    ),
    # A variant that AWS scales: it is deregistered before the update, which may have been refused for a moment.
    Rule(
        RefusalKind.IN_PROGRESS,
        _VALIDATION,
        ("is a scalable target", "deregistered as scalable target", "deregistered as a scalable target"),
        ("UpdateEndpoint",),
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
    # Data, a model archive, a bucket or an image that another step of the same deployment makes, or a role that may not
    # look: the texts name both. These come before the rows about roles, because they mention the role as well.
    Rule(
        RefusalKind.MISSING_DATA,
        _VALIDATION,
        (
            "no s3 objects found under s3 url",
            # amazon-sagemaker-examples, sagemaker-python-sdk#608
            "could not find model data",
            "no model data found",
            phrases.DOES_NOT_EXIST,
            "specified key does not exist",
            # amazon-sagemaker-examples#2534, #1476
            "cannot find repository",
            "cannot find the requested image",
        ),
        _FROM_S3,
    ),
    # The image of another account, or one that is built later (easy-amazon-sagemaker-deployments#4).
    Rule(RefusalKind.MISSING_DATA, _VALIDATION, _NO_IMAGE, _FROM_S3),
    # The policy of an image's repository (deep-learning-containers#5657), and permissions that AWS checks for the role
    # and names in a text of the code for bad input: somebody grants them there (stable-diffusion-aws-extension#161).
    Rule(
        RefusalKind.ACCESS_DENIED,
        _VALIDATION,
        (
            "does not grant ecr:",
            "not authorized to perform",
            "with an explicit deny",
            "is not authorized",
            "does not have permission",
            "do not have permission",
            "does not have application-autoscaling:",
            "permission to deregister",
            "insufficient permissions",
            "missing permission",
        ),
    ),
    # A role that was made a moment ago: IAM takes seconds, rarely a minute, to tell the other services. Terraform's
    # provider retries these very words.
    Rule(
        RefusalKind.ROLE_PENDING,
        _VALIDATION,
        (
            "could not assume role",
            "unable to assume",
            "cannot assume",
            "cannot be assumed",
            "failed to assume",
            "the execution role arn",
            "ensure that the role exists",
            "service-linked role",
            "service linked role",
            "could not access model data",
            "unauthorized to list objects",
            "access denied to outputdataconfig",
            "no identity-based policy allows",
            "access denied to hub content",
            "access denied for repository",
            "access denied for registry",
            # A role that the same deployment makes.
            phrases.NO_ROLE,
        ),
    ),
    # A key that is disabled or pending deletion, or a policy that does not name the role yet: a person mends it there.
    Rule(
        RefusalKind.ACCESS_DENIED,
        codes.KEY_NOT_USABLE,
    ),
    Rule(RefusalKind.THROTTLED, frozenset({"KMSThrottlingException"})),
    # Credentials that are still expired after they were renewed (`adapters/aws.py`) need somebody, as all of these do.
    Rule(
        RefusalKind.ACCESS_DENIED,
        codes.NOT_ALLOWED,
    ),
    # The answer to a HEAD has no body: what S3 says of an expired or malformed token is left out.
    Rule(RefusalKind.ACCESS_DENIED, frozenset({"400"}), (), ("HeadObject", "HeadBucket")),
    # After all that is known to be something else, whatever speaks of accelerators.
    Rule(RefusalKind.ACCELERATOR, _VALIDATION, ACCELERATORS, _OF_ENDPOINTS),
    # No answer of the container, or one that says that it is busy: "Your invocation timed out while waiting for a
    # response" comes with the number 0 or 500. What the container says itself is quoted, and not matched.
    Rule(
        RefusalKind.NOT_READY,
        frozenset({"ModelError"}),
        (
            *(f"received server error ({status})" for status in (0, 424, 429, 502, 503, 504)),
            *(f"received client error ({status})" for status in (408, 424, 429)),
            'with message "your invocation timed out',
            'with message "amazon sagemaker could not get a response',
        ),
        ("InvokeEndpoint",),
    ),
    # A body above the limit of the runtime (sagemaker-python-sdk#171; serverless: #4271) or of the container: no model
    # is to blame.
    Rule(RefusalKind.UNFIT_TEST, frozenset({"413", "RequestEntityTooLargeException"}), (), ("InvokeEndpoint",)),
    Rule(RefusalKind.UNFIT_TEST, frozenset({"ModelError"}), ("received client error (413)",), ("InvokeEndpoint",)),
    Rule(RefusalKind.UNFIT_TEST, _VALIDATION, ("oversize body", "is larger than"), ("InvokeEndpoint",)),
    # The request itself: it is refused as often as it is sent. The first codes are botocore's, which did not send it.
    Rule(
        RefusalKind.INVALID,
        codes.BAD_REQUEST,
    ),
    Rule(
        RefusalKind.INVALID,
        _VALIDATION,
        (
            # How all services say that a member of the request breaks its model.
            "validation error detected",
            "validation errors detected",
            "failed to satisfy constraint",
            # CreateTrainingJob (sagemaker-python-sdk#2063) and CreateModel (amazon-sagemaker-examples#195).
            "invalid training image",
            'ecr image "" is invalid',
            "ecr image * is invalid",
            # CreateModel (sagemaker-pytorch-inference-toolkit#7) and CreateTrainingJob (mlops-amazon-sagemaker#9).
            "cross region ecr image pulls are not allowed",
            "invalid dns suffix",
            "specify one of either image",
            "environment variable map cannot be specified",
            "caller is not subscribed",
            # CreateEndpointConfig (terraform-provider-aws#45926) and UpdateEndpoint, as documented.
            "managedinstancescaling is only supported",
            "cannot be updated to a serverless endpoint",
            "cannot update endpoint",
            # RegisterScalableTarget
            "cannot register a variant",
            # AssumeRole
            "exceeds the maxsessionduration",
        ),
    ),
)


def classify(
    operation: str,
    code: str,
    message: str,
    status: int = 400,
    request_id: str = "",
    names: tuple[str, ...] = (),
) -> AwsRefusal:
    """Return the refusal that an answer is.

    status: the HTTP status, 0 where no answer came.
    names: what the request had in it, the user's own names among it (`words.names_in`).
    """
    words = without_names(message, names)
    kind = next((rule.kind for rule in RULES if rule.fits(operation, code, words)), None)
    if kind is None:
        unavailable = status == 0 or status >= 500
        kind = RefusalKind.UNAVAILABLE if unavailable else RefusalKind.UNKNOWN
    told = with_few_values(operation, message)
    if code in codes.OF_ANOTHER_REGION:
        told = f"{told or code} (the bucket is in another region)"
    return AwsRefusal(operation, kind, code, told, request_id=request_id)
