"""The metrics of objects, counted at each scrape from the bodies of that moment.

A pass costs nothing for them, and what is deleted has no series any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from classifier_operator.api.conditions import ConditionType
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.bodies import mapping, mappings, word
from classifier_operator.runtime.monitoring import families
from classifier_operator.runtime.monitoring.families import Family
from classifier_operator.runtime.store import Body
from classifier_operator.runtime.write import headline
from classifier_operator.training.fetches import Phase

UNKNOWN = "Unknown"


class Scrape:
    """What one scrape sees, as prometheus_client's encoders take it: the running metrics, and the census."""

    def __init__(self, registry: CollectorRegistry, census: Census) -> None:
        self._registry = registry
        self._census = census

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield from self._registry.collect()
        yield from self._census.collect()


class Census:
    """What there is at one moment.

    bodies: the objects; they are never changed, only replaced, so this may be read in any thread.
    phases: what the transfers of inputs are at.
    with_objects: whether there are series for each object.
    """

    def __init__(
        self, bodies: Mapping[ObjectKey, Body], phases: Mapping[Phase, int], now: datetime, *, with_objects: bool
    ) -> None:
        self._bodies = bodies
        self._phases = phases
        self._now = now.timestamp()
        self._with_objects = with_objects

    def collect(self) -> Iterator[Metric]:
        """The families that are counted."""
        yield _gauge(families.IMPORTS, (((phase.name.lower(),), self._phases.get(phase, 0)) for phase in Phase))
        yield from self._summary()
        if self._with_objects:
            yield from self._states()
            yield _info(families.TRAINING, self._of(Kind.TRAINING), _training)
            yield _info(families.ENDPOINT, self._of(Kind.ENDPOINT), _variants)

    def _of(self, kind: Kind) -> Iterator[tuple[ObjectKey, Body]]:
        return ((key, body) for key, body in self._bodies.items() if key.kind is kind)

    def _summary(self) -> Iterator[Metric]:
        counts: Counter[tuple[str, ...]] = Counter()
        oldest: dict[tuple[str, ...], float] = {}
        deletions = dict.fromkeys(Kind, 0.0)
        for key, body in self._bodies.items():
            condition, reason, since = _state(body)
            labels = key.kind.value, condition, reason
            counts[labels] += 1
            if since is not None:
                oldest[labels] = max(oldest.get(labels, 0.0), self._now - since)
            asked = _seconds(body["metadata"].get("deletionTimestamp"))
            if asked is not None:
                deletions[key.kind] = max(deletions[key.kind], self._now - asked)
        yield _gauge(families.OBJECTS, counts.items())
        yield _gauge(families.OLDEST_STATE_SECONDS, oldest.items())
        yield _gauge(families.OLDEST_DELETION_SECONDS, (((kind.value,), age) for kind, age in deletions.items()))

    def _states(self) -> Iterator[Metric]:
        ready = _gauge(families.OBJECT_READY, ())
        states = _gauge(families.OBJECT_STATE_SINCE, ())
        deletions = _gauge(families.OBJECT_DELETION, ())
        for key, body in self._bodies.items():
            own = key.kind.value, key.namespace, key.name
            is_ready, why = _readiness(body)
            ready.add_metric((*own, why), is_ready)
            condition, reason, since = _state(body)
            if since is not None:
                states.add_metric((*own, condition, reason), since)
            asked = _seconds(body["metadata"].get("deletionTimestamp"))
            if asked is not None:
                deletions.add_metric(own, asked)
        yield from (ready, states, deletions)


def _state(body: Body) -> tuple[str, str, float | None]:
    """The condition that matters most, its reason, and since when it has held."""
    status = body.get("status", {})
    kind, reason, _ = headline(status) or (UNKNOWN, UNKNOWN, "")
    return kind, reason, _seconds(_condition(status, kind).get("lastTransitionTime"))


def _readiness(body: Body) -> tuple[int, str]:
    ready = _condition(body.get("status", {}), ConditionType.READY)
    return int(ready.get("status") == "True"), word(ready.get("reason"), UNKNOWN)


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return next((one for one in mappings(status.get("conditions")) if one.get("type") == kind), {})


def _training(key: ObjectKey, body: Body) -> Iterator[tuple[str, ...]]:
    spec, status = body.get("spec", {}), body.get("status", {})
    instance_type = word(mapping(spec.get("resources")).get("instanceType"))
    yield key.namespace, key.name, word(status.get("region")), word(status.get("jobName")), instance_type


def _variants(key: ObjectKey, body: Body) -> Iterator[tuple[str, ...]]:
    status = body.get("status", {})
    for variant in mappings(status.get("variants")) or [{}]:
        accelerator = mapping(variant.get("accelerator"))
        yield (
            key.namespace,
            key.name,
            word(status.get("region")),
            word(status.get("endpointName")),
            word(variant.get("name")),
            word(variant.get("instanceType")),
            word(accelerator.get("requested")),
            word(accelerator.get("effective")),
        )


def _seconds(time: Any) -> float | None:
    """A time of Kubernetes as Unix time; of one that is none, no scrape must fail."""
    try:
        return datetime.fromisoformat(time).timestamp() if word(time) else None
    except (ValueError, OverflowError):
        return None


def _gauge(family: Family, rows: Iterable[tuple[tuple[str, ...], float]]) -> GaugeMetricFamily:
    made = GaugeMetricFamily(family.base_name, family.text, labels=family.labels)
    for labels, value in rows:
        made.add_metric(labels, value)
    return made


def _info(
    family: Family,
    objects: Iterable[tuple[ObjectKey, Body]],
    rows: Callable[[ObjectKey, Body], Iterable[tuple[str, ...]]],
) -> InfoMetricFamily:
    made = InfoMetricFamily(family.base_name, family.text, labels=())
    for key, body in objects:
        for row in rows(key, body):
            made.add_metric((), dict(zip(family.labels, row, strict=True)))
    return made
