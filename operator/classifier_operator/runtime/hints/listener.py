"""Listens to a queue of state-change events, and passes on what they hint at.

Nothing depends on it: an event that is late, doubled or lost changes nothing but when somebody looks. So whatever goes
wrong is waited out here and told once, and what cannot be understood is deleted, as it would come again for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum

from classifier_operator.runtime.hints.events import Hint, hint_in
from classifier_operator.runtime.monitoring.logs import fields_of
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.ports import Clock, Message, Messages
from classifier_operator.runtime.troubles import Backoff
from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind

logger = logging.getLogger(__name__)

# A queue that has nothing answers after its long poll; one that does so at once is not asked without a pause.
QUIET_SECONDS = 1.0


class Outcome(StrEnum):
    """What became of a message."""

    USED = "used"
    UNCLAIMED = "unclaimed"  # nobody here cares for that resource
    MALFORMED = "malformed"  # or no state change of SageMaker's


class Listener:
    """Listens to one queue.

    hint: called with each hint; whether somebody cares for its resource.
    counted: called with what became of each message.
    aged: called with the seconds between an event and its arrival.
    """

    def __init__(
        self,
        name: str,
        queue: Messages,
        clock: Clock,
        backoff: Backoff,
        *,
        hint: Callable[[Hint], bool],
        counted: Callable[[Outcome], None],
        aged: Callable[[float], None],
    ) -> None:
        self._name = name
        self._queue = queue
        self._clock = clock
        self._backoff = backoff
        self._hint = hint
        self._counted = counted
        self._aged = aged
        self._trouble: RefusalKind | None = None
        self._failures = 0

    async def run(self) -> None:
        """Listen until cancelled, whatever happens."""
        while True:
            began = self._clock.monotonic()
            try:
                pause = await self._take(began)
            except AwsRefusal as refusal:
                pause = self._failed(refusal)
            except Exception:
                # Not a matter of the operator's health: it looks for itself.
                logger.exception("events of %s: unforeseen", self._name)
                pause = self._failed(classify("ReceiveMessage", "Unforeseen", "", 0))
            await asyncio.sleep(pause)

    async def _take(self, began: float) -> float:
        """Receive, pass on, delete; how long to wait before the next time."""
        messages = await self._queue.receive()
        now = self._clock.now()
        for message in messages:
            self._counted(self._pass_on(message, now))
        if messages:
            await self._queue.delete(messages)
        self._recovered()
        is_long_poll = self._clock.monotonic() - began >= QUIET_SECONDS
        return 0.0 if messages or is_long_poll else QUIET_SECONDS

    def _pass_on(self, message: Message, now: datetime) -> Outcome:
        hint = hint_in(message.body)
        if hint is None:
            return Outcome.MALFORMED
        if hint.at is not None:
            # Clocks differ.
            self._aged(max(0.0, (now - hint.at).total_seconds()))
        return Outcome.USED if self._hint(hint) else Outcome.UNCLAIMED

    def _failed(self, refusal: AwsRefusal) -> float:
        """How long to wait; told when it is another trouble than before."""
        if refusal.kind is not self._trouble:
            self._trouble, self._failures = refusal.kind, 0
            logger.warning("no events of %s, sweeps go on: %s", self._name, refusal, extra=fields_of(refusal))
        self._failures += 1
        return self._backoff.delay(refusal, self._failures)

    def _recovered(self) -> None:
        if self._trouble is not None:
            self._trouble, self._failures = None, 0
            logger.info("events of %s come again", self._name)


def listeners_of(
    queues: Mapping[str, Messages], clock: Clock, backoff: Backoff, hint: Callable[[Hint], bool], metrics: Metrics
) -> list[Listener]:
    """Return a listener for each queue, whose messages are counted in the metrics."""
    return [
        Listener(
            name,
            queue,
            clock,
            backoff,
            hint=hint,
            counted=lambda outcome: metrics.events_received.labels(outcome.value).inc(),
            aged=metrics.events_age.observe,
        )
        for name, queue in queues.items()
    ]
