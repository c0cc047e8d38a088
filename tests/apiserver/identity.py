"""Who the operator is at the emulated AWS: a role with exactly the policies of manifests/iam, as it ought to be."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import Any

import boto3

from tests.policies import OF_AN_ACCOUNT, OF_THE_OPERATOR, OPERATOR_ACCOUNT, VALUES, document

# The tests' own access key: an account's root, who may do everything.
ROOT = "x"
ROLE = VALUES["OPERATOR_ROLE"]
# The node, or whatever it is that the operator's role is given to.
_NODE = "node"
IMAGES = "classifier-images"
_REGION = "us-east-1"
_sessions: dict[str, dict[str, str]] = {}
ANY = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "unchecked"}
IAM_SETTINGS = {"enforce": True, "root_keys": [ROOT]}


def client(url: str, service: str, account: str = OPERATOR_ACCOUNT, key: str = ROOT) -> Any:
    """A client by that access key; in another account by a role that root takes on."""
    keys = {"aws_access_key_id": key, "aws_secret_access_key": "unchecked"}
    if account != OPERATOR_ACCOUNT:
        role = f"arn:aws:iam::{account}:role/Root"
        sts = client(url, "sts", key=key)
        given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        sts.close()
        keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
        keys["aws_session_token"] = given["SessionToken"]
    return boto3.client(service, endpoint_url=url, region_name=_REGION, **keys)


def install(url: str, accounts: Iterable[str] = ()) -> None:
    """Make the operator's role, and one in each of these accounts that it may take on."""
    iam = client(url, "iam")
    iam.create_user(UserName=_NODE)
    node = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::{OPERATOR_ACCOUNT}:role/{ROLE}"}
    iam.put_user_policy(UserName=_NODE, PolicyName="node", PolicyDocument=_policy(node))
    iam.create_access_key(UserName=_NODE)
    principal = {"AWS": f"arn:aws:iam::{OPERATOR_ACCOUNT}:user/{_NODE}"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=_policy(trust))
    iam.close()
    _sessions[url] = _begun(url)
    give(url, ROLE, {name: document(f"{name}-policy") for name in OF_THE_OPERATOR})
    for account in accounts:
        install_role(url, account)


def install_role(url: str, account: str, trust: dict[str, Any] | None = None) -> None:
    """Make a role in another account that the operator may take on: for every namespace, or as its trust says."""
    iam = client(url, "iam", account)
    trusted = json.dumps(trust or document("cross-account-trust-policy"))
    iam.create_role(RoleName="Classifiers", AssumeRolePolicyDocument=trusted)
    iam.close()
    give(url, "Classifiers", policies_of(account), account)


def policies_of(account: str) -> dict[str, Any]:
    """What the role in that account is given; it has its test images in a bucket apart from its data."""
    values = {"ACCOUNT": account, "IMAGE_BUCKET": f"{IMAGES}-{account}"}
    return {name: document(f"{name}-policy", **values) for name in OF_AN_ACCOUNT}


def give(url: str, role: str, policies: dict[str, Any], account: str = OPERATOR_ACCOUNT) -> None:
    """Let a role have these policies, in place of those of the same names."""
    iam = client(url, "iam", account)
    for name, policy in policies.items():
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
    iam.close()


def user(url: str, policy: dict[str, Any]) -> dict[str, str]:
    """The variables of a user with that policy."""
    iam = client(url, "iam")
    name = f"user-{secrets.token_hex(4)}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="user", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.close()
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def operator_environment(url: str) -> dict[str, str]:
    """The variables by which an operator has that role's credentials, as in a pod; any where nothing is enforced."""
    return _sessions.get(url, ANY)


def _begun(url: str) -> dict[str, str]:
    """One session for all operators: what tests count and break at STS is not its beginning."""
    iam = client(url, "iam")
    [key] = iam.list_access_keys(UserName=_NODE)["AccessKeyMetadata"]
    iam.close()
    sts = client(url, "sts", key=key["AccessKeyId"])
    role = f"arn:aws:iam::{OPERATOR_ACCOUNT}:role/{ROLE}"
    given = sts.assume_role(RoleArn=role, RoleSessionName="operator")["Credentials"]
    sts.close()
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
