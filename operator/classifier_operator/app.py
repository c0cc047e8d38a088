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
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from classifier_operator.adapters.tenants_file import TenantsFile
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime import gather, ports
from classifier_operator.runtime.act import Executor
from classifier_operator.runtime.cluster_identity import ClusterIdentity
from classifier_operator.runtime.controller import Controller
from classifier_operator.runtime.crew import Crew
from classifier_operator.runtime.evaluate import Evaluator
from classifier_operator.runtime.exposition import Exposition
from classifier_operator.runtime.health import Health
from classifier_operator.runtime.hints.listener import listeners_of
from classifier_operator.runtime.importing.imports import Importer
from classifier_operator.runtime.importing.transfer import limits_of
from classifier_operator.runtime.informers import Collection
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.listing import Listing
from classifier_operator.runtime.looks import Looks
from classifier_operator.runtime.loops import begun, ended, repeated
from classifier_operator.runtime.monitoring.lag import watch_lag
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.namespaces import NamespaceDefaults
from classifier_operator.runtime.own_account import ACCOUNT_SECONDS, OwnAccount
from classifier_operator.runtime.passes import Passes
from classifier_operator.runtime.publisher import Publisher
from classifier_operator.runtime.search import Searcher
from classifier_operator.runtime.smoke_tests import smoke_tests_of
from classifier_operator.runtime.store import Body, Store, key_of, uid_of
from classifier_operator.runtime.sweeper import Sweeper
from classifier_operator.runtime.troubles import WAIT_SECONDS, Troubles
from classifier_operator.runtime.workqueue import Priority, WorkQueue
from classifier_operator.runtime.write import Writer, seen_by_followers
from classifier_operator.settings import Settings

logger = logging.getLogger(__name__)

# Imports say how far they are at least this often, however rare sweeps are.
PROGRESS_SECONDS = 5.0
# Events of what has been done are still published when the operator stops, for at most this long.
FAREWELL_SECONDS = 3.0


