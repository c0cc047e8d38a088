"""boto3 against the emulated AWS: whose credentials calls carry, when they are renewed, and what a failure becomes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.parsers import ResponseParserError

from classifier_operator.adapters.aws import Aws
from classifier_operator.adapters.exchange import Exchange
from classifier_operator.adapters.identities import refusal_in
from classifier_operator.api.ledger import Place
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from sagemaker_emulator.control import Control
from tests.adapters.conftest import ROLE, Clock

REGION = "us-east-1"
OWN = Place(REGION)
OTHER_ROLE = "arn:aws:iam::333333333333:role/Classifiers"
THERE = Place(REGION, ROLE, "vision")
EXPIRED: Any = {"code": "ExpiredTokenException", "message": "The security token included in the request is expired"}


async def models(aws: Aws, place: Place, times: int = 1) -> None:
    """Calls, all at once."""
    await asyncio.gather(*(aws.call(place, "ListModels", {}) for _ in range(times)))


def callers(control: Control, operation: str) -> list[tuple[str, str]]:
    return [(call["account"], call["region"]) for call in control.calls(operation)]


async def test_calls_carry_the_operators_own_credentials(aws: Aws, control: Control) -> None:
    await models(aws, OWN)
    assert callers(control, "ListModels") == [("123456789012", REGION)]
    assert "sts.AssumeRole" not in control.counts()


async def test_calls_act_in_the_account_of_the_role(aws: Aws, control: Control) -> None:
    await models(aws, THERE)
    await models(aws, Place("eu-west-1", OTHER_ROLE, "vision"))
    assert callers(control, "ListModels") == [("222222222222", REGION), ("333333333333", "eu-west-1")]


async def test_many_calls_take_the_role_on_once(aws: Aws, control: Control) -> None:
    await models(aws, THERE, 40)
    with pytest.raises(AwsRefusal):
        await aws.read_object(THERE, "s3://nothing/here", 10)
    assert control.counts()["ListModels"] == 40
    assert control.counts()["sts.AssumeRole"] == 1


@pytest.mark.parametrize("key", ["a/b.png", "a?x.png", "a#x.png", "a%2Fb.png", "/a.png", "ä b.png"])
async def test_the_object_that_is_named_is_the_one_that_is_read(aws: Aws, control: Control, key: str) -> None:
    """What was held against the allow-list is what is asked for: nothing of a key means anything to a URL's parser."""
    own = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": REGION}
    s3 = boto3.client("s3", endpoint_url=control.url, **own)
    s3.create_bucket(Bucket="data")
    for other in ("a", "a.png", "a/b.png"):
        s3.put_object(Bucket="data", Key=other, Body=b"another")
    s3.put_object(Bucket="data", Key=key, Body=b"this")
    s3.close()
    assert await aws.read_object(OWN, f"s3://data/{key}", 10) == b"this"


