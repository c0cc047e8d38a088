"""What is read from AWS's answers."""

from __future__ import annotations

from typing import Any

import pytest

from classifier_operator.sagemaker.views import Metric, endpoint_described, endpoint_listed, job_described, job_listed

JOB: dict[str, Any] = {"TrainingJobName": "j", "TrainingJobArn": "arn", "TrainingJobStatus": "InProgress"}
ENDPOINT: dict[str, Any] = {"EndpointName": "e", "EndpointArn": "arn", "EndpointStatus": "InService"}
MOVING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
RESTING = ("InService", "Failed", "OutOfService", "UpdateRollbackFailed", "Hibernating")


def test_the_least_of_a_job() -> None:
    view = job_described(JOB)
    assert (view.name, view.status, view.artifact, view.is_detailed) == ("j", "InProgress", "", True)


def test_a_metric_is_text_of_seven_digits() -> None:
    view = job_described({**JOB, "FinalMetricDataList": [{"MetricName": "m", "Value": 0.7315000295639038}]})
    assert view.metrics == (Metric("m", "0.7315"),)


@pytest.mark.parametrize("status", ["InProgress", "Stopping", "Deleting", "Pondering"])
def test_a_job_moves_until_it_has_ended(status: str) -> None:
    assert job_listed({**JOB, "TrainingJobStatus": status}).is_moving


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_an_ended_job_does_not_move(status: str) -> None:
    assert job_listed({**JOB, "TrainingJobStatus": status}).has_ended


@pytest.mark.parametrize("status", ["Stopping", "Deleting", "Completed"])
def test_what_is_on_its_way_out_is_not_to_be_stopped(status: str) -> None:
    assert not job_listed({**JOB, "TrainingJobStatus": status}).is_running


@pytest.mark.parametrize("status", MOVING + RESTING)
def test_which_endpoints_move(status: str) -> None:
    assert endpoint_listed({**ENDPOINT, "EndpointStatus": status}).is_moving is (status in MOVING)


def test_a_variant_without_counts_is_no_crash() -> None:
    view = endpoint_described({**ENDPOINT, "ProductionVariants": [{"VariantName": "AllTraffic"}]})
    variant = view.variant("AllTraffic")
    assert variant is not None
    assert (variant.current_count, variant.current_weight) == (0, 1.0)
    assert view.variant("other") is None
