"""What a scrape says of objects."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry
from tests.unit.monitoring.exposed import NOW, body, census, condition, samples_of

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.monitoring.census import Scrape
from classifier_operator.training.fetches import Phase

A = ObjectKey(Kind.TRAINING, "vision", "a")
B = ObjectKey(Kind.TRAINING, "vision", "b")
E = ObjectKey(Kind.ENDPOINT, "vision", "e")


def rows(
    bodies: dict[ObjectKey, Any], metric: str, phases: dict[Phase, int] | None = None
) -> dict[tuple[str, ...], float]:
    """The values of a metric by the values of its labels, these in the order of the labels' names."""
    samples = samples_of(Scrape(CollectorRegistry(), census(bodies, phases)))
    return {
        tuple(value for _, value in sorted(one.labels.items())): one.value
        for one in samples
        if one.name == f"classifier_operator_{metric}"
    }


def stalled(minutes: int) -> dict[str, Any]:
    return body(
        {
            "conditions": [
                condition("Ready", "False", "JobFailed", 99),
                condition("Stalled", "True", "JobFailed", minutes),
            ]
        }
    )


def test_what_stalls_matters_most_and_the_oldest_counts() -> None:
    bodies = {A: stalled(5), B: stalled(20)}
    assert rows(bodies, "objects") == {("Stalled", "ClassifierTraining", "JobFailed"): 2}
    assert rows(bodies, "oldest_state_seconds") == {("Stalled", "ClassifierTraining", "JobFailed"): 1200}


def test_an_object_that_was_not_looked_at_yet() -> None:
    bodies = {A: body({})}
    assert rows(bodies, "objects") == {("Unknown", "ClassifierTraining", "Unknown"): 1}
    assert rows(bodies, "object_ready") == {("ClassifierTraining", "a", "vision", "Unknown"): 0}
    assert rows(bodies, "oldest_state_seconds") == rows(bodies, "object_state_since_timestamp_seconds") == {}


def test_a_time_that_is_none_fails_no_scrape() -> None:
    bodies = {A: body({"conditions": [{**condition("Ready", "True", "Completed"), "lastTransitionTime": "yesterday"}]})}
    assert rows(bodies, "objects") == {("Ready", "ClassifierTraining", "Completed"): 1}
    assert rows(bodies, "oldest_state_seconds") == {}


def test_readiness_is_told_by_its_own_reason() -> None:
    status = [condition("Ready", "True", "ServingPrevious"), condition("Stalled", "True", "RolledBack", 1)]
    bodies = {E: body({"conditions": status})}
    assert rows(bodies, "object_ready") == {("ClassifierEndpoint", "e", "vision", "ServingPrevious"): 1}
    since = rows(bodies, "object_state_since_timestamp_seconds")
    assert since == {("Stalled", "ClassifierEndpoint", "e", "vision", "RolledBack"): NOW.timestamp() - 60}


def test_deletions_that_take_long() -> None:
    bodies = {
        A: body({}, deletionTimestamp="2026-03-01T11:30:00Z"),
        B: body({}, deletionTimestamp="2026-03-01T11:59:00Z"),
    }
    assert rows(bodies, "oldest_deletion_seconds") == {("ClassifierTraining",): 1800, ("ClassifierEndpoint",): 0}
    assert len(rows(bodies, "object_deletion_timestamp_seconds")) == 2


def test_a_training_and_its_job() -> None:
    spec = {"resources": {"instanceType": "ml.p3.2xlarge"}}
    bodies = {A: body({"jobName": "vision-a-1", "region": "eu-west-1"}, spec)}
    assert list(rows(bodies, "training_info")) == [("ml.p3.2xlarge", "vision-a-1", "a", "vision", "eu-west-1")]


def test_an_endpoint_has_a_row_for_each_variant() -> None:
    variants = [
        {"name": "x", "instanceType": "ml.m5.large", "accelerator": {"requested": "ml.eia1.large", "effective": ""}},
        {"name": "y"},
    ]
    bodies = {E: body({"endpointName": "vision-e", "region": "us-east-1", "variants": variants})}
    assert list(rows(bodies, "endpoint_info")) == [
        ("", "ml.eia1.large", "vision-e", "ml.m5.large", "e", "vision", "us-east-1", "x"),
        ("", "", "vision-e", "", "e", "vision", "us-east-1", "y"),
    ]
    assert len(rows({E: body({})}, "endpoint_info")) == 1


def test_transfers_by_phase() -> None:
    phases = rows({}, "imports", {Phase.FETCHING: 2, Phase.IN_PLACE: 1})
    assert (phases[("fetching",)], phases[("in_place",)], phases[("failed",)]) == (2, 1, 0)
