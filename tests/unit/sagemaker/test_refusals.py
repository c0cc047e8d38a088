"""What each of AWS's answers means: the texts are AWS's own, as its documentation and users report them.

One row for each answer that is known of the operations this project calls, with what is done about it.
"""

from __future__ import annotations

from time import process_time

import pytest
from tests.unit.sagemaker.reported import REPORTED

from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.sagemaker.refusals import RefusalKind, Remedy
from classifier_operator.sagemaker.words import TEXT_LIMIT, names_in

VALIDATION = "ValidationException"
ARN = "arn:aws:sagemaker:us-east-1:1"
JOB = "Requested resource not found."
CONFIG = f'Could not find endpoint configuration "{ARN}:endpoint-config/x".'
ENDPOINT = f'Could not find endpoint "{ARN}:endpoint/x".'
MODEL = f'Could not find model "{ARN}:model/x".'
IN_PROGRESS = f'Cannot update in-progress endpoint "{ARN}:endpoint/x".'
ENDED = "The request was rejected because the training job is in status {}."
NAMES = (
    "Training job names must be unique within an AWS account and region, and a training job with this name already "
    f"exists ({ARN}:training-job/x)"
)
LIMIT = (
    "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances, with current utilization of 0 "
    "Instances and a request delta of 1 Instances. Please contact AWS support to request an increase for this limit."
)
NO_ACCELERATORS = "The requested resource notebook-instance/total_accelerator_count is not available in this region"
DATA = (
    'Could not access model data at s3://b/m.tar.gz. Please ensure that the role "r" exists and that its trust '
    'relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". Also '
    'ensure that the role has "s3:GetObject" permissions and that the object is located in us-east-1.'
)
ASSUME = (
    "Could not assume role arn:aws:iam::1:role/r. Please ensure that the role exists and allows principal "
    "'sagemaker.amazonaws.com' to assume the role."
)
NO_OBJECTS = (
    'No S3 objects found under S3 URL "s3://b/train" given in input data source. Please ensure that the bucket exists '
    "in the selected region (us-east-1), that objects exist under that S3 prefix, and that the role "
    '"arn:aws:iam::1:role/r" has "s3:ListBucket" permissions on bucket "b".'
)
DENIED = (
    "User: arn:aws:sts::1:assumed-role/operator/x is not authorized to perform: sagemaker:UpdateEndpoint on resource: "
    f"{ARN}:endpoint-config/x because no identity-based policy allows the sagemaker:UpdateEndpoint action"
)
CANNOT_ASSUME = (
    "User: arn:aws:sts::1:assumed-role/operator/x is not authorized to perform: sts:AssumeRole on resource: "
    "arn:aws:iam::2:role/classifiers"
)
NOT_IN_SERVICE = "The status should be in 'InService' to register it as a scalable target"
MISMATCH = "The request signature we calculated does not match the signature you provided."

KIND = RefusalKind
RETRY, WAIT, STOP, SELDOM = Remedy.RETRY, Remedy.WAIT, Remedy.STOP, Remedy.SELDOM

