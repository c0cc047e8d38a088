"""Models and endpoint configurations: what is checked, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator.control import Control
from tests.emulator.builders import BUCKET, OTHER_IMAGE, ROLE, arn, create_config, create_model, refusal, variant

URL = f"s3://{BUCKET}/output/job/output/model.tar.gz"


def test_model_is_shown_as_created(sagemaker: Any, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="output/job/output/model.tar.gz", Body=b"model")
    create_model(sagemaker, ModelDataUrl=URL)
    model = sagemaker.describe_model(ModelName="model")
    assert model["PrimaryContainer"] == {"Image": OTHER_IMAGE, "ModelDataUrl": URL}
    assert (model["ExecutionRoleArn"], model["EnableNetworkIsolation"]) == (ROLE, False)


def test_model_data_is_checked(sagemaker: Any, s3: Any) -> None:
    params = {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": OTHER_IMAGE, "ModelDataUrl": URL}}
    assert refusal(sagemaker.create_model, ModelName="model", **params) == (
        "ValidationException",
        f"Could not find model data at {URL}.",
    )


def test_model_data_below_a_prefix(sagemaker: Any, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="model/weights", Body=b"model")
    create_model(sagemaker, ModelDataUrl=f"s3://{BUCKET}/model/")
    container = {"Image": OTHER_IMAGE, "ModelDataUrl": f"s3://{BUCKET}/none/"}
    params = {"ModelName": "other", "ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    assert "Could not find model data" in refusal(sagemaker.create_model, **params)[1]


def test_model_with_a_role_that_cannot_be_assumed(sagemaker: Any, s3: Any, control: Control) -> None:
    control.change_settings(strict_roles=True)
    container = {"Image": OTHER_IMAGE, "ModelDataUrl": URL}
    params = {"ModelName": "model", "ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    code, message = refusal(sagemaker.create_model, **params)
    assert code == "ValidationException"
    assert message.startswith(f'Could not access model data at {URL}. Please ensure that the role "{ROLE}" exists')


@pytest.mark.parametrize("operation", ["describe_model", "delete_model"])
def test_unknown_model(sagemaker: Any, operation: str) -> None:
    assert refusal(getattr(sagemaker, operation), ModelName="none") == (
        "ValidationException",
        f'Could not find model "{arn("model", "none")}".',
    )


@pytest.mark.parametrize("operation", ["describe_endpoint_config", "delete_endpoint_config"])
def test_unknown_configuration(sagemaker: Any, operation: str) -> None:
    assert refusal(getattr(sagemaker, operation), EndpointConfigName="none") == (
        "ValidationException",
        f'Could not find endpoint configuration "{arn("endpoint-config", "none")}".',
    )


def test_names_are_taken(sagemaker: Any) -> None:
    create_model(sagemaker)
    create_config(sagemaker)
    params = {"EndpointConfigName": "config", "ProductionVariants": [variant()]}
    assert refusal(sagemaker.create_endpoint_config, **params) == (
        "ValidationException",
        f'Cannot create already existing endpoint configuration "{arn("endpoint-config", "config")}".',
    )
    model = {"ModelName": "model", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": OTHER_IMAGE}}
    assert "Cannot create already existing model" in refusal(sagemaker.create_model, **model)[1]


def test_configuration_of_an_unknown_model(sagemaker: Any) -> None:
    params = {"EndpointConfigName": "config", "ProductionVariants": [variant()]}
    message = f'Could not find model "{arn("model", "model")}".'
    assert refusal(sagemaker.create_endpoint_config, **params) == ("ValidationException", message)


def test_configuration_is_shown_as_created(sagemaker: Any) -> None:
    create_model(sagemaker)
    create_config(sagemaker, "config", variant(InstanceType="ml.g5.xlarge"))
    shown = sagemaker.describe_endpoint_config(EndpointConfigName="config")["ProductionVariants"]
    assert shown == [variant(InstanceType="ml.g5.xlarge", InitialVariantWeight=1.0)]


def test_delete_while_in_use_is_not_refused(sagemaker: Any, endpoint: str) -> None:
    sagemaker.delete_endpoint_config(EndpointConfigName="config")
    sagemaker.delete_model(ModelName="model")
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"


def test_accelerator_is_refused_at_the_configuration(sagemaker: Any) -> None:
    create_model(sagemaker)
    params = {"EndpointConfigName": "c", "ProductionVariants": [variant(AcceleratorType="ml.eia1.large")]}
    code, message = refusal(sagemaker.create_endpoint_config, **params)
    assert code == "ValidationException"
    assert message.startswith("The accelerator type 'ml.eia1.large' is not supported.")


def test_unknown_accelerator(sagemaker: Any) -> None:
    params = {"EndpointConfigName": "c", "ProductionVariants": [variant(AcceleratorType="ml.eia3.large")]}
    _, message = refusal(sagemaker.create_endpoint_config, **params)
    assert "'productionVariants.1.member.acceleratorType' failed to satisfy constraint" in message
