"""AWS's stores catching up late, on request."""

from __future__ import annotations

from typing import Any

from sagemaker_emulator.control import Control
from tests.emulator.builders import create_config, create_model, refusal, training


def test_describe_finds_a_new_job_only_after_a_while(sagemaker: Any, control: Control) -> None:
    control.change_settings(consistency={"describe_seconds": 5})
    sagemaker.create_training_job(**training())
    assert "not found" in refusal(sagemaker.describe_training_job, TrainingJobName="job")[1]
    control.advance(5)
    assert sagemaker.describe_training_job(TrainingJobName="job")["TrainingJobStatus"] == "InProgress"


def test_describe_finds_a_new_model_only_after_some_calls(sagemaker: Any, control: Control) -> None:
    control.change_settings(consistency={"describe_calls": 2})
    create_model(sagemaker)
    for _ in range(2):
        assert "Could not find model" in refusal(sagemaker.describe_model, ModelName="model")[1]
    assert sagemaker.describe_model(ModelName="model")["ModelName"] == "model"


def test_name_is_taken_although_describe_does_not_find_it(sagemaker: Any, control: Control) -> None:
    control.change_settings(consistency={"describe_seconds": 60})
    sagemaker.create_training_job(**training())
    assert refusal(sagemaker.create_training_job, **training())[0] == "ResourceInUse"


def test_list_is_late(sagemaker: Any, control: Control) -> None:
    control.change_settings(consistency={"list_seconds": 10})
    sagemaker.create_training_job(**training())
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
    control.advance(10)
    assert len(sagemaker.list_training_jobs()["TrainingJobSummaries"]) == 1


def test_endpoint_right_after_its_configuration(sagemaker: Any, control: Control) -> None:
    control.change_settings(consistency={"endpoint_config_seconds": 3})
    create_model(sagemaker)
    create_config(sagemaker)
    params = {"EndpointName": "endpoint", "EndpointConfigName": "config"}
    assert "Could not find endpoint configuration" in refusal(sagemaker.create_endpoint, **params)[1]
    control.advance(3)
    sagemaker.create_endpoint(**params)
