"""Owns the valid objects that the tables change one field of."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

REPOSITORY: Final = Path(__file__).resolve().parents[2]
CRDS: Final = REPOSITORY / "crds"
EXAMPLES: Final = REPOSITORY / "manifests" / "examples"

API_VERSION: Final = "classifiers.sagemaker.dev/v1alpha1"
PLURALS: Final = {"ClassifierTraining": "classifiertrainings", "ClassifierEndpoint": "classifierendpoints"}

TRAINING: Final[dict[str, Any]] = {
    "apiVersion": API_VERSION,
    "kind": "ClassifierTraining",
    "metadata": {"name": "birds"},
    "spec": {
        "hyperparameters": {"numClasses": 200, "numTrainingSamples": 5994},
        "inputs": [
            {"name": "train", "s3Uri": "s3://birds/train"},
            {"name": "validation", "s3Uri": "s3://birds/validation"},
        ],
        "output": {"s3Uri": "s3://birds/output"},
        "resources": {"instanceType": "ml.g4dn.xlarge"},
    },
}

ENDPOINT: Final[dict[str, Any]] = {
    "apiVersion": API_VERSION,
    "kind": "ClassifierEndpoint",
    "metadata": {"name": "birds"},
    "spec": {"trainingRef": {"name": "birds"}, "instanceType": "ml.m5.large", "instanceCount": 1},
}

VARIANTS: Final[dict[str, Any]] = {
    **ENDPOINT,
    "spec": {
        "variants": [
            {"name": "champion", "weight": 9, "trainingRef": {"name": "birds"}, "instanceType": "ml.m5.large"},
            {"name": "challenger", "weight": 1, "trainingRef": {"name": "new"}, "instanceType": "ml.m5.large"},
        ]
    },
}

SERVERLESS: Final[dict[str, Any]] = {
    **ENDPOINT,
    "spec": {"trainingRef": {"name": "birds"}, "serverless": {"memorySizeMB": 4096, "maxConcurrency": 10}},
}

BASES: Final = {
    "training": TRAINING,
    "endpoint": ENDPOINT,
    "variants": VARIANTS,
    "serverless": SERVERLESS,
}


@cache
def definition(kind: str) -> dict[str, Any]:
    """Return a kind's CustomResourceDefinition as its file has it."""
    loaded: dict[str, Any] = yaml.safe_load((CRDS / f"{PLURALS[kind]}.yaml").read_text())
    return loaded


def schema(kind: str) -> dict[str, Any]:
    """Return the schema of a kind's one version."""
    found: dict[str, Any] = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def examples() -> list[Path]:
    """Return the example files that users are given."""
    return sorted(EXAMPLES.glob("*.yaml"))
