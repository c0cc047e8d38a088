"""Team A names team B's role, region and endpoints: nothing of team B's is reached."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.apiserver.identity import ROLE, give, install_role
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import BUCKET, World, condition, training, until
from tests.policies import document

Start = Callable[..., OperatorProcess]
CLUSTER = ("--cluster-name", "production")
TAGS = ("--assume-role-session-tags", "--assume-role-external-id", "{cluster}/{namespace}")


@pytest.fixture
def neighbour(world: World) -> Iterator[World]:
    """Team B's namespace, beside the world's, which is team A's."""
    name = f"test-{secrets.token_hex(4)}"
    world.cluster.kubectl("create", "namespace", name)
    other = World(world.cluster, name, world.aws)
    yield other
    other.close()


def in_account(account: str, name: str = "digits", **changes: Any) -> dict[str, Any]:
    """A training by the role in that account, with its execution role and its data there."""
    return training(
        name,
        assumeRoleArn=f"arn:aws:iam::{account}:role/Classifiers",
        roleArn=f"arn:aws:iam::{account}:role/SageMakerExecution",
        output={"s3Uri": f"s3://{BUCKET}-{account}/output"},
        **changes,
    )


def calls_in(world: World, account: str) -> list[dict[str, Any]]:
    """Every call that was made in that account, but for those of the test itself."""
    return [one for one in world.aws.calls() if one["account"] == account]


def sessions(world: World) -> set[str]:
    """By which sessions SageMaker was called."""
    permissions = [need for call in world.aws.calls() for need in call["permissions"]]
    return {one["principal"] for one in permissions if one["action"].startswith("sagemaker:")}


@pytest.mark.parametrize(
    ("account", "policy", "options"),
    [("444444444444", "tenant-trust-policy", CLUSTER), ("555555555555", "tenant-trust-policy-tags", CLUSTER + TAGS)],
    ids=["name", "tags"],
)
def test_another_teams_role_is_refused_by_its_trust_policy_alone(
    world: World, neighbour: World, start: Start, account: str, policy: str, options: tuple[str, ...]
) -> None:
    world.may_lack = {"sts:AssumeRole"}
    install_role(world.aws.url, account, document(policy, TENANT=neighbour.namespace))
    give(world.aws.url, ROLE, {"session-tags": document("session-tags-policy")})
    world.client("s3", role=f"arn:aws:iam::{account}:role/Root").create_bucket(Bucket=f"{BUCKET}-{account}")
    start(*options, "--namespace", neighbour.namespace)
    world.aws.clear_calls()
    world.apply(in_account(account))
    status = world.wait_for("ctrain", "digits", "AccessPending")
    assert "is not authorized to perform: sts:AssumeRole" in condition(status, "Reconciling")["message"]
    assert calls_in(world, account) == []
    # While one is refused and tried again, the other works, and its session serves nobody else.
    neighbour.apply(in_account(account))
    neighbour.wait_for("ctrain", "digits", "Completed")
    before = world.calls("sts.AssumeRole")
    until(lambda: world.calls("sts.AssumeRole") > before, "another try")
    assert condition(world.status("ctrain", "digits"), "Ready")["reason"] == "AccessPending"
    mine = f"arn:aws:sts::{account}:assumed-role/Classifiers/{neighbour.namespace}@production"
    assert sessions(world) == {mine}
