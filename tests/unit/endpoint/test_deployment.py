"""The requests for model, configuration and endpoint: the notebook's own, and what does and does not roll."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from tests.unit.builders import ARTIFACT, REGION, ROLE, endpoint_spec, following_spec
from tests.unit.requests import problems
from tests.unit.training.test_request import example

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.endpoint.deployment import Deployment
from classifier_operator.endpoint.record import EndpointStatus, RefusedAccelerator, VariantStatus
from classifier_operator.endpoint.situation import Endpoint, wanted_deployment
from classifier_operator.endpoint.spec import EndpointSpec
from classifier_operator.endpoint.variants import TrainedModel
from classifier_operator.reconcile.decision import Defaults, Meta, SpecError

META = Meta(key=ObjectKey(Kind.ENDPOINT, "vision", "digits"), uid="1")
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
TRAINED = TrainedModel(artifact=ARTIFACT, image=IMAGE, job_name="job")


def of(
    spec: dict[str, Any],
    status: EndpointStatus | None = None,
    trained: Mapping[str, TrainedModel] | None = None,
    defaults: Defaults | None = None,
) -> Deployment | None:
    return wanted_deployment(
        Endpoint(
            meta=META,
            spec=msgspec.convert(spec, EndpointSpec),
            status=status or EndpointStatus(),
            defaults=defaults or Defaults(),
            trained=trained or {},
        )
    )


def wanted(**changes: Any) -> Deployment:
    deployment = of(endpoint_spec(**changes))
    assert deployment is not None
    return deployment


def _model_params(deployment: Deployment) -> dict[str, Any]:
    (params,) = deployment.models.values()
    return params


def untagged(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name != "Tags"}


def test_the_notebooks_numbers_give_the_notebooks_requests() -> None:
    deployment = of(example("caltech256.yaml", "ClassifierEndpoint"), trained={"caltech256": TRAINED})
    assert deployment is not None
    assert untagged(_model_params(deployment)) == {
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": ARTIFACT},
    }
    assert untagged(deployment.config_params) == {
        "ProductionVariants": [
            {
                "InstanceType": "ml.m4.xlarge",
                "InitialInstanceCount": 1,
                "ModelName": deployment.variants[0].model.name,
                "AcceleratorType": "ml.eia1.large",
                "VariantName": "AllTraffic",
            }
        ]
    }
    assert untagged(deployment.endpoint_params) == {"EndpointConfigName": deployment.config.name}


NETWORK = {"subnets": ["subnet-b", "subnet-a"], "securityGroupIds": ["sg-1"], "isolated": True}


@pytest.mark.parametrize("changes", [{}, {"network": NETWORK, "kmsKeyId": "alias/key", "tags": {"a": "b"}}], ids=len)
def test_aws_would_take_the_requests(changes: dict[str, Any]) -> None:
    one = wanted(**changes)
    assert problems("CreateModel", {"ModelName": one.variants[0].model.name, **_model_params(one)}) == []
    assert problems("CreateEndpointConfig", {"EndpointConfigName": one.config.name, **one.config_params}) == []
    assert problems("CreateEndpoint", {"EndpointName": one.endpoint.name, **one.endpoint_params}) == []


@pytest.mark.parametrize("name", ["caltech256.yaml", "digits.yaml"])
def test_aws_would_take_the_examples(name: str) -> None:
    spec = example(name, "ClassifierEndpoint")
    one = of(spec, trained={spec["trainingRef"]["name"]: TRAINED}, defaults=Defaults(region=REGION, role_arn=ROLE))
    assert one is not None
    assert problems("CreateModel", {"ModelName": one.variants[0].model.name, **_model_params(one)}) == []
    assert problems("CreateEndpointConfig", {"EndpointConfigName": one.config.name, **one.config_params}) == []


NO_ROLL: dict[str, dict[str, Any]] = {
    "count": {"instanceCount": 3},
    "tags": {"tags": {"a": "b"}},
    "labels": {"classLabels": {"values": ["a"]}},
    "smoke test": {"smokeTest": {"image": {"s3Uri": "s3://b/i"}}},
    "deletion policy": {"deletionPolicy": "Retain"},
}
ROLLS: dict[str, dict[str, Any]] = {
    "model": {"model": {"artifactS3Uri": "s3://bucket/2"}},
    "image": {"model": {"artifactS3Uri": ARTIFACT, "image": "own:1"}},
    "instance": {"instanceType": "ml.m5.xlarge"},
    "accelerator": {"acceleratorType": "ml.eia2.medium"},
    "role": {"roleArn": ROLE + "2"},
    "key": {"kmsKeyId": "alias/key"},
    "network": {"network": {"isolated": True}},
}


@pytest.mark.parametrize("changes", NO_ROLL.values(), ids=NO_ROLL.keys())
def test_what_changes_in_place_rolls_nothing(changes: dict[str, Any]) -> None:
    assert wanted(**changes).resources == wanted().resources


@pytest.mark.parametrize("changes", ROLLS.values(), ids=ROLLS.keys())
def test_what_is_served_otherwise_is_another_configuration(changes: dict[str, Any]) -> None:
    changed = wanted(**changes)
    assert changed.config != wanted().config
    assert changed.endpoint == wanted().endpoint


def test_subnets_in_another_order_are_the_same_model() -> None:
    reordered = {**NETWORK, "subnets": ["subnet-a", "subnet-b"]}
    assert wanted(network=NETWORK).models == wanted(network=reordered).models


def test_another_region_has_names_of_its_own() -> None:
    there = {resource.name for resource in wanted(region="eu-west-1").resources}
    assert there.isdisjoint(resource.name for resource in wanted().resources)


def test_without_a_model_there_is_nothing_to_deploy() -> None:
    assert of(following_spec(), trained={"digits": TrainedModel(message="training")}) is None


def test_an_endpoint_whose_training_is_gone_serves_on() -> None:
    served = VariantStatus(name="AllTraffic", artifact_s3_uri=ARTIFACT, image=IMAGE, training_name="digits")
    deployment = of(following_spec(), EndpointStatus(variants=(served,)))
    assert deployment is not None
    assert deployment.variants[0].source.artifact == ARTIFACT


def test_the_model_of_another_training_is_no_answer() -> None:
    served = VariantStatus(name="AllTraffic", artifact_s3_uri=ARTIFACT, image=IMAGE, training_name="before")
    assert of(following_spec(), EndpointStatus(variants=(served,))) is None


REFUSED = EndpointStatus(
    refused_accelerators=(RefusedAccelerator(accelerator_type="ml.eia1.large", region=REGION, reason="gone"),)
)


@pytest.mark.parametrize(
    ("fallback", "instance"),
    [({"instanceType": "ml.g4dn.xlarge"}, "ml.g4dn.xlarge"), ({}, "ml.m5.large")],
    ids=["other instance", "same instance"],
)
def test_a_refused_accelerator_falls_back(fallback: dict[str, str], instance: str) -> None:
    spec = endpoint_spec(acceleratorType="ml.eia1.large", acceleratorFallback=fallback)
    deployment = of(spec, REFUSED)
    assert deployment is not None
    (variant,) = deployment.config_params["ProductionVariants"]
    assert variant["InstanceType"] == instance
    assert "AcceleratorType" not in variant


def test_a_refused_accelerator_without_fallback_comes_with_advice() -> None:
    with pytest.raises(SpecError, match=r"AWS refused ml.eia1.large: gone .* set spec.acceleratorFallback"):
        of(endpoint_spec(acceleratorType="ml.eia1.large"), REFUSED)


@pytest.mark.parametrize("other", [{"acceleratorType": "ml.eia2.large"}, {"region": "eu-west-1"}], ids=str)
def test_another_accelerator_or_region_is_asked_for(other: dict[str, str]) -> None:
    deployment = of(endpoint_spec(**{"acceleratorType": "ml.eia1.large", **other}), REFUSED)
    assert deployment is not None
    assert deployment.variants[0].hardware.accelerator_type


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"region": ""}, "spec.region"), ({"roleArn": ""}, "spec.roleArn"), ({"region": "eusc-de-east-1"}, "model.image")],
    ids=["region", "role", "image"],
)
def test_what_is_missing_is_named(changes: dict[str, str], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        wanted(**changes)
