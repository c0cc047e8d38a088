"""IAM's policies: whether statements allow a need. Actions and resources are matched by moto, conditions here.

moto's own evaluation denies or ignores what has a condition, depending on where it stands. An operator, a key or a form
that is not known here is an error, never ignored: no test shall owe its success to a condition that nobody looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from moto.iam.access_control import IAMPolicyStatement, PermissionResult

Json = dict[str, Any]
Context = Mapping[str, Sequence[str]]
Matcher = Callable[[str, str], bool]

MEMBERS = frozenset({"Sid", "Effect", "Action", "Resource", "Condition"})
TRUST_MEMBERS = frozenset({"Sid", "Effect", "Action", "Principal", "Condition"})
# Keys that `permissions` gives, alone or followed by a tag's key.
KEYS = frozenset(
    {
        "application-autoscaling:scalable-dimension",
        "application-autoscaling:service-namespace",
        "aws:RequestedRegion",
        "aws:TagKeys",
        "iam:AWSServiceName",
        "iam:PassedToService",
        "sagemaker:TaggingAction",
        "sts:ExternalId",
        "sts:RoleSessionName",
    }
)
TAG_KEYS = ("aws:RequestTag/", "aws:ResourceTag/")


class UnsupportedPolicyError(ValueError):
    """The policy has something in it that is not evaluated here."""


@dataclass(frozen=True)
class Need:
    """One permission that a call needs: the action on the resource, and what conditions can look at."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)

    def to_dict(self) -> Json:
        return {"action": self.action, "resource": self.resource, "context": dict(self.context)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Need:
        return cls(value["action"], value["resource"], value["context"])


def allows(statements: Iterable[Mapping[str, Any]], need: Need) -> bool:
    """Whether these statements together allow it: one does, and none denies it.

    Raises:
        UnsupportedPolicyError: a statement cannot be evaluated.

    """
    effects = {statement["Effect"] for statement in statements if applies(statement, need)}
    return effects == {"Allow"}


def applies(statement: Mapping[str, Any], need: Need) -> bool:
    """Whether a statement speaks of this need."""
    if unknown := set(statement) - MEMBERS:
        raise UnsupportedPolicyError(f"a statement's {', '.join(sorted(unknown))} is not evaluated here")
    if not statement["Resource"]:
        # moto takes it for a role's trust policy, which has none.
        raise UnsupportedPolicyError("a statement without resources is not evaluated here")
    plain = {"Effect": "Allow", "Action": statement["Action"], "Resource": statement["Resource"]}
    for pattern in listed(plain["Resource"]):
        _require_plain(pattern)
    conditions = statement.get("Condition", {})
    # All of them are looked at, so that an unknown one is noticed whatever the call is.
    met = [_is_met(operator, wanted, need.context) for operator, wanted in conditions.items()]
    result = IAMPolicyStatement(plain).is_action_permitted(need.action, need.resource)
    return bool(result is PermissionResult.PERMITTED and all(met))


def trusts(statements: Iterable[Mapping[str, Any]], names: Set[str], need: Need) -> bool:
    """Whether a role's trust policy lets a caller of these names have it: a statement does, and none denies it.

    Raises:
        UnsupportedPolicyError: a statement cannot be evaluated.

    """
    effects = {statement["Effect"] for statement in statements if _is_about(statement, names, need)}
    return effects == {"Allow"}


def _is_about(statement: Mapping[str, Any], names: Set[str], need: Need) -> bool:
    if unknown := set(statement) - TRUST_MEMBERS:
        raise UnsupportedPolicyError(f"a trust statement's {', '.join(sorted(unknown))} is not evaluated here")
    principals = statement["Principal"]
    is_named = principals == "*" or bool(names & set(listed(principals.get("AWS", []))))
    actions = any(_like(pattern.lower(), need.action.lower()) for pattern in listed(statement["Action"]))
    # All of them are looked at, so that an unknown one is noticed whatever the call is.
    conditions = statement.get("Condition", {}).items()
    return all([is_named, actions, *[_is_met(operator, wanted, need.context) for operator, wanted in conditions]])


def listed(value: Any) -> list[Any]:
    """A member of a policy that is one value or a list of them."""
    return value if isinstance(value, list) else [value]


def _is_met(operator: str, wanted: Mapping[str, Any], context: Context) -> bool:
    quantifier, _, plain = operator.rpartition(":")
    if plain == "Null" and not quantifier:
        return all((_text(value) == "true") == (_known(key) not in context) for key, value in wanted.items())
    if plain in _NEGATED and not quantifier:
        # A key that is absent is not equal either (IAM's guide, condition operators).
        positive = _NEGATED[plain]
        return all(not _is_met(positive, {key: values}, context) for key, values in wanted.items())
    matcher = _MATCHERS.get(plain)
    if matcher is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise UnsupportedPolicyError(f"the condition operator {operator} is not evaluated here")
    met = [_is_matched(quantifier, matcher, listed(values), context.get(_known(key))) for key, values in wanted.items()]
    return all(met)


def _is_matched(quantifier: str, matcher: Matcher, wanted: list[str], given: Sequence[str] | None) -> bool:
    for value in wanted:
        _require_plain(value)
    if given is None:
        return quantifier == "ForAllValues"
    matches = [any(matcher(value, one) for value in wanted) for one in given]
    return all(matches) if quantifier == "ForAllValues" else any(matches)


def _known(key: str) -> str:
    if key not in KEYS and not key.startswith(TAG_KEYS):
        raise UnsupportedPolicyError(f"the condition key {key} is not evaluated here")
    return key


def _text(value: Any) -> str:
    return str(listed(value)[0]).lower()


def _require_plain(value: str) -> None:
    """No policy variables, and no wildcard but the one that moto knows."""
    if "${" in value or "?" in value:
        raise UnsupportedPolicyError(f"the variable or wildcard in {value!r} is not evaluated here")


def _like(pattern: str, value: str) -> bool:
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == value
    if not value.startswith(first) or not value.endswith(rest[-1]) or len(value) < len(first) + len(rest[-1]):
        return False
    position = len(first)
    for part in rest[:-1]:
        position = value.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return position <= len(value) - len(rest[-1])


_NEGATED = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike"}
_MATCHERS: dict[str, Matcher] = {"StringEquals": str.__eq__, "StringLike": _like}
