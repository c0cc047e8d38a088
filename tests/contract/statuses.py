"""Owns one complete status of each kind, with every field that the schema has."""

from __future__ import annotations

from typing import Any, Final

TIME: Final = "2026-11-22T16:53:00Z"
JOB: Final = "vision-caltech256-5f2c9a81-1"
IMAGE: Final = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
ARTIFACT: Final = f"s3://bucket/output/{JOB}/output/model.tar.gz"
ROLE: Final = "arn:aws:iam::210987654321:role/ClassifierOperator"


def condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    """Return a condition as the operator writes it."""
    return {
        "type": kind,
        "status": status,
        "observedGeneration": 3,
        "lastTransitionTime": TIME,
        "reason": reason,
        "message": message,
    }


def _resource(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "name": name, "region": "us-east-1", "assumeRoleArn": ROLE}


TRAINING_STATUS: Final[dict[str, Any]] = {
    "observedGeneration": 3,
    "revision": 12,
    "conditions": [
        condition("Ready", "False", "Downloading", "training job is InProgress, Downloading"),
        condition("Reconciling", "True", "Downloading", "x" * 32768),
        condition("Stalled", "Unknown", "JobFailed"),
    ],
    "account": "123456789012",
    "region": "us-east-1",
    "jobName": JOB,
    "jobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{JOB}",
    "jobStatus": "InProgress",
    "secondaryStatus": "Downloading",
    "failureReason": "",
    "attempt": 1,
    "retryAfter": TIME,
    "image": IMAGE,
    "import": {
        "bytesDone": 5_000_000_000,
        "bytesTotal": 0,
        "uploads": [
            {
                "s3Uri": "s3://bucket/train/caltech-256-60-train.rec",
                "source": "0" * 64,
                "region": "us-east-1",
                "assumeRoleArn": ROLE,
                "uploadId": "VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA",
                "validator": '"5f2c9a81"',
                "size": 5_000_000_001,
                "partSize": 8_388_608,
            }
        ],
    },
    "modelArtifacts": {"s3Uri": ARTIFACT, "jobName": JOB, "image": IMAGE},
    "metrics": [{"name": "validation:accuracy", "value": "0.7315"}, {"name": "train:accuracy", "value": "0.8"}],
    "startTime": TIME,
    "completionTime": TIME,
    "billableSeconds": 1234,
    "logUrl": "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2",
    "tags": {"team": "vision"},
    "resources": [_resource("TrainingJob", JOB), _resource("TrainingJob", f"{JOB}-2")],
    "history": [
        {
            "jobName": JOB,
            "jobStatus": "Completed",
            "reason": "JobFailed",
            "failureReason": "AlgorithmError: out of memory",
            "artifact": ARTIFACT,
            "metrics": [{"name": "validation:accuracy", "value": "0.7315"}],
            "startTime": TIME,
            "completionTime": TIME,
        }
    ],
}

ENDPOINT_STATUS: Final[dict[str, Any]] = {
    "observedGeneration": 3,
    "revision": 12,
    "conditions": [
        condition("Ready", "True", "ServingPrevious", "the last change was refused"),
        condition("Stalled", "True", "RolledBack", "AWS: the alarm high-5xx went off"),
    ],
    "account": "123456789012",
    "readyBefore": True,
    "region": "us-east-1",
    "endpointName": "vision-caltech256-5f2c9a81",
    "endpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/vision-caltech256-5f2c9a81",
    "endpointStatus": "InService",
    "endpointConfigName": "vision-caltech256-0a1b2c3d",
    "failureReason": "",
    "url": "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/vision-caltech256-5f2c9a81/invocations",
    "variants": [
        {
            "name": "AllTraffic",
            "modelName": "vision-caltech256-99999999",
            "image": IMAGE,
            "artifactS3Uri": ARTIFACT,
            "trainingName": "caltech256",
            "trainingJobName": JOB,
            "instanceType": "ml.m4.xlarge",
            "accelerator": {"requested": "ml.eia1.large", "effective": "", "reason": "AWS: no longer available"},
            "currentInstanceCount": 1,
            "desiredInstanceCount": 2,
            "currentWeight": "1",
            "autoscaling": {
                "minCount": 1,
                "maxCount": 4,
                "invocationsPerInstance": 100,
                "scaleInCooldownSeconds": 600,
                "scaleOutCooldownSeconds": 60,
                "disableScaleIn": False,
            },
        }
    ],
    "instanceCount": 1,
    "selector": "classifiers.sagemaker.dev/endpoint=vision-caltech256-5f2c9a81",
    "smokeTest": {
        "time": TIME,
        "endpointConfigName": "vision-caltech256-0a1b2c3d",
        "testHash": "12345678",
        "outcome": "Passed",
        "label": "bathtub",
        "probability": "0.91",
        "latencyMilliseconds": 80,
        "firstLatencyMilliseconds": 9000,
        "message": "",
    },
    "update": {
        "endpointConfigName": "vision-caltech256-44444444",
        "previousEndpointConfigName": "vision-caltech256-0a1b2c3d",
        "startedFrom": TIME,
        "hasBegun": True,
        "counts": {"AllTraffic": 6},
    },
    "rolledBack": {
        "endpointConfigName": "vision-caltech256-44444444",
        "kind": "RolledBack",
        "reason": "",
        "time": TIME,
    },
    "refusedAccelerators": [
        {
            "acceleratorType": "ml.eia1.large",
            "region": "us-east-1",
            "reason": "AWS: no longer available",
            "time": TIME,
        }
    ],
    "adopted": {
        "type": "Model",
        "name": "by-hand",
        "region": "us-east-1",
        "assumeRoleArn": "",
        "image": IMAGE,
        "artifactS3Uri": ARTIFACT,
        "instanceCount": 6,
        "weights": {"AllTraffic": "0.5"},
    },
    "warnings": ["spec.classLabels.values has 2 names, and ClassifierTraining caltech256 has numClasses 257"],
    "letGo": [_resource("Endpoint", "by-hand-before")],
    "retry": {"failures": 1, "after": TIME},
    "lastModifiedTime": "2026-11-21T10:00:00+00:00",
    "tags": {"team": "vision"},
    "resources": [
        _resource("Endpoint", "vision-caltech256-5f2c9a81"),
        _resource("EndpointConfig", "vision-caltech256-0a1b2c3d"),
        _resource("Model", "vision-caltech256-99999999"),
    ],
}
