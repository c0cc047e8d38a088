"""AWS's lists of hundreds of allowed values: what is wrong is said first, and some of the values."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import get_session

from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.sagemaker.refusals import RefusalKind


def allowed(shape: str) -> list[str]:
    model: Any = get_session().get_service_model("sagemaker")
    values: list[str] = model.shape_for(shape).metadata["enum"]
    return values


def refused(value: str, member: str, values: list[str]) -> str:
    return (
        f"Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{', '.join(values)}]"
    )


@pytest.mark.parametrize(
    ("operation", "member", "shape", "value", "problem"),
    [
        pytest.param(
            "CreateTrainingJob",
            "resourceConfig.instanceType",
            "TrainingInstanceType",
            "ml.p99.2xlarge",
            "ml.p99.2xlarge is no instance type for training; those that are written like it are ml.p",
            id="training",
        ),
        pytest.param(
            "CreateEndpointConfig",
            "productionVariants.1.member.instanceType",
            "ProductionVariantInstanceType",
            "ml.t3.medium",
            "ml.t3.medium is no instance type for endpoints; those that are written like it are ml.t2.medium",
            id="endpoint",
        ),
        pytest.param(
            "CreateTrainingJob",
            "x.mode",
            "TrainingInstanceType",
            "a",
            "a is no value of mode for training; ",
            id="another member",
        ),
    ],
)
def test_a20_a_long_list_is_shortened(operation: str, member: str, shape: str, value: str, problem: str) -> None:
    values = allowed(shape)
    refusal = classify(
        operation, "ValidationException", f"1 validation error detected: {refused(value, member, values)}"
    )
    assert refusal.kind is RefusalKind.INVALID
    assert refusal.message.startswith(problem)
    assert f". AWS: 1 validation error detected: Value '{value}' at '{member}' failed" in refusal.message
    assert refusal.message.endswith(f" and {len(values) - 6} more]")
    assert len(refusal.message) < 600


def test_a20_each_of_several_errors_is_shortened() -> None:
    values = allowed("TrainingInstanceType")
    errors = [refused(f"ml.p9{number}.large", "resourceConfig.instanceType", values) for number in range(3)]
    message = classify("CreateTrainingJob", "ValidationException", "3 validation errors: " + "; ".join(errors)).message
    assert message.count(" more]") == 3
    assert message.count("is no instance type for training") == 3


def test_a_short_list_stays_as_aws_has_it() -> None:
    words = f"1 validation error detected: {refused('fastfile', 'inputMode', ['Pipe', 'FastFile', 'File'])}"
    assert classify("CreateTrainingJob", "ValidationException", words).message == words


@pytest.mark.parametrize("value", ["x" * 100_000, "', '" * 1000, "[" * 1000], ids=["long", "quotes", "brackets"])
def test_a_hostile_list_is_read_within_bounds(value: str) -> None:
    words = refused(value, "a.b", [f"{value}{number}" for number in range(2000)])
    assert len(classify("CreateModel", "ValidationException", words).message.encode()) <= 2048
