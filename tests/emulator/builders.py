"""Requests that the real service would accept, to be varied by tests, and clients of an emulator."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/SageMakerExecution"
BUCKET = "models"
ALGORITHM = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
OTHER_IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/something-else:1"
NO_RETRIES = Config(retries={"total_max_attempts": 1}, parameter_validation=False)


def client(service: str, url: str, *, region: str = REGION, credentials: dict[str, str] | None = None) -> Any:
    """A client without retries and without checks of its own, so that the emulator's are seen."""
    keys = credentials or {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "secret"}
    return boto3.Session().client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
        config=NO_RETRIES,
    )


def training(name: str = "job", **changes: Any) -> dict[str, Any]:
    """CreateTrainingJob's parameters; a value of None leaves a member out."""
    request = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": OTHER_IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
        "ResourceConfig": {"InstanceType": "ml.p2.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        **changes,
    }
    return {key: value for key, value in request.items() if value is not None}


def variant(name: str = "AllTraffic", model: str = "model", **changes: Any) -> dict[str, Any]:
    request = {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.m4.xlarge",
        "InitialInstanceCount": 1,
        **changes,
    }
    return {key: value for key, value in request.items() if value is not None}


def serverless(config: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A variant without instances."""
    memory = config or {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    return variant(**{"InstanceType": None, "InitialInstanceCount": None, "ServerlessConfig": memory, **changes})


def arn(kind: str, name: str, *, account: str = ACCOUNT, region: str = REGION) -> str:
    return f"arn:aws:sagemaker:{region}:{account}:{kind}/{name}"


def create_model(sagemaker: Any, name: str = "model", **container: Any) -> None:
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": OTHER_IMAGE, **container})


def create_config(sagemaker: Any, name: str = "config", *variants: dict[str, Any]) -> None:
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=list(variants) or [variant()])


def refusal(call: Any, **params: Any) -> tuple[str, str]:
    """Code and message of the refusal that a call must meet."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
