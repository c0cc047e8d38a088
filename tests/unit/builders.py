"""Objects and sightings for tests: complete with the least, changed by keyword."""

from __future__ import annotations

from typing import Any

from classifier_operator.api.kinds import API_VERSION

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/SageMakerExecution"
ARTIFACT = "s3://bucket/model.tar.gz"


def training_spec(**changes: Any) -> dict[str, Any]:
    return {
        "region": REGION,
        "roleArn": ROLE,
        "hyperparameters": {"numClasses": 10, "numTrainingSamples": 1000},
        "inputs": [
            {"name": "train", "s3Uri": "s3://bucket/train", "contentType": "application/x-recordio"},
            {"name": "validation", "s3Uri": "s3://bucket/validation", "contentType": "application/x-recordio"},
        ],
        "output": {"s3Uri": "s3://bucket/output"},
        "resources": {"instanceType": "ml.p3.2xlarge"},
        **changes,
    }


def endpoint_spec(**changes: Any) -> dict[str, Any]:
    return {
        "region": REGION,
        "roleArn": ROLE,
        "model": {"artifactS3Uri": ARTIFACT},
        "instanceType": "ml.m5.large",
        **changes,
    }


def following_spec(**changes: Any) -> dict[str, Any]:
    """An endpoint that follows the training `digits`."""
    spec = endpoint_spec(trainingRef={"name": "digits"}, **changes)
    del spec["model"]
    return spec


def training(name: str = "digits", **changes: Any) -> dict[str, Any]:
    return _object("ClassifierTraining", name, training_spec(**changes))


def endpoint(name: str = "digits", **changes: Any) -> dict[str, Any]:
    return _object("ClassifierEndpoint", name, endpoint_spec(**changes))


def following(name: str = "digits", **changes: Any) -> dict[str, Any]:
    return _object("ClassifierEndpoint", name, following_spec(**changes))


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "namespace": "vision"},
        "spec": spec,
    }
