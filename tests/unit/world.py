"""The operator's runtime over the fakes, driven step by step: no task, no timer, no real time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Protocol

from tests.unit.fake_imports import FakeSources
from tests.unit.fakes import Crash, FakeClock, FakeCloud, FakeCluster, Points

from classifier_operator.api.kinds import GROUP, Kind, ObjectKey
from classifier_operator.reconcile.decision import Defaults
from classifier_operator.reconcile.tenants import Tenants
from classifier_operator.runtime.act import Executor
from classifier_operator.runtime.cluster_identity import ClusterIdentity
from classifier_operator.runtime.controller import Controller
from classifier_operator.runtime.evaluate import Evaluator
from classifier_operator.runtime.hints.events import hint_in
from classifier_operator.runtime.importing.imports import Importer
from classifier_operator.runtime.importing.transfer import Limits
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.looks import Looks
from classifier_operator.runtime.namespaces import NamespaceDefaults
from classifier_operator.runtime.own_account import OwnAccount
from classifier_operator.runtime.passes import Passes
from classifier_operator.runtime.ports import Cloud, ObjectStore
from classifier_operator.runtime.search import Searcher
from classifier_operator.runtime.smoke import SmokeTester
from classifier_operator.runtime.smoke_tests import SmokeTests
from classifier_operator.runtime.store import Body, Store
from classifier_operator.runtime.sweeper import Sweeper
from classifier_operator.runtime.troubles import Troubles
from classifier_operator.runtime.workqueue import Priority, WorkQueue
from classifier_operator.runtime.write import Writer, seen_by_followers

# More passes than this without the clock moving: the operator is busy with nothing.
PASSES = 60
# A transfer that passes no point in so many turns of the event loop waits for something, if not for another thread.
QUIET = 20
# Seconds between two looks whether another thread has answered.
TURN = 0.001


class ManualQueue(WorkQueue[ObjectKey]):
    """A work queue whose delays are told by the fake clock."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.delayed: dict[ObjectKey, float] = {}
        self._clock = clock

    def add_after(self, key: ObjectKey, seconds: float, priority: Priority = Priority.NORMAL) -> None:
        if seconds <= 0:
            self.add(key, priority)
        else:
            self.delayed[key] = min(self._clock.seconds + seconds, self.delayed.get(key, float("inf")))

    def forget(self, key: ObjectKey) -> None:
        super().forget(key)
        self.delayed.pop(key, None)

    def ring(self) -> None:
        """Whatever is due is added."""
        for key in [key for key, due in self.delayed.items() if due <= self._clock.seconds]:
            del self.delayed[key]
            self.add(key)


class MovingCloud(Cloud, ObjectStore, Protocol):
    """AWS, which goes on when it is told to."""

    def progress(self) -> None:
        """Everything that moves gets to its end."""
        ...