ANSWERS = {
    "an answer that cannot be read": ("DescribeEndpoint", "UnreadableAnswer", "", KIND.UNREADABLE, WAIT),
    # Not there
    "no job to describe": ("DescribeTrainingJob", VALIDATION, JOB, KIND.NOT_FOUND, STOP),
    "no job to stop": ("StopTrainingJob", VALIDATION, JOB, KIND.NOT_FOUND, STOP),
    "no job to delete": ("DeleteTrainingJob", VALIDATION, JOB, KIND.NOT_FOUND, STOP),
    "no job, as documented": ("DescribeTrainingJob", "ResourceNotFound", "", KIND.NOT_FOUND, STOP),
    "no model to describe": ("DescribeModel", VALIDATION, MODEL, KIND.NOT_FOUND, STOP),
    "no model to delete": ("DeleteModel", VALIDATION, MODEL, KIND.NOT_FOUND, STOP),
    "no configuration to describe": ("DescribeEndpointConfig", VALIDATION, CONFIG, KIND.NOT_FOUND, STOP),
    "no configuration to delete": ("DeleteEndpointConfig", VALIDATION, CONFIG, KIND.NOT_FOUND, STOP),
    "no endpoint to describe": ("DescribeEndpoint", VALIDATION, ENDPOINT, KIND.NOT_FOUND, STOP),
    "no endpoint to update": ("UpdateEndpoint", VALIDATION, ENDPOINT, KIND.NOT_FOUND, STOP),
    "no endpoint to rescale": ("UpdateEndpointWeightsAndCapacities", VALIDATION, ENDPOINT, KIND.NOT_FOUND, STOP),
    "no endpoint to delete": ("DeleteEndpoint", VALIDATION, ENDPOINT, KIND.NOT_FOUND, STOP),
    "no resource to tag": ("AddTags", "ResourceNotFound", "", KIND.NOT_FOUND, STOP),
    "no object": ("GetObject", "NoSuchKey", "The specified key does not exist.", KIND.NOT_FOUND, STOP),
    "no object to look at": ("HeadObject", "404", "Not Found", KIND.NOT_FOUND, STOP),
    "no bucket": ("GetObject", "NoSuchBucket", "The specified bucket does not exist", KIND.NOT_FOUND, STOP),
    "no queue": ("ReceiveMessage", "AWS.SimpleQueueService.NonExistentQueue", "", KIND.NOT_FOUND, STOP),
    "no queue, in SQS's new protocol": ("ReceiveMessage", "QueueDoesNotExist", "", KIND.NOT_FOUND, STOP),
    # Not there yet
    "configuration not seen yet": ("CreateEndpoint", VALIDATION, CONFIG, KIND.NOT_PROPAGATED, RETRY),
    "configuration gone at update": ("UpdateEndpoint", VALIDATION, CONFIG, KIND.NOT_PROPAGATED, RETRY),
    "model not seen yet": ("CreateEndpointConfig", VALIDATION, MODEL, KIND.NOT_PROPAGATED, RETRY),
    "endpoint unknown to the runtime": (
        "InvokeEndpoint",
        "ValidationError",
        "Endpoint x of account 1 not found.",
        KIND.NOT_PROPAGATED,
        RETRY,
    ),
    # In the way of something else
    "update while in progress": ("UpdateEndpoint", VALIDATION, IN_PROGRESS, KIND.IN_PROGRESS, RETRY),
    "delete while in progress": ("DeleteEndpoint", VALIDATION, IN_PROGRESS, KIND.IN_PROGRESS, RETRY),
    "rescale while in progress": (
        "UpdateEndpointWeightsAndCapacities",
        VALIDATION,
        IN_PROGRESS,
        KIND.IN_PROGRESS,
        RETRY,
    ),
    "update of what is scaled": (
        "UpdateEndpoint",
        VALIDATION,
        "The variant AllTraffic is a scalable target: deregister it before the update.",
        KIND.IN_PROGRESS,
        RETRY,
    ),
    "job cannot be deleted yet": ("DeleteTrainingJob", "ResourceInUse", "", KIND.IN_PROGRESS, RETRY),
    "tags in conflict": ("AddTags", "ConflictException", "", KIND.IN_PROGRESS, RETRY),
    # There already, or over already
    "endpoint exists": (
        "CreateEndpoint",
        VALIDATION,
        f'Cannot create already existing endpoint "{ARN}:endpoint/x".',
        KIND.ALREADY_EXISTS,
        STOP,
    ),
    "configuration exists": (
        "CreateEndpointConfig",
        VALIDATION,
        f'Cannot create already existing endpoint configuration "{ARN}:endpoint-config/x".',
        KIND.ALREADY_EXISTS,
        STOP,
    ),
    "model exists": (
        "CreateModel",
        VALIDATION,
        f'Cannot create already existing model "{ARN}:model/x".',
        KIND.ALREADY_EXISTS,
        STOP,
    ),
    "job exists": ("CreateTrainingJob", "ResourceInUse", NAMES, KIND.ALREADY_EXISTS, STOP),
    "job has completed": ("StopTrainingJob", VALIDATION, ENDED.format("Completed"), KIND.ALREADY_ENDED, STOP),
    "job has failed": ("StopTrainingJob", VALIDATION, ENDED.format("Failed"), KIND.ALREADY_ENDED, STOP),
    "job has stopped": ("StopTrainingJob", VALIDATION, ENDED.format("Stopped"), KIND.ALREADY_ENDED, STOP),
    # Too many, or too much
    "throttled look": ("DescribeEndpoint", "ThrottlingException", "Rate exceeded", KIND.THROTTLED, RETRY),
    "throttled list": ("ListTrainingJobs", "ThrottlingException", "Rate exceeded", KIND.THROTTLED, RETRY),
    "throttled creation": ("CreateTrainingJob", "ThrottlingException", "Rate exceeded", KIND.THROTTLED, RETRY),
    "throttled by STS": ("CreateTrainingJob", "Throttling", "Rate exceeded", KIND.THROTTLED, RETRY),
    "throttled by S3": ("GetObject", "SlowDown", "Please reduce your request rate.", KIND.THROTTLED, RETRY),
    "throttled by KMS": ("GetObject", "KMSThrottlingException", "", KIND.THROTTLED, RETRY),
    "too many requests": ("InvokeEndpoint", "TooManyRequestsException", "", KIND.THROTTLED, RETRY),
    "request limit": ("CreateModel", "RequestLimitExceeded", "", KIND.THROTTLED, RETRY),
    "quota for a job": ("CreateTrainingJob", "ResourceLimitExceeded", LIMIT, KIND.QUOTA, WAIT),
    "quota for models": ("CreateModel", "ResourceLimitExceeded", LIMIT, KIND.QUOTA, WAIT),
    "quota for configurations": ("CreateEndpointConfig", "ResourceLimitExceeded", LIMIT, KIND.QUOTA, WAIT),
    "quota for an endpoint": ("CreateEndpoint", "ResourceLimitExceeded", LIMIT, KIND.QUOTA, WAIT),
    "quota for an update": ("UpdateEndpoint", "ResourceLimitExceeded", LIMIT, KIND.QUOTA, WAIT),
    "quota for a rescale": (
        "UpdateEndpointWeightsAndCapacities",
        "ResourceLimitExceeded",
        LIMIT,
        KIND.QUOTA,
        WAIT,
    ),
    "quota, as other services say it": ("CreateModel", "ServiceQuotaExceededException", "", KIND.QUOTA, WAIT),
    "no capacity": (
        "CreateTrainingJob",
        "CapacityError",
        "Unable to provision requested ML compute capacity. Please retry using a different ML instance type.",
        KIND.CAPACITY,
        WAIT,
    ),
    "no capacity, as EC2 says it": ("CreateEndpoint", "InsufficientInstanceCapacity", "", KIND.CAPACITY, WAIT),
    "no capacity, as a bad request": (
        "CreateEndpoint",
        VALIDATION,
        "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.",
        KIND.CAPACITY,
        WAIT,
    ),
    # Elastic Inference
    "accelerator as a quota": (
        "CreateEndpointConfig",
        "ResourceLimitExceeded",
        NO_ACCELERATORS,
        KIND.ACCELERATOR,
        STOP,
    ),
    "accelerator as a bad value": (
        "CreateEndpoint",
        VALIDATION,
        "Amazon Elastic Inference is no longer available.",
        KIND.ACCELERATOR,
        STOP,
    ),
    "accelerator at update": ("UpdateEndpoint", VALIDATION, "ml.eia2.medium not supported", KIND.ACCELERATOR, STOP),
    # Roles that have not taken effect yet
    "role not assumable": ("CreateTrainingJob", VALIDATION, ASSUME, KIND.ROLE_PENDING, WAIT),
    "role of a model not assumable": ("CreateModel", VALIDATION, ASSUME, KIND.ROLE_PENDING, WAIT),
    "model data not readable": ("CreateModel", VALIDATION, DATA, KIND.ROLE_PENDING, WAIT),
    "bucket not listable": (
        "CreateTrainingJob",
        VALIDATION,
        "Unauthorized to List objects under S3 URL: s3://b/train.",
        KIND.ROLE_PENDING,
        WAIT,
    ),
    "output bucket denied": (
        "CreateTrainingJob",
        VALIDATION,
        "Access denied to OutputDataConfig S3 bucket: b",
        KIND.ROLE_PENDING,
        WAIT,
    ),
    "no policy for the bucket": (
        "CreateTrainingJob",
        VALIDATION,
        "no identity-based policy allows the s3:ListBucket action",
        KIND.ROLE_PENDING,
        WAIT,
    ),
    "hub denied": ("CreateTrainingJob", VALIDATION, "Access denied to hub content x", KIND.ROLE_PENDING, WAIT),
    "image denied": ("CreateTrainingJob", VALIDATION, "Access denied for repository: x", KIND.ROLE_PENDING, WAIT),
    **{
        f"gone, asked by {operation}": (
            operation,
            VALIDATION,
            f'Could not find resource "{ARN}:endpoint/x".',
            KIND.NOT_FOUND,
            STOP,
        )
        for operation in ("ListTags", "AddTags", "DeleteTags")
    },
    # Data
    "no training data": ("CreateTrainingJob", VALIDATION, NO_OBJECTS, KIND.MISSING_DATA, WAIT),
    "no model data": ("CreateModel", VALIDATION, "Could not find model data at s3://b/m.", KIND.MISSING_DATA, WAIT),
    "no model data under a prefix": (
        "CreateModel",
        VALIDATION,
        "Could not find model data at s3://b/artifacts/v2.0.0/.",
        KIND.MISSING_DATA,
        WAIT,
    ),
    # Not allowed
    "not allowed": ("CreateModel", "AccessDeniedException", "not authorized", KIND.ACCESS_DENIED, WAIT),
    "not allowed the configuration": ("UpdateEndpoint", "AccessDeniedException", DENIED, KIND.ACCESS_DENIED, WAIT),
    "operator's role not assumable": ("CreateTrainingJob", "AccessDenied", CANNOT_ASSUME, KIND.ACCESS_DENIED, WAIT),
    "bucket not allowed": ("GetObject", "AccessDenied", "Access Denied", KIND.ACCESS_DENIED, WAIT),
    "object not allowed": ("HeadObject", "403", "Forbidden", KIND.ACCESS_DENIED, WAIT),
    "region not enabled": (
        "CreateModel",
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        KIND.ACCESS_DENIED,
        WAIT,
    ),
    "region not enabled for STS": (
        "CreateModel",
        "RegionDisabledException",
        "STS is not activated in this region for account:1.",
        KIND.ACCESS_DENIED,
        WAIT,
    ),
    "account not signed up": ("CreateModel", "OptInRequired", "", KIND.ACCESS_DENIED, WAIT),
    "key not allowed": (
        "CreateTrainingJob",
        VALIDATION,
        "User: r is not authorized to perform: kms:CreateGrant on resource: arn:aws:kms:us-east-1:1:key/k",
        KIND.ACCESS_DENIED,
        WAIT,
    ),
    "key not allowed, by KMS": ("GetObject", "KMSAccessDeniedException", "", KIND.ACCESS_DENIED, WAIT),
    "key disabled": ("GetObject", "KMS.DisabledException", "key/k is disabled.", KIND.ACCESS_DENIED, WAIT),
    "key to be deleted": ("GetObject", "KMSInvalidStateException", "is pending deletion.", KIND.ACCESS_DENIED, WAIT),
    "no key": ("GetObject", "KMS.NotFoundException", "", KIND.ACCESS_DENIED, WAIT),
    # Credentials: expired ones have been renewed in vain when they get here
    "no credentials": ("CreateModel", "NoCredentials", "Unable to locate credentials", KIND.ACCESS_DENIED, WAIT),
    "token expired": (
        "CreateModel",
        "ExpiredTokenException",
        "The security token included in the request is expired",
        KIND.ACCESS_DENIED,
        WAIT,
    ),
    "token expired, by S3": (
        "GetObject",
        "ExpiredToken",
        "The provided token has expired.",
        KIND.ACCESS_DENIED,
        WAIT,
    ),
    "token to be renewed": ("GetObject", "TokenRefreshRequired", "", KIND.ACCESS_DENIED, WAIT),
    "web identity not accepted": (
        "CreateModel",
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account",
        KIND.ACCESS_DENIED,
        WAIT,
    ),
    "web identity not checked": ("CreateModel", "IDPCommunicationError", "", KIND.UNAVAILABLE, RETRY),
    "key id unknown": ("CreateModel", "InvalidClientTokenId", "", KIND.ACCESS_DENIED, WAIT),
    "key id unknown to S3": ("GetObject", "InvalidAccessKeyId", "", KIND.ACCESS_DENIED, WAIT),
    "nobody's request": ("CreateModel", "MissingAuthenticationTokenException", "", KIND.ACCESS_DENIED, WAIT),
    "wrong secret": ("CreateModel", "InvalidSignatureException", MISMATCH, KIND.ACCESS_DENIED, WAIT),
    "wrong secret, by S3": ("GetObject", "SignatureDoesNotMatch", MISMATCH, KIND.ACCESS_DENIED, WAIT),
    # The clock, or the way
    "late signature": (
        "CreateModel",
        "InvalidSignatureException",
        "Signature expired: 20261124T000000Z is now earlier than 20261124T000500Z",
        KIND.UNAVAILABLE,
        RETRY,
    ),
    "early signature": (
        "CreateModel",
        "InvalidSignatureException",
        "Signature not yet current: 20261124T001000Z is still later than 20261124T000500Z",
        KIND.UNAVAILABLE,
        RETRY,
    ),
    "request expired": ("CreateModel", "RequestExpired", "Request has expired.", KIND.UNAVAILABLE, RETRY),
    "clocks apart": ("GetObject", "RequestTimeTooSkewed", "", KIND.UNAVAILABLE, RETRY),
    # AWS itself
    "service unavailable": ("CreateModel", "ServiceUnavailable", "", KIND.UNAVAILABLE, RETRY),
    "service unavailable, modelled": ("CreateModel", "ServiceUnavailableException", "", KIND.UNAVAILABLE, RETRY),
    "internal failure": ("CreateModel", "InternalFailure", "", KIND.UNAVAILABLE, RETRY),
    "internal server error": ("CreateModel", "InternalServerError", "", KIND.UNAVAILABLE, RETRY),
    "internal server exception": ("CreateModel", "InternalServerException", "", KIND.UNAVAILABLE, RETRY),
    "internal error of S3": ("GetObject", "InternalError", "", KIND.UNAVAILABLE, RETRY),
    "slow client": ("GetObject", "RequestTimeout", "", KIND.UNAVAILABLE, RETRY),
    # Invocations
    "model warms up": ("InvokeEndpoint", "ModelNotReadyException", "", KIND.UNAVAILABLE, RETRY),
    "runtime unavailable": ("InvokeEndpoint", "ServiceUnavailable", "", KIND.UNAVAILABLE, RETRY),
    "runtime's dependency": ("InvokeEndpoint", "InternalDependencyException", "", KIND.UNAVAILABLE, RETRY),
    "model crashes": (
        "InvokeEndpoint",
        "ModelError",
        "Received server error (500) from model",
        KIND.INVALID,
        STOP,
    ),
    "image refused": ("InvokeEndpoint", "ValidationError", "1 validation error detected", KIND.INVALID, STOP),
    # Application Auto Scaling
    "scaling before service": ("RegisterScalableTarget", VALIDATION, NOT_IN_SERVICE, KIND.IN_PROGRESS, RETRY),
    "scaling in conflict": ("PutScalingPolicy", "ConcurrentUpdateException", "", KIND.IN_PROGRESS, RETRY),
    "nothing to scale": (
        "DeregisterScalableTarget",
        "ObjectNotFoundException",
        "No scalable target found for service namespace: sagemaker",
        KIND.NOT_FOUND,
        STOP,
    ),
    "no policy to delete": ("DeleteScalingPolicy", "ObjectNotFoundException", "", KIND.NOT_FOUND, STOP),
    "alarms not readable": (
        "DescribeScalingPolicies",
        "FailedResourceAccessException",
        "",
        KIND.ACCESS_DENIED,
        WAIT,
    ),
    "too many policies": ("PutScalingPolicy", "LimitExceededException", "", KIND.QUOTA, WAIT),
    "scaling's own failure": ("PutScalingPolicy", "InternalServiceException", "", KIND.UNAVAILABLE, RETRY),
    "bad page": ("DescribeScalableTargets", "InvalidNextTokenException", "", KIND.INVALID, STOP),
    # Uploads
    "part that did not arrive": ("UploadPart", "RequestTimeout", "Your socket", KIND.UNAVAILABLE, RETRY),
    "part that changed on its way": ("UploadPart", "BadDigest", "The Content-MD5", KIND.UNAVAILABLE, RETRY),
    "upload aborted meanwhile": ("UploadPart", "NoSuchUpload", "", KIND.NOT_PROPAGATED, RETRY),
    "no upload to complete": ("CompleteMultipartUpload", "NoSuchUpload", "", KIND.NOT_PROPAGATED, RETRY),
    "no upload to abort": ("AbortMultipartUpload", "NoSuchUpload", "", KIND.NOT_FOUND, STOP),
    "no bucket to upload to": ("CreateMultipartUpload", "NoSuchBucket", "", KIND.MISSING_DATA, WAIT),
    # The request
    "bad input": ("CreateTrainingJob", VALIDATION, "1 validation error detected: Value 'x' at", KIND.INVALID, STOP),
    "image not found": (
        "CreateModel",
        VALIDATION,
        "Requested image 1.dkr.ecr.us-east-1.amazonaws.com/x:1 not found.",
        KIND.MISSING_DATA,
        WAIT,
    ),
    "image invalid": ("CreateModel", VALIDATION, 'ECR image "1.dkr.ecr/x" is invalid.', KIND.INVALID, STOP),
    "failed endpoint": ("UpdateEndpoint", VALIDATION, f'Cannot update endpoint "{ARN}" in status.', KIND.INVALID, STOP),
    "unknown operation": ("CreateModel", "UnknownOperationException", "", KIND.INVALID, STOP),
    "refused by botocore": ("CreateModel", "ParamValidationError", "Missing required parameter", KIND.INVALID, STOP),
    "something new": ("CreateModel", "SomethingNewException", "", KIND.UNKNOWN, SELDOM),
    "something new of a known code": ("CreateModel", VALIDATION, "Not today.", KIND.UNKNOWN, SELDOM),
}
REMEDIES = {
    Remedy.RETRY: {"Throttled", "Unavailable", "NotPropagated", "NotReady", "InProgress", "SourceUnavailable"},
    Remedy.WAIT: {
        "Quota",
        "Capacity",
        "RolePending",
        "AccountMismatch",
        "AccessDenied",
        "MissingInput",
        "UnfitTest",
        "MissingData",
        "Unreadable",
    },
    Remedy.STOP: {
        "NotFound",
        "AlreadyExists",
        "AlreadyEnded",
        "AcceleratorUnavailable",
        "Invalid",
        "NotInRegion",
        "NotAllowed",
        "BadSource",
    },
    Remedy.SELDOM: {"UnknownAnswer"},
}
# What botocore raises where no answer came.
NO_ANSWERS = [
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ConnectionClosedError",
    "HTTPClientError",
    "SSLError",
    "ProxyConnectionError",
    "ResponseStreamingError",
]


