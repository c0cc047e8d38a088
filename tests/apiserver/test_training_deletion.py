"""Deletion of a training in every state, on real parts; acceptance scenario R1."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, condition, training, until

LONG = {"training_seconds": 3000}
POLICIES = ["Stop", "Delete"]


def delete(world: World) -> None:
    world.kubectl("delete", "ctrain", "digits", "--wait=false")


def is_gone(world: World) -> bool:
    return not world.exists("ctrain", "digits")


def what_is_left(policy: str) -> list[str]:
    return [] if policy == "Delete" else ["Stopped"]


@pytest.mark.parametrize("policy", POLICIES)
def test_while_its_job_waits_for_a_quota(world: World, operator: OperatorProcess, policy: str) -> None:
    world.aws.set_quota("ml.p3.2xlarge", "training job", 0)
    world.apply(training(deletionPolicy=policy))
    world.wait_for("ctrain", "digits", "WaitingForQuota")
    world.delete("ctrain", "digits")
    assert world.jobs() == []
    assert world.calls("StopTrainingJob") == world.calls("DeleteTrainingJob") == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_while_its_job_starts(world: World, operator: OperatorProcess, policy: str) -> None:
    world.aws.change_settings(training={"starting_seconds": 3000})
    world.apply(training(deletionPolicy=policy))
    until(lambda: world.jobs() == ["InProgress"], "the job to be made")
    world.delete("ctrain", "digits")
    assert world.jobs() == what_is_left(policy)


@pytest.mark.parametrize("policy", POLICIES)
def test_while_it_trains(world: World, operator: OperatorProcess, policy: str) -> None:
    world.aws.change_settings(training=LONG)
    world.apply(training(deletionPolicy=policy))
    world.wait_for("ctrain", "digits", "Training")
    world.delete("ctrain", "digits")
    assert world.jobs() == what_is_left(policy)
    assert world.calls("StopTrainingJob") == 1


@pytest.mark.parametrize("policy", POLICIES)
def test_while_its_job_is_being_stopped(world: World, operator: OperatorProcess, policy: str) -> None:
    world.aws.change_settings(training={**LONG, "stopping_seconds": 3000})
    world.apply(training(deletionPolicy=policy))
    world.wait_for("ctrain", "digits", "Training")
    world.patch_spec("ctrain", "digits", {"suspend": True})
    world.wait_for("ctrain", "digits", "Stopping")
    delete(world)
    world.wait_for("ctrain", "digits", "Deleting")
    world.aws.advance(3000)
    until(lambda: is_gone(world), "the object to go")
    assert world.jobs() == what_is_left(policy)
    assert world.calls("StopTrainingJob") == 1


@pytest.mark.parametrize(("policy", "left"), [("Stop", ["Completed"]), ("Delete", [])])
def test_after_its_end(world: World, operator: OperatorProcess, policy: str, left: list[str]) -> None:
    world.apply(training(deletionPolicy=policy))
    world.wait_for("ctrain", "digits", "Completed")
    world.aws.clear_calls()
    world.delete("ctrain", "digits")
    assert world.jobs() == left
    if policy == "Stop":
        assert world.aws.counts() == {}


def test_all_runs_go_where_jobs_are_deleted(world: World, operator: OperatorProcess) -> None:
    world.apply(training(deletionPolicy="Delete"))
    world.wait_for("ctrain", "digits", "Completed")
    for epochs in (3, 4):
        world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": epochs}})
        until(lambda: len(world.jobs()) == epochs - 1, "another run")  # noqa: B023 - called in the same round
        world.wait_for("ctrain", "digits", "Completed")
    world.delete("ctrain", "digits")
    assert world.jobs() == []


@pytest.mark.parametrize("state", ["Training", "Completed"])
def test_r1_what_is_retained_stays_as_it_is(world: World, operator: OperatorProcess, state: str) -> None:
    if state == "Training":
        world.aws.change_settings(training=LONG)
    world.apply(training(deletionPolicy="Retain"))
    job = world.wait_for("ctrain", "digits", state)["jobArn"]
    world.aws.clear_calls()
    world.delete("ctrain", "digits")
    assert world.jobs() == ["InProgress" if state == "Training" else "Completed"]
    assert not [call for call in world.aws.counts() if call.startswith(("Stop", "Delete"))]
    assert world.tags_of(job)["classifiers.sagemaker.dev/object"].endswith("/digits")


@pytest.mark.parametrize("policy", POLICIES)
def test_when_the_job_is_gone_already(world: World, start: Callable[..., OperatorProcess], policy: str) -> None:
    operator = start()
    world.aws.change_settings(training=LONG)
    world.apply(training(deletionPolicy=policy))
    name = world.wait_for("ctrain", "digits", "Training")["jobName"]
    operator.kill()
    world.aws.remove("training-jobs", name)
    delete(world)
    start()
    until(lambda: is_gone(world), "the object to go")


def test_when_stopping_is_not_allowed(world: World, operator: OperatorProcess) -> None:
    words = "User: arn:aws:iam::123456789012:user/op is not authorized to perform: sagemaker:StopTrainingJob"
    world.aws.change_settings(training=LONG)
    world.apply(training())
    name = world.wait_for("ctrain", "digits", "Training")["jobName"]
    world.aws.fail_next("StopTrainingJob", None, code="AccessDeniedException", message=words, status=400)
    delete(world)
    status = world.wait_for("ctrain", "digits", "Deleting")
    until(lambda: world.calls("StopTrainingJob") >= 3, "more tries")
    message = condition(world.status("ctrain", "digits"), "Reconciling")["message"]
    assert f"AccessDeniedException: {words}" in message
    assert name in message
    assert condition(status, "Ready")["status"] == "False"
    world.patch_spec("ctrain", "digits", {"deletionPolicy": "Retain"})
    until(lambda: is_gone(world), "the object to be let go")
    assert world.jobs() == ["InProgress"]


@pytest.mark.parametrize(
    ("code", "status"), [("AccessDeniedException", 400), ("ThrottlingException", 400), ("InternalFailure", 500)]
)
def test_what_is_refused_is_tried_until_it_succeeds(
    world: World, operator: OperatorProcess, code: str, status: int
) -> None:
    world.aws.change_settings(training=LONG)
    world.apply(training(deletionPolicy="Delete"))
    world.wait_for("ctrain", "digits", "Training")
    for operation in ("StopTrainingJob", "DeleteTrainingJob", "DescribeTrainingJob"):
        world.aws.fail_next(operation, 2, code=code, message="refused", status=status)
    delete(world)
    until(lambda: is_gone(world), "the object to go")
    assert world.jobs() == []
    assert world.calls("StopTrainingJob") == 3
    assert world.events("digits")[-1] == "Deleting"


def test_a_job_that_completes_while_it_is_being_stopped(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"uploading_seconds": 600})
    world.apply(training())
    world.wait_for("ctrain", "digits", "Uploading")
    world.delete("ctrain", "digits")
    assert world.jobs() == ["Completed"]


def test_an_object_that_made_nothing_goes_without_the_operator(
    world: World, start: Callable[..., OperatorProcess]
) -> None:
    operator = start()
    world.apply(training(suspend=True))
    world.wait_for("ctrain", "digits", "Suspended")
    operator.kill()
    world.delete("ctrain", "digits")


def test_a_warm_pool_delays_the_deletion_of_its_job(world: World, operator: OperatorProcess) -> None:
    resources = {"instanceType": "ml.p3.2xlarge", "keepAlivePeriodSeconds": 600}
    world.apply(training(resources=resources, deletionPolicy="Delete"))
    world.wait_for("ctrain", "digits", "Completed")
    delete(world)
    world.wait_for("ctrain", "digits", "Deleting")
    until(lambda: "warm pool" in condition(world.status("ctrain", "digits"), "Ready")["message"], "it to be said")
    until(lambda: is_gone(world), "the object to go")
    assert world.jobs() == []
