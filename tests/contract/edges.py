"""The table of what is still accepted: the values next to those that are refused, and forms that users rely on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.contract.paths import DROP
from tests.contract.refusals.hyperparameters import DECIMALS, HYPERPARAMETERS, SWITCHES, WHOLE
from tests.contract.refusals.inputs import AUGMENTED
from tests.contract.refusals.machines import ROLE
from tests.contract.refusals.serving import AUTOSCALING
from tests.contract.refusals.smoke_test import SMOKE_TEST


@dataclass(frozen=True)
class Edge:
    """A change to the valid object named by `base` that is still just acceptable."""

    name: str
    base: str
    changes: Mapping[str, Any]


_PLAIN_INPUT: Final = [{"name": "training", "s3Uri": "s3://birds/x", "contentType": "text/csv"}]


def _training(name: str, changes: Mapping[str, Any]) -> Edge:
    return Edge(name, "training", changes)


def _endpoint(name: str, changes: Mapping[str, Any]) -> Edge:
    return Edge(name, "endpoint", changes)


def _parameters(name: str, **values: Any) -> Edge:
    return _training(name, {f"{HYPERPARAMETERS}.{name}": value for name, value in values.items()})


TRAININGS: Final = (
    _training("as-it-is", {}),
    _training(
        "all-at-once",
        {
            "spec.region": "us-east-1",
            "spec.roleArn": ROLE,
            "spec.assumeRoleArn": ROLE,
            "spec.algorithm": {"name": "image-classification", "version": "1", "image": "", "inputMode": "File"},
            "spec.inputs[train].source": {"url": "https://example.org/train.rec", "sha256": "0" * 64, "kmsKeyId": ""},
            "spec.output.kmsKeyId": "",
            "spec.resources.volumeKmsKeyId": "",
            "spec.stopping.maxRuntimeSeconds": 360000,
            "spec.spot": {"maxWaitSeconds": 400000, "checkpointS3Uri": "s3://birds/checkpoints"},
            "spec.network": {"subnets": [], "securityGroupIds": [], "isolated": False, "encryptTraffic": False},
            "spec.retry": {"attempts": 2},
            "spec.suspend": False,
            "spec.environment": {},
            "spec.tags": {"team": "vision"},
            "spec.deletionPolicy": "Stop",
        },
    ),
    *(_training(f"region-{name}", {"spec.region": name}) for name in ("us-east-1", "us-gov-west-1", "eusc-de-east-1")),
    *(
        _training(f"role-{number}", {"spec.roleArn": role, "spec.assumeRoleArn": role})
        for number, role in enumerate((ROLE, "arn:aws-cn:iam::123456789012:role/service-role/a_b=c,d.e@f-g"))
    ),
    _training("empty-texts", {"spec.algorithm.image": "", "spec.output.kmsKeyId": ""}),
    _training(
        "own-image-own-everything",
        {"spec.algorithm.image": "mine:1", "spec.hyperparameters": DROP, "spec.inputs": _PLAIN_INPUT},
    ),
    _training("kms-alias", {"spec.output.kmsKeyId": "arn:aws:kms:us-east-1:123456789012:alias/models"}),
    _training("access-point", {"spec.inputs[train].s3Uri": "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/a/b"}),
    *(
        _training(f"key-{number}", {"spec.inputs[train].s3Uri": f"s3://birds/{key}"})
        for number, key in enumerate(("a//b?c#d %2e%2e/e", "..a/b../...", "équipe/日本", ".hidden/"))
    ),
    _training("content-type", {"spec.inputs[train].contentType": "application/x-recordio; label-format=multi-hot"}),
    _training("bucket-alone", {"spec.inputs[train].s3Uri": "s3://birds"}),
    _training("instance-type-of-tomorrow", {"spec.resources.instanceType": "ml.p9e-x.112xlarge"}),
    _training(
        "limits-of-machines",
        {
            "spec.resources.volumeSizeGB": 16384,
            "spec.resources.keepAlivePeriodSeconds": 21600,
            "spec.stopping.maxRuntimeSeconds": 2419200,
            "spec.retry.attempts": 0,
        },
    ),
    _training("spot-as-long-as-default-runtime", {"spec.spot": {"maxWaitSeconds": 86400}}),
    _training(
        "spot-as-long-as-runtime",
        {
            "spec.spot": {"maxWaitSeconds": 3600, "checkpointS3Uri": "s3://birds/checkpoints"},
            "spec.stopping.maxRuntimeSeconds": 3600,
        },
    ),
    _training("network-of-empty-lists", {"spec.network": {"subnets": [], "securityGroupIds": [], "isolated": True}}),
    _training("network", {"spec.network": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}}),
    _training("tags-48", {"spec.tags": {f"k{i}": "" for i in range(48)}}),
    _training("tags-of-any-language", {"spec.tags": {"équipe: vision/1+1=2@x": "日本 _.:/=+-@", "a" * 128: "x" * 256}}),
    _training("tags-like-AWS", {"spec.tags": {"awsome": "x", "classifiers.sagemaker.develop": "x"}}),
    _training("environment", {"spec.environment": {"_A1": "any\nthing", "x" * 512: "y" * 512}}),
    *(
        _parameters(f"a16-{name}-{value!r}", **{name: value})
        for name in DECIMALS
        for value in ("0", "1", "0.1", 0, 1, 0.1, 1e-8)
    ),
    *(
        _parameters(f"b33-{name}-{value!r}", **{"epochs": 1000, name: value})
        for name in WHOLE
        for value in (300, "300")
    ),
    *(
        _parameters(f"b33-{name}-{value!r}", **{name: value})
        for name in SWITCHES
        for value in (True, False, 1, 0, "1", "0", "true", "false", "True", "False")
    ),
    *(_parameters(f"b33-layers-{layers}-in-quotes", numLayers=str(layers)) for layers in (18, 152)),
    _parameters("b33-small-layers-in-quotes", numLayers="20", imageShape="1, 28, 28", usePretrainedModel="0"),
    *(
        _parameters(f"eps-{value}", eps=value)
        for value in ("1e-8", "1.0E-8", ".5", ".5e-3", "0.", "00.1", "1.000", "9.9e-1", "5e-05", "0.00000001")
    ),
    *(_parameters(f"layers-{layers}", numLayers=layers) for layers in (18, 34, 50, 101, 152, 200)),
    *(
        _parameters(f"small-layers-{layers}", numLayers=layers, imageShape="3,28,28")
        for layers in (20, 32, 44, 56, 110)
    ),
    _parameters("small-layers-223", numLayers=20, imageShape="1,223,223"),
    _parameters("pretrained", usePretrainedModel=True),
    _parameters("pretrained-given", usePretrainedModel=True, imageShape="3,224,224", numLayers=18),
    _parameters("b18-pretrained-of-another-shape", usePretrainedModel=True, imageShape="3,150,250"),
    _parameters("b18-top-1", topK=1),
    _parameters("a14-deep-and-small", numLayers=18, imageShape="3,28,28"),
    _parameters("not-pretrained", usePretrainedModel=False, imageShape="3,64,64"),
    _parameters("checkpoint-every-default-epochs", checkpointFrequency=30),
    _parameters("checkpoint-every-epochs", checkpointFrequency=2, epochs="2"),
    _parameters("b05-resize-224", resize=224),
    _parameters("b05-resize-as-high", resize=32, imageShape="3,32,16"),
    _parameters("b05-resize-as-wide", resize="32", imageShape="3,16,32"),
    _parameters("resize-below-channels", resize=2, imageShape="3,2,2"),
    _parameters("b17-weighted-loss-of-one-label", useWeightedLoss=True),
    _parameters("weighted-loss", useWeightedLoss=True, multiLabel=True),
    _parameters("b22-batch-of-all", miniBatchSize=20, numTrainingSamples="20"),
    _parameters("b22-default-batch-of-all", numTrainingSamples=32),
    _training(
        "b22-samples-of-an-image-of-one's-own",
        {"spec.algorithm.image": "mine:1", f"{HYPERPARAMETERS}.numTrainingSamples": 8},
    ),
    _training(
        "b29-CPUs-for-an-image-of-one's-own",
        {"spec.algorithm.image": "mine:1", "spec.resources.instanceType": "ml.m5.large"},
    ),
    *(
        _training(f"b29-{name}", {"spec.resources.instanceType": name})
        for name in ("ml.p2.xlarge", "ml.p3dn.24xlarge", "ml.g4dn.xlarge", "ml.g5.48xlarge", "ml.g6e.xlarge")
    ),
    _parameters("extra", extra={"dropout": "0.5", "depth": 3, "x" * 256: "y" * 2500}),
    *(
        _parameters(f"b06-steps-{steps!r}", lrSchedulerStep=steps)
        for steps in ("10,20", "10, 20", "8 ,10 , 12", 10, "10")
    ),
    *(_parameters(f"b06-shape-{shape}", imageShape=shape) for shape in ("3, 224, 224", "3 , 224 , 224")),
    _parameters("steps", lrSchedulerStep="10,20", topK=2, kvStore="dist_sync"),
    *(
        _training(
            f"b15-b16-files-{content_type}-{'resized' if more else 'as-they-are'}",
            more
            | {
                f"spec.inputs[{name}]": {"s3Uri": f"s3://birds/{name}", "contentType": content_type}
                for name in ("train", "validation", "train_lst", "validation_lst")
            },
        )
        for content_type in ("application/x-image", "image/jpeg", "image/png", "application/jpeg")
        for more in ({}, {f"{HYPERPARAMETERS}.resize": 256})
    ),
    _training(
        "b15-files-beside-RecordIO",
        {
            "spec.inputs[train].contentType": "image/jpeg",
            "spec.inputs[train_lst]": {"s3Uri": "s3://birds/train.lst", "contentType": "image/jpeg"},
            "spec.inputs[validation].contentType": "Application/X-RecordIO; label-format=class-id",
        },
    ),
    _training(
        "b15-files-of-an-image-of-one's-own",
        {"spec.algorithm.image": "mine:1", "spec.inputs[train].contentType": "image/jpeg"},
    ),
    *(
        _training(
            f"b32-augmented-{content_type}",
            {f"{HYPERPARAMETERS}.multiLabel": True}
            | {f"spec.inputs[{name}]": {**AUGMENTED, "contentType": content_type} for name in ("train", "validation")},
        )
        for content_type in (
            "application/x-image",
            "application/x-recordio",
            "application/x-recordio; label-format=class-id",
        )
    ),
    _training("augmented", {f"spec.inputs[{name}]": AUGMENTED for name in ("train", "validation")}),
    _training(
        "incremental",
        {
            "spec.algorithm.inputMode": "Pipe",
            "spec.inputs[model]": {
                "s3Uri": "s3://birds/model.tar.gz",
                "contentType": "application/x-sagemaker-model",
                "inputMode": "File",
            },
        },
    ),
    _training("shares-of-files", {"spec.inputs[train].distribution": "ShardedByS3Key"}),
    _training(
        "compression-none", {"spec.inputs[train].compression": "None", "spec.inputs[train].recordWrapper": "None"}
    ),
    _training("compressed-stream", {"spec.inputs[train].compression": "Gzip", "spec.inputs[train].inputMode": "Pipe"}),
    _training("shuffled", {"spec.inputs[train].shuffleSeed": -7}),
    _training(
        "source-of-a-manifest",
        {
            "spec.inputs[train].source": {"url": "https://example.org/x.manifest"},
            "spec.inputs[train].s3DataType": "ManifestFile",
            "spec.inputs[train].s3Uri": "s3://birds/train.manifest",
        },
    ),
    *(
        _training(f"source-{number}", {"spec.inputs[train].source": {"url": url, "sha256": "0123456789abcdef" * 4}})
        for number, url in enumerate(
            (
                "https://example.org/train.rec",
                "http://example.org:8080/a/b/train.rec?version=2/&at=noon",
                "https://[2001:db8::1]/train.rec",
                "https://example.org/a@b/train.rec",
            )
        )
    ),
)

ENDPOINTS: Final = (
    _endpoint("as-it-is", {}),
    _endpoint(
        "all-at-once",
        {
            "spec.acceleratorType": "ml.eia1.large",
            "spec.acceleratorFallback": {"instanceType": "ml.g4dn.xlarge"},
            "spec.classLabels": {"configMapKeyRef": {"name": "labels", "key": "labels.txt"}},
            "spec.smokeTest": {
                "image": {"configMapKeyRef": {"name": "sample", "key": "bathtub.jpg"}},
                "contentType": "application/x-image",
                "warmUps": 1,
                "expect": {"label": "bathtub", "minProbability": "0.3"},
                "onFailure": "RollBack",
            },
            "spec.rollout": {
                "type": "BlueGreen",
                "traffic": {"type": "Canary", "sizePercent": 10, "waitSeconds": 300},
                "alarms": ["high-5xx"],
                "timeoutSeconds": 3600,
            },
            "spec.dataCapture": {"s3Uri": "s3://birds/seen", "kmsKeyId": ""},
            "spec.kmsKeyId": "",
            "spec.network": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"], "isolated": True},
            "spec.tags": {"team": "vision"},
            "spec.suspend": False,
            "spec.deletionPolicy": "Delete",
        },
    ),
    _endpoint("count-unsaid", {"spec.instanceCount": DROP}),
    _endpoint("model", {"spec.trainingRef": DROP, "spec.model": {"artifactS3Uri": "s3://b-1/m.tar.gz", "image": ""}}),
    *(
        _endpoint(f"accelerator-{name}", {"spec.acceleratorType": f"ml.{name}", "spec.acceleratorFallback": {}})
        for name in ("eia1.medium", "eia1.large", "eia1.xlarge", "eia2.medium", "eia2.large", "eia2.xlarge")
    ),
    _endpoint("autoscaling", {"spec.autoscaling": AUTOSCALING, "spec.instanceCount": 4}),
    _endpoint("autoscaling-count-unsaid", {"spec.autoscaling": AUTOSCALING, "spec.instanceCount": DROP}),
    _endpoint("autoscaling-of-one-size", {"spec.autoscaling": {**AUTOSCALING, "maxCount": 2}, "spec.instanceCount": 2}),
    Edge("variants", "variants", {}),
    Edge("variants-one", "variants", {"spec.variants[challenger]": DROP}),
    Edge(
        "variants-one-rolling",
        "variants",
        {"spec.variants[challenger]": DROP, "spec.rollout": {"type": "Rolling", "traffic": {"sizePercent": 5}}},
    ),
    Edge("variants-whole-weight-as-a-float", "variants", {"spec.variants[champion].weight": 8.0}),
    Edge("variants-heaviest", "variants", {"spec.variants[champion].weight": 1000000}),
    Edge(
        "variants-burstable-beside-one-that-is-scaled",
        "variants",
        {"spec.variants[champion].autoscaling": AUTOSCALING, "spec.variants[challenger].instanceType": "ml.t2.medium"},
    ),
    Edge("variants-one-without-traffic", "variants", {"spec.variants[challenger].weight": 0}),
    Edge("variants-autoscaling", "variants", {"spec.autoscaling": AUTOSCALING}),
    Edge(
        "variants-autoscaling-of-one's-own",
        "variants",
        {
            "spec.autoscaling": AUTOSCALING,
            "spec.variants[champion].autoscaling": {**AUTOSCALING, "minCount": 1},
            "spec.variants[champion].instanceCount": 1,
        },
    ),
    Edge("variants-canary", "variants", {"spec.rollout": {"traffic": {"type": "Canary", "sizePercent": 1}}}),
    Edge(
        "variant-name-63",
        "variants",
        {f"spec.variants[{'x' * 63}]": {"trainingRef": {"name": "x"}, "instanceType": "ml.m5.large"}},
    ),
    Edge("serverless", "serverless", {}),
    Edge("serverless-key", "serverless", {"spec.kmsKeyId": "alias/classifiers"}),
    *(
        Edge(f"serverless-network-{name}", "serverless", {"spec.network": network})
        for name, network in {
            "unsaid": {},
            "empty": {"subnets": [], "securityGroupIds": []},
            "not-isolated": {"isolated": False},
        }.items()
    ),
    _endpoint("burstable", {"spec.instanceType": "ml.t2.medium"}),
    _endpoint(
        "trainium-autoscaling",
        {"spec.instanceType": "ml.trn1.2xlarge", "spec.autoscaling": AUTOSCALING, "spec.instanceCount": DROP},
    ),
    *(
        Edge(f"serverless-{memory}", "serverless", {"spec.serverless": {"memorySizeMB": memory, "maxConcurrency": 200}})
        for memory in (1024, 6144)
    ),
    _endpoint("rollout-unsaid", {"spec.rollout": {}}),
    _endpoint("all-at-once", {"spec.rollout": {"traffic": {"type": "AllAtOnce", "waitSeconds": 3600}}}),
    _endpoint("linear-10", {"spec.rollout": {"traffic": {"type": "Linear", "sizePercent": 10}, "timeoutSeconds": 600}}),
    _endpoint(
        "canary-50", {"spec.rollout": {"traffic": {"type": "Canary", "sizePercent": 50}, "timeoutSeconds": 28800}}
    ),
    _endpoint("rolling-50", {"spec.rollout": {"type": "Rolling", "traffic": {"sizePercent": 50, "waitSeconds": 0}}}),
    _endpoint("alarms", {"spec.rollout": {"alarms": [f"a {i}" for i in range(10)]}}),
    _endpoint(
        "accelerated-canary",
        {
            "spec.acceleratorType": "ml.eia1.large",
            "spec.rollout": {
                "traffic": {"type": "Canary", "sizePercent": 10, "waitSeconds": 300},
                "timeoutSeconds": 3600,
            },
        },
    ),
    _endpoint("test-any-answer", {"spec.smokeTest": SMOKE_TEST}),
    _endpoint("test-probability-number", {"spec.smokeTest": {**SMOKE_TEST, "expect": {"minProbability": 0.3}}}),
    _endpoint("test-probability", {"spec.smokeTest": {**SMOKE_TEST, "expect": {"minProbability": "1"}, "warmUps": 0}}),
    _endpoint(
        "test-label",
        {
            "spec.smokeTest": {**SMOKE_TEST, "expect": {"label": "wren"}},
            "spec.classLabels": {"values": ["crow", "wren"]},
        },
    ),
    _endpoint(
        "test-label-of-a-ConfigMap",
        {
            "spec.smokeTest": {**SMOKE_TEST, "expect": {"label": "wren"}},
            "spec.classLabels": {"configMapKeyRef": {"name": "labels", "key": "labels.txt"}},
        },
    ),
    _endpoint(
        "names-of-ConfigMaps",
        {
            "spec.smokeTest": {**SMOKE_TEST, "image": {"configMapKeyRef": {"name": "a.b-c.d", "key": ".a..b_c-D"}}},
            "spec.classLabels": {"configMapKeyRef": {"name": "1" * 253, "key": "x" * 253}},
        },
    ),
    _endpoint(
        "image-of-any-key",
        {"spec.smokeTest": {**SMOKE_TEST, "image": {"s3Uri": "s3://birds/a b/?x=1&y#z/..wren..jpg"}}},
    ),
    *(
        _endpoint(
            f"a16-labels-{number}",
            {"spec.smokeTest": {**SMOKE_TEST, "expect": {"label": label}}, "spec.classLabels": {"values": values}},
        )
        for number, (label, values) in enumerate(
            ((7, [0, 7]), ("7", [0, 7]), (7, ["0", "7"]), (0, ["cat", 0]), (-1, [-1]))
        )
    ),
    _endpoint("labels-5000", {"spec.classLabels": {"values": ["x" * 40] * 5000}}),
    _endpoint("capture", {"spec.dataCapture": {"s3Uri": "s3://birds/seen", "samplingPercent": 0, "modes": ["Output"]}}),
    _endpoint("suspended", {"spec.suspend": True, "spec.deletionPolicy": "Retain"}),
)

EDGES: Final = (*TRAININGS, *ENDPOINTS)
