"""The whole life of both kinds, as a user sees it."""

from __future__ import annotations

import base64

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, condition, endpoint, training


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


def test_a_deleted_endpoint_leaves_nothing(served_model: World) -> None:
    served_model.delete("cep", "digits")
    assert [kind for kind, _, _ in served_model.remaining()] == ["training-jobs"]


def test_resources_are_deleted_from_the_top(served_model: World) -> None:
    served_model.delete("cep", "digits")
    deletions = [call["operation"] for call in served_model.aws.calls() if call["operation"].startswith("Delete")]
    assert deletions == ["DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"]


def test_a_retained_endpoint_stays(served_model: World) -> None:
    served_model.patch_spec("cep", "digits", {"deletionPolicy": "Retain"})
    served_model.delete("cep", "digits")
    assert ("endpoints", "InService") in [(kind, status) for kind, _, status in served_model.remaining()]


def test_an_accelerator_is_attached(trained: World) -> None:
    trained.apply(endpoint(acceleratorType="ml.eia1.large"))
    status = trained.wait_for("cep", "digits", "InService")
    accelerator = status["variants"][0]["accelerator"]
    assert accelerator == {"requested": "ml.eia1.large", "effective": "ml.eia1.large"}


def test_a_refused_accelerator_stalls_with_advice(trained: World) -> None:
    trained.aws.change_settings(elastic_inference={"available": False})
    trained.apply(endpoint(acceleratorType="ml.eia1.large"))
    status = trained.wait_for("cep", "digits", "AcceleratorUnavailable", of="Stalled")
    assert "ml.g4dn.xlarge" in condition(status, "Stalled")["message"]
    assert trained.calls("CreateEndpointConfig") == 1


def test_a_refused_accelerator_falls_back(trained: World) -> None:
    trained.aws.change_settings(elastic_inference={"available": False})
    fallback = {"instanceType": "ml.g4dn.xlarge"}
    trained.apply(endpoint(acceleratorType="ml.eia1.large", acceleratorFallback=fallback))
    [variant] = trained.wait_for("cep", "digits", "InService")["variants"]
    assert variant["instanceType"] == "ml.g4dn.xlarge"
    assert variant["accelerator"]["requested"] == "ml.eia1.large"
    assert "effective" not in variant["accelerator"]


def test_a_smoke_test_waits_for_its_image(trained: World) -> None:
    image = {"configMapKeyRef": {"name": "sample", "key": "image.png"}}
    trained.apply(endpoint(smokeTest={"image": image, "contentType": "image/png"}))
    status = trained.wait_for("cep", "digits", "SmokeTesting")
    assert condition(status, "Reconciling")["status"] == "True"
    picture = base64.b64encode(b"image").decode()
    sample = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "sample"},
        "binaryData": {"image.png": picture},
    }
    trained.apply(sample)
    trained.wait_for("cep", "digits", "InService")
    assert trained.status("cep", "digits")["smokeTest"]["outcome"] == "Passed"


def test_a_smoke_test_that_fails_stalls(trained: World) -> None:
    trained.kubectl("create", "configmap", "sample", "--from-literal=image.png=picture")
    image = {"configMapKeyRef": {"name": "sample", "key": "image.png"}}
    expect = {"label": "nine", "minProbability": "0.99"}
    labels = {"values": [*(f"class-{number}" for number in range(9)), "nine"]}
    trained.apply(
        endpoint(smokeTest={"image": image, "contentType": "image/png", "expect": expect}, classLabels=labels)
    )
    status = trained.wait_for("cep", "digits", "SmokeTestFailed", of="Stalled")
    assert "expected nine" in condition(status, "Stalled")["message"]
