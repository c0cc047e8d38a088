"""Events, published behind the work: to tell what has happened must not delay what is to be done.

An Event that cannot be published is no reason to stop working: the log has it, too. It is counted by why it was not,
and the log says so once a minute, however many there are.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.ports import Cluster, ClusterUnavailableError, ConflictError, GoneError

logger = logging.getLogger(__name__)

# As many Events wait. One more takes the place of another one: see `_Lines`.
CAPACITY = 1000
# Few beside the workers: what these write comes first.
TASKS = 2
# While others have something to do they are let go first, in so many seconds asked again.
WAY_SECONDS = 0.05
# An API server that has not answered for so long is not waited for: the next Event may fare better.
POST_SECONDS = 10.0
# The log says at most so often that Events were not published.
REPORT_SECONDS = 60.0


class Dropped(StrEnum):
    """Why an Event was not published."""

    FULL = "full"  # too many waited
    TIMEOUT = "timeout"  # the API server did not answer
    UNAVAILABLE = "unavailable"  # it could not be reached, or refused
    CONFLICT = "conflict"  # it has one of that name
    GONE = "gone"  # with its namespace: nobody is left to read it
    ENDED = "ended"  # the operator ended before
    ERROR = "error"  # an answer that cannot be read, or a defect


class _Lines:
    """Events that wait, in a line for each namespace; the lines take turns.

    When there is no room the oldest Event of the longest line goes: a namespace that floods loses its own, and of those
    the ones that are out of date soonest.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lines: dict[str, deque[Mapping[str, Any]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def is_half_full(self) -> bool:
        return 2 * self._count >= self._capacity

    def put(self, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Add an Event; returns the one that had to go."""
        self._lines.setdefault(_key_of(event).namespace, deque()).append(event)
        self._count += 1
        if self._count <= self._capacity:
            return None
        return self._pop(max(self._lines, key=lambda namespace: len(self._lines[namespace])))

    def take(self) -> Mapping[str, Any]:
        """The oldest Event of the line whose turn it is."""
        namespace = next(iter(self._lines))
        event = self._pop(namespace)
        if namespace in self._lines:
            # To the end: a dictionary keeps the order of insertion.
            self._lines[namespace] = self._lines.pop(namespace)
        return event

    def _pop(self, namespace: str) -> Mapping[str, Any]:
        line = self._lines[namespace]
        event = line.popleft()
        self._count -= 1
        if not line:
            del self._lines[namespace]
        return event


class Publisher:
    """Publishes Events: those of a namespace in their order, nearly, as a moment's may overtake each other.

    is_busy: whether something is waited for that goes before Events: what a sweep has seen is told within seconds, and
    then there is time. When half of the room is taken they do not give way any more.
    dropped: called with the reason for each Event that is not published.
    """

    def __init__(
        self,
        cluster: Cluster,
        is_busy: Callable[[], bool],
        dropped: Callable[[Dropped], None] = lambda _: None,
        *,
        capacity: int = CAPACITY,
        post_seconds: float = POST_SECONDS,
        report_seconds: float = REPORT_SECONDS,
    ) -> None:
        self._cluster = cluster
        self._is_busy = is_busy
        self._dropped = dropped
        self._post_seconds = post_seconds
        self._report_seconds = report_seconds
        self._lines = _Lines(capacity)
        # One token for each Event that waits; what has been taken counts until it is done with.
        self._tokens: asyncio.Queue[None] = asyncio.Queue()
        self._untold: Counter[Dropped] = Counter()
        self._last_words = ""
        self._may_tell = True
        self._is_ending = False

    async def publish(self, event: Mapping[str, Any]) -> None:
        """Have an Event (v1) published soon; never waits."""
        gone = self._lines.put(event)
        if gone is None:
            self._tokens.put_nowait(None)
        else:
            self._drop(Dropped.FULL, gone, "too many wait")

    async def run(self) -> None:
        """Publish until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._report())
                for _ in range(TASKS):
                    group.create_task(self._publish_all())
        finally:
            self._tell()

    async def drain(self, seconds: float) -> None:
        """Wait until everything has been published, but no longer than that; what is left is dropped."""
        self._is_ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._tokens.join()
        while len(self._lines):
            self._drop(Dropped.ENDED, self._lines.take(), "the operator ends")

    async def _publish_all(self) -> None:
        while True:
            await self._tokens.get()
            try:
                while self._gives_way():  # noqa: ASYNC110 - the work is never told that it is done
                    await asyncio.sleep(WAY_SECONDS)
                # None is left when the end has come meanwhile.
                if len(self._lines):
                    await self._post(self._lines.take())
            finally:
                self._tokens.task_done()

    async def _post(self, event: Mapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._post_seconds):
                await self._cluster.post_event(event)
        except GoneError:
            self._dropped(Dropped.GONE)
        except ConflictError as error:
            self._drop(Dropped.CONFLICT, event, repr(error))
        except ClusterUnavailableError as error:
            self._drop(Dropped.UNAVAILABLE, event, str(error))
        except TimeoutError:
            self._drop(Dropped.TIMEOUT, event, f"no answer in {self._post_seconds:g} s")
        except asyncio.CancelledError:
            self._drop(Dropped.ENDED, event, "the operator ends")
            raise
        except Exception as error:
            # A proxy may answer anything: the next one may be published.
            self._drop(Dropped.ERROR, event, repr(error))

    def _gives_way(self) -> bool:
        return not self._lines.is_half_full and not self._is_ending and self._is_busy()

    def _drop(self, reason: Dropped, event: Mapping[str, Any], why: str) -> None:
        self._dropped(reason)
        self._untold[reason] += 1
        self._last_words = f"{_key_of(event)}: {why}"
        if self._may_tell:
            self._tell()

    async def _report(self) -> None:
        """Tell of those of a minute in one line: a flood must not fill the log."""
        while True:
            await asyncio.sleep(self._report_seconds)
            self._may_tell = not self._untold
            self._tell()

    def _tell(self) -> None:
        if not self._untold:
            return
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self._untold.items()))
        logger.warning("Events were not published (%s); the last one of %s", reasons, self._last_words)
        self._untold.clear()
        self._may_tell = False


def _key_of(event: Mapping[str, Any]) -> ObjectKey:
    involved = event["involvedObject"]
    return ObjectKey(Kind(involved["kind"]), involved["namespace"], involved["name"])
