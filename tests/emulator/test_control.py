"""The control API: settings, clock, call log, resources, and how it explains mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator.control import Control, ControlError
from sagemaker_emulator.server import Emulator
from tests.emulator.builders import ACCOUNT, REGION, create_model, refusal, training


def test_settings_are_patched_and_reset(control: Control) -> None:
    before = control.settings()
    changed = control.change_settings(training={"training_seconds": 5}, strict_roles=True)
    assert (changed["training"]["training_seconds"], changed["strict_roles"]) == (5.0, True)
    assert changed["training"]["starting_seconds"] == before["training"]["starting_seconds"]
    control.reset()
    assert control.settings() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"trainning": {}}, "settings has no 'trainning'; it has account,", id="section"),
        pytest.param({"training": {"speed": 1}}, "settings.training has no 'speed'", id="name"),
        pytest.param({"training": 5}, "settings.training must be an object", id="no-object"),
        pytest.param({"training": {"work": "hard"}}, "must be one of algorithm, none", id="choice"),
        pytest.param({"training": {"training_seconds": "5"}}, "must be of type float", id="type"),
        pytest.param({"training": {"training_seconds": -1}}, "must not be negative", id="negative"),
        pytest.param({"strict_roles": 1}, "must be of type bool", id="no-bool"),
        pytest.param({"account": "222222222222"}, "settings.account is fixed", id="fixed"),
        pytest.param({"filter_after_paging": "x"}, "must be a list of strings", id="no-list"),
    ],
)
def test_wrong_settings(control: Control, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ControlError, match=words):
        control.change_settings(**changes)


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        pytest.param("POST", "/nowhere", {}, "no POST /_emulator/nowhere", id="path"),
        pytest.param("POST", "/clock/advance", {}, "missing member 'seconds'", id="member"),
        pytest.param("POST", "/clock/advance", {"seconds": -1}, "cannot be moved back", id="back"),
        pytest.param("POST", "/clock", {"speed": -1}, "speed must be between", id="speed"),
        pytest.param("POST", "/faults/outage", {"kind": "quake"}, "kind must be empty or one of", id="outage"),
        pytest.param("POST", "/faults/random-throttle", {"fraction": 2}, "between 0 and 1", id="fraction"),
        pytest.param("POST", "/faults/fail", {"operation": "x", "when": "never"}, "before or after", id="when"),
        pytest.param("POST", "/outcomes", {"kind": "party", "result": "fail"}, "kind must be one of", id="kind"),
        pytest.param("POST", "/outcomes", {"kind": "update", "result": "stop"}, "result of a update", id="result"),
        pytest.param("POST", "/capacity/quota", {"instance_type": "x", "use": "fun"}, "use must be", id="use"),
        pytest.param("PATCH", "/resources/endpoints/x", {"status": ""}, "status must be a word", id="status"),
        pytest.param("PATCH", "/resources/endpoints/x", {"status": "Gone"}, "status must be a word", id="gone"),
        pytest.param("POST", "/autoscaling", {"endpoint": "x", "variant": "v"}, "missing member 'count'", id="count"),
        pytest.param("PATCH", "/resources/endpoints/x", {"status": "Failed"}, "there is no 'x'", id="endpoint"),
        pytest.param("PATCH", "/resources/training-jobs/x", {"result": "fail"}, "there is no 'x'", id="job"),
        pytest.param("DELETE", "/resources/dreams/x", {}, "no kind 'dreams'", id="resource-kind"),
    ],
)
def test_mistakes_are_explained(control: Control, method: str, path: str, body: Any, words: str) -> None:
    with pytest.raises(ControlError, match=words):
        control._call(method, path, body)


def test_clock_stands_still_until_it_is_moved(control: Control) -> None:
    now = control.now()
    assert control.now() == now
    assert control.advance(12.5) == now + 12.5


def test_clock_runs_at_its_speed(control: Control) -> None:
    before = control.now()
    control.set_speed(100_000)
    while control.now() < before + 60:
        pass
    control.set_speed(0)
    assert control.now() == control.now()


def test_work_is_done_without_anyone_advancing(sagemaker: Any, s3: Any, control: Control) -> None:
    sagemaker.create_training_job(**training())
    control.set_speed(1000)
    while control.resources()[0]["status"] != "Completed":
        pass
    assert s3.list_objects_v2(Bucket="models")["KeyCount"] == 1


def test_call_log(sagemaker: Any, control: Control) -> None:
    create_model(sagemaker)
    refusal(sagemaker.describe_model, ModelName="none")
    made, failed = control.calls()
    assert (made["operation"], made["resource"], made["status"], made["effect"]) == (
        "CreateModel",
        "model",
        200,
        True,
    )
    assert made["request"]["ModelName"] == "model"
    assert (failed["code"], failed["status"], failed["effect"]) == ("ValidationException", 400, False)
    assert (failed["account"], failed["region"], failed["service"]) == (ACCOUNT, REGION, "sagemaker")
    assert control.calls(since=made["number"]) == [failed]
    assert control.calls("CreateModel") == [made]


def test_counts(sagemaker: Any, control: Control) -> None:
    create_model(sagemaker)
    refusal(sagemaker.describe_model, ModelName="none")
    assert control.counts() == {"CreateModel": 1, "DescribeModel": 1}
    assert control.outcome_counts() == {"CreateModel:200": 1, "DescribeModel:ValidationException": 1}
    control.clear_calls()
    assert control.counts() == {}


def test_resources(sagemaker: Any, s3: Any, control: Control, endpoint: str) -> None:
    s3.put_object(Bucket="models", Key="a/b", Body=b"")
    found = [(item["kind"], item["name"]) for item in control.resources(s3=True)]
    assert found == [
        ("models", "model"),
        ("endpoint-configs", "config"),
        ("endpoints", "endpoint"),
        ("s3-objects", "s3://models/a/b"),
    ]


@pytest.mark.parametrize(
    ("kind", "name", "operation", "member"),
    [
        ("endpoints", "endpoint", "describe_endpoint", "EndpointName"),
        ("endpoint-configs", "config", "describe_endpoint_config", "EndpointConfigName"),
        ("models", "model", "describe_model", "ModelName"),
    ],
)
def test_removal_out_of_band(
    sagemaker: Any, control: Control, endpoint: str, kind: str, name: str, operation: str, member: str
) -> None:
    control.remove(kind, name)
    assert "Could not find" in refusal(getattr(sagemaker, operation), **{member: name})[1]


def test_reset_empties_everything(sagemaker: Any, s3: Any, control: Control, endpoint: str) -> None:
    control.order("training", "fail")
    control.set_quota("ml.m4.xlarge", "endpoint", 0)
    control.outage()
    control.reset()
    assert control.resources(s3=True) == []
    assert control.faults()["outage"] == ""
    sagemaker.create_training_job(**training())


def test_quotas_and_orders_are_shown(control: Control) -> None:
    control.set_quota("ml.m4.xlarge", "endpoint", 3)
    control.order("training", "fail", count=2)
    shown = control._call("GET", "/capacity")["quotas"]
    assert shown == [{"instance_type": "ml.m4.xlarge", "use": "endpoint", "limit": 3}]
    assert len(control._call("GET", "/outcomes")["outcomes"]) == 2


def test_health(emulator: Emulator) -> None:
    assert emulator.control._call("GET", "/")["service"] == "sagemaker-emulator"


def test_timelines_tell_what_has_been(sagemaker: Any, control: Control) -> None:
    sagemaker.create_training_job(**training("first"))
    created = control.now()
    control.advance(70)
    (found,) = control.timelines("training-jobs")
    assert (found["name"], found["account"], found["region"]) == ("first", ACCOUNT, REGION)
    assert found["created"] == pytest.approx(created)
    assert [(phase["secondary"], round(phase["at"] - created)) for phase in found["phases"]] == [
        ("Starting", 0),
        ("Downloading", 60),
    ]


def test_endpoints_have_timelines_of_statuses(control: Control, endpoint: str) -> None:
    (found,) = control.timelines("endpoints")
    assert found["name"] == endpoint
    assert [phase["status"] for phase in found["phases"]] == ["Creating", "InService"]


def test_models_have_no_timelines(control: Control) -> None:
    with pytest.raises(ControlError, match="kind must be training-jobs or endpoints"):
        control._call("GET", "/timelines/models")