class Operator:
    """One life of the operator's process: what it knows is lost when it ends."""

    def __init__(self, world: Stage) -> None:
        clock, cloud, cluster = world.clock, world.aws, world.cluster
        self.queue = ManualQueue(clock)
        self.store = Store(self._tell_followers)
        self.inventory = Inventory(changed=self.queue.add, clock=clock.monotonic)
        executor = Executor(cloud, self.inventory, clock)
        self.account = OwnAccount(cloud, clock, "", self._look_at_all)
        self.troubles = Troubles(rng=random.Random(7))
        self.importer = Importer(
            world.sources,
            cloud,
            clock,
            changed=self.queue.add_after,
            limits=Limits(most_bytes=1000, most_part=16, least_part=8),
            concurrency=1,
            interval=5,
            backoff=self.troubles.backoff,
        )
        looks = Looks(
            cloud,
            self.inventory,
            executor,
            clock,
            looked=lambda resource, refusal: self.controller.looked(resource, refusal),
        )
        self.sweeper = Sweeper(
            self.inventory,
            looks,
            clock,
            interval=5,
            guard_interval=300,
            age=self.queue.age,
            oldest_age=lambda: self.queue.oldest_age,
            observe=lambda seconds: None,
        )
        writer = Writer(cluster, self.store, clock, "test", cluster.post_event)
        self.defaults = NamespaceDefaults(cluster, world.defaults)
        self.smoke_tests = SmokeTests(SmokeTester(cloud, cluster, clock, rest=world.rest), changed=self.queue.add_after)
        evaluator = Evaluator(
            store=self.store,
            inventory=self.inventory,
            defaults=self.defaults,
            importer=self.importer,
            smoke_tests=self.smoke_tests,
            troubles=self.troubles,
            clock=clock,
            account=self.account,
            cluster=world.identity,
            allowed=lambda namespace: world.tenants.of(namespace),
        )
        self.controller = Controller(
            evaluator=evaluator,
            store=self.store,
            inventory=self.inventory,
            queue=self.queue,
            defaults=self.defaults,
            executor=executor,
            smoke_tests=self.smoke_tests,
            searcher=Searcher(cloud, self.inventory, clock),
            importer=self.importer,
            writer=writer,
            troubles=self.troubles,
            clock=clock,
        )
        self._cluster = cluster
        # Unexpected errors fail the test, unless it causes them.
        self.errors: list[Exception] = []
        self.may_err = False
        self.passes = Passes(
            controller=self.controller,
            store=self.store,
            queue=self.queue,
            writer=writer,
            clock=clock,
            lost=self._lost,
            reread=self._reread,
            erred=self.errors.append,
            rng=random.Random(7),
        )
        self._points = world.points

    def saw(self, body: Body, key: ObjectKey) -> None:
        if self.store.put(body):
            self.queue.add(key)

    async def work(self) -> None:
        """Pass after pass until nothing is left to do now."""
        for _ in range(PASSES):
            if self.queue.is_idle:
                await self._let_others_run()
            if self.queue.is_idle:
                return
            key = await self.queue.get()
            try:
                await self._pass(key)
            finally:
                self.queue.done(key)
        raise AssertionError("the operator does not come to rest")

    async def sweep(self) -> None:
        await self.account.look()
        self.queue.ring()
        await self.work()
        await self.sweeper.sweep(self.inventory.followed() | self.inventory.guarded())
        await self.work()

    async def hear(self, messages: tuple[str, ...]) -> None:
        """Look at what these messages hint at, as soon as they come."""
        hints = [hint for message in messages if (hint := hint_in(message)) is not None]
        cared = (self.inventory.cared_for(one.account, one.type, one.region, one.name) for one in hints)
        await self.sweeper.sweep({resource for resources in cared for resource in resources})
        await self.work()

    def die(self) -> None:
        """What runs in the background ends with the process, too."""
        for task in self._background():
            task.cancel()

    def _background(self) -> list[asyncio.Task[None]]:
        """Transfers and smoke tests."""
        return [*self.importer._tasks, *self.smoke_tests.tasks]

    async def _let_others_run(self) -> None:
        """Until each of what is in the background has ended, or waits for the object's status."""
        quiet = 0
        while self._background() and quiet < QUIET:
            passed = self._points.passed
            await asyncio.sleep(TURN if self._points.under_way else 0)
            is_quiet = passed == self._points.passed and not self._points.under_way
            quiet = quiet + 1 if is_quiet else 0
        if self._points.has_killed:
            raise Crash

    async def _pass(self, key: ObjectKey) -> None:
        await self.passes.run(key)
        if self.errors and not self.may_err:
            raise self.errors[-1]

    async def _reread(self, key: ObjectKey) -> None:
        self.store.put(await self._cluster.read(key))

    def _lost(self, key: ObjectKey, _: str) -> None:
        self.store.drop(key)
        self.queue.add(key)

    def _look_at_all(self) -> None:
        for key in [key for kind in Kind for key in self.store.keys(kind)]:
            self.queue.add(key)

    def _tell_followers(self, key: ObjectKey, before: Body | None, after: Body | None) -> None:
        if key.kind is Kind.TRAINING and seen_by_followers(before) != seen_by_followers(after):
            for follower in self.store.followers(key):
                self.queue.add(follower)


