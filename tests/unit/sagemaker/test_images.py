"""The image of each region, and what is said where there is none."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from classifier_operator.sagemaker.images import UnknownImageError, image_uri

TABLE = json.loads(files("classifier_operator.sagemaker").joinpath("image_accounts.json").read_text("utf-8"))
REGIONS = [(version, region) for version, accounts in TABLE["versions"].items() for region in accounts]
KNOWN = {
    "us-east-1": "811284229777",
    "us-east-2": "825641698319",
    "us-west-2": "433757028032",
    "eu-west-1": "685385470294",
    "ap-northeast-1": "501404015308",
}
DOMAINS = {"cn-north-1": "amazonaws.com.cn", "us-gov-west-1": "amazonaws.com", "us-east-1": "amazonaws.com"}


@pytest.mark.parametrize(("version", "region"), REGIONS)
def test_every_region_of_the_table_has_an_image(version: str, region: str) -> None:
    registry, _, image = image_uri(region, version=version).partition("/")
    account, dkr, ecr, place, *_ = registry.split(".")
    assert (dkr, ecr, place) == ("dkr", "ecr", region)
    assert account.isdigit()
    assert len(account) == 12
    assert image == f"image-classification:{version}"


@pytest.mark.parametrize(("region", "account"), KNOWN.items())
def test_the_documented_accounts(region: str, account: str) -> None:
    assert image_uri(region) == f"{account}.dkr.ecr.{region}.amazonaws.com/image-classification:1"


@pytest.mark.parametrize(("region", "domain"), DOMAINS.items())
def test_the_domain_is_the_partitions(region: str, domain: str) -> None:
    assert f".{region}.{domain}/" in image_uri(region)


def test_the_table_covers_thirty_seven_regions() -> None:
    assert len(TABLE["versions"]["1"]) == 37


@pytest.mark.parametrize(
    ("region", "changes", "words"),
    [
        ("eusc-de-east-1", {}, "AWS publishes no known image-classification image in eusc-de-east-1: set an image"),
        ("us-east-1", {"version": "7"}, "no version '7' of image-classification is known (known: 1"),
        ("us-east-1", {"name": "xgboost"}, "no image is known for the algorithm 'xgboost': set an image explicitly"),
    ],
    ids=["region", "version", "algorithm"],
)
def test_what_is_unknown_is_said_with_the_way_out(region: str, changes: dict[str, str], words: str) -> None:
    with pytest.raises(UnknownImageError) as error:
        image_uri(region, **changes)
    assert words in str(error.value)