async def test_secrets_are_left_out_of_what_is_repeated(
    aws: Aws, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "cAnArY-of-the-operator")
    words = "no cAnArY-of-the-operator, no cAnArY-of-the-job, but 1"
    control.fail_next("CreateTrainingJob", code="No-cAnArY-of-the-operator", message=words, status=400)
    request = {
        "TrainingJobName": "x",
        "AlgorithmSpecification": {"TrainingImage": "x", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://x"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 1},
        "Environment": {"A": "cAnArY-of-the-job", "B": "1"},
    }
    with pytest.raises(AwsRefusal) as refused:
        await aws.call(OWN, "CreateTrainingJob", request)
    assert refused.value.words == "No-***: no ***, no ***, but 1"


async def test_what_was_asked_for_is_no_part_of_what_is_said(
    aws: Aws, control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    """AWS quotes the request, with and without quotation marks: only its own words are matched."""
    control.fail_next("CreateEndpoint", code="ValidationException", message="no accelerator-1 of yours", status=400)
    with pytest.raises(AwsRefusal) as refused:
        await aws.call(OWN, "CreateEndpoint", {"EndpointName": "accelerator-1", "EndpointConfigName": "x"})
    assert refused.value.kind is RefusalKind.UNKNOWN
    assert refused.value.message == "no accelerator-1 of yours"
    assert "unknown answer of AWS: CreateEndpoint: ValidationException" in caplog.text
    outcome = RefusalKind.UNKNOWN.value
    assert counted(aws, "aws_calls_total", operation="CreateEndpoint", outcome=outcome) == 1


async def test_a_region_where_sts_refuses_is_no_matter_of_the_others(aws: Aws, control: Control) -> None:
    words = "STS is not activated in this region for account:123456789012."
    control.fail_next("sts.AssumeRole", 1, code="RegionDisabledException", message=words, status=403)
    with pytest.raises(AwsRefusal) as refused:
        await models(aws, Place("ap-east-1", ROLE, "vision"))
    assert refused.value.kind is RefusalKind.ACCESS_DENIED
    await models(aws, THERE)
    assert callers(control, "sts.AssumeRole") == [("123456789012", "ap-east-1"), ("123456789012", REGION)]


async def test_identities_share_the_clients_of_a_region_and_act_each_for_itself(aws: Aws, control: Control) -> None:
    places = [OWN, Place("eu-west-1"), THERE, Place(REGION, OTHER_ROLE, "vision"), Place("eu-west-1", ROLE, "vision")]
    await asyncio.gather(*(models(aws, place, 10) for place in places))
    assert sorted(set(callers(control, "ListModels"))) == [
        ("123456789012", "eu-west-1"),
        ("123456789012", REGION),
        ("222222222222", "eu-west-1"),
        ("222222222222", REGION),
        ("333333333333", REGION),
    ]
    # Of SageMaker and of STS.
    assert len(aws._clients) == 4


async def test_made_up_roles_leave_nothing_behind(aws: Aws, control: Control) -> None:
    await models(aws, THERE)
    control.fail_next("sts.AssumeRole", None, code="AccessDenied", message="no", status=403)
    for number in range(30):
        with pytest.raises(AwsRefusal):
            await models(aws, Place(REGION, f"arn:aws:iam::{number:012}:role/made-up", "flood"))
    assert (len(aws._clients), len(aws._identities)) == (2, 1)


async def test_made_up_regions_are_refused_before_anything_is_sent(aws: Aws, control: Control) -> None:
    for number in range(30, 60):
        for role in ("", ROLE):
            with pytest.raises(AwsRefusal, match="is no region that the AWS SDK") as refused:
                await models(aws, Place(f"us-east-{number}", role, "flood" if role else ""))
            assert refused.value.kind is RefusalKind.INVALID
    assert (len(aws._clients), len(aws._identities), control.counts()) == (0, 0, {})
    regions = {one.labels["region"] for family in aws._metrics.aws_calls.collect() for one in family.samples}
    assert regions == {"other"}


async def test_sts_is_asked_in_the_calls_region(aws: Aws, control: Control) -> None:
    await models(aws, Place("cn-north-1", ROLE, "vision"))
    assert callers(control, "sts.AssumeRole") == [("123456789012", "cn-north-1")]


@pytest.mark.parametrize(("minutes", "calls"), [(30, 1), (47, 2), (55, 2)], ids=["fresh", "early", "late"])
async def test_credentials_are_renewed_before_they_end(
    aws: Aws, control: Control, clock: Clock, minutes: int, calls: int
) -> None:
    await models(aws, THERE)
    clock.ahead = timedelta(minutes=minutes)
    await models(aws, THERE)
    assert control.counts()["sts.AssumeRole"] == calls


async def test_a_late_renewal_that_fails_is_tried_again(aws: Aws, control: Control, clock: Clock) -> None:
    await models(aws, THERE)
    control.fail_next("sts.AssumeRole", 1)
    clock.ahead = timedelta(minutes=55)
    with pytest.raises(AwsRefusal) as refused:
        await models(aws, THERE)
    assert refused.value.kind is RefusalKind.UNAVAILABLE
    await models(aws, THERE)


async def test_a_renewal_that_fails_early_disturbs_nobody(aws: Aws, control: Control, clock: Clock) -> None:
    await models(aws, THERE)
    control.fail_next("sts.AssumeRole", None)
    clock.ahead = timedelta(minutes=47)
    await models(aws, THERE)
    assert control.counts()["ListModels"] == 2


async def test_expired_credentials_are_renewed_before_anybody_is_asked(aws: Aws, control: Control) -> None:
    await models(aws, THERE)
    control.fail_next("ListModels", 1, status=400, **EXPIRED)
    await models(aws, THERE)
    assert control.counts()["ListModels"] == 3
    assert control.counts()["sts.AssumeRole"] == 2


async def test_expired_credentials_of_others_are_left_alone(aws: Aws, control: Control) -> None:
    await models(aws, THERE)
    await models(aws, Place(REGION, OTHER_ROLE, "vision"))
    control.fail_next("ListModels", 1, status=400, **EXPIRED)
    await models(aws, THERE)
    await models(aws, Place(REGION, OTHER_ROLE, "vision"))
    assert control.counts()["sts.AssumeRole"] == 3


async def test_credentials_that_stay_expired_need_somebody(aws: Aws, control: Control) -> None:
    control.fail_next("ListModels", None, status=400, **EXPIRED)
    with pytest.raises(AwsRefusal, match="ExpiredTokenException: The security token") as refused:
        await models(aws, OWN)
    assert refused.value.kind is RefusalKind.ACCESS_DENIED
    assert control.counts()["ListModels"] == 2


async def test_a_role_that_cannot_be_taken_on_is_said_in_awss_words(aws: Aws, control: Control) -> None:
    words = f"User: arn:aws:iam::123456789012:user/op is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    control.fail_next("sts.AssumeRole", 1, code="AccessDenied", message=words, status=403)
    with pytest.raises(AwsRefusal) as refused:
        await models(aws, THERE)
    assert refused.value.kind is RefusalKind.ACCESS_DENIED
    assert words in refused.value.words
    await models(aws, THERE)


async def test_a_throttled_sts_is_asked_again_later(aws: Aws, control: Control) -> None:
    control.fail_next("sts.AssumeRole", 1, code="Throttling", message="Rate exceeded", status=400)
    with pytest.raises(AwsRefusal) as refused:
        await models(aws, THERE)
    assert refused.value.kind is RefusalKind.THROTTLED


CALLS: dict[str, Callable[[Aws], Awaitable[Any]]] = {
    "ListModels": lambda aws: models(aws, THERE),
    "sts.AssumeRole": lambda aws: models(aws, THERE),
    "s3.GET": lambda aws: aws.read_object(OWN, "s3://data/image.png", 10),
    "s3.PUT": lambda aws: aws.call_s3(OWN, "PutObject", {"Bucket": "data", "Key": "x", "Body": b""}),
}


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("code", ["InternalFailure", ""])
async def test_an_error_without_words_is_tried_again(aws: Aws, control: Control, operation: str, code: str) -> None:
    control.fail_next(operation, 1, code=code, message="", status=500)
    with pytest.raises(AwsRefusal) as refused:
        await CALLS[operation](aws)
    assert refused.value.kind is RefusalKind.UNAVAILABLE


@pytest.mark.parametrize("error", [{"Code": "InternalFailure", "Message": None}, {"Code": None, "Message": None}, None])
def test_an_error_of_empty_elements_is_told_by_its_status(error: Any) -> None:
    answer = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 500}}
    assert refusal_in("GetObject", answer, str.strip).kind is RefusalKind.UNAVAILABLE


