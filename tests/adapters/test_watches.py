"""kopf on a real API server, once for each collection: what is told, and what ends with a watch and what does not."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from classifier_operator.adapters import watches
from classifier_operator.adapters.cluster import KubernetesCluster
from classifier_operator.api.kinds import GROUP, VERSION, Kind, ObjectKey
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.ports import ClusterUnavailableError, Happening
from control_plane import ControlPlane
from tests.apiserver.world import training
from tests.forward_proxy import ForwardProxy

READER = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [classifiers.sagemaker.dev], resources: [classifiertrainings], verbs: [list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader}]
"""


class Watch:
    """A watch as a task, and what it has told."""

    def __init__(self, cluster: KubernetesCluster, kind: Kind, namespace: str) -> None:
        self.told: list[tuple[Happening, str]] = []
        self.began, self.changed = asyncio.Event(), asyncio.Event()
        self.task = asyncio.ensure_future(cluster.watch(kind, namespace, self._happened, self.began.set))

    def _happened(self, what: Happening, body: dict[str, Any]) -> None:
        self.told.append((what, body["metadata"]["name"]))
        self.changed.set()

    async def has_told(self, *told: tuple[Happening, str]) -> None:
        async with asyncio.timeout(20):
            while not set(told) <= set(self.told):
                self.changed.clear()
                await self.changed.wait()

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


Connect = Callable[..., Any]


@pytest_asyncio.fixture
async def connect() -> AsyncIterator[Connect]:
    made: list[KubernetesCluster] = []

    async def connected(kubeconfig: Path, **more: Any) -> KubernetesCluster:
        settings = Configuration()
        await config.load_kube_config(str(kubeconfig), client_configuration=settings)
        made.append(KubernetesCluster(ApiClient(settings), (), Metrics(), **more))
        return made[-1]

    yield connected
    for one in made:
        await one.close()


def create(plane: ControlPlane, namespace: str, name: str) -> None:
    plane.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(training(name)))


async def test_what_there_is_and_each_change_is_told(installed: ControlPlane, namespace: str, connect: Connect) -> None:
    create(installed, namespace, "before")
    watch = Watch(await connect(installed.kubeconfig), Kind.TRAINING, namespace)
    await watch.has_told((Happening.LISTED, "before"))
    await asyncio.wait_for(watch.began.wait(), 20)
    create(installed, namespace, "after")
    await watch.has_told((Happening.ADDED, "after"))
    installed.kubectl("label", "ctrain", "after", "a=b", "-n", namespace)
    await watch.has_told((Happening.MODIFIED, "after"))
    installed.kubectl("delete", "ctrain", "after", "-n", namespace)
    await watch.has_told((Happening.DELETED, "after"))
    await watch.end()


async def test_b35_list_watch_and_write_go_by_the_kubeconfig_s_proxy(
    installed: ControlPlane, namespace: str, connect: Connect, tmp_path: Path
) -> None:
    content = yaml.safe_load(installed.kubeconfig.read_text())
    create(installed, namespace, "before")
    with ForwardProxy() as proxy:
        for each in content["clusters"]:
            each["cluster"]["proxy-url"] = proxy.url.replace("://", "://joe:secret@")
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(content))
        cluster = await connect(tmp_path / "kubeconfig")
        key = ObjectKey(Kind.TRAINING, namespace, "before")
        assert [each["metadata"]["name"] async for each in cluster.list(Kind.TRAINING, namespace)] == ["before"]
        await cluster.patch(key, {"metadata": {"labels": {"a": "b"}}})
        tunnels = len(proxy.asked)
        watch = Watch(cluster, Kind.TRAINING, namespace)
        await watch.has_told((Happening.LISTED, "before"))
        await asyncio.wait_for(watch.began.wait(), 20)
        create(installed, namespace, "after")
        await watch.has_told((Happening.ADDED, "after"))
        await watch.end()
    server = urlsplit(content["clusters"][0]["cluster"]["server"])
    assert {one.line for one in proxy.asked} == {f"CONNECT {server.netloc}"}
    assert all(one.headers["Proxy-Authorization"].startswith("Basic ") for one in proxy.asked)
    # The first ones were for the list and the write, the rest for the watch.
    assert 0 < tunnels < len(proxy.asked)