@pytest.mark.parametrize(("operation", "code", "words", "kind", "remedy"), ANSWERS.values(), ids=ANSWERS.keys())
def test_each_answer_has_one_meaning_and_one_remedy(
    operation: str, code: str, words: str, kind: RefusalKind, remedy: Remedy
) -> None:
    refusal = classify(operation, code, words)
    assert refusal.kind is kind
    assert refusal.remedy is remedy
    assert words in refusal.words
    assert code in refusal.words


@pytest.mark.parametrize(("operation", "code", "status", "words", "kind"), REPORTED.values(), ids=REPORTED.keys())
def test_what_aws_has_answered_means(operation: str, code: str, status: int, words: str, kind: RefusalKind) -> None:
    assert classify(operation, code, words, status).kind is kind


# The user's own names stand in AWS's texts.
USERS_NAMES = [
    "birds-accelerator",
    "accelerators-already-exists",
    "ml.eia1.large",
    "insufficient-capacity",
    "does not exist",
    "unable to assume",
]
QUOTING = [
    (
        "CreateEndpoint",
        'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:1:x/{}".',
        KIND.NOT_PROPAGATED,
    ),
    (
        "CreateEndpoint",
        'Cannot create already existing endpoint "arn:aws:sagemaker:us-east-1:1:x/{}".',
        KIND.ALREADY_EXISTS,
    ),
    (
        "UpdateEndpoint",
        'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:1:x/{}".',
        KIND.IN_PROGRESS,
    ),
    ("CreateEndpoint", 'Something new about "{}".', KIND.UNKNOWN),
    ("CreateEndpoint", "Something new about '{}'.", KIND.UNKNOWN),
    ("CreateModel", "Could not find model data at s3://b/{}/model.tar.gz.", KIND.MISSING_DATA),
    ("CreateModel", "Something new about s3://b/{}/model.tar.gz.", KIND.UNKNOWN),
    ("UpdateEndpoint", "Something new about {} of yours.", KIND.UNKNOWN),
    ("CreateTrainingJob", "Something new about {} of yours.", KIND.UNKNOWN),
]


