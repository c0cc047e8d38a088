"""Accounts and regions keep their resources apart."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_emulator.server import Emulator
from tests.emulator.builders import arn, client, training

OTHER = "222222222222"


@pytest.fixture
def assumed(emulator: Emulator, clients: Any) -> dict[str, str]:
    """Credentials of a role in another account."""
    role = f"arn:aws:iam::{OTHER}:role/Operator"
    answer = clients("sts").assume_role(RoleArn=role, RoleSessionName="test")
    return dict(answer["Credentials"])


def test_assumed_role_acts_in_its_account(emulator: Emulator, sagemaker: Any, assumed: dict[str, str]) -> None:
    other = client("sagemaker", emulator.url, credentials=assumed)
    made = other.create_training_job(**training())
    assert made["TrainingJobArn"] == arn("training-job", "job", account=OTHER)
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
    assert emulator.control.calls("CreateTrainingJob")[0]["account"] == OTHER


def test_assumed_role_as_sts_sees_it(emulator: Emulator, assumed: dict[str, str]) -> None:
    other = client("sts", emulator.url, credentials=assumed)
    assert other.get_caller_identity()["Account"] == OTHER


def test_a_web_identity_needs_no_signature_and_is_sts(emulator: Emulator, clients: Any) -> None:
    emulator.control.fail_next("sts.AssumeRoleWithWebIdentity", code="InvalidIdentityToken", message="no", status=400)
    wanted = {"RoleArn": f"arn:aws:iam::{OTHER}:role/Operator", "RoleSessionName": "test", "WebIdentityToken": "token"}
    with pytest.raises(ClientError, match="InvalidIdentityToken"):
        clients("sts").assume_role_with_web_identity(**wanted)
    given = clients("sts").assume_role_with_web_identity(**wanted)["Credentials"]
    assert client("sts", emulator.url, credentials=given).get_caller_identity()["Account"] == OTHER


def test_regions_are_apart(emulator: Emulator, sagemaker: Any) -> None:
    sagemaker.create_training_job(**training())
    there = client("sagemaker", emulator.url, region="eu-west-1")
    assert there.list_training_jobs()["TrainingJobSummaries"] == []
    made = there.create_training_job(**training())
    assert made["TrainingJobArn"] == arn("training-job", "job", region="eu-west-1")


def test_partition_follows_the_region(emulator: Emulator) -> None:
    there = client("sagemaker", emulator.url, region="cn-north-1")
    assert there.create_training_job(**training())["TrainingJobArn"].startswith("arn:aws-cn:sagemaker:cn-north-1:")


def test_removal_in_another_region(emulator: Emulator) -> None:
    client("sagemaker", emulator.url, region="eu-west-1").create_training_job(**training())
    emulator.control.remove("training-jobs", "job", region="eu-west-1")
    assert emulator.control.resources() == []
