"""What a change of a training starts, and what it does not: runs, suspension, attempts after failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import BUCKET, World, condition, reason_of, training, until

RETRAIN = "classifiers.sagemaker.dev/retrain"
PASSES = 'passes_total{kind="ClassifierTraining",result="ok"}'
OTHER_EPOCHS = {"hyperparameters": {"epochs": 3}}


def test_a_changed_spec_starts_another_run(world: World, operator: OperatorProcess) -> None:
    world.apply(training())
    first = world.wait_for("ctrain", "digits", "Completed")
    world.patch_spec("ctrain", "digits", OTHER_EPOCHS)
    during = world.wait_for("ctrain", "digits", "Starting")
    assert during["modelArtifacts"] == first["modelArtifacts"]
    second = world.wait_for("ctrain", "digits", "Completed")
    assert second["jobName"] != first["jobName"]
    assert second["modelArtifacts"]["jobName"] == second["jobName"]
    assert [run["jobName"] for run in second["history"]] == [second["jobName"], first["jobName"]]
    assert world.calls("StopTrainingJob") == 0


def test_a_changed_spec_stops_the_run_under_way(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"training_seconds": 3600})
    world.apply(training())
    first = world.wait_for("ctrain", "digits", "Training")
    world.patch_spec("ctrain", "digits", OTHER_EPOCHS)
    until(lambda: ("training-jobs", first["jobName"], "Stopped") in world.remaining(), "the first job to be stopped")
    assert sorted(world.jobs()) == ["InProgress", "Stopped"]
    status = world.status("ctrain", "digits")
    assert status["jobName"] != first["jobName"]
    until(lambda: _reasons(world) == {first["jobName"]: "Superseded"}, "the first run to be in the history")


def _reasons(world: World) -> dict[str, str]:
    return {run["jobName"]: run["reason"] for run in world.status("ctrain", "digits").get("history", ())}


def test_of_many_edits_only_the_last_one_runs(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"training_seconds": 3600})
    world.apply(training())
    world.wait_for("ctrain", "digits", "Training")
    for epochs in range(3, 8):
        world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": epochs}})
    until(lambda: world.jobs().count("InProgress") == 1 and "Stopping" not in world.jobs(), "one job to run")
    until(lambda: reason_of(world.status("ctrain", "digits"), "Ready") == "Training", "it to run")
    assert world.job()["HyperParameters"]["epochs"] == "7"


NO_CHANGES: dict[str, Callable[[World], Any]] = {
    "label": lambda world: world.kubectl("label", "ctrain", "digits", "team=vision"),
    "annotation": lambda world: world.kubectl("annotate", "ctrain", "digits", "note=hello"),
    "order of inputs": lambda world: world.patch_spec(
        "ctrain", "digits", {"inputs": list(reversed(training()["spec"]["inputs"]))}
    ),
    "order of subnets": lambda world: world.patch_spec(
        "ctrain", "digits", {"network": {"subnets": ["subnet-b", "subnet-a"]}}
    ),
    "tags": lambda world: world.patch_spec("ctrain", "digits", {"tags": {"team": "vision"}}),
    "deletion policy": lambda world: world.patch_spec("ctrain", "digits", {"deletionPolicy": "Delete"}),
    "retries": lambda world: world.patch_spec("ctrain", "digits", {"retry": {"attempts": 5}}),
    "explicit defaults": lambda world: world.patch_spec(
        "ctrain",
        "digits",
        {
            "algorithm": {"name": "image-classification", "version": "1", "inputMode": "File", "image": ""},
            "resources": {"instanceCount": 1, "volumeSizeGB": 50},
            "network": {"isolated": False, "encryptTraffic": False},
            "suspend": False,
            "environment": {},
        },
    ),
}


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=[name.replace(" ", "-") for name in NO_CHANGES])
@pytest.mark.parametrize("state", ["Training", "Completed"])
def test_a_change_that_changes_nothing_of_the_job_starts_none(
    world: World, operator: OperatorProcess, change: Callable[[World], Any], state: str
) -> None:
    if state == "Training":
        world.aws.change_settings(training={"training_seconds": 3600})
    network = {"subnets": ["subnet-a", "subnet-b"], "securityGroupIds": ["sg-1"]}
    world.apply(training(network=network))
    name = world.wait_for("ctrain", "digits", state)["jobName"]
    seen = operator.metric(PASSES)
    change(world)
    until(lambda: operator.metric(PASSES) > seen, "the change to be seen")
    generation = world.get("ctrain", "digits")["metadata"]["generation"]
    until(lambda: world.status("ctrain", "digits")["observedGeneration"] == generation, "the change to be looked at")
    assert world.status("ctrain", "digits")["jobName"] == name
    assert world.calls("CreateTrainingJob") == 1
    assert world.calls("StopTrainingJob") == 0


def test_tags_change_in_place(world: World, operator: OperatorProcess) -> None:
    world.apply(training(tags={"team": "vision", "old": "x"}))
    arn = world.wait_for("ctrain", "digits", "Completed")["jobArn"]
    world.patch_spec("ctrain", "digits", {"tags": {"team": "audio", "old": None, "new": "y"}})

    def own() -> dict[str, str]:
        return {name: value for name, value in world.tags_of(arn).items() if "classifiers.sagemaker.dev" not in name}

    until(lambda: own() == {"team": "audio", "new": "y"}, "the tags to be changed")
    # Its own tags name the object, its UID and the cluster.
    assert len(world.tags_of(arn)) == len(own()) + 3
    assert world.calls("CreateTrainingJob") == 1


def test_the_retrain_annotation_starts_another_run(world: World, operator: OperatorProcess) -> None:
    world.apply(training())
    first = world.wait_for("ctrain", "digits", "Completed")
    world.kubectl("annotate", "ctrain", "digits", f"{RETRAIN}=now")
    until(lambda: world.status("ctrain", "digits")["jobName"] != first["jobName"], "another run")
    world.wait_for("ctrain", "digits", "Completed")
    assert world.calls("CreateTrainingJob") == 2
    world.kubectl("annotate", "ctrain", "digits", f"{RETRAIN}-")
    until(lambda: world.status("ctrain", "digits")["jobName"] == first["jobName"], "the first run to count again")
    world.wait_for("ctrain", "digits", "Completed")
    assert world.calls("CreateTrainingJob") == 2


def test_a_suspended_training_stops_and_resumes(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"training_seconds": 3600})
    world.apply(training())
    world.wait_for("ctrain", "digits", "Training")
    world.patch_spec("ctrain", "digits", {"suspend": True})
    world.wait_for("ctrain", "digits", "Suspended")
    assert world.jobs() == ["Stopped"]
    world.aws.change_settings(training={"training_seconds": 60})
    world.patch_spec("ctrain", "digits", {"suspend": False})
    assert world.wait_for("ctrain", "digits", "Completed")["attempt"] == 2


def test_a_training_that_is_suspended_from_the_start_makes_nothing(world: World, operator: OperatorProcess) -> None:
    world.apply(training(suspend=True))
    status = world.wait_for("ctrain", "digits", "Suspended")
    assert reason_of(status, "Reconciling") == reason_of(status, "Stalled") == ""
    assert world.aws.counts().keys() <= {"s3.PUT"}
    assert "finalizers" not in world.get("ctrain", "digits")["metadata"]


def test_what_aws_failed_is_tried_again_and_what_the_user_failed_is_not(
    world: World, operator: OperatorProcess
) -> None:
    """All at a time, because a next attempt begins half a minute after the one before has failed."""
    capacity = "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different type."
    internal = "InternalServerError: We encountered an internal error. Please try again."
    client = "ClientError: Data download failed: internal error in record 7"
    for name, reason in (("capacity", capacity), ("internal", internal), ("client", client)):
        world.aws.order("training", "fail", reason, name=f"*-{name}-*")
    world.apply(*(training(name) for name in ("capacity", "internal", "client")))
    world.wait_for("ctrain", "capacity", "WaitingForCapacity")
    stalled = world.wait_for("ctrain", "client", "JobFailed", of="Stalled")
    assert stalled["attempt"] == 1
    for name, reason in (("capacity", capacity), ("internal", internal)):
        status = world.wait_for("ctrain", name, "Completed")
        assert status["attempt"] == 2
        assert status["jobName"].endswith("-2")
        assert status.get("failureReason", "") == ""
        last, first = status["history"]
        assert (last["jobStatus"], first["jobStatus"], first["reason"]) == ("Completed", "Failed", "JobFailed")
        assert world.job(name)["TrainingJobName"] == last["jobName"]
        assert any(reason in note for note in world.notes(name))
    assert world.calls("CreateTrainingJob") == 5


def test_attempts_are_used_up(world: World, operator: OperatorProcess) -> None:
    world.aws.order("training", "fail", "InternalServerError: We encountered an internal error.", count=2)
    world.apply(training(retry={"attempts": 0}))
    status = world.wait_for("ctrain", "digits", "JobFailed", of="Stalled")
    assert "internal error" in condition(status, "Stalled")["message"]
    assert world.calls("CreateTrainingJob") == 1


def test_the_last_good_model_stays_the_answer_when_the_next_run_fails(world: World, operator: OperatorProcess) -> None:
    world.apply(training())
    good = world.wait_for("ctrain", "digits", "Completed")["modelArtifacts"]
    world.aws.order("training", "fail", "AlgorithmError: exit code: 1")
    world.patch_spec("ctrain", "digits", {"output": {"s3Uri": f"s3://{BUCKET}/elsewhere"}})
    status = world.wait_for("ctrain", "digits", "JobFailed", of="Stalled")
    assert status["modelArtifacts"] == good
    world.patch_spec("ctrain", "digits", {"output": {"s3Uri": f"s3://{BUCKET}/output"}})
    world.wait_for("ctrain", "digits", "Completed")
    assert world.calls("CreateTrainingJob") == 2
