"""The objects that are measured: what a user would write, without anything that is fetched or invoked."""

from __future__ import annotations

from typing import Any

API_VERSION = "classifiers.sagemaker.dev/v1alpha1"
TRAININGS = "classifiertrainings"
ENDPOINTS = "classifierendpoints"
NAMESPACE = "bench"
REGION = "us-east-1"
BUCKET = "bench"
ROLE = "arn:aws:iam::123456789012:role/SageMakerExecution"
ARTIFACT = f"s3://{BUCKET}/models/model.tar.gz"
Json = dict[str, Any]


def training(name: str) -> Json:
    """A ClassifierTraining of two channels."""
    spec = {
        "region": REGION,
        "roleArn": ROLE,
        "hyperparameters": {"numClasses": 10, "numTrainingSamples": 1000, "epochs": 2, "learningRate": "0.1"},
        "inputs": [
            {"name": channel, "s3Uri": f"s3://{BUCKET}/{channel}", "contentType": "application/x-recordio"}
            for channel in ("train", "validation")
        ],
        "output": {"s3Uri": f"s3://{BUCKET}/output"},
        "resources": {"instanceType": "ml.p3.2xlarge"},
        "stopping": {"maxRuntimeSeconds": 3600},
        "tags": {"team": "bench"},
    }
    return _object("ClassifierTraining", name, spec)


def endpoint(name: str, *, instances: int = 1) -> Json:
    """A ClassifierEndpoint of a model that is in S3 already."""
    spec = {
        "region": REGION,
        "roleArn": ROLE,
        "model": {"artifactS3Uri": ARTIFACT},
        "instanceType": "ml.m5.large",
        "instanceCount": instances,
        "tags": {"team": "bench"},
    }
    return _object("ClassifierEndpoint", name, spec)


def _object(kind: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }
