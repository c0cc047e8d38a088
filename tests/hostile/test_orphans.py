"""What is left at AWS by force is listed, by the real command, beside a real operator."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from classifier_operator.cli import main
from tests.apiserver.identity import user
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import serve
from tests.apiserver.world import World, training
from tests.policies import document, listed_sids, without


def run(world: World, environment: dict[str, str], *options: str) -> Result:
    own = ("-n", world.namespace, "--kubeconfig", str(world.cluster.kubeconfig), "-o", "json")
    return CliRunner().invoke(main, ["orphans", *own, "--region", "us-east-1", *options], env=environment)


def names(done: Result) -> set[str]:
    return {one["name"] for one in json.loads(done.stdout)["orphans"]}


def test_on_real_parts_what_is_left_by_force_is_listed(world: World, start: Callable[..., OperatorProcess]) -> None:
    world.aws.change_settings(training={"training_seconds": 3000})
    operator = start()
    status = serve(world)
    world.apply(training("running"), training("kept"))
    for name in ("running", "kept"):
        world.wait_for("ctrain", name, "Training")
    environment = user(world.aws.url, document("orphans-policy"))
    done = run(world, environment)
    assert (done.exit_code, names(done)) == (0, set())
    operator.kill()
    left = {entry["name"] for entry in (*status["resources"], *world.status("ctrain", "running")["resources"])}
    for kind, name in (("cep", "digits"), ("ctrain", "running")):
        world.kubectl("delete", kind, name, "--wait=false")
        world.kubectl("patch", kind, name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    done = run(world, environment)
    assert (done.exit_code, names(done)) == (3, left)
    # An operator does not touch them: they belong to no object that it knows.
    start()
    world.wait_for("ctrain", "kept", "Training")
    assert names(run(world, environment)) == left


@pytest.mark.parametrize("sid", listed_sids("orphans-policy"))
def test_on_real_parts_each_statement_of_its_policy_is_missed_and_said(
    world: World, start: Callable[..., OperatorProcess], sid: str
) -> None:
    world.may_lack = {"sagemaker:ListTrainingJobs", "sagemaker:ListTags"}
    start().kill()
    world.client("sagemaker").create_model(
        ModelName="stranger", ExecutionRoleArn="arn:aws:iam::123456789012:role/SageMakerExecution",
        PrimaryContainer={"Image": "x:1"},
    )  # fmt: skip
    done = run(world, user(world.aws.url, without(document("orphans-policy"), sid)))
    assert done.exit_code == 1
    assert "because no identity-based policy allows" in done.stderr
