"""kill -9 at any point, lost answers, and restarts: one job, one endpoint, nothing that nobody knows of."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, endpoint, training, until

ON_THE_WAY_UP = [
    "CreateTrainingJob",
    "DescribeTrainingJob",
    "CreateModel",
    "CreateEndpointConfig",
    "CreateEndpoint",
    "DescribeEndpoint",
    "InvokeEndpoint",
]
ON_THE_WAY_DOWN = ["DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel", "DeleteTrainingJob"]
SMOKE_TEST = {"image": {"s3Uri": "s3://classifier-tests/train/images.rec"}, "contentType": "image/png"}


def _kill_when_called(world: World, operator: OperatorProcess, operation: str) -> None:
    """Kill it when AWS has done what it was asked and before the operator has heard of it."""
    until(lambda: world.calls(operation) > 0, f"{operation} to be called")
    operator.kill()
    world.aws.clear_faults()


@pytest.mark.parametrize("operation", ON_THE_WAY_UP)
def test_n5_killed_on_the_way_up(world: World, start: Callable[..., OperatorProcess], operation: str) -> None:
    world.aws.fail_next(operation, None, when="after", reset=True)
    operator = start()
    world.apply(training(deletionPolicy="Delete"), endpoint(smokeTest=SMOKE_TEST))
    _kill_when_called(world, operator, operation)
    start()
    world.wait_for("cep", "digits", "InService")
    kinds = [kind for kind, _, _ in world.remaining()]
    assert kinds == ["endpoint-configs", "endpoints", "models", "training-jobs"]
    world.delete("cep", "digits")
    world.delete("ctrain", "digits")
    assert world.remaining() == []


@pytest.mark.parametrize("operation", ON_THE_WAY_DOWN)
def test_killed_on_the_way_down(world: World, start: Callable[..., OperatorProcess], operation: str) -> None:
    operator = start()
    world.apply(training(deletionPolicy="Delete"), endpoint())
    world.wait_for("cep", "digits", "InService")
    world.aws.fail_next(operation, None, when="after", reset=True)
    world.kubectl("delete", "cep,ctrain", "digits", "--wait=false")
    _kill_when_called(world, operator, operation)
    start()
    until(lambda: not world.exists("cep", "digits") and not world.exists("ctrain", "digits"), "both to be gone")
    assert world.remaining() == []


def test_n5_a_spec_changed_while_the_operator_is_away_leaves_no_orphan(
    world: World, start: Callable[..., OperatorProcess]
) -> None:
    world.aws.change_settings(training={"training_seconds": 3600})
    world.aws.fail_next("CreateTrainingJob", None, when="after", reset=True)
    operator = start()
    world.apply(training())
    _kill_when_called(world, operator, "CreateTrainingJob")
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 3}})
    start()
    world.wait_for("ctrain", "digits", "Training")
    until(lambda: sorted(status for _, _, status in world.remaining()) == ["InProgress", "Stopped"], "one job to run")


def test_an_object_deleted_while_the_operator_is_away_is_cleaned_up(
    world: World, start: Callable[..., OperatorProcess]
) -> None:
    operator = start()
    world.apply(training(deletionPolicy="Delete"), endpoint())
    world.wait_for("cep", "digits", "InService")
    operator.kill()
    world.kubectl("delete", "cep,ctrain", "digits", "--wait=false")
    start()
    until(lambda: not world.exists("cep", "digits") and not world.exists("ctrain", "digits"), "both to be gone")
    assert world.remaining() == []


def test_a_restart_with_everything_settled_writes_nothing(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    world.apply(training(), endpoint())
    world.wait_for("cep", "digits", "InService")
    before = [world.get(kind, "digits")["metadata"]["resourceVersion"] for kind in ("ctrain", "cep")]
    assert operator.stop() == 0
    world.aws.clear_calls()
    restarted = start()
    # Once or twice: it is passed again when the account of the credentials is known.
    passes = re.compile(r'passes_total{kind="ClassifierEndpoint",result="ok"} [1-9]')
    until(lambda: passes.search(restarted.get("/metrics")), "a pass")
    assert [world.get(kind, "digits")["metadata"]["resourceVersion"] for kind in ("ctrain", "cep")] == before
    # Once every object has had its pass, AWS is asked whether the endpoint is as it was left, in the account on record.
    expected = {"DescribeEndpoint": 1, "sts.GetCallerIdentity": 1}
    until(lambda: world.aws.counts() == expected, "one drift check of the endpoint", state=world.aws.counts)
    assert [world.get(kind, "digits")["metadata"]["resourceVersion"] for kind in ("ctrain", "cep")] == before
