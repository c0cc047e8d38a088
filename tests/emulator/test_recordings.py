"""The emulator's answers against those that AWS was recorded to give: see recordings/README.md."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from image_recordio.digits import digits
from sagemaker_emulator.control import Control
from tests.emulator.builders import (
    ALGORITHM,
    BUCKET,
    ROLE,
    client,
    create_config,
    create_model,
    serverless,
    training,
    variant,
)
from tests.emulator.test_training_work import channel, digits_training, log_lines, packed

HERE = Path(__file__).parent / "recordings"
ANSWERS, REFUSALS, FAILURES, LOG = (
    json.loads((HERE / f"{name}.json").read_text()) for name in ("answers", "refusals", "failures", "log")
)
VARIANT_OF_ENDPOINT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/endpoint/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


@dataclass(frozen=True)
class Stage:
    """What a situation is made with."""

    sagemaker: Any
    runtime: Any
    s3: Any
    control: Control
    url: str

    def call(self, operation: str, **params: Any) -> Any:
        caller = self.runtime if operation == "InvokeEndpoint" else self.sagemaker
        return getattr(caller, _snake(operation))(**params)


@pytest.fixture
def stage(emulator: Any, sagemaker: Any, runtime: Any, s3: Any, control: Control) -> Stage:
    return Stage(sagemaker, runtime, s3, control, emulator.url)


def _snake(operation: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


def by_id(recorded: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(one, id=one["id"]) for one in recorded]


def job_request() -> dict[str, Any]:
    recorded = ANSWERS[0]["answer"]
    members = ("AlgorithmSpecification", "HyperParameters", "ResourceConfig", "StoppingCondition")
    channels = [{**one, "CompressionType": "None"} for one in recorded["InputDataConfig"]]
    return training(**{name: recorded[name] for name in members}, InputDataConfig=channels)


def job(stage: Stage, after: float, *, stop: bool = False) -> Any:
    stage.sagemaker.create_training_job(**job_request())
    stage.control.advance(after)
    if stop:
        stage.sagemaker.stop_training_job(TrainingJobName="job")
    return stage.sagemaker.describe_training_job(TrainingJobName="job")


def endpoint(stage: Stage, after: float = 0, artifact: bytes = b"") -> Any:
    if artifact:
        stage.s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=artifact)
        create_model(stage.sagemaker, Image=ALGORITHM, ModelDataUrl=f"s3://{BUCKET}/model.tar.gz")
    else:
        create_model(stage.sagemaker)
    create_config(stage.sagemaker)
    stage.sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    stage.control.advance(after)
    return stage.sagemaker.describe_endpoint(EndpointName="endpoint")


SITUATIONS: dict[str, Callable[[Stage], Any]] = {
    "job-starting": lambda stage: job(stage, 0),
    "job-stopping": lambda stage: job(stage, 50, stop=True),
    "job-completed": lambda stage: job(stage, 300),
    "endpoint-creating": lambda stage: endpoint(stage),
    "endpoint-failed": lambda stage: endpoint(stage, 1800, b"no archive"),
}


@pytest.mark.parametrize("recorded", by_id(ANSWERS))
def test_an_answer_has_the_recorded_shape(stage: Stage, recorded: dict[str, Any]) -> None:
    answer = SITUATIONS[recorded["id"]](stage)
    del answer["ResponseMetadata"]
    shown = types_of(plain(answer))
    wanted = types_of(recorded["answer"])
    assert {path: kind for path, kind in shown.items() if path in wanted} == wanted
    assert [path for path in recorded["absent"] if path in shown] == []
    later = tuple(recorded["later"])
    added = [path for path in shown if path not in wanted and not _is_below(path, later)]
    assert added == [], "neither recorded nor known as a later addition"
    given = plain(answer)
    for name in recorded["same"]:
        assert _holds(given[name], recorded["answer"][name]), name


def _is_below(path: str, parents: tuple[str, ...]) -> bool:
    return any(path == parent or path.startswith((f"{parent}.", f"{parent}[")) for parent in parents)


def _holds(shown: Any, recorded: Any) -> bool:
    """Whether `shown` has all that was recorded, with the same values."""
    if isinstance(recorded, dict):
        return all(name in shown and _holds(shown[name], value) for name, value in recorded.items())
    if isinstance(recorded, list):
        return len(shown) == len(recorded) and all(map(_holds, shown, recorded))
    return bool(shown == recorded)


def plain(value: Any) -> Any:
    """An answer as JSON has it: times are numbers."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value


