"""What each of AWS's answers means: the texts are AWS's own, as users have reported them."""

from __future__ import annotations

import pytest

from classifier_operator.sagemaker.refusals import RefusalKind, Remedy, classify

VALIDATION = "ValidationException"
CONFIG = 'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:1:endpoint-config/x".'
ENDPOINT = 'Could not find endpoint "arn:aws:sagemaker:us-east-1:1:endpoint/x".'
MODEL = 'Could not find model "arn:aws:sagemaker:us-east-1:1:model/x".'
IN_PROGRESS = 'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:1:endpoint/x".'
NAMES = "Training job names must be unique within an AWS account and region, and a training job with this name already"
LIMIT = (
    "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances, with current utilization of 0 "
    "Instances and a request delta of 1 Instances. Please contact AWS support to request an increase for this limit."
)
NO_ACCELERATORS = "The requested resource notebook-instance/total_accelerator_count is not available in this region"
DATA = (
    'Could not access model data at s3://b/m.tar.gz. Please ensure that the role "r" exists and that its trust '
    'relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com".'
)
ASSUME = (
    "Could not assume role arn:aws:iam::1:role/r. Please ensure that the role exists and allows principal "
    "'sagemaker.amazonaws.com' to assume the role."
)

ANSWERS = {
    "no job to describe": ("DescribeTrainingJob", VALIDATION, "Requested resource not found.", RefusalKind.NOT_FOUND),
    "no job, as documented": ("DescribeTrainingJob", "ResourceNotFound", "", RefusalKind.NOT_FOUND),
    "no job to stop": ("StopTrainingJob", VALIDATION, "Requested resource not found.", RefusalKind.NOT_FOUND),
    "no model to describe": ("DescribeModel", VALIDATION, MODEL, RefusalKind.NOT_FOUND),
    "no model to delete": ("DeleteModel", VALIDATION, MODEL, RefusalKind.NOT_FOUND),
    "no configuration to delete": ("DeleteEndpointConfig", VALIDATION, CONFIG, RefusalKind.NOT_FOUND),
    "no endpoint to describe": ("DescribeEndpoint", VALIDATION, ENDPOINT, RefusalKind.NOT_FOUND),
    "no endpoint to update": ("UpdateEndpoint", VALIDATION, ENDPOINT, RefusalKind.NOT_FOUND),
    "no endpoint to delete": ("DeleteEndpoint", VALIDATION, ENDPOINT, RefusalKind.NOT_FOUND),
    "configuration not seen yet": ("CreateEndpoint", VALIDATION, CONFIG, RefusalKind.NOT_PROPAGATED),
    "configuration gone at update": ("UpdateEndpoint", VALIDATION, CONFIG, RefusalKind.NOT_PROPAGATED),
    "model not seen yet": ("CreateEndpointConfig", VALIDATION, MODEL, RefusalKind.NOT_PROPAGATED),
    "update while in progress": ("UpdateEndpoint", VALIDATION, IN_PROGRESS, RefusalKind.IN_PROGRESS),
    "delete while in progress": ("DeleteEndpoint", VALIDATION, IN_PROGRESS, RefusalKind.IN_PROGRESS),
    "rescale while in progress": (
        "UpdateEndpointWeightsAndCapacities",
        VALIDATION,
        IN_PROGRESS,
        RefusalKind.IN_PROGRESS,
    ),
    "registration while in progress": (
        "RegisterScalableTarget",
        VALIDATION,
        "The status should be in 'InService' to register it as a scalable target",
        RefusalKind.IN_PROGRESS,
    ),
    "endpoint exists": (
        "CreateEndpoint",
        VALIDATION,
        'Cannot create already existing endpoint "arn".',
        RefusalKind.ALREADY_EXISTS,
    ),
    "configuration exists": (
        "CreateEndpointConfig",
        VALIDATION,
        'Cannot create already existing endpoint configuration "arn".',
        RefusalKind.ALREADY_EXISTS,
    ),
    "job exists": ("CreateTrainingJob", "ResourceInUse", NAMES, RefusalKind.ALREADY_EXISTS),
    "job has stopped": (
        "StopTrainingJob",
        VALIDATION,
        "The request was rejected because the training job is in status Stopped.",
        RefusalKind.ALREADY_ENDED,
    ),
    "job cannot be deleted yet": ("DeleteTrainingJob", "ResourceInUse", "", RefusalKind.IN_PROGRESS),
    "quota": ("CreateEndpoint", "ResourceLimitExceeded", LIMIT, RefusalKind.QUOTA),
    "quota for a job": ("CreateTrainingJob", "ResourceLimitExceeded", LIMIT, RefusalKind.QUOTA),
    "throttled": ("DescribeEndpoint", "ThrottlingException", "Rate exceeded", RefusalKind.THROTTLED),
    "role not assumable": ("CreateTrainingJob", VALIDATION, ASSUME, RefusalKind.ROLE_PENDING),
    "model data not readable": ("CreateModel", VALIDATION, DATA, RefusalKind.ROLE_PENDING),
    "bucket not listable": (
        "CreateTrainingJob",
        VALIDATION,
        "Unauthorized to List objects under S3 URL: s3://b/train.",
        RefusalKind.ROLE_PENDING,
    ),
    "output bucket denied": (
        "CreateTrainingJob",
        VALIDATION,
        "Access denied to OutputDataConfig S3 bucket: b",
        RefusalKind.ROLE_PENDING,
    ),
    "no policy for the bucket": (
        "CreateTrainingJob",
        VALIDATION,
        "no identity-based policy allows the s3:ListBucket action",
        RefusalKind.ROLE_PENDING,
    ),
    "hub denied": ("CreateTrainingJob", VALIDATION, "Access denied to hub content x", RefusalKind.ROLE_PENDING),
    "image denied": ("CreateTrainingJob", VALIDATION, "Access denied for repository: x", RefusalKind.ROLE_PENDING),
    "accelerator as a quota": (
        "CreateEndpointConfig",
        "ResourceLimitExceeded",
        NO_ACCELERATORS,
        RefusalKind.ACCELERATOR,
    ),
    "accelerator as a bad value": (
        "CreateEndpoint",
        VALIDATION,
        "Amazon Elastic Inference is no longer available.",
        RefusalKind.ACCELERATOR,
    ),
    "accelerator at update": ("UpdateEndpoint", VALIDATION, "ml.eia2.medium not supported", RefusalKind.ACCELERATOR),
    "not allowed": ("CreateModel", "AccessDeniedException", "not authorized", RefusalKind.ACCESS_DENIED),
    "credentials expired": ("CreateModel", "ExpiredTokenException", "", RefusalKind.ACCESS_DENIED),
    "model warms up": ("InvokeEndpoint", "ModelNotReadyException", "", RefusalKind.UNAVAILABLE),
    "endpoint unknown to the runtime": (
        "InvokeEndpoint",
        "ValidationError",
        "Endpoint x of account 1 not found.",
        RefusalKind.NOT_PROPAGATED,
    ),
    "model crashes": ("InvokeEndpoint", "ModelError", "Received server error (500) from model", RefusalKind.INVALID),
    "bad input": ("CreateTrainingJob", VALIDATION, "1 validation error detected", RefusalKind.INVALID),
    "missing model data": ("CreateModel", VALIDATION, "Could not find model data at s3://b/m", RefusalKind.INVALID),
    "object missing": ("GetObject", "NoSuchKey", "The specified key does not exist.", RefusalKind.NOT_FOUND),
}
REMEDIES = {
    Remedy.RETRY: {"Throttled", "Unavailable", "NotPropagated", "InProgress"},
    Remedy.WAIT: {"Quota", "Capacity", "RolePending", "AccessDenied", "MissingInput"},
    Remedy.STOP: {"NotFound", "AlreadyExists", "AlreadyEnded", "AcceleratorUnavailable", "Invalid"},
}


