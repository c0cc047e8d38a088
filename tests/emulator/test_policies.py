"""IAM's policies as the emulator evaluates them: what moto matches, and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator.policies import Need, UnsupportedPolicyError, allows

ARN = "arn:aws:sagemaker:us-east-1:123456789012:model/digits"
UID = "classifiers.sagemaker.dev/uid"


def statement(condition: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    plain = {"Sid": "One", "Effect": "Allow", "Action": ["sagemaker:DeleteModel"], "Resource": "*"}
    return {**plain, **({"Condition": condition} if condition else {}), **changes}


def need(**context: list[str]) -> Need:
    return Need("sagemaker:DeleteModel", ARN, context)


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"Action": "sagemaker:*"}, True),
        ({"Action": "sagemaker:DeleteEndpoint"}, False),
        ({"Resource": ["arn:aws:sagemaker:*:123456789012:model/*"]}, True),
        ({"Resource": ["arn:aws:sagemaker:*:123456789012:endpoint/*"]}, False),
        ({"Resource": ["arn:aws:sagemaker:*:210987654321:model/*"]}, False),
    ],
)
def test_actions_and_resources(changes: dict[str, Any], allowed: bool) -> None:
    assert allows([statement(**changes)], need()) is allowed


def test_no_statement_allows_nothing() -> None:
    assert not allows([], need())


def test_a_denial_goes_before_everything() -> None:
    assert not allows([statement(), statement(Effect="Deny", Resource=ARN)], need())
    assert allows([statement(), statement(Effect="Deny", Action="sagemaker:DeleteEndpoint")], need())


TAG = f"aws:ResourceTag/{UID}"


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringLike": {TAG: "*"}}, {TAG: ["1-2"]}, True),
        ({"StringLike": {TAG: "*"}}, {}, False),
        ({"StringLike": {TAG: ["a*c", "1*"]}}, {TAG: ["1-2"]}, True),
        ({"StringLike": {TAG: "1*1-2"}}, {TAG: ["1-2"]}, False),
        ({"StringLike": {TAG: "1*-*2"}}, {TAG: ["1-2"]}, True),
        ({"StringLike": {TAG: "1-2"}}, {TAG: ["1-2"]}, True),
        ({"StringEquals": {TAG: "*"}}, {TAG: ["1-2"]}, False),
        ({"StringEquals": {TAG: ["0", "1-2"]}}, {TAG: ["1-2"]}, True),
        ({"Null": {TAG: "true"}}, {}, True),
        ({"Null": {TAG: "true"}}, {TAG: ["1-2"]}, False),
        ({"Null": {TAG: "false"}}, {TAG: ["1-2"]}, True),
        ({"Null": {TAG: False}}, {}, False),
        ({"Null": {TAG: "false"}, "StringEquals": {"aws:RequestedRegion": "x"}}, {TAG: ["1"]}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {"aws:TagKeys": ["a"]}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {"aws:TagKeys": ["a", "c"]}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {}, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ["c", "a"]}, True),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, {}, False),
        ({"StringNotEquals": {TAG: ["0", "1-2"]}}, {TAG: ["1-2"]}, False),
        ({"StringNotEquals": {TAG: ["0", "1"]}}, {TAG: ["1-2"]}, True),
        ({"StringNotEquals": {TAG: "0"}}, {}, True),
        ({"StringNotEquals": {TAG: "0"}, "Null": {TAG: "false"}}, {}, False),
        ({"StringNotLike": {TAG: "1*"}}, {TAG: ["1-2"]}, False),
        ({"StringEquals": {"iam:PassedToService": "x"}}, {"iam:PassedToService": ["y"]}, False),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, list[str]], allowed: bool) -> None:
    assert allows([statement(condition)], need(**context)) is allowed


@pytest.mark.parametrize(
    "changes",
    [
        {"Condition": {"DateLessThan": {"aws:CurrentTime": "2026"}}},
        {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "a"}}},
        {"Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "a"}}},
        {"Condition": {"ForAllValues:StringNotEquals": {TAG: "a"}}},
        {"Condition": {"StringEqualsIfExists": {TAG: "a"}}},
        {"Condition": {"Null": {"aws:SourceIp": "true"}}},
        {"Condition": {"StringEquals": {TAG: "${aws:PrincipalTag/team}"}}},
        {"Condition": {"Some:StringEquals": {TAG: "a"}}},
        {"Resource": "arn:aws:s3:::bucket/${aws:username}/*"},
        {"Resource": "arn:aws:s3:::bucket?"},
        {"NotAction": "sagemaker:*"},
        {"Principal": "*"},
        {"Resource": []},
    ],
)
def test_what_is_not_evaluated_is_an_error(changes: dict[str, Any]) -> None:
    """Whatever the call is: a condition that nobody looks at must not pass unnoticed."""
    with pytest.raises(UnsupportedPolicyError):
        allows([statement(**changes)], Need("s3:GetObject", "arn:aws:s3:::bucket/key"))
