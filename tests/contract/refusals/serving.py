"""What is refused in a ClassifierEndpoint's model, machines, capture, network and tags."""

from __future__ import annotations

from typing import Any, Final

from tests.contract.paths import DROP
from tests.contract.refusals import sentences
from tests.contract.refusals.form import Refusal, endpoint, endpoint_field

AUTOSCALING: Final = {"minCount": 2, "maxCount": 4, "invocationsPerInstance": 60}
NONE_AT_ALL: Final = "must be 1 or more; for no instances at all, so that nothing costs, set spec.suspend: true"
BURSTABLE: Final = (
    "AWS scales no burstable instance types such as ml.t2.medium: choose another one, such as ml.m5.large, "
    "or leave autoscaling out"
)
VPC: Final = {"subnets": ["subnet-0123456789abcdef0"], "securityGroupIds": ["sg-0123456789abcdef0"]}

_MODELS: Final = "exactly one of trainingRef, model and variants must be given"

MODELS: Final = (
    endpoint("no-model", {"spec.trainingRef": DROP}, "spec", _MODELS),
    endpoint("two-models", {"spec.model": {"artifactS3Uri": "s3://birds/model.tar.gz"}}, "spec", _MODELS),
    endpoint("variants-and-trainingRef", {"spec.trainingRef": {"name": "birds"}}, "spec", _MODELS, base="variants"),
    endpoint("trainingRef-nameless", {"spec.trainingRef": {}}, "spec.trainingRef.name", "Required value"),
    endpoint_field("trainingRef-name", "spec.trainingRef.name", "My_Training", sentences.TRAINING),
    endpoint(
        "model-not-an-archive",
        {"spec.trainingRef": DROP, "spec.model": {"artifactS3Uri": "s3://birds/model/"}},
        "spec.model.artifactS3Uri",
        sentences.ARCHIVE,
    ),
    endpoint(
        "model-image",
        {"spec.trainingRef": DROP, "spec.model": {"artifactS3Uri": "s3://b-1/m.tar.gz", "image": "a b"}},
        "spec.model.image",
        sentences.IMAGE,
    ),
    *(
        endpoint_field(f"A17-region-{value or 'empty'}", "spec.region", value, sentences.REGION)
        for value in ("Frankfurt", "us-east1", "us_east_1", "US-EAST-1", "us-east-1a", "")
    ),
    *(
        endpoint_field(f"A17-{field}-{name}", f"spec.{field}", value, sentences.ROLE_ARN)
        for field in ("roleArn", "assumeRoleArn")
        for name, value in {
            "empty": "",
            "short": "arn",
            "name": "SageMakerExecution",
            "bucket": "arn:aws:s3:::a-bucket-and-more",
            "user": "arn:aws:iam::123456789012:user/SageMaker",
        }.items()
    ),
    endpoint_field("A17-kmsKeyId", "spec.kmsKeyId", "a key", sentences.KMS_KEY),
    endpoint_field("deletionPolicy", "spec.deletionPolicy", "Stop", "supported values"),
    endpoint_field("suspend", "spec.suspend", "true", "must be of type boolean"),
)