class Stage:
    """A cluster, an AWS account, and an operator that can be killed and started again."""

    def __init__(self, clock: FakeClock, points: Points, cloud: MovingCloud, defaults: Defaults | None = None) -> None:
        self.defaults = defaults or Defaults()
        self.tenants = Tenants()
        self.identity = ClusterIdentity()
        self.clock = clock
        self.points = points
        self.cluster = FakeCluster(points)
        self.aws = cloud
        self.sources = FakeSources(points)
        self.cluster.changed = self._changed
        self.operator = Operator(self)

    async def rest(self, seconds: float) -> None:  # noqa: ARG002
        """Pass for a pause between two invocations: the clock is moved by hand."""
        await asyncio.sleep(0)

    def restart(self) -> None:
        """The process ends; another one lists what there is."""
        self.operator.die()
        self.points.has_killed = False
        self.operator = Operator(self)
        for key in tuple(self.cluster.objects):
            self._changed(key)

    async def look_at_aws(self) -> None:
        """What a process does first when it has been started: it looks at all that the statuses name, in a sweep."""
        await self.operator.defaults.load()
        for key in tuple(self.cluster.objects):
            if (body := self.operator.store.get(key)) is not None:
                self.operator.controller.expect(key, body)
        inventory = self.operator.inventory
        await self.operator.sweeper.sweep(inventory.followed() | inventory.guarded())

    async def annotate(self, namespace: str = "vision", **annotations: str) -> None:
        """The platform team writes a namespace's annotations, in place of those before, and they are read."""
        named = {f"{GROUP}/{name.replace('_', '-')}": value for name, value in annotations.items()}
        self.cluster.namespaces[namespace] = named
        changed = await self.operator.defaults.refresh({key.namespace for key in self.cluster.objects})
        for key in tuple(self.cluster.objects):
            if key.namespace in changed:
                self.operator.queue.add(key)

    def allow(self, tenants: Tenants) -> None:
        """Other rules hold from now on."""
        self.tenants = tenants
        for key in tuple(self.cluster.objects):
            self.operator.queue.add(key)

    async def run(self, rounds: int = 1, *, progress: bool = True, seconds: float = 400.0) -> None:
        """Let the operator work, then AWS, as often as said; longer than any back-off passes in between."""
        for _ in range(rounds):
            await self._alive(self.operator.work)
            if progress:
                self.aws.progress()
            self.clock.seconds += seconds
            await self._alive(lambda: self.operator.sweep())

    async def look(self) -> None:
        """Let the operator do what it can do now; nothing moves at AWS."""
        await self._alive(self.operator.work)

    async def hear(self, *messages: str) -> None:
        """Messages of state changes arrive, true or not."""
        await self._alive(lambda: self.operator.hear(messages))

    async def _alive(self, action: Callable[[], Any]) -> None:
        """Do it; where the operator is killed over it, another one starts and goes on."""
        try:
            await action()
        except Crash:
            self.points.kill_at = None
            self.restart()
            await self.operator.work()

    def _changed(self, key: ObjectKey) -> None:
        """The watch."""
        body = self.cluster.objects.get(key)
        if body is None:
            self.operator.store.drop(key)
            self.operator.queue.add(key)
        else:
            self.operator.saw({**body, "metadata": dict(body["metadata"])}, key)


class World(Stage):
    """The same over the fake AWS."""

    def __init__(self, defaults: Defaults | None = None) -> None:
        clock, points = FakeClock(), Points()
        self.cloud = FakeCloud(clock, points)
        super().__init__(clock, points, self.cloud, defaults)
