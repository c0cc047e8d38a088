"""The tables that say what a change of a field does, against the code that decides it, field by field."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from docs.hooks import fields

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.endpoint.deployment import Deployment
from classifier_operator.endpoint.record import EndpointStatus, RefusedAccelerator
from classifier_operator.endpoint.situation import Endpoint, wanted_deployment
from classifier_operator.endpoint.spec import EndpointSpec
from classifier_operator.endpoint.variants import TrainedModel
from classifier_operator.reconcile.decision import Defaults, Meta
from classifier_operator.training.request import wanted_run
from classifier_operator.training.spec import TrainingSpec
from tests.docs.pages import pages
from tests.unit.builders import ARTIFACT, endpoint_spec, training_spec

OTHER_ROLE = "arn:aws:iam::123456789012:role/Other"
NETWORK = {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
VARIANT = {"model": {"artifactS3Uri": ARTIFACT}, "instanceType": "ml.m5.large"}

TRAINING_CHANGES: dict[str, Any] = {
    "algorithm": {"inputMode": "FastFile"},
    "hyperparameters": {"numClasses": 10, "numTrainingSamples": 1000, "epochs": 3},
    "inputs": [{"name": "train", "s3Uri": "s3://bucket/other"}, {"name": "validation", "s3Uri": "s3://bucket/v"}],
    "output": {"s3Uri": "s3://bucket/elsewhere"},
    "resources": {"instanceType": "ml.g4dn.xlarge"},
    "stopping": {"maxRuntimeSeconds": 60},
    "spot": {"maxWaitSeconds": 90000},
    "network": NETWORK,
    "environment": {"A": "1"},
    "roleArn": OTHER_ROLE,
    "region": "eu-west-1",
    "assumeRoleArn": OTHER_ROLE,
    "retry": {"attempts": 7},
    "tags": {"team": "vision"},
    "suspend": True,
    "deletionPolicy": "Delete",
}
# What is there before, and what after.
ENDPOINT_CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "trainingRef": ({"model": None, "trainingRef": {"name": "a"}}, {"model": None, "trainingRef": {"name": "b"}}),
    "model": ({}, {"model": {"artifactS3Uri": "s3://bucket/other.tar.gz"}}),
    "instanceType": ({}, {"instanceType": "ml.c5.large"}),
    "instanceCount": ({}, {"instanceCount": 3}),
    "acceleratorType": ({}, {"acceleratorType": "ml.eia2.large"}),
    "acceleratorFallback": (
        {"acceleratorType": "ml.eia1.large", "acceleratorFallback": {}},
        {"acceleratorType": "ml.eia1.large", "acceleratorFallback": {"instanceType": "ml.g4dn.xlarge"}},
    ),
    "variants": (
        {"model": None, "instanceType": None, "variants": [{"name": "a", **VARIANT}]},
        {"model": None, "instanceType": None, "variants": [{"name": "a", **VARIANT}, {"name": "b", **VARIANT}]},
    ),
    "serverless": ({}, {"instanceType": None, "serverless": {"memorySizeMB": 2048, "maxConcurrency": 5}}),
    "kmsKeyId": ({}, {"kmsKeyId": "alias/mine"}),
    "dataCapture": ({}, {"dataCapture": {"s3Uri": "s3://bucket/captured"}}),
    "network": ({}, {"network": NETWORK}),
    "roleArn": ({}, {"roleArn": OTHER_ROLE}),
    "region": ({}, {"region": "eu-west-1"}),
    "assumeRoleArn": ({}, {"assumeRoleArn": OTHER_ROLE}),
    "autoscaling": ({}, {"autoscaling": {"minCount": 1, "maxCount": 2, "invocationsPerInstance": 100}}),
    "tags": ({}, {"tags": {"team": "vision"}}),
    "classLabels": ({}, {"classLabels": {"values": ["a", "b"]}}),
    "smokeTest": ({}, {"smokeTest": {"image": {"s3Uri": "s3://bucket/a.png"}}}),
    "rollout": ({}, {"rollout": {"type": "BlueGreen", "alarms": ["high-5xx"]}}),
    "deletionPolicy": ({}, {"deletionPolicy": "Retain"}),
    "suspend": ({}, {"suspend": True}),
}


def rows(page: str, table: str) -> dict[str, str]:
    """What a table says of each field."""
    text = pages()[page].split(f"<!-- table: {table} -->")[1]
    lines = text.strip().splitlines()
    cells = [line.split(" | ", 1) for line in lines[2 : lines.index("")]]
    return {
        name: says.removesuffix("|").strip() for named, says in cells for name in re.findall(r"`spec\.(\w+)`", named)
    }


RUNS = rows("concepts/trainings.md", "runs")
ROLLS = rows("concepts/endpoints.md", "rolls")


@pytest.mark.parametrize(("kind", "said"), [("ClassifierTraining", RUNS), ("ClassifierEndpoint", ROLLS)])
def test_every_field_of_the_spec_has_a_row(kind: str, said: dict[str, str]) -> None:
    assert set(said) == set(fields.schema_of(kind)["properties"]["spec"]["properties"])


@pytest.mark.parametrize("name", RUNS)
def test_a_change_starts_a_run_or_not(name: str) -> None:
    changed = _run(training_spec(**{name: TRAINING_CHANGES[name]})) != _run(training_spec())
    assert changed is RUNS[name].startswith("yes")


@pytest.mark.parametrize("name", ROLLS)
def test_a_change_rolls_or_not(name: str) -> None:
    before, after = (_deployment(change) for change in ENDPOINT_CHANGES[name])
    is_elsewhere = before.endpoint != after.endpoint
    assert is_elsewhere is ROLLS[name].startswith("makes the endpoint anew")
    assert (before.config != after.config) is (is_elsewhere or ROLLS[name].startswith("rolls"))


def _run(spec: dict[str, Any]) -> str:
    meta = Meta(key=ObjectKey(Kind.TRAINING, "vision", "digits"), uid="1")
    return wanted_run(meta, msgspec.convert(spec, TrainingSpec), Defaults()).run


def _deployment(change: dict[str, Any]) -> Deployment:
    spec = {name: value for name, value in endpoint_spec(**change).items() if value is not None}
    refused = RefusedAccelerator(accelerator_type="ml.eia1.large", region="us-east-1", reason="gone", time="")
    trained = {
        name: TrainedModel(artifact=f"s3://bucket/{name}.tar.gz", image="image", job_name="job") for name in "ab"
    }
    deployment = wanted_deployment(
        Endpoint(
            meta=Meta(key=ObjectKey(Kind.ENDPOINT, "vision", "digits"), uid="1"),
            spec=msgspec.convert(spec, EndpointSpec),
            status=EndpointStatus(refused_accelerators=(refused,)),
            defaults=Defaults(),
            trained=trained,
        )
    )
    assert deployment is not None
    return deployment
