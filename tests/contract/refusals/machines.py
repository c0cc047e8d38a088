"""What is refused in a ClassifierTraining's places, machines, environment and tags."""

from __future__ import annotations

from typing import Final

from tests.contract.paths import DROP
from tests.contract.refusals import sentences
from tests.contract.refusals.form import training, training_field

ROLE: Final = "arn:aws:iam::123456789012:role/SageMakerExecution"

PLACES: Final = (
    training_field("region-shape", "spec.region", "us_east_1", sentences.REGION),
    training_field("roleArn-shape", "spec.roleArn", "arn:aws:iam::1234:role/SageMaker", sentences.ROLE_ARN),
    training_field("roleArn-of-a-user", "spec.roleArn", ROLE.replace(":role/", ":user/"), sentences.ROLE_ARN),
    training_field("assumeRoleArn-shape", "spec.assumeRoleArn", "arn:aws:sts::123456789012:role/x", sentences.ROLE_ARN),
    training_field("a17-region-us-east1", "spec.region", "us-east1", sentences.REGION),
    training_field("a17-roleArn-name", "spec.roleArn", "SageMaker", sentences.ROLE_ARN),
    training_field("a17-assumeRoleArn-name", "spec.assumeRoleArn", "Classifiers", sentences.ROLE_ARN),
    training_field("algorithm-unknown", "spec.algorithm.name", "xgboost", "supported values"),
    training_field("algorithm-version", "spec.algorithm.version", "1 2", sentences.IMAGE_TAG),
    training_field("algorithm-image-space", "spec.algorithm.image", "my image", sentences.IMAGE),
    training_field("algorithm-inputMode", "spec.algorithm.inputMode", "Stream", "supported values"),
    training_field("output-missing", "spec.output", DROP, "Required value"),
    training_field("output-https", "spec.output.s3Uri", "https://birds/output", sentences.OUTPUT),
    training_field("output-without-bucket", "spec.output.s3Uri", "s3:///output", sentences.OUTPUT),
    training_field("output-long", "spec.output.s3Uri", "s3://birds/" + "x" * 1014, "more than 1024"),
    training_field("output-kmsKeyId", "spec.output.kmsKeyId", "key with spaces", sentences.KMS_KEY),
)

_GPUS: Final = (
    "the built-in algorithm trains on GPUs only, so the type must be one with GPUs, "
    "such as ml.g4dn.xlarge or ml.p3.2xlarge"
)

