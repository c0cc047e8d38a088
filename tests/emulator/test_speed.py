"""Ten thousand resources cost little. Limits are wide: machines that run tests are busy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sagemaker_emulator import training_jobs
from sagemaker_emulator.application import Application, Request
from sagemaker_emulator.clock import Clock
from sagemaker_emulator.context import Context
from sagemaker_emulator.server import Emulator
from sagemaker_emulator.settings import Settings, Training
from sagemaker_emulator.store import ScopeKey
from tests.emulator.builders import ACCOUNT, REGION, training

MANY = 10_000
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/sagemaker/aws4_request, Signature=0"


@pytest.fixture(scope="module")
def crowded() -> Iterator[Application]:
    """An emulator with ten thousand running jobs, without its server."""
    settings = Settings(training=Training(work="none", instant_artifact=False))
    application = Application(settings, Clock(0))
    world = application.world
    context = Context(world, world.scope(ScopeKey(ACCOUNT, REGION)), world.clock.now())
    for number in range(MANY):
        training_jobs.create(context, training(f"job-{number}"))
    yield application
    application.world.scheduler.pool.close()


def call(application: Application, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    headers = {"X-Amz-Target": f"SageMaker.{operation}", "Authorization": SIGNED}
    response: Any = application.begin(Request("POST", "/", headers, json.dumps(params).encode()))
    assert response.status == 200
    return dict(json.loads(response.body))


def best_of(times: int, application: Application, operation: str, params: dict[str, Any]) -> float:
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        call(application, operation, params)
        durations.append(time.perf_counter() - began)
    return min(durations)


def test_page_of_a_hundred(crowded: Application) -> None:
    assert best_of(10, crowded, "ListTrainingJobs", {"MaxResults": 100}) < 0.015


def test_describe(crowded: Application) -> None:
    assert best_of(20, crowded, "DescribeTrainingJob", {"TrainingJobName": "job-5000"}) < 0.0033


def test_all_pages_show_each_job_once(crowded: Application) -> None:
    page = call(crowded, "ListTrainingJobs", {"MaxResults": 100})
    names = [s["TrainingJobName"] for s in page["TrainingJobSummaries"]]
    while "NextToken" in page:
        page = call(crowded, "ListTrainingJobs", {"MaxResults": 100, "NextToken": page["NextToken"]})
        names += [s["TrainingJobName"] for s in page["TrainingJobSummaries"]]
    assert names == [f"job-{number}" for number in range(MANY)]


def test_all_end_when_the_clock_moves(crowded: Application) -> None:
    crowded.world.scheduler.advance(400)
    page = call(crowded, "ListTrainingJobs", {"MaxResults": 100, "StatusEquals": "Completed"})
    assert len(page["TrainingJobSummaries"]) == 100


def test_one_connection_serves_many_calls(emulator: Emulator, sagemaker: Any) -> None:
    sagemaker.create_training_job(**training())
    for _ in range(50):
        sagemaker.describe_training_job(TrainingJobName="job")
    assert emulator.control.counts()["DescribeTrainingJob"] == 50
