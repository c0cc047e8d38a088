"""List operations: order, pages, tokens and filters."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator.control import Control
from tests.emulator.builders import arn, create_config, create_model, refusal, training

NEWEST_FIRST = {"SortOrder": "Descending"}


@pytest.fixture
def jobs(sagemaker: Any, control: Control, s3: Any) -> list[str]:
    """Twelve jobs, one a second, oldest first; only the first has ended."""
    names = [f"job-{number:02}" for number in range(12)]
    sagemaker.create_training_job(**training(names[0]))
    control.advance(300)
    for name in names[1:]:
        sagemaker.create_training_job(**training(name))
        control.advance(1)
    return names


def names(page: dict[str, Any]) -> list[str]:
    return [summary["TrainingJobName"] for summary in page["TrainingJobSummaries"]]


def test_oldest_first_ten_at_a_time(sagemaker: Any, jobs: list[str]) -> None:
    page = sagemaker.list_training_jobs()
    assert names(page) == jobs[:10]
    assert names(sagemaker.list_training_jobs(NextToken=page["NextToken"])) == jobs[10:]


def test_newest_first_where_it_is_asked_for(sagemaker: Any, jobs: list[str]) -> None:
    page = sagemaker.list_training_jobs(SortOrder="Descending")
    assert names(page) == jobs[:1:-1]
    rest = sagemaker.list_training_jobs(SortOrder="Descending", NextToken=page["NextToken"])
    assert names(rest) == [jobs[1], jobs[0]]


@pytest.mark.parametrize("by", ["CreationTime", "Name"])
def test_models_come_newest_or_last_first(sagemaker: Any, control: Control, by: str) -> None:
    for name in ("a", "b"):
        create_model(sagemaker, name)
        control.advance(1)
    assert [model["ModelName"] for model in sagemaker.list_models(SortBy=by)["Models"]] == ["b", "a"]


def test_last_page_has_no_token(sagemaker: Any, jobs: list[str]) -> None:
    assert "NextToken" not in sagemaker.list_training_jobs(MaxResults=12)


def test_filter_applies_after_paging(sagemaker: Any, jobs: list[str]) -> None:
    params = {"StatusEquals": "Completed", "MaxResults": 5, **NEWEST_FIRST}
    page = sagemaker.list_training_jobs(**params)
    assert names(page) == []
    second = sagemaker.list_training_jobs(NextToken=page["NextToken"], **params)
    assert names(second) == []
    last = sagemaker.list_training_jobs(NextToken=second["NextToken"], **params)
    assert (names(last), "NextToken" in last) == ([jobs[0]], False)


def test_filter_before_paging_is_a_setting(sagemaker: Any, control: Control, jobs: list[str]) -> None:
    control.change_settings(filter_after_paging=[])
    assert names(sagemaker.list_training_jobs(StatusEquals="Completed", MaxResults=5)) == [jobs[0]]


def test_job_created_between_pages_moves_nothing(sagemaker: Any, jobs: list[str]) -> None:
    page = sagemaker.list_training_jobs(MaxResults=3, **NEWEST_FIRST)
    sagemaker.create_training_job(**training("newer"))
    assert (
        names(sagemaker.list_training_jobs(MaxResults=3, NextToken=page["NextToken"], **NEWEST_FIRST)) == jobs[8:5:-1]
    )


def test_deleted_job_at_the_edge_of_a_page_loses_nothing(sagemaker: Any, control: Control, jobs: list[str]) -> None:
    page = sagemaker.list_training_jobs(MaxResults=3, **NEWEST_FIRST)
    control.remove("training-jobs", jobs[9])
    assert (
        names(sagemaker.list_training_jobs(MaxResults=3, NextToken=page["NextToken"], **NEWEST_FIRST)) == jobs[8:5:-1]
    )


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param({"SortBy": "Name"}, slice(None, 3), id="names-start-at-a"),
        pytest.param({"SortBy": "Name", "SortOrder": "Descending"}, slice(-1, -4, -1), id="names-from-z"),
        pytest.param({"SortOrder": "Ascending"}, slice(None, 3), id="oldest-first"),
        pytest.param({"SortBy": "Status"}, slice(None, 3), id="completed-before-in-progress"),
    ],
)
def test_order(sagemaker: Any, jobs: list[str], params: dict[str, str], expected: slice) -> None:
    page = sagemaker.list_training_jobs(MaxResults=3, **params)
    assert names(page) == jobs[expected]
    rest = sagemaker.list_training_jobs(MaxResults=100, NextToken=page["NextToken"], **params)
    assert sorted(names(page) + names(rest)) == jobs


def test_creation_time_bounds_the_scan(sagemaker: Any, jobs: list[str]) -> None:
    listed = sagemaker.list_training_jobs(MaxResults=12, **NEWEST_FIRST)["TrainingJobSummaries"]
    after = listed[2]["CreationTime"].timestamp()
    page = sagemaker.list_training_jobs(MaxResults=2, CreationTimeAfter=after, **NEWEST_FIRST)
    assert (names(page), "NextToken" in page) == (jobs[:9:-1], False)
    older = sagemaker.list_training_jobs(CreationTimeBefore=listed[9]["CreationTime"].timestamp())
    assert names(older) == [jobs[0], jobs[1]]


def test_last_modified_filter(sagemaker: Any, control: Control, jobs: list[str]) -> None:
    before = control.now()
    control.advance(1)
    sagemaker.stop_training_job(TrainingJobName=jobs[5])
    control.advance(1)
    found = sagemaker.list_training_jobs(MaxResults=100, LastModifiedTimeAfter=before)
    assert names(found) == [jobs[5]]


def test_summary(sagemaker: Any, jobs: list[str]) -> None:
    summary = sagemaker.list_training_jobs(MaxResults=1, **NEWEST_FIRST)["TrainingJobSummaries"][0]
    assert summary["TrainingJobArn"] == arn("training-job", jobs[-1])
    assert (summary["TrainingJobStatus"], summary["SecondaryStatus"]) == ("InProgress", "Starting")


@pytest.mark.parametrize("token", ["nonsense", "WzEsMl0="])
def test_bad_token(sagemaker: Any, token: str) -> None:
    assert refusal(sagemaker.list_training_jobs, NextToken=token)[0] == "ValidationException"


def test_token_of_another_order(sagemaker: Any, jobs: list[str]) -> None:
    token = sagemaker.list_training_jobs(MaxResults=3)["NextToken"]
    assert refusal(sagemaker.list_training_jobs, NextToken=token, SortBy="Name")[0] == "ValidationException"


def test_page_size_is_limited(sagemaker: Any) -> None:
    _, message = refusal(sagemaker.list_training_jobs, MaxResults=101)
    assert "Value '101' at 'maxResults' failed to satisfy constraint" in message


def test_warm_pool_filter(sagemaker: Any, control: Control, s3: Any) -> None:
    resources = {**training()["ResourceConfig"], "KeepAlivePeriodInSeconds": 600}
    sagemaker.create_training_job(**training("warm", ResourceConfig=resources))
    sagemaker.create_training_job(**training("cold"))
    control.advance(300)
    assert names(sagemaker.list_training_jobs(WarmPoolStatusEquals="Available")) == ["warm"]


def test_models(sagemaker: Any) -> None:
    for name in ("digit-a", "digit-b", "other"):
        create_model(sagemaker, name)
    found = sagemaker.list_models(NameContains="digit", MaxResults=1)
    assert [m["ModelName"] for m in found["Models"]] == ["digit-b"]
    rest = sagemaker.list_models(NameContains="digit", MaxResults=1, NextToken=found["NextToken"])
    assert [m["ModelArn"] for m in rest["Models"]] == [arn("model", "digit-a")]


def test_endpoint_configs(sagemaker: Any) -> None:
    create_model(sagemaker)
    for name in ("first", "second"):
        create_config(sagemaker, name)
    found = sagemaker.list_endpoint_configs(SortOrder="Ascending")["EndpointConfigs"]
    assert [c["EndpointConfigName"] for c in found] == ["first", "second"]


def test_endpoints_are_filtered_before_paging(sagemaker: Any, endpoint: str) -> None:
    sagemaker.create_endpoint(EndpointName="newer", EndpointConfigName="config")
    page = sagemaker.list_endpoints(StatusEquals="InService", MaxResults=1)
    assert [(e["EndpointName"], e["EndpointStatus"]) for e in page["Endpoints"]] == [(endpoint, "InService")]
    assert "NextToken" not in page
