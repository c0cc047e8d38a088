"""Everything one emulator shares: time, settings, faults, and the scopes with their resources."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from sagemaker_emulator import records, timeline
from sagemaker_emulator.aws import Moto
from sagemaker_emulator.calls import CallLog
from sagemaker_emulator.capacity import Capacity
from sagemaker_emulator.clock import Clock
from sagemaker_emulator.faults import Faults
from sagemaker_emulator.outcomes import Outcomes
from sagemaker_emulator.scheduler import Scheduler, WorkPool
from sagemaker_emulator.settings import Settings
from sagemaker_emulator.store import ScopeKey, Table


@dataclass(eq=False)
class Scope:
    """The resources of one account and region. Hold `lock` while reading or changing them."""

    key: ScopeKey
    lock: threading.RLock = field(default_factory=threading.RLock)
    jobs: Table[records.TrainingJob] = field(default_factory=Table)
    models: Table[records.Model] = field(default_factory=Table)
    configs: Table[records.EndpointConfig] = field(default_factory=Table)
    endpoints: Table[records.Endpoint] = field(default_factory=Table)
    targets: dict[str, records.ScalableTarget] = field(default_factory=dict)

    def targets_of(self, endpoint: str) -> list[records.ScalableTarget]:
        """The scalable targets among an endpoint's variants."""
        return [target for target in self.targets.values() if target.endpoint == endpoint]

    def forget_targets(self, endpoint: str) -> None:
        """Deregister the scalable targets of an endpoint that goes."""
        for target in self.targets_of(endpoint):
            del self.targets[target.resource_id]


@dataclass(frozen=True)
class Transition:
    """A training job or endpoint has entered the phase with this index of its timeline."""

    scope: Scope
    record: records.Staged
    index: int


Listener = Callable[[Transition], None]


class World:
    """The state of one emulator, and the one place where transitions are noticed.

    Listeners are called outside the scope's lock, once per phase and in order; they must not block.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.scheduler = Scheduler(clock, WorkPool(settings.work_threads))
        self.moto = Moto(settings.account)
        self.faults = Faults()
        self.outcomes = Outcomes()
        self.capacity = Capacity()
        self.calls = CallLog(settings.call_log_size)
        self.listeners: list[Listener] = []
        self._initial = settings
        self._scopes: dict[ScopeKey, Scope] = {}
        self._lock = threading.Lock()

    def scope(self, key: ScopeKey) -> Scope:
        with self._lock:
            if key not in self._scopes:
                self._scopes[key] = Scope(key)
            return self._scopes[key]

    def scopes(self) -> list[Scope]:
        with self._lock:
            return list(self._scopes.values())

    def follow(self, scope: Scope, record: records.Staged) -> None:
        """Report phases that `record` has entered, and come back at its next change.

        Call after every change of its timeline, without the lock.
        """
        with scope.lock:
            now = self.clock.now()
            reached = len(timeline.until(record.phases, now))
            entered = range(record.observed, reached)
            record.observed = max(record.observed, reached)
            change = timeline.next_change(record.phases, now)
        for index in entered:
            for listener in self.listeners:
                listener(Transition(scope, record, index))
        if change is not None:
            self.scheduler.at(change, lambda: self.follow(scope, record))

    def reset(self) -> None:
        """Forget every resource, fault, order and call; settings are the initial ones again."""
        self.scheduler.clear()
        self.scheduler.pool.wait_idle()
        with self._lock:
            self._scopes.clear()
        self.faults.clear()
        self.outcomes.clear()
        self.capacity.clear()
        self.calls.reset()
        # Whoever needs permissions keeps them, and the access key by which it is known.
        self.moto.reset(keep=("iam", "sts") if self._initial.iam.enforce else ())
        self.settings = self._initial

    def start(self) -> None:
        self.moto.reset()
        self.scheduler.start()

    def close(self) -> None:
        self.scheduler.close()
