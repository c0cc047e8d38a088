"""Whether SageMaker can take on the execution role it was given."""

from __future__ import annotations

import json
from typing import Any

from sagemaker_emulator import errors
from sagemaker_emulator.aws import ClientError
from sagemaker_emulator.context import Context

PRINCIPAL = "sagemaker.amazonaws.com"


def require_assumable(context: Context, role_arn: str) -> None:
    """Raise AWS's refusal unless the role exists and trusts SageMaker. With strict roles off any role will do."""
    if context.settings.strict_roles and not is_assumable(context, role_arn):
        raise errors.cannot_assume_role(role_arn)


def is_assumable(context: Context, role_arn: str) -> bool:
    account = role_arn.split(":")[4]
    iam = context.world.moto.client("iam", account=account, region=context.key.region)
    try:
        role = iam.get_role(RoleName=role_arn.rsplit("/", 1)[-1])["Role"]
    except ClientError:
        return False
    return role["Arn"] == role_arn and trusts_sagemaker(role.get("AssumeRolePolicyDocument") or {})


def trusts_sagemaker(document: Any) -> bool:
    """Whether a trust policy lets SageMaker call sts:AssumeRole."""
    policy = json.loads(document) if isinstance(document, str) else document
    return any(_allows(statement) for statement in _as_list(policy.get("Statement", [])))


def _allows(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = [principal] if isinstance(principal, str) else _as_list(principal.get("Service", []))
    actions = _as_list(statement.get("Action", []))
    return (
        statement.get("Effect") == "Allow"
        and bool({PRINCIPAL, "*"} & set(services))
        and bool({"sts:AssumeRole", "sts:*", "*"} & set(actions))
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