@pytest.mark.parametrize("name", USERS_NAMES)
@pytest.mark.parametrize(("operation", "words", "kind"), QUOTING)
def test_a_users_own_name_says_nothing(operation: str, words: str, kind: RefusalKind, name: str) -> None:
    request = {"a": [{"b": name, "c": f"s3://b/{name}/model.tar.gz"}], "InstanceType": "ml.m5.large"}
    assert classify(operation, VALIDATION, words.format(name), names=names_in(request)).kind is kind


def test_what_is_asked_for_of_aws_may_be_refused_by_its_name() -> None:
    request = {"ProductionVariants": [{"AcceleratorType": "ml.eia1.large", "VariantName": "AllTraffic"}]}
    words = "ml.eia1.large is not supported"
    refusal = classify("CreateEndpointConfig", VALIDATION, words, names=names_in(request))
    assert refusal.kind is KIND.ACCELERATOR


@pytest.mark.parametrize("kind", RefusalKind)
def test_each_kind_has_one_remedy(kind: RefusalKind) -> None:
    assert kind.value in REMEDIES[kind.remedy]


def test_each_kind_is_some_answers_meaning() -> None:
    # What a smoke test lacks, what a source of data answers, and credentials that are compared are no answers of AWS.
    others = {KIND.ACCOUNT_MISMATCH, KIND.MISSING_INPUT, KIND.NOT_ALLOWED, KIND.BAD_SOURCE, KIND.SOURCE_UNAVAILABLE}
    assert {row[-2] for row in ANSWERS.values()} | {row[-1] for row in REPORTED.values()} == set(RefusalKind) - others


