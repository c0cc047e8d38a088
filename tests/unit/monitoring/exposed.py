"""Everything that the operator exposes, each series at least once, as a scrape brings it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.monitoring.census import Census, Scrape
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.training.fetches import Phase

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def condition(kind: str, status: str, reason: str, minutes: int = 0) -> dict[str, Any]:
    since = (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": since}


def body(status: dict[str, Any], spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {"metadata": metadata, "spec": spec or {}, "status": status}


def census(
    bodies: Mapping[ObjectKey, Any], phases: Mapping[Phase, int] | None = None, *, with_objects: bool = True
) -> Census:
    return Census(bodies, phases or {}, NOW, with_objects=with_objects)


def samples_of(scrape: Scrape) -> list[Sample]:
    text = generate_latest(scrape).decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def everything(*, with_objects: bool = True) -> dict[str, set[frozenset[str]]]:
    """The names of all samples, each with the sets of labels that it comes with."""
    metrics = Metrics()
    for one in vars(metrics).values():
        labels = getattr(one, "_labelnames", ())
        if labels and not isinstance(one, str):
            one.labels(*labels)
    bodies = {
        ObjectKey(Kind.TRAINING, "vision", "digits"): body({"conditions": [condition("Ready", "True", "Completed")]}),
        ObjectKey(Kind.ENDPOINT, "vision", "digits"): body(
            {"conditions": [condition("Ready", "False", "Deleting")]}, deletionTimestamp="2026-03-01T11:00:00Z"
        ),
    }
    found: dict[str, set[frozenset[str]]] = {}
    for sample in samples_of(Scrape(metrics.registry, census(bodies, with_objects=with_objects))):
        found.setdefault(sample.name, set()).add(frozenset(sample.labels))
    return found
