"""State-change events, put on moto's EventBridge bus so that its rules can send them to SQS.

Only with the setting `events`. As with AWS they are hints: they may be late, and nothing waits for them.
"""

from __future__ import annotations

import itertools
import json
import logging
import queue
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from moto.events.utils import EventTemplateParser

from sagemaker_emulator import endpoint_states, training_descriptions, training_states
from sagemaker_emulator.records import Endpoint, TrainingJob
from sagemaker_emulator.world import Scope, Transition, World

logger = logging.getLogger(__name__)
SOURCE = "aws.sagemaker"
TRAINING = "SageMaker Training Job State Change"
ENDPOINT = "SageMaker Endpoint State Change"
# What PutEvents takes at once.
MOST_ENTRIES = 10
Detail = dict[str, Any]
Event = tuple[Scope, str, str, Detail]
# What targets get of an event; moto's own lacks the account.
ENVELOPE = (
    '{"version": "0", "id": "<id>", "detail-type": "<detail-type>", "source": "<source>", "account": "<account>", '
    '"time": <time>, "region": "<region>", "resources": <resources>, "detail": <detail>}'
)


class StateChangeEvents:
    """Sends an event for each transition, from a thread of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        EventTemplateParser.DEFAULT_EVENT_INPUT_TEMPLATE = ENVELOPE
        world.listeners.append(self.on_transition)

    def on_transition(self, transition: Transition) -> None:
        """Queue the event, if events are on."""
        if not self._world.settings.events:
            return
        if (event := event_of(transition, self._world.clock.shown)) is not None:
            self._queue.put(event)
            self._ensure_thread()

    def close(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()

    def _ensure_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="emulator-events", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while batch := self._taken():
            for scope, events in itertools.groupby(batch, key=lambda event: event[0]):
                try:
                    self._put(scope, list(events))
                except Exception:
                    logger.exception("events could not be delivered")

    def _taken(self) -> list[Event]:
        """The next event, and those that wait behind it; nothing at the end."""
        event = self._queue.get()
        batch = [event] if event is not None else []
        while batch and len(batch) < MOST_ENTRIES and not self._queue.empty():
            if (event := self._queue.get()) is None:
                self._queue.put(None)
                break
            batch.append(event)
        return batch

    def _put(self, scope: Scope, events: list[Event]) -> None:
        client = self._world.moto.client("events", account=scope.key.account, region=scope.key.region)
        client.put_events(
            Entries=[
                {"Source": SOURCE, "DetailType": kind, "Detail": json.dumps(detail), "Resources": [arn]}
                for _, kind, arn, detail in events
            ]
        )


def event_of(transition: Transition, shown: Callable[[float], float]) -> Event | None:
    """The event of a transition, with times as `shown`; None for the last one, when the resource is gone."""
    record, at = transition.record, transition.record.phases[transition.index].at
    if isinstance(record, TrainingJob):
        gone = record.phases[transition.index].status == training_states.GONE
        return None if gone else (transition.scope, TRAINING, record.arn, training_detail(record, at, shown))
    gone = record.phases[transition.index].status == endpoint_states.GONE
    return None if gone else (transition.scope, ENDPOINT, record.arn, endpoint_detail(record, at, shown))


def training_detail(job: TrainingJob, at: float, shown: Callable[[float], float]) -> Detail:
    """The detail of a training job's event: times are epoch milliseconds as strings."""
    phase = job.phase(at)
    detail = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "TrainingJobStatus": phase.status,
        "SecondaryStatus": phase.secondary,
        "SecondaryStatusTransitions": [_with_times(t, shown) for t in training_descriptions.transitions(job, at)],
        "CreationTime": str(round(shown(job.created) * 1000)),
        "Tags": job.tags,
    }
    if reason := training_descriptions.failure_reason(job, at):
        detail["FailureReason"] = reason
    return detail


def endpoint_detail(endpoint: Endpoint, at: float, shown: Callable[[float], float]) -> Detail:
    """The detail of an endpoint's event: the status is in upper snake case, times are numbers."""
    phase = endpoint.phase(at)
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": phase.config,
        "ProductionVariants": [{"VariantName": v.name, "CurrentWeight": v.weight} for v in phase.variants],
        "EndpointStatus": upper_snake(phase.status),
        "CreationTime": round(shown(endpoint.created) * 1000),
        "LastModifiedTime": round(shown(phase.at) * 1000),
        "Tags": endpoint.tags,
    }


def upper_snake(status: str) -> str:
    """`InService` as events write it: `IN_SERVICE`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", status).upper()


def _with_times(transition: Mapping[str, Any], shown: Callable[[float], float]) -> Detail:
    times = {n: str(round(shown(v) * 1000)) for n, v in transition.items() if isinstance(v, float)}
    return {
        **{n: v for n, v in transition.items() if v is not None},
        **times,
    }
