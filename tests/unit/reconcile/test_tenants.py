"""What an allow-list allows: patterns, addresses in S3, and entries that are held against an object as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from classifier_operator.adapters.tenants_file import tenants_of
from classifier_operator.reconcile.decision import Defaults, SpecError
from classifier_operator.reconcile.tenants import Allowance, Limit, Tenant, Tenants, Use, placed

ROLE = "arn:aws:iam::123456789012:role/vision-training"
OTHER = "arn:aws:iam::123456789012:role/audio"
POINT = "arn:aws:s3:us-east-1:123456789012:accesspoint/vision"


def use(limit: Limit, value: str, *, is_prefix: bool = False) -> Use:
    return Use(path="spec.field", limit=limit, value=value, is_prefix=is_prefix)


def tenant(**limits: Any) -> Tenant:
    return Tenant(namespaces=("vision",), **limits)


@pytest.mark.parametrize(
    ("pattern", "namespace", "is_governed"),
    [
        ("vision", "vision", True),
        ("vision", "vision-2", False),
        ("team-*", "team-a", True),
        ("team-*", "team", False),
        ("team-*", "my-team-a", False),
        ("*", "anything", True),
        ("team-?", "team-a", True),
        ("team-[ab]", "team-c", False),
        ("Vision", "vision", False),
    ],
)
def test_which_namespaces_an_entry_is_about(pattern: str, namespace: str, *, is_governed: bool) -> None:
    assert Tenant(namespaces=("x", pattern)).governs(namespace) is is_governed


@pytest.mark.parametrize(
    ("limits", "limit", "value", "is_allowed"),
    [
        ({}, Limit.REGIONS, "anywhere", True),
        ({"regions": ("us-east-1",)}, Limit.REGIONS, "us-east-1", True),
        ({"regions": ("us-east-1",)}, Limit.REGIONS, "us-east-12", False),
        ({"regions": ("us-*",)}, Limit.REGIONS, "us-gov-west-1", True),
        ({"regions": ()}, Limit.REGIONS, "us-east-1", False),
        ({"role_arns": ("arn:aws:iam::123456789012:role/vision-*",)}, Limit.ROLES, ROLE, True),
        ({"role_arns": ("arn:aws:iam::123456789012:role/vision-*",)}, Limit.ROLES, OTHER, False),
        ({"role_arns": ("role/vision-training",)}, Limit.ROLES, ROLE, False),
        ({"role_arns": (ROLE.upper(),)}, Limit.ROLES, ROLE, False),
        ({"instance_types": ("ml.m5.*", "ml.g4dn.xlarge")}, Limit.INSTANCE_TYPES, "ml.m5.24xlarge", True),
        ({"instance_types": ("ml.m5.*", "ml.g4dn.xlarge")}, Limit.INSTANCE_TYPES, "ml.m5d.xlarge", False),
        ({"instance_types": ("ml.g4dn.xlarge",)}, Limit.INSTANCE_TYPES, "ml.g4dn.2xlarge", False),
        ({"instance_types": ("ml.m5.*",)}, Limit.ACCELERATOR_TYPES, "ml.eia1.large", True),
        ({"accelerator_types": ()}, Limit.ACCELERATOR_TYPES, "ml.eia1.large", False),
        # No role at all is the operator's own identity.
        ({}, Limit.ASSUMED_ROLES, "", True),
        ({"assume_role_arns": ()}, Limit.ASSUMED_ROLES, "", True),
        ({"assume_role_arns": ()}, Limit.ASSUMED_ROLES, ROLE, False),
        ({"assume_role_arns": (ROLE,)}, Limit.ASSUMED_ROLES, ROLE, True),
        ({"assume_role_arns": (ROLE,)}, Limit.ASSUMED_ROLES, "", False),
        ({"assume_role_arns": ("*",)}, Limit.ASSUMED_ROLES, "", False),
        ({"assume_role_arns": (ROLE, "")}, Limit.ASSUMED_ROLES, "", True),
        ({"assume_role_arns": ("",)}, Limit.ASSUMED_ROLES, ROLE, False),
    ],
)
def test_one_limit(limits: dict[str, Any], limit: Limit, value: str, *, is_allowed: bool) -> None:
    assert tenant(**limits).allows(use(limit, value)) is is_allowed


# Pattern, address, whether an object there is allowed, whether everything that begins so is.
ADDRESSES = [
    ("data", "s3://data", True, True),
    ("data", "s3://data/", True, True),
    ("data", "s3://data/any/thing", True, True),
    ("data", "s3://data-secret/x", False, False),
    ("data", "s3://my-data/x", False, False),
    ("data", "s3://DATA/x", False, False),
    ("data", "s3://dat/a", False, False),
    ("vision-*", "s3://vision-a/x", True, True),
    ("vision-*", "s3://vision/x", False, False),
    ("vision-*", "s3://other/vision-a", False, False),
    ("vision-*", "s3://xvision-a/x", False, False),
    ("data/vision/*", "s3://data/vision/x", True, True),
    ("data/vision/*", "s3://data/vision/", True, True),
    ("data/vision/*", "s3://data/vision", False, False),
    ("data/vision/*", "s3://data/vis", False, False),
    ("data/vision/*", "s3://data/", False, False),
    ("data/vision/*", "s3://data", False, False),
    ("data/vision/*", "s3://data/vision-secret/x", False, False),
    ("data/vision/*", "s3://data/Vision/x", False, False),
    ("data/vision/*", "s3://data//vision/x", False, False),
    ("data/vision/*", "s3://data/x/vision/x", False, False),
    ("data/vision/*", "s3://data-2/vision/x", False, False),
    ("data/vision*", "s3://data/vision-2/x", True, True),
    ("data/model.tar.gz", "s3://data/model.tar.gz", True, False),
    ("data/model.tar.gz", "s3://data/model.tar.gz.bak", False, False),
    ("data/*.rec", "s3://data/a/b.rec", True, False),
    ("data/*.rec", "s3://data/secret.txt?x.rec", True, False),
    ("data/*/shared/*", "s3://data/a/shared/x", True, True),
    ("data/*", "s3://data", True, True),
    ("*", "s3://anything/at/all", True, True),
    ("*/vision/*", "s3://anything/vision/x", True, True),
    # Dots, for HTTP clients that resolve them.
    ("data", "s3://data/../other/x", False, False),
    ("data/vision/*", "s3://data/vision/../secret", False, False),
    ("data/vision/*", "s3://data/vision/..", False, False),
    ("data/vision/*", "s3://data/vision/./x", False, False),
    ("data/vision/*", "s3://data/vision/%2e%2E/secret", False, False),
    ("data/vision/*", "s3://data/vision/..%2fsecret", False, False),
    ("data/vision/*", "s3://data/vision/..\\secret", False, False),
    ("data/vision/*", "s3://data/vision/...x..y/z", True, True),
    ("*", "s3://data/../other", False, False),
    # Access points.
    (POINT, f"s3://{POINT}/x", True, True),
    (f"{POINT}/vision/*", f"s3://{POINT}/vision/x", True, True),
    (f"{POINT}/vision/*", f"s3://{POINT}/secret", False, False),
    (POINT, f"s3://{POINT}-2/x", False, False),
    (f"{POINT}*", f"s3://{POINT}-2/x", True, True),
    ("*vision", f"s3://{POINT}/x", False, False),
    ("a*", f"s3://{POINT}/x", False, False),
    ("*", f"s3://{POINT}/x", True, True),
    ("*", "s3:///x", False, False),
]


@pytest.mark.parametrize(("pattern", "address", "of_object", "of_prefix"), ADDRESSES)
def test_addresses_in_s3(pattern: str, address: str, *, of_object: bool, of_prefix: bool) -> None:
    entry = tenant(buckets=("no-such", pattern))
    assert entry.allows(use(Limit.BUCKETS, address)) is of_object
    assert entry.allows(use(Limit.BUCKETS, address, is_prefix=True)) is of_prefix


def test_no_pattern_allows_no_bucket() -> None:
    assert not tenant(buckets=()).allows(use(Limit.BUCKETS, "s3://data/x"))


TWO = """
tenants:
- namespaces: [vision]
  roleArns: ["arn:aws:iam::123456789012:role/vision-*"]
  buckets: [vision]
