"""The operator's rules and adapters in this process, where everything that is sent is kept byte for byte.

AWS is the emulator behind a wire. The API server and the web answer by themselves, and the API server resolves what it
is asked for as carelessly as anybody on the way might.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import posixpath
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from kubernetes.aio.client import ApiClient, Configuration

from classifier_operator.adapters.aws import Aws
from classifier_operator.adapters.cluster import KubernetesCluster
from classifier_operator.adapters.web import WebSources
from classifier_operator.api.kinds import API_VERSION, Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.reconcile.walls import DELETION_POLICIES
from classifier_operator.runtime.importing.imports import Job
from classifier_operator.runtime.importing.netguard import rules_of
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits
from classifier_operator.runtime.ports import Source
from classifier_operator.training.fetches import Phase
from sagemaker_emulator.server import Emulator
from tests.hostile.wire import Answering, Request, Wire
from tests.properties.emulated import SETTINGS, EmulatedAccount, EmulatedClock
from tests.unit.fake_imports import FakeFile, FakeSource, FakeSources
from tests.unit.fakes import FakeCluster, Points
from tests.unit.world import Operator, Stage

NAMESPACE, NAME = "vision", "digits"
# No more than one part, for all but the last one have five megabytes at S3.
CONTENT = b"a fox"
STOLEN = "stolen"
_IMAGE = base64.b64encode(b"\x89PNG image").decode()
_CONFIG_MAPS = {
    "vision/configmaps/labels": {"data": {"labels.txt": "zero\n"}},
    "vision/configmaps/sample": {"binaryData": {"sample.png": _IMAGE}},
    "victim/configmaps/db": {"data": {"labels.txt": STOLEN}, "binaryData": {"sample.png": _IMAGE}},
}
_SECONDS = 60.0
# What AWS does not find is not believed at once, so a deletion takes some.
_MOST_ROUNDS = 10


class Account(EmulatedAccount):
    """The emulated account; its containers answer for themselves."""

    async def invoke(
        self,
        place: Place,
        endpoint: str,
        body: bytes,
        content_type: str,
        *,
        limit: int,
        variant: str = "",
        sent: Callable[[], None] = lambda: None,
    ) -> bytes:
        return await self._aws.invoke(place, endpoint, body, content_type, limit=limit, variant=variant, sent=sent)


class Cluster(FakeCluster):
    """A cluster in memory; what is asked of it goes over the wire as well, and ConfigMaps come from there."""

    def __init__(self, points: Points, api: KubernetesCluster) -> None:
        super().__init__(points)
        self._api = api

    async def read(self, key: ObjectKey) -> dict[str, Any]:
        await self._api.read(key)
        return await super().read(key)

    async def patch(self, key: ObjectKey, patch: Mapping[str, Any], *, status: bool = False) -> dict[str, Any]:
        await self._api.patch(key, patch, status=status)
        return await super().patch(key, patch, status=status)

    async def read_config_map(self, namespace: str, name: str) -> dict[str, Any]:
        return await self._api.read_config_map(namespace, name)

    async def read_namespace(self, name: str) -> dict[str, Any]:
        await self._api.read_namespace(name)
        return await super().read_namespace(name)

    async def post_event(self, event: Mapping[str, Any]) -> None:
        await self._api.post_event(event)
        await super().post_event(event)


class Sources:
    """The web: a file is read to its end, and then served from memory."""

    def __init__(self, points: Points) -> None:
        self._web = WebSources(rules_of(["127.0.0.1"], allows_http=True))
        self._points = points

    async def open(self, url: str, *, offset: int = 0, validator: str = "") -> Source:
        source = await self._web.open(url, offset=offset, validator=validator)
        content = await source.read(len(CONTENT) + 1)
        await source.close()
        return FakeSource(FakeSources(self._points), FakeFile(content), 0, self._points)


class ListenedOperator(Operator):
    """Waits for transfers and smoke tests, which take real time here."""

    async def _let_others_run(self) -> None:
        end = time.monotonic() + _SECONDS
        while self.queue.is_idle and (self.smoke_tests.tasks or any(map(_is_busy, self._jobs()))):
            assert time.monotonic() < end
            await asyncio.sleep(0.001)

    def _jobs(self) -> list[Job]:
        return [job for jobs in self.importer._jobs.values() for job in jobs.values()]


def _is_busy(job: Job) -> bool:
    """Whether a transfer goes on without anybody: it waits for no status to be written."""
    return job.is_running and (job.progress.phase is not Phase.RECORDING or job.recorded.is_set())


class Said(NamedTuple):
    """What was said of an object, and what was sent on its behalf to the API server, to AWS and to the web."""

    status: dict[str, Any]
    kubernetes: list[Request]
    aws: list[Request]
    web: list[Request]


class Parts:
    """The servers, and the adapters that lead to them."""

    def __init__(self, emulator: Emulator, kubernetes: Answering, wire: Wire, web: Answering, aws: Aws) -> None:
        self.kubernetes, self.wire, self.web = kubernetes, wire, web
        self._emulator, self._aws = emulator, aws

    @contextmanager
    def stage(self) -> Iterator[ListenedStage]:
        """A cluster and an account with nothing in them but a model and an image; to be used in an event loop."""
        settings = Configuration()
        settings.host = self.kubernetes.url
        api = KubernetesCluster(ApiClient(settings), (), Metrics())
        yield ListenedStage(self, self._emulator, self._aws, api)

    def take(self) -> tuple[list[Request], list[Request], list[Request]]:
        """What was sent since the last time."""
        return self.kubernetes.take(), self.wire.take(), self.web.take()


class ListenedStage(Stage):
    """Lives of objects, one after the other."""

    def __init__(self, parts: Parts, emulator: Emulator, aws: Aws, api: KubernetesCluster) -> None:
        points = Points()
        super().__init__(EmulatedClock(emulator.application.world.scheduler), points, Account(emulator, aws, points))
        self.cluster = Cluster(points, api)
        self.cluster.changed = self._changed
        self.sources = Sources(points)  # type: ignore[assignment]
        self.operator = ListenedOperator(self)
        self._parts, self._api = parts, api
        self._create(Kind.TRAINING, "trained", {"suspend": True, **_NO_JOB}, {}, _TRAINED)

    async def lived(self, kind: str, spec: Mapping[str, Any], annotations: Mapping[str, str]) -> Said:
        """An object is made, looked at until it comes to rest, and deleted; it has to be gone then."""
        await self.look()
        self._parts.take()
        key = self._create(Kind(kind), NAME, spec, annotations, {})
        await self.run(3)
        status = copy.deepcopy(self.cluster.status(key))
        if spec.get("deletionPolicy", "Delete") not in DELETION_POLICIES:
            # Of a policy that is none nothing is guessed: the object stays until it has one.
            self.cluster.edit(key, lambda body: body["spec"].pop("deletionPolicy"))
        self.cluster.delete(key)
        for _ in range(_MOST_ROUNDS):
            if key in self.cluster.objects:
                await self.run()
        assert key not in self.cluster.objects, self.cluster.status(key)
        return Said(status, *self._parts.take())

    async def resumed(self, kind: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Said:
        """An object that comes with a status, as from a backup: looked at for a while, then deleted."""
        await self.look()
        self._parts.take()
        key = self._create(Kind(kind), NAME, spec, {}, status)
        await self.run(2)
        said = copy.deepcopy(self.cluster.status(key))
        self.cluster.delete(key)
        await self.run(2)
        return Said(said, *self._parts.take())

    async def close(self) -> None:
        await self._api.close()

    def _create(
        self, kind: Kind, name: str, spec: Mapping[str, Any], annotations: Mapping[str, str], status: Mapping[str, Any]
    ) -> ObjectKey:
        metadata = {"name": name, "namespace": NAMESPACE, "annotations": dict(annotations)}
        body = {"apiVersion": API_VERSION, "kind": kind.value, "metadata": metadata, "spec": spec, "status": status}
        return self.cluster.create(body)


_NO_JOB = {
    "region": "us-east-1",
    "roleArn": "arn:aws:iam::123456789012:role/x",
    "inputs": [],
    "output": {"s3Uri": "s3://bucket/x"},
    "resources": {"instanceType": "ml.p3.2xlarge"},
}
_TRAINED = {"modelArtifacts": {"s3Uri": "s3://bucket/model.tar.gz", "jobName": "trained-1", "image": "mine:1"}}


@contextmanager
def listened_parts() -> Iterator[Parts]:
    """All servers, and AWS's environment so that it leads to the wire."""
    with (
        pytest.MonkeyPatch.context() as environment,
        Emulator(SETTINGS, speed=0) as emulator,
        Wire(emulator.url) as wire,
        Answering(_answered) as kubernetes,
        Answering(lambda _: (200, CONTENT)) as web,
    ):
        for name, value in {
            "AWS_ENDPOINT_URL": wire.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            environment.setenv(name, value)
        aws = Aws(RateLimits(time.monotonic, {"": (1e9, 1e9)}), Metrics())
        yield Parts(emulator, kubernetes, wire, web, aws)
        aws.close()


def _answered(request: Request) -> tuple[int, bytes]:
    path = posixpath.normpath(unquote(request.path))
    _, _, named = path.partition("/namespaces/")
    if "configmaps" in path:
        found = _CONFIG_MAPS.get(named)
        return (200, json.dumps(found).encode()) if found is not None else (404, b"{}")
    return 200, b'{"metadata": {}}'
