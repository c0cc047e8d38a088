"""The table of metrics is what is exposed, follows Prometheus' rules for names, and is what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.monitoring.exposed import everything

from classifier_operator.cli.metrics_page import page
from classifier_operator.runtime.monitoring.families import FAMILIES, PROCESS_METRICS, Family, Type
from classifier_operator.runtime.monitoring.metrics import NO_REGION, Metrics

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations" / "metrics.md"
# What Prometheus' operator puts on every series of a target.
TARGET_LABELS = {"job", "instance", "pod", "container", "endpoint", "service", "node", "cluster", "le", "quantile"}
BASE_UNITS = ("_seconds", "_bytes")


def names_of(family: Family) -> dict[str, frozenset[str]]:
    labels = frozenset(family.labels)
    if family.type is Type.HISTOGRAM:
        name = family.full_name
        return {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
    return {family.full_name: labels}


def test_what_is_exposed_is_in_the_table_and_the_other_way_round() -> None:
    table = {name: {labels} for family in FAMILIES for name, labels in names_of(family).items()}
    assert everything() == table | {name: {frozenset()} for name in PROCESS_METRICS}


def test_without_series_of_objects() -> None:
    table = {name for family in FAMILIES if not family.is_of_objects for name in names_of(family)}
    assert set(everything(with_objects=False)) == table | set(PROCESS_METRICS)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_follow_prometheus_rules(family: Family) -> None:
    assert re.fullmatch(r"classifier_operator_[a-z][a-z0-9_]*[a-z]", family.full_name)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in family.labels)
    assert not TARGET_LABELS & set(family.labels)
    assert family.full_name.endswith("_total") == (family.type is Type.COUNTER)
    assert family.full_name.endswith("_info") == (family.type is Type.INFO)
    if family.type is Type.HISTOGRAM:
        assert family.name.endswith(BASE_UNITS)
        assert list(family.buckets) == sorted(family.buckets)
    assert not re.search(r"_(ms|milliseconds|minutes|hours|kb|mb|percent|count|sum|bucket)(_|$)", family.full_name)
    assert family.text.endswith(".")


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "python -m classifier_operator.cli.metrics_page > docs/operations/metrics.md"


def test_regions_that_do_not_exist_share_a_series() -> None:
    metrics = Metrics()
    metrics.know_regions(frozenset({"us-east-1", "eu-west-1"}))
    for region in (*(f"nowhere-{number}" for number in range(100)), "us-east-1", "eu-west-1"):
        metrics.called("sagemaker", "ListModels", region, "Invalid")
        metrics.paced("ListModels", region, 1.0)
    samples = [one for family in metrics.aws_calls.collect() for one in family.samples]
    values = {one.labels["region"]: one.value for one in samples}
    assert values == {NO_REGION: 100, "us-east-1": 1, "eu-west-1": 1}
    rates = [one for family in metrics.aws_rate.collect() for one in family.samples]
    assert {one.labels["region"] for one in rates} == values.keys()
