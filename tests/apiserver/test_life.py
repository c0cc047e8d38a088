"""The whole life of both kinds, as a user sees it."""

from __future__ import annotations

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, endpoint, training


@pytest.fixture
def trained(world: World, operator: OperatorProcess) -> World:
    """A training that has completed."""
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    return world


@pytest.fixture
def served_model(trained: World) -> World:
    """And an endpoint that serves its model."""
    trained.apply(endpoint())
    trained.wait_for("cep", "digits", "InService")
    return trained


def test_an_endpoint_serves_the_trainings_model(served_model: World) -> None:
    status = served_model.status("cep", "digits")
    [variant] = status["variants"]
    assert variant["trainingJobName"] == served_model.status("ctrain", "digits")["jobName"]
    assert status["endpointStatus"] == "InService"
    assert status["url"].endswith(f"/endpoints/{status['endpointName']}/invocations")


def test_an_endpoint_makes_one_of_each(served_model: World) -> None:
    kinds = [kind for kind, _, _ in served_model.remaining()]
    assert kinds == ["endpoint-configs", "endpoints", "models", "training-jobs"]


def test_an_endpoint_waits_for_its_training(world: World, operator: OperatorProcess) -> None:
    world.apply(endpoint())
    world.wait_for("cep", "digits", "WaitingForTraining")
    world.apply(training())
    world.wait_for("cep", "digits", "InService")
    assert world.events("digits").count("InService") == 1


def test_kubectl_wait_sees_ready(served_model: World) -> None:
    served_model.kubectl("wait", "--for=condition=Ready", "cep/digits", "ctrain/digits", "--timeout=5s")
