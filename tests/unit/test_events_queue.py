"""The template of the events' queue: what refers to what, who may send, who may read, and which events are sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.events.models import EventPattern
from tests.events_stack import TEMPLATE, properties, resolved
from tests.policies import document
from tests.unit.runtime.hints.fake_queue import event

from classifier_operator.adapters.queues import WAIT_SECONDS
from classifier_operator.runtime.hints.events import DETAIL_TYPES, SOURCE
from sagemaker_emulator import events

ROLE = "arn:aws:iam::210987654321:role/ClassifierOperator"
MADE = {name: {"Ref": name, "Arn": f"arn of {name}", "QueueName": f"name of {name}"} for name in TEMPLATE["Resources"]}


def statements(**parameters: str) -> list[dict[str, Any]]:
    made = {**MADE, **{name: {"Ref": value} for name, value in parameters.items()}}
    found: list[dict[str, Any]] = properties("QueuePolicy", made)["PolicyDocument"]["Statement"]
    return found


def test_all_of_it_refers_to_what_there_is() -> None:
    assert TEMPLATE["AWSTemplateFormatVersion"] == "2010-09-09"
    for name in TEMPLATE["Resources"]:
        properties(name, MADE)
    outputs = {name: resolved(one["Value"], MADE) for name, one in TEMPLATE["Outputs"].items()}
    assert outputs == {"QueueUrl": "Queue", "QueueArn": "arn of Queue", "QueueName": "name of Queue"}


def test_only_the_rule_sends() -> None:
    [only] = statements()
    assert only["Principal"] == {"Service": "events.amazonaws.com"}
    assert (only["Effect"], only["Action"], only["Resource"]) == ("Allow", "sqs:SendMessage", "arn of Queue")
    assert only["Condition"] == {"ArnEquals": {"aws:SourceArn": "arn of Rule"}}
    assert properties("QueuePolicy", MADE)["Queues"] == ["Queue"]


def test_the_operator_of_another_account_reads_as_one_of_the_same_account_does() -> None:
    _, reading = statements(OperatorRoleArn=ROLE)
    [own] = document("events-policy")["Statement"]
    assert reading["Principal"] == {"AWS": ROLE}
    assert (reading["Effect"], reading["Action"], reading["Resource"]) == ("Allow", own["Action"], "arn of Queue")


def test_the_queues() -> None:
    queue, dead = properties("Queue", MADE), properties("DeadLetters", MADE)
    assert queue["SqsManagedSseEnabled"] is dead["SqsManagedSseEnabled"] is True
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": "arn of DeadLetters", "maxReceiveCount": 5}
    # A message that cannot be deleted gets there before it is thrown away.
    assert queue["VisibilityTimeout"] * 5 < queue["MessageRetentionPeriod"] < dead["MessageRetentionPeriod"]
    assert queue["VisibilityTimeout"] <= WAIT_SECONDS


def test_the_rule_sends_what_the_operator_understands() -> None:
    pattern = properties("Rule", MADE)["EventPattern"]
    assert pattern["source"] == [SOURCE] == [events.SOURCE]
    assert set(pattern["detail-type"]) == {events.TRAINING, events.ENDPOINT} < DETAIL_TYPES
    assert properties("Rule", MADE)["Targets"] == [{"Id": "queue", "Arn": "arn of Queue"}]


@pytest.mark.parametrize(
    ("changes", "is_sent"),
    [
        ({}, True),
        ({"detail-type": "SageMaker Endpoint State Change"}, True),
        ({"detail-type": "SageMaker Model State Change"}, False),
        ({"source": "aws.ec2"}, False),
    ],
    ids=str,
)
def test_which_events_are_sent(changes: dict[str, Any], is_sent: bool) -> None:
    pattern = EventPattern.load(json.dumps(properties("Rule", MADE)["EventPattern"]))
    assert pattern.matches_event(event(**changes)) is is_sent
