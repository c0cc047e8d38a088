"""The operator as a process: what it answers, what it logs, how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, training


def test_logs_can_be_json(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start("--log-format", "json")
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    operator.stop()
    lines = [json.loads(line) for line in operator.log.read_text().splitlines()]
    about = [line for line in lines if line.get("object") == f"ClassifierTraining/{world.namespace}/digits"]
    assert [line["reason"] for line in about if "reason" in line][-1] == "Completed"
    assert all(line["time"].endswith("Z") and line["level"] and line["logger"] and line["message"] for line in lines)


def test_each_change_at_aws_is_a_line_of_the_log(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start("--log-format", "json")
    words = "The account-level service limit is 0 Instances"
    world.aws.fail_next("CreateTrainingJob", 1, code="ResourceLimitExceeded", message=words, status=400)
    world.apply(training(environment={"PASSWORD": "hunter2"}))
    world.wait_for("ctrain", "digits", "Completed")
    body = world.get("ctrain", "digits")
    operator.stop()
    lines = [json.loads(line) for line in operator.log.read_text().splitlines()]
    calls = [line for line in lines if line.get("service")]
    assert [(call["operation"], call["outcome"], call["httpStatus"]) for call in calls] == [
        ("CreateTrainingJob", "Quota", 400),
        ("CreateTrainingJob", "ok", 200),
    ]
    for call in calls:
        assert call["object"] == f"ClassifierTraining/{world.namespace}/digits"
        assert (call["kind"], call["namespace"], call["name"]) == ("ClassifierTraining", world.namespace, "digits")
        assert call["uid"] == body["metadata"]["uid"]
        assert call["resource"] == body["status"]["jobName"]
        assert len(call["requestId"]) >= 32
        assert call["requestId"] not in json.dumps(body)
        assert (call["attempts"], call["region"], call["level"]) == (1, "us-east-1", "INFO")
        assert call["durationSeconds"] > 0
    # The line of the refusal itself tells the same request.
    [refusal] = [line for line in lines if line.get("code") == "ResourceLimitExceeded" and "service" not in line]
    assert refusal["requestId"] == calls[0]["requestId"]
    assert refusal["uid"] == calls[0]["uid"]
    assert "hunter2" not in operator.log.read_text()


def test_it_ends_when_it_is_told_to(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    assert operator.stop() == 0
    assert "Traceback" not in operator.log.read_text()
