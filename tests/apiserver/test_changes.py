"""Edits, rollbacks and losses of endpoints, on real parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, condition, endpoint, reason_of, training, until


def test_a_new_model_rolls_the_endpoint(world: World, operator: OperatorProcess) -> None:
    world.apply(training(), endpoint())
    before = world.wait_for("cep", "digits", "InService")
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 3}})
    until(
        lambda: (
            world.status("cep", "digits")["endpointConfigName"] != before["endpointConfigName"]
            and reason_of(world.status("cep", "digits"), "Reconciling") == ""
        ),
        "the endpoint to follow",
    )
    assert world.calls("CreateEndpoint") == 1
    until(lambda: [kind for kind, _, _ in world.remaining()].count("models") == 1, "the old model to be deleted")


def test_an_update_keeps_the_endpoint_ready(world: World, operator: OperatorProcess) -> None:
    world.apply(training(), endpoint())
    world.wait_for("cep", "digits", "InService")
    world.patch_spec("cep", "digits", {"instanceType": "ml.m5.xlarge"})
    status = world.wait_for("cep", "digits", "Updating", of="Reconciling")
    assert condition(status, "Ready")["status"] == "True"


def test_kubectl_scale_changes_the_count_in_place(world: World, operator: OperatorProcess) -> None:
    world.apply(training(), endpoint())
    before = world.wait_for("cep", "digits", "InService")
    world.kubectl("scale", "cep", "digits", "--replicas=3")
    until(lambda: world.status("cep", "digits").get("instanceCount") == 3, "three instances")
    assert world.status("cep", "digits")["endpointConfigName"] == before["endpointConfigName"]
    assert world.calls("UpdateEndpoint") == 0


@pytest.mark.parametrize("reason", ["the alarm high-5xx went off", ""], ids=["with a reason", "without a reason"])
def test_a_rollback_is_reported_and_not_repeated(world: World, operator: OperatorProcess, reason: str) -> None:
    world.apply(training(), endpoint())
    before = world.wait_for("cep", "digits", "InService")
    world.aws.order("update", "roll_back", reason)
    world.patch_spec("cep", "digits", {"instanceType": "ml.m5.xlarge"})
    status = world.wait_for("cep", "digits", "RolledBack", of="Stalled")
    assert reason_of(status, "Ready") == "ServingPrevious"
    assert status["endpointConfigName"] == before["endpointConfigName"]
    assert reason in condition(status, "Stalled")["message"]
    assert world.calls("UpdateEndpoint") == 1


def test_an_endpoint_deleted_by_hand_is_restored(world: World, start: Callable[..., OperatorProcess]) -> None:
    start("--guard-interval", "1")
    world.apply(training(), endpoint())
    name = world.wait_for("cep", "digits", "InService")["endpointName"]
    world.aws.remove("endpoints", name)
    until(lambda: world.calls("CreateEndpoint") == 2, "the endpoint to be made again")
    world.wait_for("cep", "digits", "InService")
