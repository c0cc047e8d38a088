"""A queue's URL tells its region, or another one is said."""

from __future__ import annotations

import pytest

from classifier_operator.runtime.hints.address import QueueAddress, address_of

REGIONS = {
    "https://sqs.us-east-1.amazonaws.com/123456789012/events": "us-east-1",
    "https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/events": "us-gov-west-1",
    "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/events": "cn-north-1",
    "https://sqs.eusc-de-east-1.amazonaws.eu/123456789012/events": "eusc-de-east-1",
    "https://us-east-2.queue.amazonaws.com/123456789012/events": "us-east-2",
    "https://vpce-0ab1-0cd.sqs.eu-west-1.vpce.amazonaws.com/123456789012/events": "eu-west-1",
    "http://127.0.0.1:4566/123456789012/events": "eu-central-1",
}


@pytest.mark.parametrize(("url", "region"), REGIONS.items(), ids=REGIONS)
def test_the_region_of_a_url(url: str, region: str) -> None:
    assert address_of(url, "eu-central-1") == QueueAddress(url, region)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "events",
        "arn:aws:sqs:us-east-1:123456789012:events",
        "ftp://h/123456789012/e",
        "https://h/events",
        "https://h/123456789012/e?Action=DeleteQueue",
        "https://h/123456789012/e#x",
        "https://user@h/123456789012/e",
        "https://h/123456789012/../123456789012/e",
        "https://h/123456789012/e\n",
        "https://h/1234\n56789012/e",
        "https://h /123456789012/e",
        "https://h/123456789012/%65",
    ],
)
def test_what_is_no_queue(url: str) -> None:
    with pytest.raises(ValueError, match="no queue's URL"):
        address_of(url, "eu-central-1")


def test_no_region_at_all() -> None:
    with pytest.raises(ValueError, match="no default one"):
        address_of("http://127.0.0.1:4566/123456789012/events", "")
