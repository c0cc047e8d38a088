"""The resources themselves, as the tables keep them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sagemaker_emulator import endpoint_states, timeline, training_states
from sagemaker_emulator.store import Record


@dataclass(kw_only=True)
class TrainingJob(Record):
    """A training job; its state at any time is in `phases`.

    `order` is how its course was decided, `metrics` what the algorithm reported last by name.
    """

    phases: training_states.Timeline
    order: training_states.Order
    metrics: list[dict[str, Any]] = field(default_factory=list)
    keep_alive: int = 0
    modified: float = 0.0
    observed: int = 0

    def phase(self, now: float) -> training_states.Phase:
        return timeline.current(self.phases, now)

    def exists(self, now: float) -> bool:
        return self.phase(now).status != training_states.GONE


@dataclass(kw_only=True)
class Model(Record):
    """A model: an image and where its artifact is."""

    @property
    def containers(self) -> list[dict[str, Any]]:
        primary = self.request.get("PrimaryContainer")
        return [primary] if primary else list(self.request.get("Containers", ()))


@dataclass(kw_only=True)
class EndpointConfig(Record):
    """An endpoint configuration."""

    @property
    def variants(self) -> list[dict[str, Any]]:
        return list(self.request["ProductionVariants"])


@dataclass(kw_only=True)
class Endpoint(Record):
    """An endpoint; its state at any time is in `phases`. `deployment` counts creations and updates."""

    phases: endpoint_states.Timeline
    deployment: int = 0
    observed: int = 0

    def phase(self, now: float) -> endpoint_states.Phase:
        return timeline.current(self.phases, now)

    def exists(self, now: float) -> bool:
        return self.phase(now).status != endpoint_states.GONE


@dataclass(kw_only=True)
class ScalableTarget:
    """A variant whose count Application Auto Scaling sets, and its policies by name."""

    resource_id: str
    arn: str
    role: str
    created: float
    minimum: int = 0
    maximum: int = 0
    suspended: dict[str, bool] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        return self.resource_id.split("/")[1]

    @property
    def variant(self) -> str:
        return self.resource_id.split("/")[3]


Staged = TrainingJob | Endpoint
