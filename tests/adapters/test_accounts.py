"""Calls for one account, by credentials that may be another one's: they are compared before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from classifier_operator.adapters.aws import Aws
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from sagemaker_emulator.control import Control
from tests.adapters.conftest import ROLE, Clock
from tests.credentials_source import CredentialsSource, credentials_of

REGION = "us-east-1"
HERE, THERE = "123456789012", "222222222222"
OWN_ROLE = f"arn:aws:iam::{HERE}:role/Operator"
IN_HERE, IN_THERE = Place(REGION, own_account=HERE), Place(REGION, own_account=THERE)
MODEL = {"ModelName": "digits", "ExecutionRoleArn": OWN_ROLE, "PrimaryContainer": {"Image": "x:1"}}


async def refusal(aws: Aws, place: Place, operation: str = "ListModels") -> AwsRefusal:
    with pytest.raises(AwsRefusal) as refused:
        await aws.call(place, operation, {})
    return refused.value


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes its time; who waits for STS in vain goes elsewhere."""
    monkeypatch.setattr("classifier_operator.adapters.accounts.STS_SECONDS", 120.0)


@pytest.fixture
def source(control: Control, monkeypatch: pytest.MonkeyPatch) -> Iterator[CredentialsSource]:
    """Credentials that a test makes another account's."""
    with CredentialsSource(credentials_of(control.url, OWN_ROLE)) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        control.clear_calls()
        yield made


async def test_a_call_for_another_account_is_not_sent(aws: Aws, control: Control) -> None:
    refused = await refusal(aws, IN_THERE)
    assert (refused.kind, refused.code) == (RefusalKind.ACCOUNT_MISMATCH, "AccountMismatch")
    assert HERE in refused.message
    assert THERE in refused.message
    assert set(control.counts()) == {"sts.GetCallerIdentity"}
    await aws.call(IN_HERE, "ListModels", {})
    assert control.counts()["ListModels"] == 1


async def test_nor_is_anything_of_other_services(aws: Aws, control: Control) -> None:
    for call in (
        aws.invoke(IN_THERE, "digits", b"x", "image/png", limit=10),
        aws.read_object(IN_THERE, "s3://bucket/key", 10),
        aws.call_s3(IN_THERE, "HeadObject", {"Bucket": "bucket", "Key": "key"}),
        aws.call(IN_THERE, "DeregisterScalableTarget", {"ResourceId": "endpoint/a/variant/b"}),
    ):
        with pytest.raises(AwsRefusal) as refused:
            await call
        assert refused.value.kind is RefusalKind.ACCOUNT_MISMATCH
    assert set(control.counts()) == {"sts.GetCallerIdentity"}


async def test_the_account_is_asked_for_once(aws: Aws, control: Control) -> None:
    await asyncio.gather(*(aws.call(Place(region, own_account=HERE), "ListModels", {}) for region in [REGION] * 20))
    await aws.call(Place("eu-west-1", own_account=HERE), "ListModels", {})
    assert await aws.account(REGION) == HERE
    assert control.counts() == {"ListModels": 21, "sts.GetCallerIdentity": 1}


async def test_what_needs_no_comparison_asks_nobody(aws: Aws, control: Control) -> None:
    await aws.call(Place(REGION), "ListModels", {})
    await aws.call(Place(REGION, ROLE, "vision"), "ListModels", {})
    assert "sts.GetCallerIdentity" not in control.counts()


async def test_any_resource_that_aws_names_tells_it(aws: Aws, control: Control) -> None:
    await aws.call(Place(REGION), "CreateModel", MODEL)
    assert (await refusal(aws, IN_THERE)).kind is RefusalKind.ACCOUNT_MISMATCH
    assert await aws.account(REGION) == HERE
    assert "sts.GetCallerIdentity" not in control.counts()


async def test_where_sts_cannot_be_reached_sagemaker_tells_it(aws: Aws, control: Control) -> None:
    control.fail_next("sts.GetCallerIdentity", None, code="ServiceUnavailable", message="no", status=503)
    assert (await refusal(aws, IN_THERE)).kind is RefusalKind.ACCOUNT_MISMATCH
    await aws.call(IN_HERE, "ListModels", {})
    assert (control.counts()["sts.GetCallerIdentity"], control.counts()["DescribeEndpointConfig"]) == (1, 1)


async def test_where_sts_hangs_nobody_waits_for_long(
    aws: Aws, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier_operator.adapters.accounts.STS_SECONDS", 0.2)
    control.latency("sts.GetCallerIdentity", 30.0)
    await aws.call(IN_HERE, "ListModels", {})
    assert control.counts()["DescribeEndpointConfig"] == 1
    control.clear_faults()


async def test_where_nobody_tells_nothing_is_sent_that_must_be_compared(
    aws: Aws, control: Control, clock: Clock
) -> None:
    for operation in ("sts.GetCallerIdentity", "DescribeEndpointConfig"):
        control.fail_next(operation, None, code="ServiceUnavailable", message="no", status=503)
    for _ in range(3):
        refused = await refusal(aws, IN_HERE)
        assert (refused.kind, refused.code) == (RefusalKind.UNAVAILABLE, "AccountUnknown")
    assert await aws.account(REGION) == ""
    # Not at each call.
    assert control.counts() == {"sts.GetCallerIdentity": 1, "DescribeEndpointConfig": 1}
    await aws.call(Place(REGION), "ListModels", {})
    control.clear_faults()
    clock.ahead += clock.ahead.resolution * 11_000_000
    await aws.call(IN_HERE, "ListModels", {})


async def test_credentials_that_become_another_accounts_are_noticed(
    source: CredentialsSource, control: Control, clock: Clock
) -> None:
    aws = Aws(RateLimits(clock.monotonic, {"": (1000.0, 1000.0)}), Metrics(), clock)
    await aws.call(IN_HERE, "CreateModel", MODEL)
    source.become(credentials_of(control.url, ROLE))
    sent = control.counts().copy()
    assert (await refusal(aws, IN_HERE, "DescribeModel")).kind is RefusalKind.ACCOUNT_MISMATCH
    assert await aws.account(REGION) == THERE
    assert control.counts().get("DescribeModel", 0) == sent.get("DescribeModel", 0)
    source.become(credentials_of(control.url, OWN_ROLE))
    answer = await aws.call(IN_HERE, "DescribeModel", {"ModelName": "digits"})
    assert answer["ModelArn"].split(":")[4] == HERE
    # Once for each set of them.
    assert control.counts()["sts.GetCallerIdentity"] == 3
    aws.close()


async def test_what_was_compared_is_what_signs(source: CredentialsSource, control: Control, clock: Clock) -> None:
    """They are renewed at each call, and between the comparison and the call as well."""
    aws = Aws(RateLimits(clock.monotonic, {"": (1000.0, 1000.0)}), Metrics(), clock)
    first, second = source.given, credentials_of(control.url, ROLE)
    for number in range(20):
        source.become(second if number % 2 else first)
        calls = [aws.call(place, "ListModels", {}) for place in (IN_HERE, IN_THERE)]
        await asyncio.gather(*calls, return_exceptions=True)
    # Each was sent by credentials of the account that it was for, or not at all.
    assert control.counts()["ListModels"] == 20
    accounts = [call["account"] for call in control.calls("ListModels")]
    assert (accounts.count(HERE), accounts.count(THERE)) == (10, 10)
    aws.close()
