"""What goes to AWS goes to the resource that is named, and nowhere else, whatever the names are."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from classifier_operator.adapters.aws import Aws
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from tests.hostile.wire import Answering, Request

HERE = Place("us-east-1")
ROLE = "arn:aws:iam::123456789012:role/team"
NO_NAMES = ("..", ".", "", "../x", "a/b", "%2e%2e%2fx", "a?b", "a#b", "a\nb", "a\r\nX: y", "a\0b", "ü", "-a", "a" * 64)
NO_HEADERS = ("a\nb", "a\r\nX-A: b", "a\n b", "a\r\n\tb", "a\rb", "a\0b", "ü", "\u2025", "a\x7f")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    with Answering(answered) as server:
        for name, value in {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def aws(server: Answering) -> Iterator[Aws]:
    aws = Aws(RateLimits(time.monotonic, {"": (1000.0, 1000.0)}), Metrics())
    yield aws
    aws.close()


def answered(request: Request) -> tuple[int, bytes]:
    if b"Action=AssumeRole" in request.body:
        keys = "<AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        given = f"<Credentials>{keys}<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        return 200, f"<AssumeRoleResponse><AssumeRoleResult>{given}</AssumeRoleResult></AssumeRoleResponse>".encode()
    return 200, b"{}" if request.method == "POST" and "?" not in request.target else b""


def refused(server: Answering, call: Callable[[], Awaitable[Any]], member: str) -> None:
    """It is refused before anything is sent, for good, and the refusal names the member."""

    async def run() -> None:
        with pytest.raises(AwsRefusal, match=f"not sent: {member} ") as caught:
            await call()
        assert caught.value.kind is RefusalKind.INVALID

    asyncio.run(run())
    assert server.requests() == []


def sent(server: Answering, call: Callable[[], Awaitable[Any]]) -> Request:
    """The one request that it makes."""

    async def run() -> None:
        await call()

    asyncio.run(run())
    [request] = server.requests()
    return request


@pytest.mark.parametrize("name", NO_NAMES)
def test_an_endpoint_s_name_is_no_path(server: Answering, aws: Aws, name: str) -> None:
    refused(server, lambda: aws.invoke(HERE, name, b"", "image/png", limit=100), "EndpointName")
    refused(server, lambda: aws.call(HERE, "DescribeEndpoint", {"EndpointName": name}), "EndpointName")


@pytest.mark.parametrize("value", NO_HEADERS)
def test_a_header_stays_one(server: Answering, aws: Aws, value: str) -> None:
    refused(server, lambda: aws.invoke(HERE, "digits", b"", value, limit=100), "ContentType")
    refused(server, lambda: aws.invoke(HERE, "digits", b"", "image/png", variant=value, limit=100), "TargetVariant")
    about = {"Bucket": "bucket", "Key": "train.rec", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": value}
    refused(server, lambda: aws.call_s3(HERE, "CreateMultipartUpload", about), "SSEKMSKeyId")


def test_an_invocation_asks_for_its_endpoint(server: Answering, aws: Aws) -> None:
    asked = sent(server, lambda: aws.invoke(HERE, "di-gits", b"x", "a/b; c=d", variant="v", limit=100))
    assert asked.target == "/endpoints/di-gits/invocations"
    assert (asked.header("content-type"), asked.header("x-amzn-sagemaker-target-variant")) == ("a/b; c=d", "v")


@pytest.mark.parametrize(
    "resource_id",
    ["endpoint/a/variant/../../b", "endpoint/../variant/b", "endpoint/a/variant/b/c", "endpoint/a", "x/a/variant/b"],
)
def test_a_scalable_target_is_a_variant(server: Answering, aws: Aws, resource_id: str) -> None:
    params = {"ServiceNamespace": "sagemaker", "ResourceId": resource_id, "ScalableDimension": "x"}
    refused(server, lambda: aws.call(HERE, "DeregisterScalableTarget", params), "ResourceId")


@pytest.mark.parametrize("key", ["..", ".", "../x", "a/../b", "a/./b", "a/..", "/..", "a\nb", "a\r\nX: y", "a\0b"])
def test_a_key_that_is_resolved_on_the_way_is_not_asked_for(server: Answering, aws: Aws, key: str) -> None:
    refused(server, lambda: aws.read_object(HERE, f"s3://bucket/{key}", 10), "Key")
    for operation in ("HeadObject", "CreateMultipartUpload"):
        refused(server, lambda op=operation: aws.call_s3(HERE, op, {"Bucket": "bucket", "Key": key}), "Key")  # type: ignore[misc]


@pytest.mark.parametrize(
    "key", ["x", "a?versionId=1&b#c", "%2e%2e%2fx", "/", "//a", "a//b/", "a b+c", "ü\u2025/日本", "..a/b..", "a\\..\\b"]
)
def test_an_object_is_asked_for_by_its_very_key(server: Answering, aws: Aws, key: str) -> None:
    asked = sent(server, lambda: aws.call_s3(HERE, "HeadObject", {"Bucket": "bucket", "Key": key}))
    assert (asked.method, "?" in asked.target, asked.target.isascii()) == ("HEAD", False, True)
    assert unquote(asked.target) == f"/bucket/{key}"
    assert asked.target.count("/") == 2 + key.count("/")


def test_an_upload_to_such_a_key_can_still_be_ended(server: Answering, aws: Aws) -> None:
    """By the id that S3 has given it; it was begun when a CRD took such keys."""
    params = {"Bucket": "bucket", "Key": "a/../b", "UploadId": "an&id=1"}
    asked = sent(server, lambda: aws.call_s3(HERE, "AbortMultipartUpload", params))
    assert asked.target == "/bucket/a/../b?uploadId=an%26id%3D1"


@pytest.mark.parametrize("bucket", ["..", "."])
def test_a_bucket_is_no_dots(server: Answering, aws: Aws, bucket: str) -> None:
    refused(server, lambda: aws.call_s3(HERE, "HeadObject", {"Bucket": bucket, "Key": "x"}), "Bucket")


@pytest.mark.parametrize(
    "bucket", ["a/../b", "b?x", "b\nc", "a:b", "arn:aws:s3:example.org#:123456789012:accesspoint/a"]
)
def test_what_is_no_bucket_is_not_asked_for(server: Answering, aws: Aws, bucket: str) -> None:
    """By botocore itself."""

    async def run() -> None:
        with pytest.raises(AwsRefusal, match="Invalid bucket name"):
            await aws.call_s3(HERE, "HeadObject", {"Bucket": bucket, "Key": "x"})

    asyncio.run(run())
    assert server.requests() == []


@pytest.mark.parametrize(
    "region", ["us-east-1.example.org/", "us-east-1\n", "..", "us-east-1@example.org", "us-east-1#", "local", ""]
)
def test_a_region_is_no_host(server: Answering, aws: Aws, region: str) -> None:
    place = Place(region)
    refused(server, lambda: aws.call(place, "DescribeEndpoint", {"EndpointName": "x"}), "region")
    refused(server, lambda: aws.invoke(place, "x", b"", "image/png", limit=100), "region")
    refused(server, lambda: aws.call_s3(place, "HeadObject", {"Bucket": "bucket", "Key": "x"}), "region")
    refused(server, lambda: aws.call_sqs(place, "ReceiveMessage", {"QueueUrl": "x"}), "region")


def test_a_queue_s_address_does_not_choose_the_host(server: Answering, aws: Aws) -> None:
    url = "http://127.0.0.1:9/123456789012/events"
    asked = sent(server, lambda: aws.call_sqs(HERE, "ReceiveMessage", {"QueueUrl": url}))
    assert (asked.target, json.loads(asked.body)["QueueUrl"]) == ("/", url)


@pytest.mark.parametrize("suffix", ["", "\r\nX-A: b", "&Action=GetSessionToken", "%26Action=x", "/../x", "\0", "ü"])
def test_a_role_is_one_parameter(server: Answering, aws: Aws, suffix: str) -> None:
    place = Place(HERE.region, ROLE + suffix, "tenant")

    async def run() -> None:
        await aws.call(place, "DescribeEndpoint", {"EndpointName": "x"})

    asyncio.run(run())
    first, second = server.requests()
    form = parse_qsl(first.body.decode(), keep_blank_values=True)
    assert [value for name, value in form if name == "RoleArn"] == [ROLE + suffix]
    assert [value for name, value in form if name == "Action"] == ["AssumeRole"]
    assert (first.target, second.target) == ("/", "/")
