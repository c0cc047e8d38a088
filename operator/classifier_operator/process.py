"""One process of the operator: an App with the real outside, and its turn to work."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import Callable

from prometheus_client.exposition import choose_encoder

from classifier_operator import __version__
from classifier_operator.adapters.aws import Aws
from classifier_operator.adapters.clock import SystemClock
from classifier_operator.adapters.cluster import connect
from classifier_operator.adapters.http import HealthServer
from classifier_operator.adapters.leases import AllLeases, KubernetesLeases
from classifier_operator.adapters.queues import EventsQueue
from classifier_operator.adapters.role_sessions import RoleSessions
from classifier_operator.adapters.tenants_file import TenantsFile
from classifier_operator.adapters.web import WebSources
from classifier_operator.app import App
from classifier_operator.runtime.cluster_identity import ClusterIdentity
from classifier_operator.runtime.election.leadership import Candidate, Leadership
from classifier_operator.runtime.election.others import OtherOperators
from classifier_operator.runtime.loops import begun, ended
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits
from classifier_operator.runtime.pacing.rates import rates_for
from classifier_operator.runtime.start import OwnCredentials, StartError, all_or, require_namespaces, say_when_ready
from classifier_operator.settings import Election, Settings

logger = logging.getLogger(__name__)


class Operator:
    """An App with the real outside: boto3, the Kubernetes API, an HTTP server for health and metrics.

    lost: called with the reason when the Lease was held and is not any more. It must not return.
    signals_taken: called when the signals of the process have been taken over by what watches the cluster.

    Raises:
        TenantsError: the file that says what namespaces may use cannot be read, or is none.

    """

    def __init__(
        self, settings: Settings, *, lost: Callable[[str], None], signals_taken: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._lost = lost
        self._signals_taken = signals_taken
        # Read before anything else: what a process has begun with, it keeps when the file breaks while it waits.
        self._tenants = TenantsFile(settings.tenants)
        self._clock, self._metrics = SystemClock(), Metrics()
        self._identity = ClusterIdentity(settings.cluster_name, settings.former_cluster_names)
        limits = RateLimits(self._clock.monotonic, rates_for(settings.shard.count, settings.aws_rate))
        sessions = RoleSessions(
            cluster=lambda: self._identity.names.name,
            external_id=settings.assume_role_external_id,
            with_tags=settings.assume_role_session_tags,
        )
        told = {settings.defaults.region, *(queue.region for queue in settings.events_queues)} - {""}
        self._aws = Aws(limits, self._metrics, self._clock, self._holds, sessions, told)
        self._health = HealthServer(
            problem=self._problem,
            unready=self._unready,
            unserved=self._unserved,
            exposition=self._exposition,
            remark=self._remark,
        )
        self._credentials = OwnCredentials(self._aws, settings.defaults.region)
        self._leadership: Leadership | None = None
        self._others: OtherOperators | None = None
        self._app: App | None = None
        self._leads = asyncio.Event()
        self._beside: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connect to the cluster, and answer the kubelet.

        Raises:
            StartError: the settings do not fit this machine or this cluster.

        """
        settings = self._settings
        self._cluster = await connect(settings.namespaces, self._metrics, self._holds, self._signals_taken)
        logger.info("classifier-operator %s: %s", __version__, self._served())
        if settings.election is not None:
            self._leadership = self._candidacy(settings.election)
        try:
            await require_namespaces(self._cluster, settings.namespaces)
            await self._listen()
        except BaseException:
            await self._health.stop()
            await self._cluster.close()
            raise
        self._beside.append(begun(self._credentials.run(self._leads)))

    async def campaign(self) -> None:
        """Return when it is this process that is to work."""
        if self._leadership is not None:
            await self._leadership.campaign()
        self._metrics.leading.set(1)
        self._leads.set()

    async def start(self) -> App:
        """Work."""
        self._tenants.refresh()
        imports = WebSources(self._settings.import_rules), self._aws
        queues = {address.url: EventsQueue(self._aws, address) for address in self._settings.events_queues}
        self._app = App(
            self._settings,
            self._cluster,
            self._aws,
            imports,
            self._metrics,
            self._clock,
            self._tenants,
            queues,
            self._identity,
        )
        self._others = self._other_operators()
        self._beside.append(begun(self._others.run()))
        self._beside.append(begun(say_when_ready(self._unready, self._served)))
        await self._app.start()
        return self._app

    async def stop(self) -> None:
        """Work no more; whoever keeps a connection to ask for metrics must not hold up the end."""
        if self._app is not None:
            await self._app.stop()
        await self._health.stop()

    async def close(self) -> None:
        """Let calls in flight finish, leave the rest to the next one, disconnect."""
        await ended(self._beside)
        await asyncio.to_thread(self._aws.close)
        if self._leadership is not None:
            await self._leadership.resign()
        await self._health.stop()
        await self._cluster.close()

    async def _listen(self) -> None:
        host, port = self._settings.health_host, self._settings.health_port
        try:
            await self._health.start(host, port)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise StartError(
                f"cannot listen on {host}:{port} for health and metrics: {reason}: "
                "choose another --health-port (0 takes any free one), or --health-host"
            ) from error
        logger.info("health and metrics on port %d", self._health.port)

    def _served(self) -> str:
        """What is served, and where."""
        settings = self._settings
        shard = f", shard {settings.shard}" if settings.shard.count > 1 else ""
        region = settings.defaults.region or "none"
        return f"cluster {self._cluster.host}, namespaces {all_or(settings.namespaces)}{shard}, region {region}"

    def _candidacy(self, election: Election) -> Leadership:
        settings = self._settings
        leases = KubernetesLeases(self._cluster, election.namespace, election.name, settings.namespaces)
        me = f"{settings.identity}_{uuid.uuid4()}"
        candidate = Candidate(me=me, release=election.name, shard=settings.shard)
        return Leadership(leases, self._clock, candidate, lost=self._lost)

    def _other_operators(self) -> OtherOperators:
        settings = self._settings
        own = settings.election
        return OtherOperators(
            AllLeases(self._cluster, own.namespace if own is not None else ""),
            self._clock,
            me=f"{own.namespace}/{own.name}" if own is not None else "",
            serves=settings.namespaces,
            interval=settings.namespace_interval,
        )

    def _holds(self) -> bool:
        return self._leadership.holds() if self._leadership is not None else self._settings.election is None

    def _problem(self) -> str:
        return self._app.problem() if self._app is not None else ""

    def _remark(self) -> str:
        remarks = (one.remark() for one in (self._app, self._others) if one is not None)
        return "; ".join(filter(None, remarks))

    def _unready(self) -> str:
        if self._app is not None:
            return self._app.unready() or self._credentials.missing
        return self._leadership.problem() if self._leadership is not None else "it is being started"

    def _unserved(self) -> str:
        return self._app.unserved() if self._app is not None else ""

    async def _exposition(self, accept: str) -> tuple[bytes, str]:
        if self._app is not None:
            return await self._app.exposition(accept)
        encode, media_type = choose_encoder(accept)
        return encode(self._metrics.registry), media_type