@pytest.mark.parametrize(("operation", "code", "words", "kind"), ANSWERS.values(), ids=ANSWERS.keys())
def test_each_answer_has_one_meaning(operation: str, code: str, words: str, kind: RefusalKind) -> None:
    refusal = classify(operation, code, words)
    assert refusal.kind is kind
    assert words in refusal.words
    assert code in refusal.words


@pytest.mark.parametrize("kind", RefusalKind)
def test_each_kind_has_one_remedy(kind: RefusalKind) -> None:
    assert kind.value in REMEDIES[kind.remedy]


@pytest.mark.parametrize("status", [0, 500, 502, 503, 504])
def test_no_answer_is_no_verdict(status: int) -> None:
    assert classify("CreateModel", "Whatever", "", status).kind is RefusalKind.UNAVAILABLE


@pytest.mark.parametrize("words", [ENDPOINT, CONFIG])
def test_the_longer_of_two_messages_that_begin_alike_is_known(words: str) -> None:
    expected = RefusalKind.NOT_PROPAGATED if "configuration" in words else RefusalKind.NOT_FOUND
    assert classify("UpdateEndpoint", VALIDATION, words).kind is expected


def test_a_describe_that_names_an_accelerator_is_not_its_refusal() -> None:
    assert classify("DescribeEndpoint", VALIDATION, "ml.eia1.large").kind is RefusalKind.INVALID


def test_the_code_stands_alone_where_there_is_no_message() -> None:
    assert classify("X", "AccessDenied", "").words == "AccessDenied"
