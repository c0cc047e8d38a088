"""Edits, rollbacks and losses of endpoints, on real parts."""

from __future__ import annotations

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