MACHINES: Final = (
    training_field("resources-missing", "spec.resources", DROP, "Required value"),
    training_field("instanceType-missing", "spec.resources.instanceType", DROP, "Required value"),
    training_field("instanceType-of-EC2", "spec.resources.instanceType", "p3.2xlarge", sentences.TRAINING_TYPE),
    *(
        training_field(f"b29-instanceType-{name}", "spec.resources.instanceType", name, _GPUS)
        for name in ("ml.m5.large", "ml.c5.2xlarge", "ml.c6i.xlarge", "ml.t3.medium", "ml.r5d.large", "ml.trn1.2xlarge")
    ),
    training_field("instanceCount-0", "spec.resources.instanceCount", 0, "greater than or equal to 1"),
    training_field("volume-0", "spec.resources.volumeSizeGB", 0, "greater than or equal to 1"),
    training_field("volume-16385", "spec.resources.volumeSizeGB", 16385, "less than or equal to 16384"),
    training_field("volumeKmsKeyId", "spec.resources.volumeKmsKeyId", "a b", sentences.KMS_KEY),
    training_field("keepAlive-6h", "spec.resources.keepAlivePeriodSeconds", 21601, "less than or equal to 21600"),
    training_field("runtime-0", "spec.stopping.maxRuntimeSeconds", 0, "greater than or equal to 1"),
    training_field("runtime-28-days", "spec.stopping.maxRuntimeSeconds", 2419201, "less than or equal to 2419200"),
    training(
        "spot-shorter-than-default-runtime",
        {"spec.spot": {"maxWaitSeconds": 86399}},
        "spec.spot.maxWaitSeconds",
        "must not be less than stopping.maxRuntimeSeconds (86400 where not given), "
        "because the time to run is part of the time to wait",
    ),
    training("spot-without-wait", {"spec.spot": {}}, "spec.spot.maxWaitSeconds", "Required value"),
    training(
        "spot-checkpoints",
        {"spec.spot": {"maxWaitSeconds": 90000, "checkpointS3Uri": "checkpoints"}},
        "spec.spot.checkpointS3Uri",
        sentences.CHECKPOINTS,
    ),
    training(
        "subnets-alone",
        {"spec.network": {"subnets": ["subnet-1"], "securityGroupIds": []}},
        "spec.network.securityGroupIds",
        "subnets and securityGroupIds go together, give both or neither",
    ),
    training(
        "security-groups-alone",
        {"spec.network": {"securityGroupIds": ["sg-1"]}},
        "spec.network.securityGroupIds",
        "subnets and securityGroupIds go together, give both or neither",
    ),
    training(
        "subnet-shape",
        {"spec.network": {"subnets": ["a b"], "securityGroupIds": ["sg-1"]}},
        "spec.network.subnets[0]",
        sentences.SUBNET,
    ),
    training(
        "security-group-shape",
        {"spec.network": {"subnets": ["subnet-1"], "securityGroupIds": ["default group"]}},
        "spec.network.securityGroupIds[0]",
        sentences.SECURITY_GROUP,
    ),
    training(
        "subnet-twice",
        {"spec.network": {"subnets": ["subnet-1", "subnet-1"], "securityGroupIds": ["sg-1"]}},
        "spec.network.subnets[1]",
        "Duplicate value",
    ),
    training_field("attempts-31", "spec.retry.attempts", 31, "less than or equal to 30"),
    training_field("attempts-negative", "spec.retry.attempts", -1, "greater than or equal to 0"),
    training_field("suspend-word", "spec.suspend", "yes", "must be of type boolean"),
    training_field("deletionPolicy", "spec.deletionPolicy", "Keep", "supported values"),
)

WORDS: Final = (
    training_field(
        "environment-name",
        "spec.environment",
        {"1ST": "x"},
        "a variable's name must have letters, digits and underscores only, must not start with a digit, "
        "and must not be longer than 512 characters",
    ),
    training("environment-value", {"spec.environment": {"A": "x" * 513}}, "spec.environment.A", "more than 512"),
    training_field("environment-101", "spec.environment", {f"A{i}": "" for i in range(101)}, "at most 100"),
    training_field("tags-of-AWS", "spec.tags", {"aws:team": "vision"}, "keys that begin with aws: belong to AWS"),
    training_field(
        "tags-of-AWS-in-capitals", "spec.tags", {"AWS:team": "x"}, "keys that begin with aws: belong to AWS"
    ),
    training_field(
        "tags-of-the-operator",
        "spec.tags",
        {"classifiers.sagemaker.dev/uid": "mine"},
        "keys that begin with classifiers.sagemaker.dev/ belong to the operator",
    ),
    training_field(
        "tags-of-the-operator-in-capitals",
        "spec.tags",
        {"Classifiers.SageMaker.dev/cluster": "mine"},
        "keys that begin with classifiers.sagemaker.dev/ belong to the operator",
    ),
    training_field(
        "tags-key", "spec.tags", {"a*b": "x"}, "a tag's key must have 1 to 128 letters, digits, spaces and _.:/=+-@"
    ),
    training_field("tags-key-empty", "spec.tags", {"": "x"}, "a tag's key must have 1 to 128 letters, digits, spaces"),
    training_field(
        "tags-key-129", "spec.tags", {"a" * 129: "x"}, "a tag's key must have 1 to 128 letters, digits, spaces"
    ),
    training("tags-value", {"spec.tags": {"team": "a*b"}}, "spec.tags[team]", sentences.TAG_VALUE),
    training("tags-value-257", {"spec.tags": {"team": "x" * 257}}, "spec.tags.team", "more than 256"),
    training_field("tags-49", "spec.tags", {f"k{i}": "" for i in range(49)}, "at most 48"),
)

REFUSALS: Final = (*PLACES, *MACHINES, *WORDS)