- namespaces: ["vis*", audio]
  roleArns: ["arn:aws:iam::123456789012:role/audio"]
  buckets: [audio]
"""


def role_and_bucket(role: str, bucket: str) -> tuple[Use, Use]:
    return (
        Use(path="spec.roleArn", limit=Limit.ROLES, value=role),
        Use(path="spec.output.s3Uri", limit=Limit.BUCKETS, value=f"s3://{bucket}/x", is_prefix=True),
    )


@pytest.mark.parametrize(
    ("namespace", "role", "bucket", "words"),
    [
        ("vision", ROLE, "vision", ""),
        ("vision", OTHER, "audio", ""),
        ("audio", OTHER, "audio", ""),
        ("vision", ROLE, "audio", "spec.output.s3Uri: s3://audio/x is not allowed in namespace vision together with"),
        ("vision", OTHER, "vision", f"spec.roleArn: {OTHER} is not allowed in namespace vision together with the rest"),
        ("audio", ROLE, "audio", f"spec.roleArn: {ROLE} is not allowed in namespace audio; allowed: {OTHER}"),
        ("audio", ROLE, "vision", "; spec.output.s3Uri: s3://vision/x is not allowed in namespace audio; allowed: aud"),
        ("other", ROLE, "vision", "nothing may be used in namespace other: no entry of the operator's tenants is"),
    ],
)
def test_an_entry_is_held_against_all_that_is_used(namespace: str, role: str, bucket: str, words: str) -> None:
    refusal = tenants_of(TWO).of(namespace).refusal_of(role_and_bucket(role, bucket))
    assert words in refusal
    assert bool(words) is bool(refusal)


def test_without_a_file_everything_is_allowed() -> None:
    assert not Tenants().of("anywhere").refusal_of(role_and_bucket("x", "y"))
    assert Tenants(entries=()).of("anywhere").refusal_of(())


def test_what_is_allowed_is_said_in_words() -> None:
    entry = tenant(assume_role_arns=("",), regions=tuple(f"r{number}" for number in range(12)), buckets=())
    allowance = Allowance(namespace="vision", entries=(entry,))
    refusal = allowance.refusal_of(
        [use(Limit.ASSUMED_ROLES, ROLE), use(Limit.REGIONS, "x"), use(Limit.BUCKETS, "s3://a")]
    )
    assert f"spec.field: {ROLE} is not allowed in namespace vision; allowed: the operator's own identity" in refusal
    assert "allowed: r0, r1, r2, r3, r4, r5, r6, r7, r8, r9 and 2 more" in refusal
    assert refusal.endswith("s3://a is not allowed in namespace vision; allowed: none")
    only = Allowance(namespace="vision", entries=(tenant(assume_role_arns=(ROLE,)),))
    assert only.refusal_of([use(Limit.ASSUMED_ROLES, "")]) == (
        f"spec.field: the operator's own identity is not allowed in namespace vision; allowed: {ROLE}"
    )


def test_defaults_are_looked_at_as_well() -> None:
    assumed, other = "arn:aws:iam::222222222222:role/a", "arn:aws:iam::222222222222:role/b"
    defaults = Defaults(region="eu-west-1", role_arn=ROLE, assume_role_arn=assumed)
    assert [(one.path, one.value) for one in placed("", "", "", defaults)] == [
        ("spec.region (by default)", "eu-west-1"),
        ("spec.roleArn (by default)", ROLE),
        ("spec.assumeRoleArn (by default)", assumed),
    ]
    assert [(one.path, one.value) for one in placed("us-west-2", other, other, defaults)] == [
        ("spec.region", "us-west-2"),
        ("spec.roleArn", other),
        ("spec.assumeRoleArn", other),
    ]
    with pytest.raises(SpecError, match=r"^spec\.roleArn"):
        placed("us-west-2", "", "", Defaults())
