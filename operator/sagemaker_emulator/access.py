"""Whether the caller may: users, roles and their policies are moto's IAM and STS, asked for each call.

Off unless `iam.enforce` is set. moto's own enforcement covers what moto serves, which SageMaker is not, and knows no
conditions on identities' policies; so there is one gate for all services here, over what moto keeps.

Not looked at: permissions boundaries, session policies, and policies of resources other than roles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from moto.iam.access_control import CreateAccessKeyFailure, IAMPolicy, create_access_key
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from sagemaker_emulator.errors import AwsError
from sagemaker_emulator.identity import Caller
from sagemaker_emulator.permissions import ASSUMING
from sagemaker_emulator.policies import Need, UnsupportedPolicyError, allows, listed, trusts
from sagemaker_emulator.world import World

TOKEN_HEADER = "X-Amz-Security-Token"  # noqa: S105  # a header's name
_GIVEN_KEY = re.compile(rb"<AccessKeyId>([^<]+)</AccessKeyId>")
# STS answers these to everybody (documented for GetCallerIdentity).
_OPEN = frozenset({"sts.GetCallerIdentity", "sts.AssumeRoleWithWebIdentity"})
Decision = dict[str, Any]


class Access:
    """Decides about calls."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Keys of sessions that a root key has begun: what root takes on is root in that account.
        self._root_sessions: set[str] = set()

    def clear(self) -> None:
        """Forget the sessions."""
        self._root_sessions.clear()

    def is_checked(self, caller: Caller, operation: str) -> bool:
        """Whether calls of this caller are decided about at all."""
        settings = self._world.settings.iam
        if not settings.enforce or operation in _OPEN:
            return False
        return caller.access_key not in settings.root_keys and caller.access_key not in self._root_sessions

    def note_session(self, caller: Caller, operation: str, body: bytes) -> None:
        """A root key has taken on a role."""
        if operation == "sts.AssumeRole" and not self.is_checked(caller, operation):
            self._root_sessions.update(key.decode() for key in _GIVEN_KEY.findall(body))

    def decide(self, caller: Caller, token: str, service: str, needs: Sequence[Need]) -> list[Decision]:
        """What is decided about each permission that a call needs, up to the first that is missing.

        Raises:
            AwsError: the access key is nobody's, or a policy cannot be evaluated.

        """
        principal, statements = self._who(caller, token, service)
        decisions: list[Decision] = []
        for need in needs:
            try:
                allowed = allows(statements, need)
                if allowed and need.action in ASSUMING:
                    allowed = self._is_trusted(caller, principal, need)
            except UnsupportedPolicyError as error:
                raise AwsError("NotImplemented", f"The emulator cannot decide this: {error}", 501) from error
            decisions.append({**need.to_dict(), "principal": principal, "allowed": allowed})
            if not allowed:
                break
        return decisions

    def _is_trusted(self, caller: Caller, principal: str, need: Need) -> bool:
        """Whether the role exists and lets the caller take it on, or tag the session."""
        account = need.resource.split(":")[4]
        try:
            role = iam_backends[account][get_partition(caller.key.region)].get_role_by_arn(need.resource)
        except NotFoundException:
            return False
        document = json.loads(role.assume_role_policy_document)
        names = {principal, _role_of(principal), f"arn:aws:iam::{caller.key.account}:root", caller.key.account}
        return trusts(listed(document["Statement"]), names, need)

    def _who(self, caller: Caller, token: str, service: str) -> tuple[str, list[Mapping[str, Any]]]:
        """The caller's ARN and the statements of all of its policies."""
        headers = {TOKEN_HEADER: token} if token else {}
        try:
            key = create_access_key(
                account_id=caller.key.account,
                partition=get_partition(caller.key.region),
                access_key_id=caller.access_key,
                headers=headers,
            )
        except CreateAccessKeyFailure:
            raise unknown_key(service) from None
        return key.arn, list(_statements(_policies(key)))


def denied(service: str, decision: Decision) -> AwsError:
    """The refusal, in the service's words."""
    action, resource = decision["action"], decision["resource"]
    # Reported for SageMaker (aws-cdk#32294), STS and IAM alike; S3 has said as much since 2024 and puts quotes there.
    shown = f'"{resource}"' if service == "s3" else resource
    on = f"resource: {shown}" if resource != "*" else "resource: *"
    message = (
        f"User: {decision['principal']} is not authorized to perform: {action} on {on} because no identity-based "
        f"policy allows the {action} action"
    )
    if service in ("s3", "sts"):
        return AwsError("AccessDenied", message, 403)
    return AwsError("AccessDeniedException", message, 403 if service in ("sagemaker-runtime", "sqs") else 400)


def unknown_key(service: str) -> AwsError:
    """The refusal of an access key that nobody has."""
    if service == "s3":
        words = "The AWS Access Key Id you provided does not exist in our records."
        return AwsError("InvalidAccessKeyId", words, 403)
    code = "InvalidClientTokenId" if service == "sts" else "UnrecognizedClientException"
    return AwsError(code, "The security token included in the request is invalid.", 403 if service == "sts" else 400)


def _policies(key: Any) -> Iterable[Any]:
    try:
        return list(key.collect_policies())
    except NotFoundException:
        # The role of this session was deleted.
        return []


def _statements(policies: Iterable[Any]) -> Iterable[Mapping[str, Any]]:
    for policy in policies:
        yield from listed(IAMPolicy(policy)._policy_json["Statement"])


def _role_of(principal: str) -> str:
    """The role behind a session's ARN."""
    found = re.fullmatch(r"arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/.+", principal)
    return f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}" if found else principal