def types_of(answer: dict[str, Any]) -> dict[str, str]:
    """The path of each member, and its type."""
    return dict(_types(answer, ""))


def _types(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if path:
        yield path, type(value).__name__
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _types(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value[:1]:
            yield from _types(item, f"{path}[]")


def taken_model(stage: Stage) -> None:
    for _ in range(2):
        create_model(stage.sagemaker)


def taken_config(stage: Stage) -> None:
    create_model(stage.sagemaker)
    for _ in range(2):
        create_config(stage.sagemaker)


def bad_instance_type(stage: Stage) -> None:
    create_model(stage.sagemaker)
    create_config(stage.sagemaker, "config", variant(InstanceType="ml.t3.medium.large"))


def taken_endpoint(stage: Stage) -> None:
    endpoint(stage)
    stage.sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")


def no_quota_for_endpoint(stage: Stage) -> None:
    stage.control.set_quota("ml.m4.xlarge", "endpoint", 0)
    endpoint(stage)


def delete_while_creating(stage: Stage) -> None:
    endpoint(stage)
    stage.sagemaker.delete_endpoint(EndpointName="endpoint")


def delete_with_targets(stage: Stage) -> None:
    endpoint(stage, 301)
    stage.control.change_settings(deregister_with_endpoint=False)
    client("application-autoscaling", stage.url).register_scalable_target(
        **VARIANT_OF_ENDPOINT, MinCapacity=1, MaxCapacity=2
    )
    stage.sagemaker.delete_endpoint(EndpointName="endpoint")


def no_spot_quota(stage: Stage) -> None:
    resources = {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}
    stage.control.set_quota("ml.p3.2xlarge", "spot training job", 0)
    stage.sagemaker.create_training_job(**training("on-demand", ResourceConfig=resources))
    spot = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    stage.sagemaker.create_training_job(
        **training(ResourceConfig=resources, EnableManagedSpotTraining=True, StoppingCondition=spot)
    )


def bad_input_mode(stage: Stage) -> None:
    stage.sagemaker.create_training_job(**training(InputDataConfig=[{**channel("train"), "InputMode": "fastfile"}]))


def no_data(stage: Stage) -> None:
    stage.control.change_settings(training={"check_inputs": True})
    stage.sagemaker.create_training_job(**training(InputDataConfig=[channel("train")]))


def stop_completed(stage: Stage) -> None:
    job(stage, 300)
    stage.sagemaker.stop_training_job(TrainingJobName="job")


def throttled(stage: Stage) -> None:
    stage.control.throttle("CreateTrainingJob", rate=0.001, burst=1)
    for name in ("first", "second"):
        stage.sagemaker.create_training_job(**training(name))


def invoke_with_too_much(stage: Stage) -> None:
    endpoint(stage, 301)
    stage.runtime.invoke_endpoint(EndpointName="endpoint", Body=b"x" * 5_300_000)


def invoke_serverless_with_too_much(stage: Stage) -> None:
    create_model(stage.sagemaker)
    create_config(stage.sagemaker, "config", serverless())
    stage.sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    stage.control.advance(301)
    stage.runtime.invoke_endpoint(EndpointName="endpoint", Body=b"x" * 5_000_000)


def invoke_with_text(stage: Stage) -> None:
    train_digits(stage)
    artifact = stage.s3.get_object(Bucket=BUCKET, Key="output/job/output/model.tar.gz")["Body"].read()
    endpoint(stage, 301, artifact)
    stage.runtime.invoke_endpoint(EndpointName="endpoint", Body=b"text", ContentType="application/x-image")


def train_digits(stage: Stage, **changes: Any) -> Any:
    data = digits(size=8, per_class=5)
    for name, images in (("train", data.train[:50]), ("validation", data.validation)):
        stage.s3.put_object(Bucket=BUCKET, Key=f"data/{name}/digits.rec", Body=packed(images))
    hyperparameters = {"image_shape": "1,8,8", "mini_batch_size": "2", "epochs": "1", "top_k": "2"}
    changes["hyperparameters"] = {**hyperparameters, **changes.get("hyperparameters", {})}
    stage.sagemaker.create_training_job(**digits_training(**changes))
    stage.control.advance(300)
    return stage.sagemaker.describe_training_job(TrainingJobName="job")


CALLS: dict[str, Callable[[Stage], Any]] = {
    "model-unknown": lambda stage: stage.call("DescribeModel", ModelName="none"),
    "model-exists": taken_model,
    "model-without-image": lambda stage: stage.call(
        "CreateModel", ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer={"Environment": {"A": "b"}}
    ),
    "model-without-data": lambda stage: create_model(stage.sagemaker, ModelDataUrl=f"s3://{BUCKET}/none.tar.gz"),
    "model-name-too-long": lambda stage: create_model(stage.sagemaker, "a_" * 40),
    "config-of-unknown-model": lambda stage: create_config(stage.sagemaker),
    "config-instance-type": bad_instance_type,
    "config-exists": taken_config,
    "config-unknown-in-small-letters": lambda stage: stage.call(
        "DescribeEndpointConfig", EndpointConfigName="DEMO-config"
    ),
    "endpoint-exists": taken_endpoint,
    "endpoint-quota": no_quota_for_endpoint,
    "endpoint-in-progress": delete_while_creating,
    "endpoint-unknown": lambda stage: stage.call("DeleteEndpoint", EndpointName="none"),
    "endpoint-with-targets": delete_with_targets,
    "job-spot-quota": no_spot_quota,
    "job-input-mode": bad_input_mode,
    "job-without-data": no_data,
    "job-unknown": lambda stage: stage.call("DescribeTrainingJob", TrainingJobName="none"),
    "job-already-ended": stop_completed,
    "throttled": throttled,
    "invoke-unknown": lambda stage: stage.call("InvokeEndpoint", EndpointName="none", Body=b"x"),
    "invoke-too-large": invoke_with_too_much,
    "invoke-too-large-for-serverless": invoke_serverless_with_too_much,
    "invoke-no-image": invoke_with_text,
}


@pytest.mark.parametrize("recorded", by_id(REFUSALS))
def test_a_refusal_is_the_recorded_one(stage: Stage, recorded: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        CALLS[recorded["id"]](stage)
    error, http = caught.value.response["Error"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert caught.value.operation_name == recorded["operation"]
    assert (error["Code"], http) == (recorded["code"], recorded["status"])
    assert template(recorded["message"]).fullmatch(error["Message"]), error["Message"]


def template(message: str) -> re.Pattern[str]:
    """`{…}` matches anything, the rest itself."""
    return re.compile(".+".join(map(re.escape, re.split(r"\{[^}]*\}", message))), re.DOTALL)


def double_slash(stage: Stage) -> Any:
    stage.s3.put_object(Bucket=BUCKET, Key="data//train/digits.rec", Body=b"x")
    return train_digits(stage, channels=[channel("train", f"s3://{BUCKET}/data/"), channel("validation")])


def no_capacity(stage: Stage) -> Any:
    stage.control.set_shortage("ml.p2.xlarge", "training job")
    stage.sagemaker.create_training_job(**training())
    stage.control.advance(3600)
    return stage.sagemaker.describe_training_job(TrainingJobName="job")


FAILING: dict[str, Callable[[Stage], Any]] = {
    "batch-above-images": lambda stage: train_digits(stage, hyperparameters={"mini_batch_size": "51"}),
    "double-slash": double_slash,
    "no-capacity": no_capacity,
}


@pytest.mark.parametrize("recorded", by_id(FAILURES))
def test_a_failure_reason_is_the_recorded_one(stage: Stage, recorded: dict[str, Any]) -> None:
    shown = FAILING[recorded["id"]](stage)
    assert shown["TrainingJobStatus"] == "Failed"
    assert template(recorded["message"]).fullmatch(shown["FailureReason"]), shown["FailureReason"]


def test_the_log_has_the_recorded_lines(stage: Stage, clients: Any) -> None:
    train_digits(stage)
    lines = log_lines(clients("logs"))
    found = [next((n for n, line in enumerate(lines) if re.fullmatch(one, line)), None) for one in LOG["lines"]]
    assert None not in found, lines
    assert found == sorted(number for number in found if number is not None)
    assert not [line for line in lines if any(words in line for words in LOG["never"])]


@pytest.mark.parametrize(
    ("known", "recorded"),
    [(SITUATIONS, ANSWERS), (CALLS, REFUSALS), (FAILING, FAILURES)],
    ids=["answers", "refusals", "failures"],
)
def test_every_recording_is_compared(known: dict[str, Any], recorded: list[dict[str, Any]]) -> None:
    assert sorted(known) == sorted(one["id"] for one in recorded)
