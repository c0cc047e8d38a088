"""Puts the parts together, starts them and stops them.

The informers tell what happens in the cluster; the workers do the rest. What is then done is decided in
`training/decide.py` and `endpoint/decide.py`, from the object and from AWS alone: it does not matter which of these
happened, or whether one was missed.

| what happened                                   | as it is told   | how urgent                  |
|-------------------------------------------------|-----------------|-----------------------------|
| the operator started, or a watch began anew     | LISTED          | when nothing is more so     |
| somebody created the object                     | ADDED           | before what AWS has to tell |
| somebody changed it, or we wrote its status     | MODIFIED        | as urgent                   |
| somebody deleted it: it waits for our finalizer | ADDED, MODIFIED | as urgent                   |
| it is gone                                      | DELETED         | forgotten; followers look   |
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any

from prometheus_client.exposition import choose_encoder

from classifier_operator.adapters.tenants_file import TenantsFile
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime import gather
from classifier_operator.runtime.act import Executor
from classifier_operator.runtime.cluster_identity import ClusterIdentity
from classifier_operator.runtime.controller import Controller
from classifier_operator.runtime.crew import Crew
from classifier_operator.runtime.hints.events import Hint
from classifier_operator.runtime.hints.listener import Listener
from classifier_operator.runtime.importing.imports import Importer
from classifier_operator.runtime.importing.transfer import limits_of
from classifier_operator.runtime.informers import Collection, Informer, pause_after, summary
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.looks import Looks
from classifier_operator.runtime.loops import begun, ended, repeated
from classifier_operator.runtime.monitoring.census import Census, Scrape
from classifier_operator.runtime.monitoring.lag import watch_lag
from classifier_operator.runtime.monitoring.logs import about
from classifier_operator.runtime.monitoring.metrics import MOST_STUCK, Metrics
from classifier_operator.runtime.namespaces import NamespaceDefaults
from classifier_operator.runtime.passes import Passes
from classifier_operator.runtime.ports import (
    Clock,
    Cloud,
    Cluster,
    ClusterUnavailableError,
    Happening,
    Messages,
    ObjectStore,
    Sources,
)
from classifier_operator.runtime.publisher import Publisher
from classifier_operator.runtime.rewinds import Rewinds
from classifier_operator.runtime.smoke import SmokeTester
from classifier_operator.runtime.store import Body, Mark, Store, is_older, key_of, uid_of
from classifier_operator.runtime.sweeper import Sweeper
from classifier_operator.runtime.troubles import WAIT_SECONDS, Troubles
from classifier_operator.runtime.workqueue import Priority, WorkQueue
from classifier_operator.runtime.write import Writer, headline
from classifier_operator.settings import Settings

logger = logging.getLogger(__name__)

# Imports say how far they are at least this often, however rare sweeps are.
PROGRESS_SECONDS = 5.0
# Events of what has been done are still published when the operator stops, for at most this long.
FAREWELL_SECONDS = 3.0
# Polls of which not one has ended for longer than this hang by a defect of the operator: any call to AWS is given up
# before (adapters/aws.py), so a region that hangs is no reason to restart, which would not help.
SWEEP_PATIENCE = 600.0


class App:
    """The operator without its outside."""

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        cloud: Cloud,
        imports: tuple[Sources, ObjectStore],
        metrics: Metrics,
        clock: Clock,
        tenants: TenantsFile,
        queues: Mapping[str, Messages] = MappingProxyType({}),
        identity: ClusterIdentity | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = metrics
        self._cluster = cluster
        self._identity = identity or ClusterIdentity(settings.cluster_name, settings.former_cluster_names)
        self._clock = clock
        self._store = Store(self._tell_followers, settings.shard)
        self._queue: WorkQueue[ObjectKey] = WorkQueue(
            waited=metrics.queue_wait.observe, group=lambda key: key.namespace
        )
        self._crew = Crew(settings.workers)
        self._rendering = asyncio.Lock()
        self._inventory = Inventory(changed=self._queue.add, clock=clock.monotonic)
        executor = Executor(cloud, self._inventory, clock)
        looks = Looks(
            cloud,
            self._inventory,
            executor,
            clock,
            looked=lambda resource, refusal: self._controller.looked(resource, refusal),
            erred=lambda: self._erred("sweep"),
        )
        self._sweeper = Sweeper(
            self._inventory,
            looks,
            clock,
            interval=settings.sweep_interval,
            guard_interval=settings.guard_interval,
            age=self._queue.age,
            oldest_age=lambda: self._queue.oldest_age,
            observe=metrics.swept,
            erred=lambda: self._erred("sweep"),
        )
        self._tenants = tenants
        self._defaults = NamespaceDefaults(cluster, settings.defaults)
        troubles = Troubles(wait_seconds=(settings.wait_interval, max(settings.wait_interval, WAIT_SECONDS[1])))
        self._importer = Importer(
            *imports,
            clock,
            changed=self._queue.add_after,
            limits=limits_of(settings.import_max_bytes, settings.import_concurrency),
            concurrency=settings.import_concurrency,
            interval=min(settings.sweep_interval, PROGRESS_SECONDS),
            backoff=troubles.backoff,
            sent=metrics.import_bytes.inc,
        )
        self._publisher = Publisher(
            cluster,
            is_busy=lambda: len(self._queue) > 0,
            dropped=lambda reason: metrics.events_dropped.labels(reason.value).inc(),
        )
        writer = Writer(cluster, self._store, clock, settings.identity, self._publisher.publish)
        self._controller = Controller(
            store=self._store,
            inventory=self._inventory,
            queue=self._queue,
            defaults=self._defaults,
            executor=executor,
            smoke_tester=SmokeTester(cloud, cluster, clock),
            importer=self._importer,
            writer=writer,
            troubles=troubles,
            clock=clock,
            allowed=self._tenants.of,
            cluster=self._identity,
            waiting=self._crew.waiting,
            can_list=self._can_list,
        )
        self._rng = random.Random()
        self._informers = [self._informer(one) for one in _collections(settings.namespaces)]
        # How many listings are under way by which more is cared for than was, and whether the first are over.
        self._growing = 0
        self._is_working = False
        self._missing = "what there is has not been listed yet"
        self._rewinds = Rewinds(
            cluster,
            self._store,
            interval=settings.namespace_interval,
            revision=self._revision,
            catch_up=self._catch_up,
        )
        self._passes = Passes(
            controller=self._controller,
            store=self._store,
            queue=self._queue,
            writer=writer,
            clock=clock,
            lost=self.lost,
            reread=self._reread,
            erred=lambda _: self._erred("pass"),
        )
        self._listeners = [self._listener(name, queue, troubles) for name, queue in queues.items()]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """List what there is, or as much of it as can be listed now, then work; AWS is looked at meanwhile."""
        with suppress(ClusterUnavailableError):
            # Roles are assumed in the name of the cluster, and the first look at AWS may need one.
            await self._identity.learn(self._cluster)
        with self._more_to_care_for():
            self._begin(self._publisher.run(), self._sweeper.run())
            try:
                await self._defaults.load()
                await self._first_listing()
                await self._learn_name()
            except asyncio.CancelledError:
                await self.stop()
                raise
        self._is_working = True
        self._sweeper.soon()
        self._begin(
            *(informer.run() for informer in self._informers),
            self._rewinds.run(),
            repeated("namespaces", self.settings.namespace_interval, self._look_at_namespaces, self._erred),
        )
        self._begin(watch_lag(self.metrics.event_loop_lag.observe), *(listener.run() for listener in self._listeners))
        self._begin(*(self._work() for _ in range(self._crew.most)))

    async def stop(self) -> None:
        """Start nothing new; calls to AWS that are under way finish in their threads."""
        self._queue.close()
        # What publishes was begun first, and ends last.
        publishing, working = self._tasks[:1], self._tasks[1:]
        await ended(working)
        await self._importer.stop()
        await self._publisher.drain(FAREWELL_SECONDS)
        await ended(publishing)

    def happened(self, what: Happening, body: Mapping[str, Any]) -> None:
        """Something has happened to an object: it is remembered, and looked at as soon as that is urgent."""
        if what is Happening.DELETED:
            self.lost(key_of(body), uid_of(body))
        elif what is Happening.LISTED:
            self.listed(body)
        else:
            # What a change asks for is found by comparing, not by asking what was changed.
            self.saw(body, Priority.URGENT)

    def saw(self, body: Mapping[str, Any], priority: Priority = Priority.NORMAL) -> None:
        """An object exists, like this."""
        if self._store.put(body):
            self._look_at(body, priority)

    def listed(self, body: Mapping[str, Any]) -> None:
        """Whoever watches has begun anew, and the object was like this when it was listed."""
        key = key_of(body)
        if is_older(body, self._store.mark(key)) or self._store.is_ended(uid_of(body)):
            # It may have been listed before it was written, or deleted, for the last time.
            self._rewinds.suspected(key)
        self.saw(body, Priority.LOW)

    def lost(self, key: ObjectKey, uid: str = "") -> None:
        """An object does not exist any more; with its UID, whatever has its name by now is another one."""
        self._passes.forget(key)
        body = self._store.get(key)
        if body is not None and uid in ("", uid_of(body)) and (left := gather.left_behind(body)):
            # By force, or by a restored snapshot that is older than the object. To delete it may be as wrong.
            logger.warning("%s is gone and was not let go; at AWS there may be, for nobody: %s", key, ", ".join(left))
        self._store.drop(key, uid)
        if self._store.owns(key):
            self._queue.add(key)

    async def resync(self) -> None:
        """Compare the memory with the cluster: deletions that a watch has missed are noticed here."""
        for informer in self._informers:
            await informer.resync()

    async def refresh_namespaces(self) -> None:
        """Look again at the objects of namespaces whose annotations say something else than before."""
        keys = [key for kind in Kind for key in self._store.keys(kind)]
        changed = await self._defaults.refresh({key.namespace for key in keys})
        for key in keys:
            if key.namespace in changed:
                self._queue.add(key)

    def refresh_tenants(self) -> None:
        """Look again at all objects when the file says something else than before of what they may use."""
        if self._tenants.refresh():
            for key in [key for kind in Kind for key in self._store.keys(kind)]:
                self._queue.add(key)

    def problem(self) -> str:
        """What is wrong, or "" while all is well; to wait for the cluster is nothing that a restart would mend."""
        if not self._tasks:
            return ""
        ended = [task for task in self._tasks if task.done()]
        if ended:
            return f"{len(ended)} of the operator's loops have ended"
        silence = self._sweeper.hangs_for()
        if silence > SWEEP_PATIENCE:
            return f"a sweep over AWS has not heard anything for {silence:.0f} s"
        # As long as one works, the others' objects are no reason to take it from all of them.
        return self.remark() if len(self._passes.stuck()) >= self._crew.most else ""

    def remark(self) -> str:
        """What is not as it should be, and is said without failing a probe: a restart need not mend it."""
        stuck = [f"{key} for {age:.0f} s" for key, age in self._passes.stuck().items()]
        more = f" and {len(stuck) - MOST_STUCK} more" if len(stuck) > MOST_STUCK else ""
        return f"passes are stuck: {', '.join(stuck[:MOST_STUCK])}{more}" if stuck else ""

    def unready(self) -> str:
        """What is missing before anything is done, or "" once it is there."""
        if all(informer.trouble for informer in self._informers):
            return f"nothing can be served: {self.unserved()}"
        return "" if self._is_working else self._missing

    def unserved(self) -> str:
        """What the operator is to serve and cannot serve now, and why; "" where there is nothing of that sort."""
        return summary(self._informers)

    async def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics as of now in the format that an Accept header asks for, and that format's media type.

        Thousands of objects take a part of a second: that is spent in a thread, for one scrape at a time.
        """
        encode, media_type = choose_encoder(accept)
        async with self._rendering:
            self.metrics.show_queue(self._queue)
            self.metrics.show_passes(self._passes.ages(), self._passes.stuck())
            self.metrics.tasks.set(len(asyncio.all_tasks()))
            census = Census(
                self._store.snapshot(),
                self._importer.phases(),
                self._clock.now(),
                with_objects=self.settings.object_metrics,
            )
            return await asyncio.to_thread(encode, Scrape(self.metrics.registry, census)), media_type

    def _tell_followers(self, key: ObjectKey, before: Body | None, after: Body | None) -> None:
        """Endpoints look again when the training they follow has another model, or something else to say."""
        if key.kind is Kind.TRAINING and _model_of(before) != _model_of(after):
            for follower in self._store.followers(key):
                self._queue.add(follower)

    def _listener(self, name: str, queue: Messages, troubles: Troubles) -> Listener:
        return Listener(
            name,
            queue,
            self._clock,
            troubles.backoff,
            hint=self._hinted,
            counted=lambda outcome: self.metrics.events_received.labels(outcome.value).inc(),
            aged=self.metrics.events_age.observe,
        )

    def _hinted(self, hint: Hint) -> bool:
        """Look soon at what somebody cares for; whether anybody does."""
        resources = self._inventory.cared_for(hint.account, hint.type, hint.region, hint.name)
        for resource in resources:
            self._sweeper.hint(resource)
        return bool(resources)

    async def _work(self) -> None:
        while True:
            await self._crew.sit()
            key = await self._queue.get()
            self._crew.begin(key)
            try:
                with about(key, self._store.uid(key)), self.metrics.pass_seconds.labels(key.kind.value).time():
                    result = await self._passes.run(key)
                self.metrics.passes.labels(key.kind.value, result).inc()
                # Thousands of passes that have nothing to wait for must not keep AWS's answers waiting. The seat stays
                # taken meanwhile: else as many would follow at once as there are workers.
                await asyncio.sleep(0)
            finally:
                self._crew.end(key)
                self._queue.done(key)

    async def _reread(self, key: ObjectKey) -> None:
        """Take the object as it is now."""
        before, ended = self._store.mark(key), self._store.ended()
        self._answered(await self._cluster.read(key), before, ended)

    def _begin(self, *loops: Coroutine[Any, Any, None]) -> None:
        self._tasks += [begun(loop) for loop in loops]

    def _informer(self, collection: Collection) -> Informer:
        return Informer(
            self._cluster,
            collection,
            compare=self._compare,
            happened=self.happened,
            changed=self._served_or_not,
            resync_interval=self.settings.resync_interval,
            rng=self._rng,
        )

    async def _first_listing(self) -> None:
        """Return when each collection has been listed, or cannot be listed now, but for one of them at least."""
        rounds = 0
        while all(informer.trouble for informer in self._informers):
            await asyncio.sleep(pause_after(rounds, self._rng))
            # What endpoints have at AWS takes longer to look at than what trainings have.
            for kind in (Kind.ENDPOINT, Kind.TRAINING):
                await asyncio.gather(*(one.begin() for one in self._informers if one.collection.kind is kind))
            rounds += 1

    def _served_or_not(self, informer: Informer) -> None:
        """Tell whoever wants to know that a collection has begun or ceased to be served."""
        kind, namespace = informer.collection
        self.metrics.unserved.labels(kind.value, namespace).set(bool(informer.trouble))
        if kind is Kind.TRAINING:
            # They say what they wait for.
            for key in self._store.followers_of_unknown():
                if informer.collection.has(Kind.TRAINING, key.namespace):
                    self._queue.add(key, Priority.LOW)

    def _can_list(self, kind: Kind, namespace: str) -> bool:
        """Whether all objects of a kind in a namespace are known, so that what is not known does not exist."""
        return not any(one.trouble for one in self._informers if one.collection.has(kind, namespace))

    @contextmanager
    def _more_to_care_for(self) -> Iterator[None]:
        """What is listed meanwhile is looked at at AWS at once."""
        self._growing += 1
        self._inventory.is_growing = True
        try:
            yield
        finally:
            self._growing -= 1
            self._inventory.is_growing = self._growing > 0

    async def _compare(self, collection: Collection, overrides: bool) -> None:
        """Compare the memory of a collection with the cluster.

        overrides: the API server has gone back, and what it lists is what there is, whichever version is higher.
        """
        if not overrides:
            await self._resync(collection)
            return
        with self._more_to_care_for():
            await self._resync(collection, overrides=True)
        # All of that may be different at AWS.
        self._sweeper.anew()

    async def _resync(self, collection: Collection, *, overrides: bool = False) -> None:
        # Meanwhile another one may come by the name of one that goes: that one is not missing.
        unseen, ended = self._store.marks(*collection), self._store.ended()
        async for body in self._cluster.list(*collection):
            if self._answered(body, unseen.pop(key_of(body), None), ended, overrides=overrides):
                self._look_at(body, Priority.LOW)
        for key, mark in unseen.items():
            self.lost(key, mark.uid)

    def _answered(self, body: Body, before: Mark | None, ended: Set[str], *, overrides: bool = False) -> bool:
        """Take an answer that was asked for after `before` and `ended` were known; whether it is news.

        One that is older, or has an object that was gone, is of an API server that has gone back, and it counts.

        overrides: it is known already that it has, and no comparison of versions tells anything.
        """
        if not overrides and (is_older(body, before) or uid_of(body) in ended):
            self._rewinds.proved(f"{key_of(body)} is older than it was")
            overrides = True
        return self._store.put_over(body, before) if overrides else self._store.put(body)

    def _look_at(self, body: Body, priority: Priority) -> None:
        if self._inventory.is_growing:
            self._controller.expect(key_of(body), body)
        self._queue.add(key_of(body), priority)

    async def _revision(self) -> int:
        """At which revision the API server is; what is known of it already while nothing can be listed."""
        for informer in self._informers:
            if not informer.trouble:
                return await self._cluster.revision(*informer.collection)
        return self._store.latest

    async def _catch_up(self) -> None:
        """The API server has gone back: list and watch anew. What cannot be listed now catches up when it can be."""
        for kind in (Kind.ENDPOINT, Kind.TRAINING):
            for informer in self._informers:
                if informer.collection.kind is kind:
                    await informer.catch_up()

    async def _look_at_namespaces(self) -> None:
        self.refresh_tenants()
        await self._relearn_name()
        await self.refresh_namespaces()

    def _erred(self, where: str) -> None:
        self.metrics.unexpected_errors.labels(where).inc()

    async def _learn_name(self) -> None:
        """Nothing is made before it is known what the cluster is called, or that nobody may tell."""
        failures = 0
        while True:
            try:
                await self._identity.learn(self._cluster)
            except ClusterUnavailableError as error:
                self._missing = f"cannot read what the cluster is called: {error}"
                logger.warning("%s", self._missing)
                failures += 1
                await asyncio.sleep(pause_after(failures, self._rng))
            else:
                return

    async def _relearn_name(self) -> None:
        """The permission to read it may have come since: from then on each object is told apart by it."""
        try:
            if await self._identity.learn(self._cluster):
                for key in [key for kind in Kind for key in self._store.keys(kind)]:
                    self._queue.add(key)
        except ClusterUnavailableError as error:
            logger.warning("the cluster's name: %s", error)


def _collections(namespaces: Sequence[str]) -> list[Collection]:
    """What an operator for these namespaces serves; for all of them where none are named."""
    return [Collection(kind, namespace) for namespace in namespaces or ("",) for kind in Kind]


def _model_of(body: Body | None) -> Any:
    """What endpoints that follow a training look at; nothing while there is none."""
    if body is None:
        return None
    status = body.get("status", {})
    return status.get("modelArtifacts"), headline(status)
