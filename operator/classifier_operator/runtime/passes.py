"""One pass over an object, and what comes of whatever goes wrong in it: the object comes again, and others go on."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.runtime.controller import Controller
from classifier_operator.runtime.crew import Crew
from classifier_operator.runtime.failures import failed, message_of, pause_after
from classifier_operator.runtime.monitoring.logs import about
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.ports import Clock, ClusterUnavailableError, ConflictError, GoneError
from classifier_operator.runtime.store import Store
from classifier_operator.runtime.workqueue import WorkQueue
from classifier_operator.runtime.write import Writer

logger = logging.getLogger(__name__)

# A pass that takes longer than so many seconds is stuck, or as good as that.
BUDGET_SECONDS = 300.0
# An API server that did not do what was asked is asked again after so many seconds: at first, and at last.
UNAVAILABLE_SECONDS = (1.0, 60.0)
# No longer than that, whatever its Retry-After says.
MOST_RETRY_AFTER = 300.0
# The second conflict in a row is waited out for so long, each further one twice as long as the one before.
CONFLICT_SECONDS = (0.1, 30.0)


class Passes:
    """Runs passes.

    lost: called with the key and UID of an object that the API server does not have any more.
    reread: takes an object as the API server has it now. Raises what the cluster does.
    erred: called with each unexpected error.
    """

    def __init__(
        self,
        *,
        controller: Controller,
        store: Store,
        queue: WorkQueue[ObjectKey],
        writer: Writer,
        clock: Clock,
        lost: Callable[[ObjectKey, str], Any],
        reread: Callable[[ObjectKey], Awaitable[Any]],
        erred: Callable[[Exception], Any] = lambda _: None,
        rng: random.Random | None = None,
    ) -> None:
        self._controller = controller
        self._store = store
        self._queue = queue
        self._writer = writer
        self._clock = clock
        self._lost = lost
        self._reread = reread
        self._erred = erred
        self._rng = rng or random.Random()
        # When (monotonic) the passes that are under way began.
        self._began: dict[ObjectKey, float] = {}
        # Unexpected errors in a row, and when (monotonic) the next try is due.
        self._failures: dict[ObjectKey, tuple[int, float]] = {}
        # Refusals of the API server in a row, and when (monotonic) the next try is due.
        self._refusals: dict[ObjectKey, tuple[int, float]] = {}
        # Conflicts in a row.
        self._conflicts: dict[ObjectKey, int] = {}

    async def work(self, crew: Crew, metrics: Metrics) -> None:
        """Run one pass after another until cancelled, as one worker of the crew."""
        while True:
            await crew.sit()
            key = await self._queue.get()
            crew.begin(key)
            try:
                with about(key, self._store.uid(key)), metrics.pass_seconds.labels(key.kind.value).time():
                    result = await self.run(key)
                metrics.passes.labels(key.kind.value, result).inc()
                # Thousands of passes that have nothing to wait for must not keep AWS's answers waiting. The seat stays
                # taken meanwhile: else as many would follow at once as there are workers.
                await asyncio.sleep(0)
            finally:
                crew.end(key)
                self._queue.done(key)

    async def run(self, key: ObjectKey) -> str:
        """One pass; returns its result, as `classifier_operator_passes_total` counts it."""
        self._began[key] = self._clock.monotonic()
        try:
            return await self._run(key)
        finally:
            del self._began[key]

    def ages(self) -> dict[ObjectKey, float]:
        """How many seconds the passes that are under way have taken, the oldest first."""
        now = self._clock.monotonic()
        return {key: now - began for key, began in sorted(self._began.items(), key=lambda one: one[1])}

    def stuck(self) -> dict[ObjectKey, float]:
        """Those that have taken longer than they may."""
        return {key: age for key, age in self.ages().items() if age > BUDGET_SECONDS}

    async def _run(self, key: ObjectKey) -> str:
        uid = self._store.uid(key)
        try:
            await self._controller.reconcile(key)
        except ConflictError:
            await self._take_anew(key, uid)
            return "conflict"
        except GoneError:
            self._lost(key, uid)
            return "gone"
        except ClusterUnavailableError as error:
            self._put_off(key, error)
            return "unavailable"
        except Exception as error:
            await self._failed(key, error)
            return "error"
        self.forget(key)
        return "ok"

    def forget(self, key: ObjectKey) -> None:
        """Nothing is wrong with the object any more, or it is gone."""
        self._failures.pop(key, None)
        self._conflicts.pop(key, None)
        self._refusals.pop(key, None)

    async def _take_anew(self, key: ObjectKey, uid: str) -> None:
        """Somebody was faster: take the object as it is now, and look again; after several in a row not at once."""
        self._conflicts[key] = self._conflicts.get(key, 0) + 1
        try:
            await self._reread(key)
        except GoneError:
            self._lost(key, uid)
        except ClusterUnavailableError as error:
            self._put_off(key, error)
            return
        except Exception as error:
            await self._failed(key, error)
            return
        self._queue.add_after(key, self._pause_after_conflicts(self._conflicts.get(key, 0)))

    def _pause_after_conflicts(self, conflicts: int) -> float:
        """Seconds to wait: one is everyday, many are a quarrel, and none has to win it at once."""
        if conflicts < 2:
            return 0.0
        first, most = CONFLICT_SECONDS
        return min(most, first * 2.0 ** min(conflicts - 2, 16)) * self._rng.uniform(0.5, 1.0)

    def _put_off(self, key: ObjectKey, error: ClusterUnavailableError) -> None:
        """With pauses that grow, and no sooner than the API server asks for; what it refuses for good comes rarely."""
        now = self._clock.monotonic()
        count, due = self._refusals.get(key, (0, now))
        # One that came early, by an edit or our own write, lengthens no pause.
        count += now >= due
        first, most = UNAVAILABLE_SECONDS
        pause = pause_after(count) if error.refuses_content else min(most, first * 2.0 ** min(count - 1, 16))
        pause = max(pause, min(error.retry_after, MOST_RETRY_AFTER)) * self._rng.uniform(1.0, 1.5)
        self._refusals[key] = count, now + pause
        logger.warning("%s: %s; tried again in %.0f s", key, error, pause)
        self._queue.add_after(key, pause)

    def _pause(self, key: ObjectKey) -> float:
        """Seconds until the next try; one that came early, by an edit or our own write, lengthens no pause."""
        now = self._clock.monotonic()
        failures, due = self._failures.get(key, (0, now))
        if now >= due:
            failures += 1
        pause = pause_after(failures) * self._rng.uniform(1.0, 1.25)
        self._failures[key] = failures, now + pause
        return pause

    async def _failed(self, key: ObjectKey, error: Exception) -> None:
        """The error is logged, said by the object, and the object tried again with growing pauses."""
        logger.error("%s: unforeseen", key, exc_info=error)
        self._erred(error)
        self._queue.add_after(key, self._pause(key))
        body = self._store.get(key)
        if body is None:
            return
        generation = body["metadata"].get("generation", 1)
        status = failed(self._store.status(key), message_of(error), generation=generation, now=self._clock.now())
        try:
            await self._writer.status(key, body, status)
        except (ConflictError, GoneError, ClusterUnavailableError) as refusal:
            # The watch tells what has come in between, and the next try says it again.
            logger.warning("%s: its status does not tell of the error: %s", key, refusal)
        except Exception:
            logger.exception("%s: unforeseen, while its status was to tell of an error", key)
