"""State-change events of the emulated SageMaker, through EventBridge and SQS as the template of the manifests says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.test_metrics import Scraped
from tests.apiserver.world import REGION, Json, World, endpoint, training, until
from tests.events_stack import Stack

Start = Callable[..., OperatorProcess]
# A sweep in two minutes: what happens before that, events have told.
RARE = ("--sweep-interval", "120")
# Emulated seconds, of which a hundred are one. Each state lasts long enough for the one before to be written down.
SLOWLY: Json = {
    "training": {"starting_seconds": 100, "training_seconds": 200},
    "endpoint": {"creating_seconds": 200, "updating_seconds": 200},
}

# What is no state change of a job or an endpoint.
STRANGE: tuple[Json, ...] = (
    {"source": "aws.ec2"},
    {"detail-type": "SageMaker Model State Change"},
    {"detail": {}},
    {"detail": "no"},
)


@pytest.fixture
def stack(world: World) -> Stack:
    world.aws.change_settings(events=True, **SLOWLY)
    return Stack(world.client("sqs"), world.client("events"))


def events(operator: OperatorProcess, outcome: str) -> float:
    return Scraped(operator).value("events_received_total", outcome=outcome)


def started(start: Start, stack: Stack, *options: str) -> OperatorProcess:
    """An operator that listens, after its first sweep."""
    operator = start("--region", REGION, "--events-queue", stack.url, *options)
    until(lambda: operator.metric("sweep_seconds_count") >= 1, "the first sweep")
    return operator


def test_whole_lives_without_a_sweep(world: World, start: Start, stack: Stack) -> None:
    operator = started(start, stack, *RARE)
    began = time.monotonic()
    world.apply(training(), endpoint())
    world.wait_for("ctrain", "digits", "Completed")
    first = world.wait_for("cep", "digits", "InService")["endpointConfigName"]
    world.patch_spec("cep", "digits", {"instanceType": "ml.m5.xlarge"})
    until(lambda: rolled_out(world, first), "the other machines to serve", state=lambda: world.get("cep", "digits"))
    assert time.monotonic() - began < 120, "a sweep may have helped"
    assert world.calls("ListTrainingJobs") + world.calls("ListEndpoints") <= 2
    assert events(operator, "used") >= 4
    assert events(operator, "malformed") == 0
    assert operator.metric("events_age_seconds_count") >= 4
    until(lambda: stack.waiting() == 0, "all messages to be deleted")
    assert stack.waiting("DeadLetters") == 0


def rolled_out(world: World, before: str) -> bool:
    status = world.status("cep", "digits")
    is_ready = {one["type"]: one["status"] for one in status["conditions"]} == {"Ready": "True"}
    return is_ready and status["endpointConfigName"] != before


def test_without_its_queue_everything_goes_on(world: World, start: Start, stack: Stack) -> None:
    operator = started(start, stack)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Training")
    stack.delete_queue()
    world.wait_for("ctrain", "digits", "Completed")
    until(lambda: "no events of" in operator.log.read_text(), "the operator to tell")
    assert operator.get("/healthz") == operator.get("/readyz") == "ok"
    stack.restore_queue()
    stack.send("{")
    until(lambda: "come again" in operator.log.read_text(), "events to come again")
    assert operator.log.read_text().count("no events of") == 1
    assert Scraped(operator).value("aws_calls_total", operation="ReceiveMessage", outcome="NotFound") >= 1


def test_what_is_not_for_it_changes_nothing(world: World, start: Start, stack: Stack) -> None:
    operator = started(start, stack, *RARE)
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "Completed")
    until(lambda: stack.waiting() == 0, "the training's events to be used")
    looked = world.calls("DescribeTrainingJob")
    stack.send("{", "", "[]", *(event(status["jobArn"], **one) for one in STRANGE))
    stack.send(event(status["jobArn"].replace(status["jobName"], "another-job")))
    stack.send(event(status["jobArn"].replace(REGION, "eu-west-1")))
    until(lambda: stack.waiting() == 0, "all messages to be deleted")
    until(lambda: events(operator, "malformed") == 3 + len(STRANGE), "them to be counted")
    assert events(operator, "unclaimed") >= 2
    assert stack.waiting("DeadLetters") == 0
    assert world.calls("DescribeTrainingJob") == looked
    assert world.status("ctrain", "digits") == status


def event(arn: str, **changes: Any) -> str:
    """An event that tells of a failure which never happened."""
    detail = {"TrainingJobArn": arn, "TrainingJobStatus": "Failed", "FailureReason": "made up"}
    body = {"source": "aws.sagemaker", "detail-type": "SageMaker Training Job State Change", "detail": detail}
    return json.dumps({**body, "time": "2020-01-01T00:00:00Z", **changes})


def test_an_old_event_that_tells_something_else_is_not_believed(world: World, start: Start, stack: Stack) -> None:
    operator = started(start, stack, *RARE)
    world.aws.change_settings(training={"training_seconds": 30_000})
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "Training")
    looked, used = world.calls("DescribeTrainingJob"), events(operator, "used")
    stack.send(*[event(status["jobArn"])] * 3)
    until(lambda: events(operator, "used") >= used + 3, "it to be used, thrice")
    until(lambda: world.calls("DescribeTrainingJob") > looked, "the job to be looked at")
    seen = world.status("ctrain", "digits")
    assert (seen["jobStatus"], seen["conditions"]) == (status["jobStatus"], status["conditions"])


def test_it_ends_in_the_middle_of_a_long_poll(world: World, start: Start, stack: Stack) -> None:
    operator = started(start, stack, *RARE)
    stack.send("{")
    until(lambda: events(operator, "malformed") == 1 and stack.waiting() == 0, "a message to be deleted")
    began = time.monotonic()
    assert operator.stop() == 0
    # The next long poll has just begun, and would take 20 s.
    assert time.monotonic() - began < 15
