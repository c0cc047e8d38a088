"""What a namespace may use at AWS: the platform team's allow-list, and the rule that holds an object against it.

Pure. Everything that an object uses is held against each entry of its namespace as a whole: one entry's role does not
go with another's bucket.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from urllib.parse import unquote

from msgspec import UNSET, Struct, UnsetType

from classifier_operator.api.ledger import Place
from classifier_operator.reconcile.decision import Defaults, place_of, role_of
from classifier_operator.sagemaker.s3_address import bucket_and_key

# What is allowed is repeated in messages, up to so many patterns.
SHOWN = 10
_OWN_IDENTITY = "the operator's own identity"


class Limit(StrEnum):
    """What is limited, by the name that the file has for it."""

    REGIONS = "regions"
    ROLES = "roleArns"
    ASSUMED_ROLES = "assumeRoleArns"
    INSTANCE_TYPES = "instanceTypes"
    ACCELERATOR_TYPES = "acceleratorTypes"
    BUCKETS = "buckets"
    ADOPT = "adopt"


class Use(Struct, frozen=True, kw_only=True):
    """Something of AWS that an object uses.

    path: the field that says so.
    is_prefix: of an address in S3, that everything whose key begins with it is meant.
    """

    path: str
    limit: Limit
    value: str
    is_prefix: bool = False


class Tenant(Struct, frozen=True, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """An entry of the allow-list: what namespaces of these names may use.

    What is absent is not limited, but for adoption: whoever takes over what is there already may delete it, so nothing
    is taken over that no pattern names.
    """

    namespaces: tuple[str, ...]
    regions: tuple[str, ...] | UnsetType = UNSET
    role_arns: tuple[str, ...] | UnsetType = UNSET
    assume_role_arns: tuple[str, ...] | UnsetType = UNSET
    instance_types: tuple[str, ...] | UnsetType = UNSET
    accelerator_types: tuple[str, ...] | UnsetType = UNSET
    buckets: tuple[str, ...] | UnsetType = UNSET
    adopt: tuple[str, ...] | UnsetType = UNSET

    def governs(self, namespace: str) -> bool:
        """Whether the entry is about that namespace."""
        return any(fnmatchcase(namespace, pattern) for pattern in self.namespaces)

    def patterns_of(self, limit: Limit) -> tuple[str, ...] | None:
        """What is allowed; None where everything is."""
        patterns = {
            Limit.REGIONS: self.regions,
            Limit.ROLES: self.role_arns,
            Limit.ASSUMED_ROLES: self.assume_role_arns,
            Limit.INSTANCE_TYPES: self.instance_types,
            Limit.ACCELERATOR_TYPES: self.accelerator_types,
            Limit.BUCKETS: self.buckets,
            Limit.ADOPT: self.adopt,
        }[limit]
        if isinstance(patterns, UnsetType):
            return () if limit is Limit.ADOPT else None
        # Where no role may be taken on, the operator's own identity is what is left.
        return patterns if patterns or limit is not Limit.ASSUMED_ROLES else ("",)

    def allows(self, use: Use) -> bool:
        """Whether the entry allows this."""
        patterns = self.patterns_of(use.limit)
        if patterns is None:
            return True
        if use.limit is Limit.BUCKETS:
            return any(_is_within(use, pattern) for pattern in patterns)
        if use.limit is Limit.ASSUMED_ROLES and not use.value:
            # Said in so many words, and not by a `*`, which is about roles.
            return "" in patterns
        return any(fnmatchcase(use.value, pattern) for pattern in patterns)


class Allowance(Struct, frozen=True, kw_only=True):
    """What one namespace may use: what any of the entries that are about it allows; None is everything."""

    namespace: str = ""
    entries: tuple[Tenant, ...] | None = None

    def refusal_of(self, uses: Sequence[Use]) -> str:
        """Why these may not be used together; "" where they may.

        Of several entries the one speaks that the object is the nearest to.
        """
        if self.entries is None:
            return ""
        if not self.entries:
            return f"nothing may be used in namespace {self.namespace}: no entry of the operator's tenants is about it"
        refused = [(entry, [use for use in uses if not entry.allows(use)]) for entry in self.entries]
        entry, nearest = min(refused, key=lambda one: len(one[1]))
        return "; ".join(self._sentence(entry, use) for use in nearest)

    def _sentence(self, entry: Tenant, use: Use) -> str:
        value = use.value or _OWN_IDENTITY
        allowed = _in_words(entry.patterns_of(use.limit) or ())
        together = " together with the rest" if any(one.allows(use) for one in self.entries or ()) else ""
        return f"{use.path}: {value} is not allowed in namespace {self.namespace}{together}; allowed: {allowed}"


class Tenants(Struct, frozen=True, kw_only=True):
    """The whole allow-list; None where there is none, and everything is allowed."""

    entries: tuple[Tenant, ...] | None = None

    def of(self, namespace: str) -> Allowance:
        """What that namespace may use."""
        if self.entries is None:
            return EVERYTHING
        return Allowance(namespace=namespace, entries=tuple(one for one in self.entries if one.governs(namespace)))


EVERYTHING = Allowance()


def placed(region: str, role_arn: str, assume_role_arn: str, defaults: Defaults) -> tuple[Use, ...]:
    """Where an object's calls go, as whom, and the role that SageMaker gets: after defaults.

    Raises:
        SpecError: a region or a role is missing.

    """
    where, whoever = addressed(region, assume_role_arn, defaults)
    execution = Use(path=_path("spec.roleArn", role_arn), limit=Limit.ROLES, value=role_of(role_arn, defaults))
    return where, execution, whoever


def addressed(region: str, assume_role_arn: str, defaults: Defaults) -> tuple[Use, Use]:
    """Where an object's calls go, and as whom: after defaults.

    Raises:
        SpecError: a region is missing.

    """
    place = place_of(region, assume_role_arn, defaults)
    return (
        Use(path=_path("spec.region", region), limit=Limit.REGIONS, value=place.region),
        Use(
            path=_path("spec.assumeRoleArn", assume_role_arn),
            limit=Limit.ASSUMED_ROLES,
            value=place.assume_role_arn,
        ),
    )


def adopted(name: str) -> Use:
    """An endpoint or a model that was there before the object, by its name at AWS."""
    return Use(path="metadata.annotations: adopt", limit=Limit.ADOPT, value=name)


def reached(place: Place) -> tuple[Use, ...]:
    """A place where something of the object is already."""
    return (
        Use(path="status.region", limit=Limit.REGIONS, value=place.region),
        Use(path="status.assumeRoleArn", limit=Limit.ASSUMED_ROLES, value=place.assume_role_arn),
    )


def stored(path: str, s3_uri: str, *, is_prefix: bool = False) -> tuple[Use, ...]:
    """An address in S3, where there is one."""
    return (Use(path=path, limit=Limit.BUCKETS, value=s3_uri, is_prefix=is_prefix),) if s3_uri else ()


def machine(path: str, instance_type: str) -> tuple[Use, ...]:
    """An instance type, where there is one."""
    return (Use(path=path, limit=Limit.INSTANCE_TYPES, value=instance_type),) if instance_type else ()


def _path(path: str, given: str) -> str:
    return path if given else f"{path} (by default)"


def _in_words(patterns: Sequence[str]) -> str:
    shown = ", ".join(pattern or _OWN_IDENTITY for pattern in patterns[:SHOWN])
    more = f" and {len(patterns) - SHOWN} more" if len(patterns) > SHOWN else ""
    return f"{shown}{more}" or "none"


def _is_within(use: Use, pattern: str) -> bool:
    """Whether all that the address means is within a bucket, or below a prefix of it."""
    bucket, key = bucket_and_key(use.value)
    allowed, allowed_key = bucket_and_key(pattern)
    if not _is_bucket(bucket, allowed) or _has_dots(key):
        return False
    if not allowed_key:
        return not pattern.endswith("/")
    # Whoever may read what begins with `data` may read `data-of-others`, too: it is the end that must be open.
    return fnmatchcase(key, allowed_key) and (allowed_key.endswith("*") or not use.is_prefix)


def _is_bucket(bucket: str, pattern: str) -> bool:
    # An access point's ARN begins and ends with what its owner chooses: `*-data` does not mean it.
    if bucket.startswith("arn:") and pattern != "*" and not pattern.startswith("arn:"):
        return False
    return bool(bucket) and fnmatchcase(bucket, pattern)


def _has_dots(key: str) -> bool:
    """Whether somebody on the way may take the address for another one: HTTP clients resolve `..`, S3 does not."""
    parts = [part for text in (key, unquote(key)) for part in text.replace("\\", "/").split("/")]
    return not {".", ".."}.isdisjoint(parts)