MACHINES: Final = (
    endpoint_field(
        "instanceType-missing",
        "spec.instanceType",
        DROP,
        "an instance type is needed, unless the endpoint is serverless or has variants",
    ),
    *(
        endpoint_field(f"A17-instanceType-{value or 'empty'}", "spec.instanceType", value, sentences.INSTANCE_TYPE)
        for value in ("m5.large", "ml.m5", "ML.M5.LARGE", "")
    ),
    *(endpoint_field(f"A18-instanceCount-{count}", "spec.instanceCount", count, NONE_AT_ALL) for count in (0, -1)),
    endpoint_field("instanceCount-text", "spec.instanceCount", "1", "must be of type integer"),
    endpoint_field("acceleratorType-eia3", "spec.acceleratorType", "ml.eia3.large", "supported values"),
    endpoint_field("acceleratorType-gpu", "spec.acceleratorType", "ml.g4dn.xlarge", "supported values"),
    endpoint_field(
        "fallback-from-nothing", "spec.acceleratorFallback", {}, "a fallback needs an acceleratorType to fall back from"
    ),
    endpoint(
        "fallback-instanceType",
        {"spec.acceleratorType": "ml.eia2.large", "spec.acceleratorFallback": {"instanceType": "g4dn.xlarge"}},
        "spec.acceleratorFallback.instanceType",
        sentences.INSTANCE_TYPE,
    ),
    endpoint(
        "autoscaling-bounds",
        {"spec.instanceCount": DROP, "spec.autoscaling": {**AUTOSCALING, "maxCount": 1}},
        "spec.autoscaling.maxCount",
        "must not be less than minCount",
    ),
    endpoint(
        "autoscaling-to-zero",
        {"spec.instanceCount": DROP, "spec.autoscaling": {**AUTOSCALING, "minCount": 0}},
        "spec.autoscaling.minCount",
        NONE_AT_ALL,
    ),
    endpoint(
        "burstable-autoscaling",
        {"spec.instanceCount": DROP, "spec.instanceType": "ml.t2.medium", "spec.autoscaling": AUTOSCALING},
        "spec.instanceType",
        BURSTABLE,
    ),
    endpoint(
        "burstable-fallback-autoscaling",
        {
            "spec.instanceCount": DROP,
            "spec.acceleratorType": "ml.eia2.large",
            "spec.acceleratorFallback": {"instanceType": "ml.t2.xlarge"},
            "spec.autoscaling": AUTOSCALING,
        },
        "spec.acceleratorFallback.instanceType",
        BURSTABLE,
    ),
    endpoint(
        "autoscaling-without-aim",
        {"spec.instanceCount": DROP, "spec.autoscaling": {"minCount": 1, "maxCount": 2}},
        "spec.autoscaling.invocationsPerInstance",
        "Required value",
    ),
    endpoint(
        "autoscaling-cooldown",
        {"spec.instanceCount": DROP, "spec.autoscaling": {**AUTOSCALING, "scaleInCooldownSeconds": -1}},
        "spec.autoscaling.scaleInCooldownSeconds",
        "greater than or equal to 0",
    ),
    endpoint(
        "autoscaling-below-minCount",
        {"spec.autoscaling": AUTOSCALING},
        "spec.instanceCount",
        "must be from autoscaling.minCount to autoscaling.maxCount, or stay out",
    ),
    endpoint(
        "autoscaling-above-maxCount",
        {"spec.autoscaling": AUTOSCALING, "spec.instanceCount": 5},
        "spec.instanceCount",
        "must be from autoscaling.minCount to autoscaling.maxCount, or stay out",
    ),
)

SERVERLESS: Final = (
    *(
        endpoint(f"B23-serverless-and-{name}", {f"spec.{name}": value}, f"spec.{name}", message, base="serverless")
        for name, value, message in (
            ("instanceType", "ml.m5.large", "a serverless endpoint has no instances and takes no instanceType"),
            ("instanceCount", 1, "a serverless endpoint has no instances and takes no instanceCount"),
            (
                "acceleratorType",
                "ml.eia1.large",
                "a serverless endpoint has no instances to which an accelerator could be attached",
            ),
            (
                "autoscaling",
                AUTOSCALING,
                "a serverless endpoint scales by itself, up to serverless.maxConcurrency, and takes no autoscaling",
            ),
            (
                "dataCapture",
                {"s3Uri": "s3://birds/seen"},
                "SageMaker captures no data of serverless endpoints: leave dataCapture out, "
                "or use instanceType instead of serverless",
            ),
        )
    ),
    endpoint(
        "B23-serverless-in-a-VPC",
        {"spec.network": VPC},
        "spec.network.subnets",
        "SageMaker runs serverless endpoints in no VPC: leave subnets and securityGroupIds out, "
        "or use instanceType instead of serverless",
        base="serverless",
    ),
    endpoint(
        "B23-serverless-isolated",
        {"spec.network": {"isolated": True}},
        "spec.network.isolated",
        "SageMaker isolates no serverless endpoints: leave isolated out, or use instanceType instead of serverless",
        base="serverless",
    ),
    endpoint_field("serverless-memory", "spec.serverless.memorySizeMB", 4000, "supported values", base="serverless"),
    endpoint_field(
        "serverless-memory-missing", "spec.serverless.memorySizeMB", DROP, "Required value", base="serverless"
    ),
    endpoint_field(
        "serverless-concurrency-0", "spec.serverless.maxConcurrency", 0, "greater than or equal to 1", base="serverless"
    ),
    endpoint_field(
        "serverless-concurrency-201", "spec.serverless.maxConcurrency", 201, "or equal to 200", base="serverless"
    ),
    endpoint(
        "serverless-rolling",
        {"spec.rollout": {"type": "Rolling", "traffic": {"sizePercent": 50}}},
        "spec.rollout.type",
        "SageMaker cannot roll a serverless endpoint in batches: use BlueGreen",
        base="serverless",
    ),
)


