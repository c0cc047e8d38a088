"""The two accounts: the operator's own, and another one whose credentials it may be given."""

from __future__ import annotations

from typing import Any

import boto3

from tests.apiserver.identity import operator_environment
from tests.apiserver.world import BUCKET, REGION, Json, World
from tests.faults.groups import served, trained
from tests.policies import OPERATOR_ACCOUNT

HOME = OPERATOR_ACCOUNT
# In which the operator may do all that it may in its own.
ELSEWHERE = "222222222222"
_DATA = f"{BUCKET}-{ELSEWHERE}"
_EXECUTION_ROLE = f"arn:aws:iam::{ELSEWHERE}:role/SageMakerExecution"


def root_role_of(account: str) -> str:
    """The role by which the tests' own access key may do everything in an account."""
    return f"arn:aws:iam::{account}:role/Root"


def operators_credentials(account: str, url: str) -> dict[str, str]:
    """Credentials of a role with exactly the policies of manifests/iam there, as Pod Identity serves them."""
    given = operator_environment(url)
    own = {name.removeprefix("AWS_").lower(): value for name, value in given.items()}
    if account == HOME:
        return _served(own["access_key_id"], own["secret_access_key"], own["session_token"])
    sts: Any = boto3.client(
        "sts", endpoint_url=url, region_name=REGION, **{f"aws_{name}": value for name, value in own.items()}
    )
    role = f"arn:aws:iam::{account}:role/Classifiers"
    taken = sts.assume_role(RoleArn=role, RoleSessionName="operator")["Credentials"]
    sts.close()
    return _served(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])


def lay_out_data(world: World) -> None:
    """What objects in the other account need there."""
    s3 = world.client("s3", role=root_role_of(ELSEWHERE))
    s3.create_bucket(Bucket=_DATA)
    for key in ("train/images.rec", "validation/images.rec", "models/model/model.tar.gz"):
        s3.put_object(Bucket=_DATA, Key=key, Body=b"not looked at")


def trained_elsewhere(name: str) -> Json:
    """A ClassifierTraining with its data and its role in the other account."""
    return dict(_moved(trained(name)))


def served_elsewhere(name: str) -> Json:
    """A ClassifierEndpoint with its model and its role in the other account."""
    return dict(_moved(served(name)))


def _moved(value: Any) -> Any:
    """The same with the other account's bucket and role."""
    if isinstance(value, dict):
        return {name: _EXECUTION_ROLE if name == "roleArn" else _moved(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_moved(one) for one in value]
    return value.replace(f"s3://{BUCKET}/", f"s3://{_DATA}/") if isinstance(value, str) else value


def _served(key: str, secret: str, token: str) -> dict[str, str]:
    return {"AccessKeyId": key, "SecretAccessKey": secret, "Token": token}
