"""Smoke tests in the background: a few at a time, each for one object, started and ended by decisions.

Whatever is kept here, a restart may lose: the test is run again. A test that has ended puts its object into the queue,
and what came of it is kept until the object's status tells of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Hashable
from typing import NamedTuple

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.endpoint.record import SmokeTestStatus
from classifier_operator.endpoint.smoke_test import InputsCall, SmokeTestCall, SmokeTestKey, SmokeTestState
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.runtime.ports import Clock, Cloud, Cluster
from classifier_operator.runtime.rounds import RoundRobin
from classifier_operator.runtime.smoke import SmokeTester

logger = logging.getLogger(__name__)

# Each that runs holds an image of up to 5 MB; those that wait hold none.
MOST_AT_ONCE = 8
# So many of one namespace, so that there is always a place for another's; fewer while others wait.
MOST_OF_NAMESPACE = 4


class Failed(NamedTuple):
    """A test that could not be run: for what the object asked then, its trouble before, and the error."""

    call: SmokeTestCall
    identity: str
    before: Trouble | None
    error: Exception


class _Test:
    """One test; it stays when its task has ended, until the status tells of it.

    before: what an earlier try of it was refused with.
    """

    def __init__(self, key: ObjectKey, call: SmokeTestCall, identity: str, before: Trouble | None) -> None:
        self.key = key
        self.call = call
        self.identity = identity
        self.before = before
        self.task: asyncio.Task[None] | None = None
        self.outcome: SmokeTestStatus | None = None
        self.error: Exception | None = None

    @property
    def is_running(self) -> bool:
        """Whether its task has not ended."""
        return self.task is not None and not self.task.done()


class SmokeTests:
    """Starts, watches and ends smoke tests.

    changed: called with the object's key when a test of it has ended, and the seconds after which to look at it: none.
    """

    def __init__(self, tester: SmokeTester, *, changed: Callable[[ObjectKey, float], None]) -> None:
        self._tester = tester
        self._changed = changed
        self._tests: dict[ObjectKey, _Test] = {}
        # The last test of each object of which it is known that it can be run.
        self._possible: dict[ObjectKey, SmokeTestKey] = {}
        self._running: dict[str, int] = {}
        self._waiting: RoundRobin[tuple[str, asyncio.Future[None]]] = RoundRobin()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tests)

    @property
    def tasks(self) -> Collection[asyncio.Task[None]]:
        """The tasks that have not ended."""
        return self._tasks

    def of(self, key: ObjectKey) -> SmokeTestState | None:
        """Return what is known of the object's test, if there is one."""
        test = self._tests.get(key)
        if test is None or (test.outcome is None and not test.is_running):
            return None
        return SmokeTestState(test=test.call.key, is_again=test.before is not None, outcome=test.outcome)

    def possible(self, key: ObjectKey) -> SmokeTestKey | None:
        """Return the last test of the object whose image and labels were found to be there and to fit."""
        return self._possible.get(key)

    async def check(self, key: ObjectKey, call: InputsCall) -> None:
        """Look whether the test can be run.

        Raises:
            AwsRefusal: it cannot, or nobody can tell.
            ClusterUnavailableError: the API server does not tell.

        """
        self._possible.pop(key, None)
        await self._tester.check(call)
        self._possible[key] = call.key

    def start(self, key: ObjectKey, call: SmokeTestCall, identity: str, before: Trouble | None = None) -> None:
        """Start the test, or let it go on.

        identity: what the object asks for now. before: what the last try was refused with.
        """
        test = self._tests.get(key)
        if test is not None and test.call == call and test.is_running:
            return
        self._end(key)
        test = self._tests[key] = _Test(key, call, identity, before)
        test.task = asyncio.get_running_loop().create_task(self._run(test), name=f"smoke test for {key}")
        self._tasks.add(test.task)
        test.task.add_done_callback(self._forget)

    def failed(self, key: ObjectKey) -> Failed | None:
        """Return, once, what has kept a test from being run."""
        test = self._tests.get(key)
        if test is None or test.error is None:
            return None
        del self._tests[key]
        return Failed(test.call, test.identity, test.before, test.error)

    def keep(self, key: ObjectKey, wanted: Collection[SmokeTestKey]) -> None:
        """End a test that is running and is none of these. What others have come to is still to be told."""
        test = self._tests.get(key)
        if test is not None and test.is_running and test.call.key not in wanted:
            self._end(key)

    def told(self, key: ObjectKey, state: SmokeTestState | None) -> None:
        """Forget the outcome of a test once a status that was decided from it is written.

        A test that has ended since that decision is kept: nothing tells of it yet.
        """
        if state is not None and state.outcome is not None and self.of(key) == state:
            del self._tests[key]

    def forget(self, key: ObjectKey) -> None:
        """End the object's test: the object is gone."""
        self._end(key)
        self._possible.pop(key, None)

    async def stop(self) -> None:
        """End all tests; the next process runs them again."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _end(self, key: ObjectKey) -> None:
        test = self._tests.pop(key, None)
        if test is not None and test.task is not None:
            test.task.cancel()

    def _forget(self, task: asyncio.Task[None]) -> None:
        """A task has ended; one that nothing could catch has at least its exception taken."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("%s has ended by %r", task.get_name(), error)

    async def _run(self, test: _Test) -> None:
        namespace = test.key.namespace
        await self._enter(namespace)
        try:
            test.outcome = await self._tester.run(test.call)
        except Exception as error:
            # The pass over the object deals with it, as with an error of its own.
            test.error = error
        finally:
            self._leave(namespace)
        if self._tests.get(test.key) is test:
            # Not before the task has ended: what is asked of a test by then is whether it runs.
            asyncio.get_running_loop().call_soon(self._changed, test.key, 0.0)

    async def _enter(self, namespace: str) -> None:
        """Wait for a place."""
        given = asyncio.get_running_loop().create_future()
        self._waiting.add(namespace, (namespace, given))
        self._serve()
        try:
            await given
        except asyncio.CancelledError:
            if given.done() and not given.cancelled():
                self._leave(namespace)
            raise

    def _leave(self, namespace: str) -> None:
        self._running[namespace] -= 1
        if not self._running[namespace]:
            del self._running[namespace]
        self._serve()

    def _serve(self) -> None:
        while sum(self._running.values()) < MOST_AT_ONCE:
            next_one = self._waiting.pop(lambda one: not one[1].done(), self._may_run)
            if next_one is None:
                return
            namespace, given = next_one
            self._running[namespace] = self._running.get(namespace, 0) + 1
            given.set_result(None)

    def _may_run(self, namespace: Hashable) -> bool:
        """Whether the namespace may have one more: its part, where there are several."""
        several = self._running.keys() | set(self._waiting.groups)
        most = min(MOST_OF_NAMESPACE, max(1, MOST_AT_ONCE // len(several)))
        return self._running.get(str(namespace), 0) < most


def smoke_tests_of(
    cloud: Cloud, cluster: Cluster, clock: Clock, seconds: float, changed: Callable[[ObjectKey, float], None]
) -> SmokeTests:
    """Return what runs smoke tests; `seconds`: how long an endpoint has for all invocations of one."""
    return SmokeTests(SmokeTester(cloud, cluster, clock, seconds=seconds), changed=changed)
