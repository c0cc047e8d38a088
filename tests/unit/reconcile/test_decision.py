"""Where calls go: a region is a plain word, and a role an ARN, wherever they come from."""

from __future__ import annotations

import pytest

from classifier_operator.reconcile.decision import Defaults, SpecError, place_of

NO_REGIONS = [
    "us-east-1.example.org/",
    "us-east-1/../..",
    "us-east-1\n",
    "us-east-1 ",
    "us-east-1#",
    "us-east-1?",
    "us-east-1@example.org",
    "us-east-1%2f",
    "us-éast-1",
    "US-EAST-1",
    "example",
    "a" * 20 + "-east-1",
    "aa-" + "a" * 16 + "-" + "b" * 16 + "-1",
]


@pytest.mark.parametrize("region", NO_REGIONS)
@pytest.mark.parametrize("source", ["field", "default"])
def test_what_is_no_region_is_refused(region: str, source: str) -> None:
    given, defaults = (region, Defaults()) if source == "field" else ("", Defaults(region=region))
    with pytest.raises(SpecError, match=r"^spec\.region: .*'.* no name of a region, such as us-east-[12]$"):
        place_of(given, "", defaults)


@pytest.mark.parametrize(
    "region", ["us-east-1", "us-gov-west-1", "eusc-de-east-1", "ap-southeast-12", "us-isob-east-1"]
)
def test_a_region_is_taken(region: str) -> None:
    assert place_of(region, "", Defaults()).region == region
    assert place_of("", "", Defaults(region=region)).region == region


ROLE = "arn:aws:iam::123456789012:role/team"


@pytest.mark.parametrize(
    "role",
    [
        "..",
        "team",
        f"{ROLE}\n",
        f"{ROLE}\0",
        f"{ROLE} ",
        f"{ROLE}?x",
        f"{ROLE}%2e",
        f"{ROLE}é",
        ROLE.replace("role", "user"),
    ],
)
@pytest.mark.parametrize("source", ["field", "default"])
def test_what_is_no_role_is_refused(role: str, source: str) -> None:
    given, defaults = (role, Defaults()) if source == "field" else ("", Defaults(assume_role_arn=role))
    with pytest.raises(SpecError, match=r"^spec\.assumeRoleArn: .*'.* no ARN of a role: write it like arn:"):
        place_of("us-east-1", given, defaults)


@pytest.mark.parametrize("role", ["", ROLE, "arn:aws-cn:iam::123456789012:role/service-role/a_b=c,d.e@f-g"])
def test_a_role_is_taken(role: str) -> None:
    assert place_of("us-east-1", role, Defaults()).assume_role_arn == role
