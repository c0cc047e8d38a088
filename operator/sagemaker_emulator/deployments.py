"""What happens behind an endpoint that is created or updated: models are loaded, alarms watched, faults take effect.

The outcome is written into the endpoint's timeline; what the states are is left to `endpoint_states`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sagemaker_emulator import endpoint_states, timeline
from sagemaker_emulator.endpoint_states import Target, Variant
from sagemaker_emulator.inference import LoadError, ModelCache
from sagemaker_emulator.records import Endpoint
from sagemaker_emulator.world import Scope, World


@dataclass(frozen=True)
class Trouble:
    """Why a deployment will not succeed. `after_seconds` None means the usual time."""

    reason: str
    after_seconds: float | None = None
    rollback_fails: bool = False


Ending = Callable[[endpoint_states.Timeline, float], endpoint_states.Timeline]


class Deployments:
    """Carries deployments through. The caller holds no lock."""

    def __init__(self, world: World, models: ModelCache) -> None:
        self._world = world
        self._models = models

    def create(self, scope: Scope, endpoint: Endpoint, target: Target, trouble: Trouble | None) -> None:
        """Go on with an endpoint that has just begun Creating."""
        settings = self._world.settings.endpoint
        begun = endpoint.phases[-1].at

        def fail(phases: endpoint_states.Timeline, reason: str, after: float | None) -> endpoint_states.Timeline:
            at = begun + (settings.failing_seconds if after is None else after)
            return endpoint_states.creation_failed(phases, at, reason)

        if trouble:
            self._finish(scope, endpoint, lambda phases, _: fail(phases, trouble.reason, trouble.after_seconds))
        else:
            self._load(
                scope,
                endpoint,
                target.variants,
                good=lambda phases, now: endpoint_states.created(phases, now, settings),
                bad=lambda phases, reason: fail(phases, reason, None),
            )

    def update(self, scope: Scope, endpoint: Endpoint, target: Target, trouble: Trouble | None) -> None:
        """Go on with an endpoint that has just begun Updating."""
        settings = self._world.settings.endpoint
        begun = endpoint.phases[-1].at

        def undo(phases: endpoint_states.Timeline, trouble: Trouble) -> endpoint_states.Timeline:
            wait = settings.updating_seconds if trouble.after_seconds is None else trouble.after_seconds
            planned = endpoint_states.updated(phases, begun, target, settings)
            return endpoint_states.rolling_back(
                planned, begun + max(wait, 1e-3), trouble.reason, settings, fails=trouble.rollback_fails
            )

        if trouble:
            self._finish(scope, endpoint, lambda phases, _: undo(phases, trouble))
        else:
            self._load(
                scope,
                endpoint,
                target.variants,
                good=lambda phases, now: endpoint_states.updated(phases, now, target, settings),
                bad=lambda phases, reason: undo(phases, Trouble(reason)),
            )
        self._watch_alarms(scope, endpoint, alarms_of(target.policy), endpoint.deployment)

    def _load(
        self,
        scope: Scope,
        endpoint: Endpoint,
        variants: tuple[Variant, ...],
        *,
        good: Ending,
        bad: Callable[[endpoint_states.Timeline, str], endpoint_states.Timeline],
    ) -> None:
        """Finish with `good` once all models are loaded, with `bad` and a reason if one cannot be."""
        if not self._world.settings.endpoint.load_model:
            self._finish(scope, endpoint, good)
            return
        number = endpoint.deployment

        def load() -> None:
            try:
                for variant in variants:
                    self._models.get(scope.key, variant.served, variant.name)
            except LoadError as error:
                # Recorded reasons about a container or its image begin with a blank.
                reason = f" {error}"
                self._finish(scope, endpoint, lambda phases, _: bad(phases, reason), number)
            else:
                self._finish(scope, endpoint, good, number)

        self._world.scheduler.pool.submit(load)

    def _finish(self, scope: Scope, endpoint: Endpoint, ending: Ending, number: int | None = None) -> None:
        """Write the rest of the deployment, unless another one has begun meanwhile."""
        with scope.lock:
            busy = endpoint.phases[-1].status in ("Creating", "Updating")
            if busy and number in (None, endpoint.deployment):
                endpoint.phases = ending(endpoint.phases, self._world.clock.now())
        self._world.follow(scope, endpoint)

    def _watch_alarms(self, scope: Scope, endpoint: Endpoint, names: list[str], number: int) -> None:
        """Look at the alarms again and again until the update ends, and roll it back if one goes off."""
        if not names:
            return
        interval = max(1.0, self._world.settings.endpoint.alarm_check_seconds)

        def look() -> None:
            if not self._is_updating(scope, endpoint, number):
                return
            if ringing := self._ringing(scope, names):
                self._roll_back(scope, endpoint, f"Alarms in ALARM state: {', '.join(ringing)}")
            else:
                self._world.scheduler.at(self._world.clock.now() + interval, look)

        self._world.scheduler.at(self._world.clock.now() + interval, look)

    def _is_updating(self, scope: Scope, endpoint: Endpoint, number: int) -> bool:
        with scope.lock:
            updating = endpoint.phase(self._world.clock.now()).status == "Updating"
            return updating and endpoint.deployment == number

    def _ringing(self, scope: Scope, names: list[str]) -> list[str]:
        client: Any = self._world.moto.client("cloudwatch", account=scope.key.account, region=scope.key.region)
        found = client.describe_alarms(AlarmNames=names)
        return [alarm["AlarmName"] for alarm in found["MetricAlarms"] if alarm["StateValue"] == "ALARM"]

    def _roll_back(self, scope: Scope, endpoint: Endpoint, reason: str) -> None:
        with scope.lock:
            now = self._world.clock.now()
            past = timeline.until(endpoint.phases, now)
            endpoint.phases = endpoint_states.rolling_back(past, now, reason, self._world.settings.endpoint)
        self._world.follow(scope, endpoint)


def alarms_of(policy: dict[str, Any]) -> list[str]:
    """The alarms named in a DeploymentConfig."""
    alarms = policy.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    return [alarm["AlarmName"] for alarm in alarms if "AlarmName" in alarm]
