"""The whole life of both kinds, as a user sees it."""

from __future__ import annotations

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import BUCKET, World, condition, endpoint, reason_of, training, until


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


def test_a_training_is_completed(trained: World) -> None:
    status = trained.status("ctrain", "digits")
    assert status["jobStatus"] == "Completed"
    assert status["modelArtifacts"]["s3Uri"] == f"s3://{BUCKET}/output/{status['jobName']}/output/model.tar.gz"
    assert condition(status, "Ready")["status"] == "True"
    assert reason_of(status, "Reconciling") == ""


def test_a_training_runs_one_job(trained: World) -> None:
    assert trained.calls("CreateTrainingJob") == 1


def test_the_job_carries_the_owners_tags(trained: World) -> None:
    [job] = trained.aws.resources()
    uid = trained.get("ctrain", "digits")["metadata"]["uid"]
    assert job["tags"] == {
        "classifiers.sagemaker.dev/uid": uid,
        "classifiers.sagemaker.dev/object": f"ClassifierTraining/{trained.namespace}/digits",
    }


def test_each_step_of_a_training_is_one_event(trained: World) -> None:
    events = trained.events("digits")
    assert events[0] == "Starting"
    assert events[-1] == "Completed"
    assert len(events) == len(set(events))


def test_a_finished_training_makes_no_more_calls(trained: World) -> None:
    trained.aws.clear_calls()
    until(lambda: trained.aws.now(), "a moment")
    assert [call for call in trained.aws.counts() if not call.startswith("s3.")] == []


def test_nothing_is_written_on_the_object_but_finalizer_and_status(trained: World) -> None:
    metadata = trained.get("ctrain", "digits")["metadata"]
    assert metadata["finalizers"] == ["classifiers.sagemaker.dev/finalizer"]
    assert list(metadata["annotations"]) == ["kubectl.kubernetes.io/last-applied-configuration"]


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


def test_a_deleted_training_keeps_its_finished_job(trained: World) -> None:
    trained.delete("ctrain", "digits")
    assert [status for _, _, status in trained.remaining()] == ["Completed"]


def test_a_deleted_training_stops_its_running_job(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"training_seconds": 3600})
    world.apply(training())
    world.wait_for("ctrain", "digits", "Training")
    world.delete("ctrain", "digits")
    assert [status for _, _, status in world.remaining()] == ["Stopped"]


def test_a_training_can_take_its_jobs_along(world: World, operator: OperatorProcess) -> None:
    world.apply(training(deletionPolicy="Delete"))
    world.wait_for("ctrain", "digits", "Completed")
    world.delete("ctrain", "digits")
    assert world.remaining() == []
