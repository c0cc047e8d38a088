"""The template of the events' queue, and a stack of it in the tests' AWS: by its own values, without CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parent.parent / "manifests" / "aws" / "events-queue.yaml"
TEMPLATE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
# What test policies allow the operator to read.
QUEUE = "classifier-events"
_NOTHING = object()
Made = Mapping[str, Mapping[str, str]]


def properties(name: str, made: Made) -> Any:
    """A resource's properties, with what refers to others filled in; `made` has the attributes of those."""
    return resolved(TEMPLATE["Resources"][name]["Properties"], made)


def resolved(value: Any, made: Made) -> Any:
    """A value of the template; a reference to what there is not is a KeyError."""
    if isinstance(value, list):
        return [one for one in (resolved(item, made) for item in value) if one is not _NOTHING]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(function, argument)] = value.items()
        if function in _FUNCTIONS:
            return _FUNCTIONS[function](argument, made)
    return {name: resolved(one, made) for name, one in value.items()}


def _ref(name: str, made: Made) -> Any:
    if name == "AWS::NoValue":
        return _NOTHING
    return made[name]["Ref"] if name in made else TEMPLATE["Parameters"][name]["Default"]


def _if(argument: list[Any], made: Made) -> Any:
    condition, yes, no = argument
    return resolved(yes if resolved(TEMPLATE["Conditions"][condition], made) else no, made)


def _equals(argument: list[Any], made: Made) -> bool:
    first, second = resolved(argument, made)
    return bool(first == second)


def _attribute(argument: list[str], made: Made) -> str:
    name, attribute = argument
    return made[name][attribute]


def _not(argument: list[Any], made: Made) -> bool:
    return not resolved(argument[0], made)


_FUNCTIONS: dict[str, Callable[[Any, Made], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _attribute,
    "Fn::If": _if,
    "Fn::Equals": _equals,
    "Fn::Not": _not,
}


class Stack:
    """The template's resources, made by these clients; the queues are called as the tests' policies say."""

    def __init__(self, sqs: Any, events: Any) -> None:
        self._sqs, self._events = sqs, events
        self.made: dict[str, dict[str, str]] = {}
        self._make_queue("DeadLetters", f"{QUEUE}-dead-letters")
        self._make_queue("Queue", QUEUE)
        self._make_rule("Rule", QUEUE)
        policy = properties("QueuePolicy", self.made)
        for url in policy["Queues"]:
            attributes = {"Policy": json.dumps(policy["PolicyDocument"])}
            self._sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    @property
    def url(self) -> str:
        """What the output says."""
        url: str = resolved(TEMPLATE["Outputs"]["QueueUrl"]["Value"], self.made)
        return url

    def send(self, *bodies: str) -> None:
        """Put messages into the queue, as whoever may."""
        for body in bodies:
            self._sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def waiting(self, queue: str = "Queue") -> int:
        """How many messages are there, whether they were read or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.made[queue]["Ref"]
        counts = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(counts[name]) for name in names)

    def delete_queue(self) -> None:
        """What somebody does by mistake."""
        self._sqs.delete_queue(QueueUrl=self.url)

    def restore_queue(self) -> None:
        """The queue is there again, under its old name."""
        self._make_queue("Queue", QUEUE)

    def _make_queue(self, name: str, called: str) -> None:
        wanted = properties(name, self.made)
        attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in wanted.items()}
        url = self._sqs.create_queue(QueueName=called, Attributes=attributes)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.made[name] = {"Ref": url, "Arn": arn, "QueueName": called}

    def _make_rule(self, name: str, called: str) -> None:
        wanted = properties(name, self.made)
        rule = {"Name": called, "State": wanted["State"], "Description": wanted["Description"]}
        arn = self._events.put_rule(**rule, EventPattern=json.dumps(wanted["EventPattern"]))["RuleArn"]
        self._events.put_targets(Rule=called, Targets=wanted["Targets"])
        self.made[name] = {"Ref": called, "Arn": arn}
