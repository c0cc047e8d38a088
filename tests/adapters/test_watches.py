"""kopf on a real API server, once for each collection: what is told, and what ends with a watch and what does not."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from classifier_operator.adapters import watches
from classifier_operator.adapters.cluster import KubernetesCluster
from classifier_operator.api.kinds import Kind
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.ports import ClusterUnavailableError, Happening
from control_plane import ControlPlane
from tests.apiserver.world import training

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
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(told.wait(), 20)
    assert not watch.task.done()
    loop.remove_signal_handler(signal.SIGTERM)
    loop.remove_signal_handler(signal.SIGINT)
    await watch.end()