@pytest.mark.parametrize("place", [OWN, THERE], ids=["own", "role"])
async def test_no_credentials_at_all_are_waited_for(
    aws: Aws, control: Control, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(
        AwsRefusal, match=r"NoCredentials: the operator has no AWS credentials, .*: Unable to locate"
    ) as refused:
        await models(aws, place)
    assert refused.value.kind is RefusalKind.ACCESS_DENIED


async def test_a_token_that_is_not_mounted_is_waited_for(
    aws: Aws, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token")
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    with pytest.raises(AwsRefusal, match=r"NoCredentials: .*/nowhere/token") as refused:
        await models(aws, OWN)
    assert refused.value.kind is RefusalKind.ACCESS_DENIED


@pytest.mark.parametrize("kind", ["error", "unavailable", "reset"])
async def test_an_outage_passes_by_itself(aws: Aws, control: Control, kind: Any) -> None:
    control.outage(kind)
    with pytest.raises(AwsRefusal) as refused:
        await models(aws, OWN)
    control.outage("")
    assert refused.value.kind is RefusalKind.UNAVAILABLE


async def test_an_address_where_nobody_answers_passes_by_itself(
    aws: Aws, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(AwsRefusal) as refused:
        await models(aws, OWN)
    assert (refused.value.code, refused.value.kind) == ("EndpointConnectionError", RefusalKind.UNAVAILABLE)


def test_an_answer_that_is_cut_off_passes_by_itself(aws: Aws) -> None:
    """botocore raises something of its own for it, of STS's answers for one."""

    def send() -> Any:
        raise ResponseParserError("unable to parse response (no element found), invalid XML received")

    with pytest.raises(AwsRefusal) as refused:
        aws._explained(Exchange("sts", "AssumeRole", REGION, {}), send, str)
    assert refused.value.kind is RefusalKind.UNAVAILABLE


@pytest.mark.parametrize(
    ("place", "params"), [(OWN, {"MaxResults": "ten"}), (Place("no region"), {})], ids=["parameter", "region"]
)
async def test_what_botocore_refuses_is_not_sent_again(
    aws: Aws, control: Control, place: Place, params: dict[str, Any]
) -> None:
    with pytest.raises(AwsRefusal) as refused:
        await aws.call(place, "ListModels", params)
    assert refused.value.kind is RefusalKind.INVALID
    assert control.counts() == {}


def counted(aws: Aws, metric: str, **labels: str) -> float:
    """The value of a counter, of all its series that have these labels."""
    samples = [one for family in aws._metrics.registry.collect() for one in family.samples]
    name = f"classifier_operator_{metric}"
    return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())


async def test_calls_are_counted_where_they_go(aws: Aws, control: Control) -> None:
    await models(aws, THERE, 3)
    with pytest.raises(AwsRefusal) as refused:
        await aws.read_object(OWN, "s3://nothing/here", 10)
    assert refused.value.request_id
    assert counted(aws, "aws_calls_total", aws_service="sagemaker", operation="ListModels", outcome="ok") == 3
    assert counted(aws, "aws_calls_total", aws_service="sts", operation="AssumeRole", outcome="ok") == 1
    assert counted(aws, "aws_calls_total", aws_service="s3", operation="GetObject", outcome="NotFound") == 1
    assert counted(aws, "aws_call_seconds_count") == 4
    assert counted(aws, "aws_limit_wait_seconds_count") == 4
    assert counted(aws, "aws_call_rate", operation="ListModels", region=THERE.region) == 1000
    assert counted(aws, "aws_calls_waiting") == counted(aws, "aws_calls_in_flight") == 0
    assert counted(aws, "aws_credential_failures_total") == counted(aws, "aws_retries_total") == 0


async def test_a_renewal_that_fails_early_is_counted_though_it_disturbs_nobody(
    aws: Aws, control: Control, clock: Clock
) -> None:
    await models(aws, THERE)
    control.fail_next("sts.AssumeRole", None)
    clock.ahead = timedelta(minutes=47)
    await models(aws, THERE)
    assert counted(aws, "aws_credential_failures_total", source="AssumeRole", outcome="Unavailable") >= 1
    assert counted(aws, "aws_calls_total", operation="ListModels", outcome="ok") == 2


async def test_missing_credentials_are_counted(aws: Aws, control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AwsRefusal):
        await models(aws, OWN)
    assert counted(aws, "aws_credential_failures_total", source="chain", outcome="AccessDenied") == 1


async def test_a_call_that_is_sent_again_with_new_credentials_is_a_retry(aws: Aws, control: Control) -> None:
    control.fail_next("ListModels", 1, status=400, **EXPIRED)
    await models(aws, OWN)
    assert counted(aws, "aws_retries_total", operation="ListModels") == 1
    assert counted(aws, "aws_calls_total", operation="ListModels") == 1


async def test_a_call_that_is_not_waited_for_is_interrupted(
    aws: Aws, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, sent = asyncio.get_running_loop(), aws._sent
    is_sent, may_go_on = asyncio.Event(), threading.Event()

    def held(*arguments: Any) -> Any:
        loop.call_soon_threadsafe(is_sent.set)
        may_go_on.wait(30)
        return sent(*arguments)

    monkeypatch.setattr(aws, "_sent", held)
    task = asyncio.create_task(models(aws, OWN))
    await is_sent.wait()
    assert counted(aws, "aws_calls_in_flight") == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    may_go_on.set()
    assert counted(aws, "aws_calls_total", operation="ListModels", outcome="Interrupted") == 1