@pytest.mark.parametrize("status", [0, 500, 502, 503, 504])
def test_no_answer_is_no_verdict(status: int) -> None:
    assert classify("CreateModel", "Whatever", "", status).kind is RefusalKind.UNAVAILABLE


@pytest.mark.parametrize("code", NO_ANSWERS)
def test_the_network_passes_by_itself(code: str) -> None:
    refusal = classify("CreateModel", code, "", 0)
    assert (refusal.kind, refusal.remedy) == (RefusalKind.UNAVAILABLE, Remedy.RETRY)


@pytest.mark.parametrize("words", [ENDPOINT, CONFIG])
def test_the_longer_of_two_messages_that_begin_alike_is_known(words: str) -> None:
    expected = RefusalKind.NOT_PROPAGATED if "configuration" in words else RefusalKind.NOT_FOUND
    assert classify("UpdateEndpoint", VALIDATION, words).kind is expected


def test_a_describe_that_names_an_accelerator_is_not_its_refusal() -> None:
    assert classify("DescribeEndpoint", VALIDATION, "ml.eia1.large").kind is RefusalKind.UNKNOWN


def test_the_code_stands_alone_where_there_is_no_message() -> None:
    assert classify("X", "AccessDenied", "").words == "AccessDenied"


@pytest.mark.parametrize("code", ["301", "PermanentRedirect", "AuthorizationHeaderMalformed"])
@pytest.mark.parametrize("words", ["Moved Permanently", ""])
def test_a_bucket_of_another_region_is_called_that(code: str, words: str) -> None:
    refusal = classify("HeadObject", code, words, 301)
    assert words in refusal.words
    assert "the bucket is in another region" in refusal.words


@pytest.mark.parametrize("filler", ["limit ", "not available in ", "bucket ", "role ", "have sufficient "])
def test_no_text_makes_it_slow(filler: str) -> None:
    """Each phrase with a gap is tried over a long text that nearly fits everywhere."""
    words = filler * (TEXT_LIMIT // len(filler))
    began = process_time()
    for code in (VALIDATION, "ResourceLimitExceeded"):
        classify("CreateEndpoint", code, words)
    assert process_time() - began < 1