def _capture(name: str, changes: dict[str, Any], field: str, message: str) -> Refusal:
    return endpoint(
        name, {"spec.dataCapture": {"s3Uri": "s3://birds/seen", **changes}}, f"spec.dataCapture.{field}", message
    )


REST: Final = (
    _capture("b42-mode-of-both", {"modes": ["InputAndOutput"]}, "modes[0]", 'supported values: "Input", "Output"'),
    endpoint("capture-nowhere", {"spec.dataCapture": {}}, "spec.dataCapture.s3Uri", "Required value"),
    _capture("capture-s3Uri", {"s3Uri": "s3://"}, "s3Uri", sentences.S3_PREFIX),
    _capture("A17-capture-without-s3", {"s3Uri": "birds/seen"}, "s3Uri", sentences.S3_PREFIX),
    _capture("A17-capture-kmsKeyId", {"kmsKeyId": "a key"}, "kmsKeyId", sentences.KMS_KEY),
    _capture("capture-101-percent", {"samplingPercent": 101}, "samplingPercent", "less than or equal to 100"),
    _capture("capture-mode", {"modes": ["Headers"]}, "modes[0]", "supported values"),
    _capture("capture-no-mode", {"modes": []}, "modes", "at least 1 items"),
    endpoint(
        "A17-subnet",
        {"spec.network": {**VPC, "subnets": ["10.0.0.0/24"]}},
        "spec.network.subnets[0]",
        sentences.SUBNET,
    ),
    endpoint(
        "A17-security-group",
        {"spec.network": {**VPC, "securityGroupIds": ["my group"]}},
        "spec.network.securityGroupIds[0]",
        sentences.SECURITY_GROUP,
    ),
    endpoint(
        "subnets-alone",
        {"spec.network": {"subnets": ["subnet-1"]}},
        "spec.network.securityGroupIds",
        "subnets and securityGroupIds go together, give both or neither",
    ),
    endpoint(
        "security-groups-6",
        {"spec.network": {"subnets": ["subnet-1"], "securityGroupIds": [f"sg-{i}" for i in range(6)]}},
        "spec.network.securityGroupIds",
        "at most 5",
    ),
    endpoint_field("tags-of-AWS", "spec.tags", {"aws:team": "vision"}, "keys that begin with aws: belong to AWS"),
    endpoint_field(
        "tags-of-the-operator",
        "spec.tags",
        {"classifiers.sagemaker.dev/object": "mine"},
        "keys that begin with classifiers.sagemaker.dev/ belong to the operator",
    ),
    endpoint_field(
        "tags-of-the-operator-in-capitals",
        "spec.tags",
        {"Classifiers.SageMaker.dev/cluster": "mine"},
        "keys that begin with classifiers.sagemaker.dev/ belong to the operator",
    ),
    endpoint_field(
        "tags-key", "spec.tags", {"a*b": "x"}, "a tag's key must have 1 to 128 letters, digits, spaces and _.:/=+-@"
    ),
    endpoint("tags-value", {"spec.tags": {"team": "a\nb"}}, "spec.tags[team]", sentences.TAG_VALUE),
)

REFUSALS: Final = (*MODELS, *MACHINES, *SERVERLESS, *REST)
