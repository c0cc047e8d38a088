"""Tags of every kind of resource."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator.control import Control
from tests.emulator.builders import ROLE, arn, refusal, training


def tags(sagemaker: Any, resource: str) -> dict[str, str]:
    listed = sagemaker.list_tags(ResourceArn=resource)["Tags"]
    assert len(listed) == len({tag["Key"] for tag in listed})
    return {tag["Key"]: tag["Value"] for tag in listed}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("endpoint", "endpoint"), ("endpoint-config", "config"), ("model", "model"), ("training-job", "job")],
)
def test_tags_are_added_replaced_and_removed(sagemaker: Any, endpoint: str, kind: str, name: str) -> None:
    sagemaker.create_training_job(**training())
    resource = arn(kind, name)
    sagemaker.add_tags(ResourceArn=resource, Tags=[{"Key": "team", "Value": "a"}, {"Key": "x", "Value": "y"}])
    sagemaker.add_tags(ResourceArn=resource, Tags=[{"Key": "team", "Value": "b"}])
    assert tags(sagemaker, resource) == {"team": "b", "x": "y"}
    sagemaker.delete_tags(ResourceArn=resource, TagKeys=["x", "unknown"])
    assert tags(sagemaker, resource) == {"team": "b"}


def test_tags_given_at_creation(sagemaker: Any) -> None:
    sagemaker.create_training_job(**training(Tags=[{"Key": "team", "Value": "a"}]))
    assert tags(sagemaker, arn("training-job", "job")) == {"team": "a"}


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(arn("model", "none"), id="unknown-name"),
        pytest.param(arn("space", "none"), id="unknown-kind"),
        pytest.param(arn("training-job", "job", region="eu-west-1"), id="other-region"),
    ],
)
def test_unknown_resource(sagemaker: Any, resource: str) -> None:
    sagemaker.create_training_job(**training())
    code, message = refusal(sagemaker.list_tags, ResourceArn=resource)
    assert (code, resource in message) == ("ValidationException", True)


def test_at_most_fifty(sagemaker: Any) -> None:
    sagemaker.create_training_job(**training(Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)]))
    resource = arn("training-job", "job")
    assert len(tags(sagemaker, resource)) == 50
    more = {"ResourceArn": resource, "Tags": [{"Key": "one-more", "Value": ""}]}
    assert refusal(sagemaker.add_tags, **more)[0] == "ResourceLimitExceeded"


def test_reserved_prefix(sagemaker: Any) -> None:
    sagemaker.create_training_job(**training())
    params = {"ResourceArn": arn("training-job", "job"), "Tags": [{"Key": "aws:x", "Value": ""}]}
    assert refusal(sagemaker.add_tags, **params)[0] == "ValidationException"


def test_tags_come_late_on_request(sagemaker: Any, control: Control) -> None:
    control.change_settings(consistency={"tags_seconds": 20})
    sagemaker.create_training_job(**training(Tags=[{"Key": "team", "Value": "a"}]))
    assert tags(sagemaker, arn("training-job", "job")) == {}
    control.advance(20)
    assert tags(sagemaker, arn("training-job", "job")) == {"team": "a"}


def test_pages_may_be_short(sagemaker: Any, control: Control) -> None:
    control.change_settings(tags_page=2)
    sagemaker.create_training_job(**training(Tags=[{"Key": f"k{n}", "Value": ""} for n in range(5)]))
    pages = list(sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn("training-job", "job")))
    assert [[tag["Key"] for tag in page["Tags"]] for page in pages] == [["k0", "k1"], ["k2", "k3"], ["k4"]]


def test_a_name_with_capital_letters_has_an_arn_without(sagemaker: Any) -> None:
    sagemaker.create_model(
        ModelName="DEMO-digits",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": "example.com/a:1"},
        Tags=[{"Key": "team", "Value": "vision"}],
    )
    shown = sagemaker.describe_model(ModelName="DEMO-digits")
    assert (shown["ModelName"], shown["ModelArn"]) == ("DEMO-digits", arn("model", "demo-digits"))
    for name in ("demo-digits", "DEMO-digits"):
        assert sagemaker.list_tags(ResourceArn=arn("model", name))["Tags"] == [{"Key": "team", "Value": "vision"}]
