"""Nothing goes out to AWS once the Lease is lost, however late that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from classifier_operator.adapters.aws import Aws
from classifier_operator.adapters.fencing import NotHeldError, fence
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind, Remedy
from sagemaker_emulator.control import Control
from tests.adapters.conftest import ROLE, Clock
from tests.web_source import WebSource

PLACE = Place("us-east-1")
NO_LIMIT = {"": (1000.0, 1000.0)}
MIB = 1024**2


class Asked:
    """Holds for so many questions."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.count = 0

    def __call__(self) -> bool:
        self.count += 1
        return self.count <= self.times


@pytest.fixture
def fenced(control: Control, clock: Clock) -> Iterator[Callable[[Callable[[], bool]], Aws]]:
    made: list[Aws] = []

    def make(holds: Callable[[], bool]) -> Aws:
        made.append(Aws(RateLimits(clock.monotonic, NO_LIMIT), Metrics(), clock, holds))
        return made[-1]

    yield make
    for aws in made:
        aws.close()


Make = Callable[[Callable[[], bool]], Aws]


async def test_without_the_lease_nothing_is_sent(fenced: Make, control: Control) -> None:
    aws = fenced(lambda: False)
    for place in (PLACE, Place("us-east-1", ROLE, "vision")):
        with pytest.raises(AwsRefusal, match="does not hold the Lease any more") as refused:
            await aws.call(place, "ListModels", {})
        assert (refused.value.kind, refused.value.remedy) == (RefusalKind.UNAVAILABLE, Remedy.RETRY)
    with pytest.raises(AwsRefusal):
        await aws.call_s3(PLACE, "HeadObject", {"Bucket": "bucket", "Key": "k"})
    with pytest.raises(AwsRefusal):
        await aws.invoke(PLACE, "endpoint", b"x", "image/png", limit=100)
    assert control.counts() == {}


async def test_with_the_lease_all_is_sent(fenced: Make, control: Control) -> None:
    await fenced(lambda: True).call(PLACE, "ListModels", {})
    assert control.counts() == {"ListModels": 1}


async def test_a_lease_that_is_lost_while_the_connection_is_made_is_noticed(fenced: Make, control: Control) -> None:
    holds = Asked(times=1)
    with pytest.raises(AwsRefusal, match="does not hold the Lease any more"):
        await fenced(holds).call(PLACE, "ListModels", {})
    assert holds.count == 2
    assert control.counts() == {}


async def test_a_lease_that_is_lost_on_an_open_connection_is_noticed(fenced: Make, control: Control) -> None:
    holds = Asked(times=10)
    aws = fenced(holds)
    await aws.call(PLACE, "ListModels", {})
    holds.times = holds.count + 1
    with pytest.raises(AwsRefusal, match="does not hold the Lease any more"):
        await aws.call(PLACE, "ListModels", {})
    assert control.counts() == {"ListModels": 1}


async def test_a_part_is_cut_off_in_the_middle(fenced: Make, control: Control) -> None:
    holds = Asked(times=1000)
    aws = fenced(holds)
    await aws.call_s3(PLACE, "CreateBucket", {"Bucket": "bucket"})
    upload = await aws.call_s3(PLACE, "CreateMultipartUpload", {"Bucket": "bucket", "Key": "k"})
    place = {"Bucket": "bucket", "Key": "k", "UploadId": upload["UploadId"]}
    holds.times = holds.count + 20
    with pytest.raises(AwsRefusal):
        await aws.call_s3(PLACE, "UploadPart", {**place, "PartNumber": 1, "Body": bytearray(8 * MIB)})
    holds.times += 1000
    assert (await aws.call_s3(PLACE, "ListParts", place)).get("Parts", []) == []


def test_over_https_too(tmp_path: Path) -> None:
    """A lost Lease leaves nothing but the handshake."""
    with WebSource(tmp_path / "authority") as web:
        web.put("/bucket/k", b"content")
        holds = Asked(times=10)
        client = fence(_s3(web.url, str(web.ca)), holds)
        assert client.get_object(Bucket="bucket", Key="k")["Body"].read() == b"content"
        client.close()
        holds.times = holds.count + 1
        client = fence(_s3(web.url, str(web.ca)), holds)
        with pytest.raises(Exception, match="does not hold the Lease any more"):
            client.get_object(Bucket="bucket", Key="k")
        client.close()
        assert len(web.asked) == 1


def test_before_anything_else_is_done_for_a_request(control: Control) -> None:
    client = fence(_s3(control.url, None), lambda: False)
    with pytest.raises(NotHeldError):
        client.list_buckets()
    client.close()


def _s3(url: str, ca: str | None) -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    style: Any = {"addressing_style": "path"}
    config = Config(s3=style, retries={"total_max_attempts": 1}, response_checksum_validation="when_required")
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1", verify=ca, config=config, **keys)
