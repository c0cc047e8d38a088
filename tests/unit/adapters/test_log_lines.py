"""A line of JSON for each record, with the object that was being worked on."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

import pytest

from classifier_operator.adapters.exchange import Exchange
from classifier_operator.adapters.log_lines import JsonLines, TextLines
from classifier_operator.adapters.log_output import Redacting
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.monitoring.logs import about, fields_of, topic
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.sagemaker.refusal_table import classify

KEY = ObjectKey(Kind.TRAINING, "vision", "digits")
FIELDS = {
    "object": "ClassifierTraining/vision/digits",
    "kind": "ClassifierTraining",
    "namespace": "vision",
    "name": "digits",
    "uid": "u-1",
}


def line(message: str = "hello", level: int = logging.INFO, exc_info: Any = None, **extra: Any) -> dict[str, Any]:
    record = logging.LogRecord("somebody", level, __file__, 1, message, (), exc_info)
    record.created = 1767268800.25
    vars(record).update(extra)
    text = JsonLines().format(record)
    assert "\n" not in text
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_a_line_says_when_who_and_what() -> None:
    assert line() == {
        "time": "2026-01-01T12:00:00.250Z",
        "level": "INFO",
        "logger": "somebody",
        "message": "hello",
    }


def test_a_line_says_what_is_added_to_it() -> None:
    assert line(reason="Completed")["reason"] == "Completed"


def test_a_traceback_is_a_field() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        found = line("unforeseen", logging.ERROR, sys.exc_info())
    assert found["message"] == "unforeseen"
    assert "ValueError: first\nsecond" in found["traceback"]
    assert found["traceback"].startswith("Traceback (most recent call last)")


async def test_a_line_says_which_object_is_worked_on_also_in_tasks_that_were_started_there() -> None:
    async def later() -> dict[str, Any]:
        await asyncio.sleep(0)
        return line()

    with about(KEY, "u-1"):
        assert FIELDS.items() <= line().items()
        task = asyncio.create_task(later())
        assert FIELDS.items() <= (await asyncio.to_thread(line)).items()
    assert topic() is None
    assert "object" not in line()
    assert FIELDS.items() <= (await task).items()


def test_an_object_without_a_uid() -> None:
    with about(KEY, ""):
        assert "uid" not in line()


def test_what_kopf_says_of_an_object_is_said_the_same_way() -> None:
    ref = {"apiVersion": "x/v1", "kind": "ClassifierTraining", "namespace": "vision", "name": "digits", "uid": "u-1"}
    found = line(k8s_ref=ref, k8s_skip=True, settings=object())
    assert FIELDS.items() <= found.items()
    assert not {"k8s_ref", "k8s_skip", "settings"} & found.keys()


def test_of_a_kind_that_is_not_ours_nothing_is_said() -> None:
    assert "object" not in line(k8s_ref={"kind": "Pod", "name": "x"})


def test_a_refusals_fields() -> None:
    refusal = classify("CreateModel", "AccessDenied", "no", 403, "r-1")
    fields = {"operation": "CreateModel", "outcome": "AccessDenied", "code": "AccessDenied", "requestId": "r-1"}
    assert fields_of(refusal) == fields
    assert "r-1" not in f"{refusal} {refusal.words}"


def concluded(operation: str, params: dict[str, Any], caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    exchange = Exchange("sagemaker", operation, "us-east-1", params)
    exchange.begin()
    exchange.answered({"RequestId": "r-1", "HTTPStatusCode": 200, "RetryAttempts": 2})
    exchange.succeeded()
    exchange.conclude(Metrics())
    return caplog.records[-1]


@pytest.mark.parametrize(
    ("operation", "level"),
    [
        ("CreateTrainingJob", logging.INFO),
        ("DeleteEndpoint", logging.INFO),
        ("AddTags", logging.INFO),
        ("RegisterScalableTarget", logging.INFO),
        ("AbortMultipartUpload", logging.INFO),
        ("UploadPart", logging.DEBUG),
        ("DescribeEndpoint", logging.DEBUG),
        ("ListTags", logging.DEBUG),
        ("HeadObject", logging.DEBUG),
        ("InvokeEndpoint", logging.DEBUG),
    ],
)
def test_changes_are_told_and_looks_only_on_request(
    operation: str, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    # Its own level may have been chosen by then: by a command that ran in this process.
    caplog.set_level(logging.DEBUG, logger="classifier_operator")
    assert concluded(operation, {}, caplog).levelno == level


def test_a_call_tells_what_it_is_about_and_no_other_parameter(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    params = {"TrainingJobName": "vision-digits-1", "Environment": {"PASSWORD": "hunter2"}, "Body": b"hunter2"}
    with about(KEY, "u-1"):
        record = concluded("CreateTrainingJob", params, caplog)
    assert record.getMessage().startswith(
        "ClassifierTraining/vision/digits: CreateTrainingJob of vision-digits-1: ok in"
    )
    assert record.getMessage().endswith("request r-1")
    fields = vars(record)
    assert (fields["service"], fields["resource"], fields["attempts"], fields["requestId"]) == (
        "sagemaker",
        "vision-digits-1",
        3,
        "r-1",
    )
    assert "hunter2" not in str(fields)


def text(message: str, exc_info: Any = None) -> str:
    record = logging.LogRecord("somebody", logging.INFO, __file__, 1, message, (), exc_info)
    return Redacting(TextLines()).format(record)


FORGED = "2026-01-01 12:00:00,000 CRITICAL root forged"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_text_cannot_begin_another_line(end: str) -> None:
    found = text(f"ConfigMap a{end}{FORGED} does not exist")
    assert len(found.splitlines()) == 1
    assert found.endswith(f"a{end.encode('unicode_escape').decode()}{FORGED} does not exist")


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x08", "\x9b2J", "\u202e", "\u2066", "\0"])
def test_a_text_cannot_steer_a_terminal(sign: str) -> None:
    assert text(f"a{sign}b").endswith(f"a{sign.encode('unicode_escape').decode()}b")


def test_letters_of_any_language_stay() -> None:
    assert text("équipe 日本\t1").endswith("équipe 日本\t1")


def test_a_traceback_is_indented_and_begins_no_line_of_its_own() -> None:
    try:
        raise ValueError(f"first\n{FORGED}\r{FORGED}")
    except ValueError:
        first, *others = text("unforeseen", sys.exc_info()).splitlines()
    assert first.endswith("unforeseen")
    assert f"    {FORGED}\\r{FORGED}" in others
    assert all(one.startswith("    ") for one in others)
