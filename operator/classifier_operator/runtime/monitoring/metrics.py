"""What the operator tells Prometheus as it happens. What is counted in the moment of a scrape is in `census.py`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from classifier_operator import __version__
from classifier_operator.api.kinds import ObjectKey
from classifier_operator.runtime.monitoring import families
from classifier_operator.runtime.monitoring.families import Family
from classifier_operator.runtime.workqueue import WorkQueue

MetricT = TypeVar("MetricT", Counter, Gauge, Info)

# Of a call that AWS did not answer before the operator ended, or whose failure is the operator's own.
INTERRUPTED = "Interrupted"
# A spec may name any region: those that do not exist have one series together.
NO_REGION = "other"

# So many stuck passes are named.
MOST_STUCK = 10


class Metrics:
    """The operator's metrics, in a registry of their own."""

    def __init__(self) -> None:
        # A `_created` series for each of the others doubles what is stored, and nobody asks for it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._regions: frozenset[str] = frozenset()
        ProcessCollector(registry=self.registry)
        self.aws_calls = self._made(Counter, families.AWS_CALLS)
        self.aws_seconds = self._histogram(families.AWS_CALL_SECONDS)
        self.aws_retries = self._made(Counter, families.AWS_RETRIES)
        self.aws_credential_failures = self._made(Counter, families.AWS_CREDENTIAL_FAILURES)
        self.aws_waiting = self._made(Gauge, families.AWS_CALLS_WAITING)
        self.aws_in_flight = self._made(Gauge, families.AWS_CALLS_IN_FLIGHT)
        self.aws_limit_wait = self._histogram(families.AWS_LIMIT_WAIT_SECONDS)
        self.aws_rate = self._made(Gauge, families.AWS_CALL_RATE)
        self.account_mismatches = self._made(Gauge, families.ACCOUNT_MISMATCHES)
        self.kubernetes_writes = self._made(Counter, families.KUBERNETES_WRITES)
        self.events_dropped = self._made(Counter, families.KUBERNETES_EVENTS_DROPPED)
        self.queue_depth = self._made(Gauge, families.QUEUE_DEPTH)
        self.queue_oldest_age = self._made(Gauge, families.QUEUE_OLDEST_AGE_SECONDS)
        self.queue_working = self._made(Gauge, families.QUEUE_WORKING)
        self.queue_scheduled = self._made(Gauge, families.QUEUE_SCHEDULED)
        self.queue_wait = self._histogram(families.QUEUE_WAIT_SECONDS)
        self.passes = self._made(Counter, families.PASSES)
        self.unexpected_errors = self._made(Counter, families.UNEXPECTED_ERRORS)
        self.pass_seconds = self._histogram(families.PASS_SECONDS)
        self.oldest_pass = self._made(Gauge, families.OLDEST_PASS_SECONDS)
        self.stuck_pass = self._made(Gauge, families.STUCK_PASS_SECONDS)
        self.sweep_seconds = self._histogram(families.SWEEP_SECONDS)
        self.last_sweep = self._made(Gauge, families.LAST_SWEEP)
        self.last_sweep.set_to_current_time()
        self.events_received = self._made(Counter, families.EVENTS_RECEIVED)
        self.events_age = self._histogram(families.EVENTS_AGE_SECONDS)
        self.import_bytes = self._made(Counter, families.IMPORT_BYTES)
        self.leading = self._made(Gauge, families.LEADING)
        self.unserved = self._made(Gauge, families.UNSERVED)
        self.event_loop_lag = self._histogram(families.EVENT_LOOP_LAG_SECONDS)
        self.tasks = self._made(Gauge, families.TASKS)
        build = self._made(Info, families.BUILD, labels=())
        build.info({"version": __version__, "python_version": platform.python_version()})

    def called(self, service: str, operation: str, region: str, outcome: str) -> None:
        """AWS has answered, or not."""
        self.aws_calls.labels(service, operation, self._bounded(region), outcome).inc()

    def paced(self, operation: str, region: str, rate: float) -> None:
        """So many calls of the operation may be made in a second."""
        self.aws_rate.labels(operation, self._bounded(region)).set(rate)

    def swept(self, seconds: float) -> None:
        """A sweep over AWS has ended."""
        self.sweep_seconds.observe(seconds)
        self.last_sweep.set_to_current_time()

    def show_queue(self, queue: WorkQueue[ObjectKey]) -> None:
        """How the queue is now."""
        self.queue_depth.set(len(queue))
        self.queue_oldest_age.set(queue.oldest_age)
        self.queue_working.set(queue.working)
        self.queue_scheduled.set(queue.scheduled)

    def show_passes(self, ages: Mapping[ObjectKey, float], stuck: Mapping[ObjectKey, float]) -> None:
        """How long passes have taken, the oldest first; of those that are stuck a few are named."""
        self.oldest_pass.set(next(iter(ages.values()), 0.0))
        self.stuck_pass.clear()
        for key, age in list(stuck.items())[:MOST_STUCK]:
            self.stuck_pass.labels(key.kind.value, key.namespace, key.name).set(age)

    def know_regions(self, regions: frozenset[str]) -> None:
        """These regions exist, and have series of their own."""
        self._regions = regions

    def _bounded(self, region: str) -> str:
        return region if region in self._regions else NO_REGION

    def _made(self, kind: type[MetricT], family: Family, labels: tuple[str, ...] | None = None) -> MetricT:
        names = family.labels if labels is None else labels
        return kind(family.base_name, family.text, names, registry=self.registry)

    def _histogram(self, family: Family) -> Histogram:
        return Histogram(family.base_name, family.text, family.labels, registry=self.registry, buckets=family.buckets)