async def test_a_watch_that_is_refused_ends_alone(
    installed: ControlPlane, namespace: str, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    watches.quieten_kopf()
    installed.kubectl("apply", "-n", namespace, "-f", "-", input=READER)
    account = await connect(installed.service_account_kubeconfig(namespace, "reader"))
    allowed = Watch(account, Kind.TRAINING, namespace)
    await asyncio.wait_for(allowed.began.wait(), 20)
    for kind, where in ((Kind.ENDPOINT, namespace), (Kind.TRAINING, "default"), (Kind.TRAINING, "")):
        refused = Watch(account, kind, where)
        with pytest.raises(ClusterUnavailableError, match="HTTP 403"):
            await asyncio.wait_for(refused.task, 20)
        assert not refused.began.is_set()
    create(installed, namespace, "after")
    await allowed.has_told((Happening.ADDED, "after"))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    await allowed.end()


async def test_a_discovery_that_is_behind_is_no_endless_wait(
    installed: ControlPlane, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kopf finds no such kind, and would wait for ever."""
    monkeypatch.setattr(watches, "BEGIN_SECONDS", 1.0)
    monkeypatch.setattr(watches, "VERSION", "v0")
    watch = Watch(await connect(installed.kubeconfig), Kind.TRAINING, "default")
    with pytest.raises(ClusterUnavailableError, match="discovery does not name the kind"):
        await asyncio.wait_for(watch.task, 20)


async def test_nothing_is_left_of_a_watch_that_was_ended(
    installed: ControlPlane, namespace: str, connect: Connect
) -> None:
    plane = await connect(installed.kubeconfig)
    before = asyncio.all_tasks()
    watch = Watch(plane, Kind.TRAINING, namespace)
    await asyncio.wait_for(watch.began.wait(), 20)
    await watch.end()
    assert asyncio.all_tasks() == before


async def test_the_process_gets_its_signals_back(installed: ControlPlane, namespace: str, connect: Connect) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    plane = await connect(installed.kubeconfig, signals_taken=lambda: loop.add_signal_handler(signal.SIGTERM, told.set))
    watch = Watch(plane, Kind.TRAINING, namespace)
    await asyncio.wait_for(watch.began.wait(), 20)
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(told.wait(), 20)
    assert not watch.task.done()
    loop.remove_signal_handler(signal.SIGTERM)
    loop.remove_signal_handler(signal.SIGINT)
    await watch.end()


class Stub:
    """An API server of a few lines that answers a watch as it is told."""

    def __init__(
        self,
        answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
        holds: str = "",
        *,
        in_body: bool = False,
    ) -> None:
        self.authorized: list[str] = []
        # The path of the discovery whose answer is held back, or what follows its headers.
        self.holds, self.in_body = holds, in_body
        self.held, self.released = asyncio.Event(), asyncio.Event()
        self._answer = answer
        app = web.Application(middlewares=[self._note])
        group = {"name": GROUP, "versions": [{"version": VERSION}], "preferredVersion": {"version": VERSION}}
        namespaces = {"name": "namespaces", "kind": "Namespace", "singularName": "namespace", "namespaced": False}
        kind = {
            "name": "classifiertrainings",
            "kind": "ClassifierTraining",
            "singularName": "classifiertraining",
            "namespaced": True,
            "verbs": ["get", "list", "watch", "patch"],
        }
        self._discovery = {
            "/api": {"versions": ["v1"]},
            "/api/v1": {"resources": [namespaces]},
            "/apis": {"groups": [group]},
            f"/apis/{GROUP}/{VERSION}": {"resources": [kind]},
            "/elsewhere": {},
        }
        for path in self._discovery:
            app.router.add_get(path, self._discover)
        app.router.add_get(f"/apis/{GROUP}/{VERSION}/namespaces/here/classifiertrainings", self._collection)
        self.server = TestServer(app)

    async def connected(self) -> KubernetesCluster:
        """Start it, and return what is connected to it."""
        await self.server.start_server()
        settings = Configuration(host=str(self.server.make_url("")).rstrip("/"))
        settings.api_key = {"BearerToken": "secret"}
        settings.api_key_prefix = {"BearerToken": "Bearer"}
        settings.proxy = None
        return KubernetesCluster(ApiClient(settings), (), Metrics())

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if "Authorization" in request.headers:
            self.authorized.append(request.path)
        response: web.StreamResponse = await handler(request)
        return response

    async def _discover(self, request: web.Request) -> web.StreamResponse:
        text = json.dumps(self._discovery[request.path]).encode()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        is_held = request.path == self.holds
        if is_held and not self.in_body:
            self.held.set()
            await self.released.wait()
        await response.prepare(request)
        await response.write(text[:1])
        if is_held and self.in_body:
            self.held.set()
            await self.released.wait()
        await response.write(text[1:])
        return response

    async def _collection(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await self._answer(request)
        body = {"kind": "ClassifierTrainingList", "metadata": {"resourceVersion": "1"}, "items": []}
        return web.json_response(body)


async def with_error_event(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    status = {"kind": "Status", "code": 500, "message": "etcdserver: leader changed"}
    await response.write(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
    return response


async def with_garbage(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"<html>not what you think</html>\n")
    return response


def with_status(status: int, **headers: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(with_error_event, "leader changed", id="an error in the stream"),
        pytest.param(with_garbage, "Expecting value", id="no JSON"),
        pytest.param(with_status(400), "HTTP 400", id="400"),
        pytest.param(with_status(401), "HTTP 401", id="401"),
        pytest.param(with_status(403), "HTTP 403", id="403"),
        pytest.param(with_status(404), "does not serve", id="404"),
        pytest.param(with_status(410), "HTTP 410", id="410"),
        pytest.param(with_status(302, Location="/elsewhere"), "HTTP 302", id="a redirect"),
    ],
)
async def test_whatever_a_watch_is_answered_it_ends_alone(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And whoever asked is told, who says it once; the token goes nowhere else."""
    watches.quieten_kopf()
    stub = Stub(answer)
    cluster = await stub.connected()
    watch = Watch(cluster, Kind.TRAINING, "here")
    try:
        with pytest.raises(Exception, match=why):
            await asyncio.wait_for(watch.task, 20)
        assert "/elsewhere" not in stub.authorized
        assert any(path.endswith("/classifiertrainings") for path in stub.authorized)
        assert not [record for record in caplog.records if record.exc_info]
    finally:
        await cluster.close()
        await stub.server.close()


def _is_of_kopf(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return "/kopf/" in getattr(code, "co_filename", "")


@pytest.mark.parametrize("path", ["/api", "/api/v1", "/apis", f"/apis/{GROUP}/{VERSION}"])
@pytest.mark.parametrize("held", ["credentials", "connection", "answer", "body"])
async def test_a_watch_that_ends_during_the_discovery_leaves_no_error_behind(
    path: str, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kopf cancels the discovery, but not the requests that it consists of, wherever each of them is."""
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    stub = Stub(with_garbage, holds=path if held in ("answer", "body") else "", in_body=held == "body")
    cluster = await stub.connected()

    def held_at_the_second(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        calls = itertools.count(1)

        async def hold(*args: Any, **named: Any) -> Any:
            if next(calls) > 1:
                stub.held.set()
                await stub.released.wait()
            return await call(*args, **named)

        return hold

    if held == "credentials":
        monkeypatch.setattr(cluster, "_credentials", held_at_the_second(cluster._credentials))
    if held == "connection":
        monkeypatch.setattr(aiohttp.TCPConnector, "connect", held_at_the_second(aiohttp.TCPConnector.connect))
    watch = Watch(cluster, Kind.TRAINING, "here")
    try:
        await asyncio.wait_for(stub.held.wait(), 20)
        await watch.end()
        stub.released.set()
        async with asyncio.timeout(20):
            while left := [task for task in asyncio.all_tasks() if _is_of_kopf(task)]:
                await asyncio.wait(left)
        gc.collect()
        assert errors == []
    finally:
        await cluster.close()
        await stub.server.close()
