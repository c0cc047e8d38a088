"""What the operator tells Prometheus."""

from __future__ import annotations

from collections import Counter as Tally

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

PREFIX = "classifier_operator"


class Metrics:
    """The operator's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.aws_calls = Counter(
            f"{PREFIX}_aws_calls",
            "Calls to AWS by operation and outcome (ok, or the kind of refusal).",
            ["operation", "outcome"],
            registry=self.registry,
        )
        self.aws_seconds = Histogram(
            f"{PREFIX}_aws_call_seconds",
            "How long AWS took to answer, in seconds, by operation.",
            ["operation"],
            registry=self.registry,
        )
        self.kubernetes_writes = Counter(
            f"{PREFIX}_kubernetes_writes",
            "Writes to the Kubernetes API by what was written and HTTP status.",
            ["what", "status"],
            registry=self.registry,
        )
        self.passes = Counter(
            f"{PREFIX}_passes",
            "Passes over objects by kind and result (ok, conflict, gone, unavailable, error).",
            ["kind", "result"],
            registry=self.registry,
        )
        self.queue_depth = Gauge(f"{PREFIX}_queue_depth", "Objects that wait for a pass.", registry=self.registry)
        self.sweep_seconds = Histogram(
            f"{PREFIX}_sweep_seconds", "How long a sweep over AWS took, in seconds.", registry=self.registry
        )
        self.leading = Gauge(
            f"{PREFIX}_leading", "1 for the process that works, 0 for one that stands by.", registry=self.registry
        )
        self.objects = Gauge(
            f"{PREFIX}_objects",
            "Objects by kind and the reason of their most important condition.",
            ["kind", "reason"],
            registry=self.registry,
        )

    def show_objects(self, tally: Tally[tuple[str, str]]) -> None:
        """Replace the gauge of objects by these counts."""
        self.objects.clear()
        for (kind, reason), count in tally.items():
            self.objects.labels(kind, reason).set(count)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