class App:
    """The operator without its outside."""

    def __init__(
        self,
        settings: Settings,
        cluster: ports.Cluster,
        cloud: ports.Cloud,
        imports: tuple[ports.Sources, ports.ObjectStore],
        metrics: Metrics,
        clock: ports.Clock,
        tenants: TenantsFile,
        queues: Mapping[str, ports.Messages] = MappingProxyType({}),
        identity: ClusterIdentity | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = metrics
        self._cluster = cluster
        self._identity = identity or ClusterIdentity(settings.cluster_name, settings.former_cluster_names)
        self._clock = clock
        self._account = OwnAccount(cloud, clock, settings.defaults.region, self._look_at_all)
        self._store = Store(self._tell_followers, settings.shard)
        self._queue: WorkQueue[ObjectKey] = WorkQueue(
            waited=metrics.queue_wait.observe, group=lambda key: key.namespace
        )
        self._crew = Crew(settings.workers)
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
        self._smoke_tests = smoke_tests_of(cloud, cluster, clock, settings.smoke_test_timeout, self._queue.add_after)
        self._publisher = Publisher(
            cluster,
            is_busy=lambda: len(self._queue) > 0,
            dropped=lambda reason: metrics.events_dropped.labels(reason.value).inc(),
        )
        writer = Writer(cluster, self._store, clock, settings.identity, self._publisher.publish)
        self._searcher = Searcher(cloud, self._inventory, clock)
        self._evaluator = Evaluator(
            store=self._store,
            inventory=self._inventory,
            defaults=self._defaults,
            importer=self._importer,
            smoke_tests=self._smoke_tests,
            troubles=troubles,
            clock=clock,
            account=self._account,
            cluster=self._identity,
            allowed=self._tenants.of,
            can_list=lambda kind, namespace: self._listing.can_list(kind, namespace),
        )
        metrics.account_mismatches.set_function(lambda: len(self._evaluator.mismatched))
        self._controller = Controller(
            store=self._store,
            inventory=self._inventory,
            queue=self._queue,
            evaluator=self._evaluator,
            defaults=self._defaults,
            executor=executor,
            smoke_tests=self._smoke_tests,
            searcher=self._searcher,
            importer=self._importer,
            writer=writer,
            troubles=troubles,
            clock=clock,
            waiting=self._crew.waiting,
        )
        self._rng = random.Random()
        self._is_working = False
        self._missing = "what there is has not been listed yet"
        self._listing = Listing(
            cluster,
            self._store,
            self._inventory,
            settings.namespaces,
            resync_interval=settings.resync_interval,
            rewind_interval=settings.namespace_interval,
            rng=self._rng,
            happened=self.happened,
            listed=lambda body: self._look_at(body, Priority.LOW),
            lost=self.lost,
            unserved=self._tell_unserved,
            anew=self._look_anew,
        )
        self._passes = Passes(
            controller=self._controller,
            store=self._store,
            queue=self._queue,
            writer=writer,
            clock=clock,
            lost=self.lost,
            reread=self._listing.reread,
            erred=lambda _: self._erred("pass"),
        )
        self._health = Health(self._sweeper, self._passes, self._crew)
        self._exposition = Exposition(
            metrics,
            store=self._store,
            queue=self._queue,
            passes=self._passes,
            importer=self._importer,
            clock=clock,
            with_objects=settings.object_metrics,
        )
        self._listeners = listeners_of(queues, clock, troubles.backoff, self._sweeper.hinted, metrics)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """List what there is, or as much of it as can be listed now, then work; AWS is looked at meanwhile."""
        with suppress(ports.ClusterUnavailableError):
            # Roles are assumed in the name of the cluster, and the first look at AWS may need one.
            await self._identity.learn(self._cluster)
        with self._listing.growing():
            self._begin(self._publisher.run(), self._sweeper.run())
            try:
                await self._defaults.load()
                await self._listing.first()
                await self._identity.learn_or_wait(self._cluster, self._rng, self._tell_missing)
            except asyncio.CancelledError:
                await self.stop()
                raise
        self._is_working = True
        self._sweeper.soon()
        self._begin(
            *self._listing.loops(),
            repeated("account", min(self.settings.sweep_interval, ACCOUNT_SECONDS), self._account.look, self._erred),
            repeated("namespaces", self.settings.namespace_interval, self._look_at_namespaces, self._erred),
        )
        self._begin(watch_lag(self.metrics.event_loop_lag.observe), *(listener.run() for listener in self._listeners))
        self._begin(*(self._passes.work(self._crew, self.metrics) for _ in range(self._crew.most)))

    async def stop(self) -> None:
        """Start nothing new; calls to AWS that are under way finish in their threads."""
        self._queue.close()
        # What publishes was begun first, and ends last.
        publishing, working = self._tasks[:1], self._tasks[1:]
        await ended(working)
        await asyncio.gather(self._importer.stop(), self._smoke_tests.stop())
        await self._publisher.drain(FAREWELL_SECONDS)
        await ended(publishing)

    def happened(self, what: ports.Happening, body: Mapping[str, Any]) -> None:
        """Something has happened to an object: it is remembered, and looked at as soon as that is urgent."""
        if what is ports.Happening.DELETED:
            self.lost(key_of(body), uid_of(body))
        elif what is ports.Happening.LISTED:
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
        self._listing.check(body)
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
        await self._listing.resync()

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
            self._look_at_all()

    def _look_at_all(self) -> None:
        for key in [key for kind in Kind for key in self._store.keys(kind)]:
            self._queue.add(key)

    def _tell_missing(self, missing: str) -> None:
        self._missing = missing

    def problem(self) -> str:
        """What is wrong, or "" while all is well; to wait for the cluster is nothing that a restart would mend."""
        return self._health.problem(self._tasks)

    def remark(self) -> str:
        """What is not as it should be, and is said without failing a probe: a restart need not mend it."""
        return self._health.remark()

    def unready(self) -> str:
        """What is missing before anything is done, or "" once it is there."""
        if self._listing.serves_nothing:
            return f"nothing can be served: {self.unserved()}"
        return "" if self._is_working else self._missing

    def unserved(self) -> str:
        """What the operator is to serve and cannot serve now, and why; "" where there is nothing of that sort."""
        return "; ".join(part for part in (self._listing.unserved(), self._evaluator.waiting()) if part)

    async def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics as of now in the format that an Accept header asks for, and that format's media type."""
        return await self._exposition.render(accept)

    def _tell_followers(self, key: ObjectKey, before: Body | None, after: Body | None) -> None:
        """Endpoints look again when the training they follow has another model, or something else to say."""
        if key.kind is Kind.TRAINING and seen_by_followers(before) != seen_by_followers(after):
            for follower in self._store.followers(key):
                self._queue.add(follower)

    def _tell_unserved(self, collection: Collection, is_unserved: bool) -> None:
        """Show that a collection cannot be served now, or can again."""
        self.metrics.unserved.labels(collection.kind.value, collection.namespace).set(is_unserved)
        if collection.kind is Kind.TRAINING:
            # The endpoints that follow trainings of which nothing is known say what they wait for.
            for key in self._store.followers_of_unknown():
                if collection.has(Kind.TRAINING, key.namespace):
                    self._queue.add(key, Priority.LOW)

    def _begin(self, *loops: Coroutine[Any, Any, None]) -> None:
        self._tasks += [begun(loop) for loop in loops]

    def _look_anew(self) -> None:
        """The API server's store was restored: what is at AWS may be of another time than what is on record."""
        self._searcher.anew()
        self._sweeper.anew()

    def _look_at(self, body: Body, priority: Priority) -> None:
        if self._inventory.is_growing:
            self._controller.expect(key_of(body), body)
        self._queue.add(key_of(body), priority)

    async def _look_at_namespaces(self) -> None:
        self.refresh_tenants()
        if await self._identity.relearn(self._cluster):
            self._look_at_all()
        await self.refresh_namespaces()

    def _erred(self, where: str) -> None:
        self.metrics.unexpected_errors.labels(where).inc()
