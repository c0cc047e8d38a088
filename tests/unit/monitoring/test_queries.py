"""The alerts and the dashboard ask for what there is, by labels and for values that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.monitoring.exposed import everything
from tests.unit.monitoring.promql import Matcher, parse

from classifier_operator.api.conditions import ConditionType, Reason
from classifier_operator.api.kinds import Kind
from classifier_operator.runtime.monitoring.families import FAMILIES
from classifier_operator.sagemaker.refusals import RefusalKind
from classifier_operator.training.fetches import Phase

ROOT = Path(__file__).resolve().parents[3]
FILES = ROOT / "charts" / "classifier-operator" / "files"
GROUPS: list[dict[str, Any]] = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
DASHBOARD: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
GRAPHS = [panel for panel in PANELS if panel["type"] != "row"]
RUNBOOK = "docs/operations/alerts.md"
EXPOSED = everything()
TARGET_LABELS = {"job", "instance"}
VALUES = {
    "condition": {*ConditionType, "Unknown"},
    "kind": set(Kind),
    "operation": {"ReceiveMessage"},
    "outcome": {*RefusalKind, "ok", "Interrupted"},
    "phase": {phase.name.lower() for phase in Phase},
    "reason": {*Reason, "Unknown"},
    "result": {"ok", "conflict", "gone", "unavailable", "error"},
    "status": {"ok", "conflict", "gone", "clusterunavailable", "interrupted"},
}
# Exposed, and on purpose in no alert and on no panel.
UNUSED = {
    "classifier_operator_oldest_pass_seconds",
    "classifier_operator_aws_limit_wait_seconds_count",
    "classifier_operator_aws_limit_wait_seconds_sum",
    "classifier_operator_aws_call_seconds_count",
    "classifier_operator_aws_call_seconds_sum",
    "classifier_operator_event_loop_lag_seconds_count",
    "classifier_operator_event_loop_lag_seconds_sum",
    "classifier_operator_events_age_seconds_count",
    "classifier_operator_events_age_seconds_sum",
    "classifier_operator_pass_seconds_count",
    "classifier_operator_pass_seconds_sum",
    "classifier_operator_queue_wait_seconds_count",
    "classifier_operator_queue_wait_seconds_sum",
    "process_max_fds",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
}


def targets() -> list[dict[str, Any]]:
    return [target for panel in GRAPHS for target in panel["targets"]]


def variables() -> list[str]:
    """The queries behind the dashboard's variables, as selectors with the label that is asked for."""
    queries = [one["definition"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]
    found = [re.fullmatch(r"label_values\((.*), (\w+)\)", query) for query in queries]
    return [f"max by ({one[2]}) ({one[1]})" for one in found if one is not None]


EXPRESSIONS = [*(rule["expr"] for rule in RULES), *(target["expr"] for target in targets()), *variables()]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_query_asks_for_what_there_is(expression: str) -> None:
    query = parse(expression)
    labels: set[str] = set()
    for name, matchers in query.metrics:
        assert name in EXPOSED, f"{name} is not exposed"
        own = frozenset().union(*EXPOSED[name])
        labels |= own
        for matcher in matchers:
            assert matcher.label in own | TARGET_LABELS, f"{name} has no label {matcher.label}"
            check_value(matcher)
    assert query.grouped_by <= labels | TARGET_LABELS


def check_value(matcher: Matcher) -> None:
    known = VALUES.get(matcher.label)
    if known is not None:
        assert set(matcher.alternatives) <= known
    elif matcher.label in ("job", "namespace"):
        assert (matcher.sign, matcher.value) == ("=~", f"${matcher.label}")
    else:
        raise AssertionError(f"the values of {matcher.label} are not known")


def test_every_metric_is_used_or_left_out_on_purpose() -> None:
    used = {name for expression in EXPRESSIONS for name, _ in parse(expression).metrics}
    assert set(EXPOSED) - used == UNUSED


@pytest.mark.parametrize("expression", [rule["expr"] for rule in RULES])
def test_a_counter_is_never_asked_for_as_it_is(expression: str) -> None:
    """promtool's own lint, as far as it goes: counters by rate or increase, buckets by le."""
    for name in {f.full_name for f in FAMILIES if f.full_name.endswith("_total")}:
        for found in re.finditer(rf"(.{{0,9}}){name}(\{{[^}}]*\}})?(.?)", expression):
            assert re.search(r"(rate|increase)\($", found[1])
            assert found[3] == "["


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_rule_is_one_of_prometheus(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Classifier[A-Za-z]+", rule["alert"])
    assert re.fullmatch(r"[0-9]+[mh]", rule["for"])
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert all(text and text == text.strip() for text in rule["annotations"].values())
    assert "$" not in rule["annotations"]["summary"]


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_description_tells_labels_that_the_alert_has(rule: dict[str, Any]) -> None:
    told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["description"]))
    assert told <= parse(rule["expr"]).grouped_by
    assert rule["annotations"]["description"].count("{{") == rule["annotations"]["description"].count("}}")


@pytest.mark.parametrize("rule", GROUPS[-1]["rules"], ids=[rule["alert"] for rule in GROUPS[-1]["rules"]])
def test_an_alert_about_an_object_names_it(rule: dict[str, Any]) -> None:
    assert {"namespace", "name"} <= set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["description"]))


def test_each_alert_has_its_section() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / RUNBOOK).read_text(), re.MULTILINE)
    assert sections == [rule["alert"] for rule in RULES]
    assert [rule["annotations"]["runbook_url"] for rule in RULES] == [
        f"{RUNBOOK}#{section.lower()}" for section in sections
    ]


def test_nothing_in_the_files_is_helms() -> None:
    assert not re.search(r"\{\{-?\s*(\.[A-Z]|include|toYaml|\$\.)", (FILES / "alerts.yaml").read_text())
    assert len({group["name"] for group in GROUPS}) == len(GROUPS)


def sources() -> Iterator[dict[str, Any]]:
    yield from (panel["datasource"] for panel in GRAPHS)
    yield from (target["datasource"] for target in targets())
    yield from (one["datasource"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query")


def test_the_dashboard_takes_whatever_prometheus_is_chosen() -> None:
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources())
    assert "id" not in DASHBOARD


def test_panels_are_told_apart_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        grid = panel["gridPos"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken, panel["title"]
        assert grid["x"] + grid["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("panel", GRAPHS, ids=[panel["title"] for panel in GRAPHS])
def test_legends_tell_labels_that_the_query_has(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        told = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
        query = parse(target["expr"])
        assert told <= (query.grouped_by or TARGET_LABELS)


@pytest.mark.parametrize("text", ["rate(x_total[5m]", "x{a=b}", "frobnicate(x)", "1 > 2", 'x{a="b"} @ 3'], ids=str)
def test_what_is_no_query_is_noticed(text: str) -> None:
    with pytest.raises(AssertionError):
        parse(text)
