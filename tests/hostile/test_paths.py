"""A name in a spec is a name: it leads to no other object of the cluster."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from classifier_operator.adapters.cluster import KubernetesCluster
from classifier_operator.adapters.leases import KubernetesLeases
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.paths import PathError
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.ports import ClusterUnavailableError
from control_plane.kubeconfig import write_kubeconfig
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import of_model, settled, stalled
from tests.apiserver.world import Json, World
from tests.hostile.wire import Answering, Request, Wire

IMAGE = base64.b64encode(b"\x89PNG image").decode()
GOOD: Json = {"configMapKeyRef": {"name": "own", "key": "key"}}
# Names by which a ConfigMap of the namespace `victim` was read, and others that could lead away.
NAMES = (
    "../../victim/configmaps/db",
    "..%2f..%2fvictim%2fconfigmaps%2fdb",
    "%2e%2e/%2e%2e/victim/configmaps/db",
    "own/../../../victim/configmaps/db",
    "..",
    ".",
    "own?fieldSelector=metadata.name%3Ddb",
    "own#db",
    "own\r\nX-Remote-User: admin",
    "\u2025/victim",
)


def config_map(name: str, **content: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **content}


def test_no_config_map_of_another_namespace_is_read(
    loose_world: World, start_listened_to: Callable[..., OperatorProcess], kubernetes_wire: Wire
) -> None:
    """The API server lets these names through here, as an older CRD did: the operator's own end is what holds."""
    world = loose_world
    world.cluster.kubectl("create", "namespace", "victim")
    world.cluster.kubectl("create", "configmap", "db", "--namespace=victim", "--from-literal=key=stolen")
    world.apply(config_map("own", binaryData={"key": IMAGE}))
    hostile = {}
    for number, name in enumerate(NAMES):
        bad: Json = {"configMapKeyRef": {"name": name, "key": "key"}}
        hostile[f"labels-{number}"] = {"classLabels": bad, "smokeTest": {"image": GOOD}}
        hostile[f"image-{number}"] = {"classLabels": GOOD, "smokeTest": {"image": bad}}
    for name, fields in hostile.items():
        world.apply(of_model(world, name, **fields))
    world.apply(of_model(world, "good", classLabels=GOOD, smokeTest={"image": GOOD}))
    start_listened_to()

    for name in hostile:
        words = stalled(world, "InvalidSpec", name)["message"]
        field = "spec.classLabels" if name.startswith("labels") else "spec.smokeTest.image"
        assert words.startswith(f"{field}.configMapKeyRef.name: ")
        assert "stolen" not in str(world.get("cep", name)["status"])
    settled(world, "good")
    asked = {one.target for one in kubernetes_wire.requests() if "configmaps" in one.target.lower()}
    assert asked == {f"/api/v1/namespaces/{world.namespace}/configmaps/own"}


# What is sent of names that are no names, but can be encoded.
SENT = {
    "a?b=c": "a%3Fb%3Dc",
    "a#b": "a%23b",
    "a\nb": "a%0Ab",
    "a\r\nX-B: c\r\n\r\nGET x": "a%0D%0AX-B%3A%20c%0D%0A%0D%0AGET%20x",
    "a\0b": "a%00b",
    "d\u2025é": "d%E2%80%A5%C3%A9",
    "...": "...",
    "\\..\\x": "%5C..%5Cx",
    " ": "%20",
    "a:b@c;d&e": "a%3Ab%40c%3Bd%26e",
}
PREFIX = "/k8s/clusters/c-m-x%2Fy"


def answered(request: Request) -> tuple[int, bytes]:
    if request.path.endswith("/moved"):
        return 307, b'{"kind": "Status", "message": "moved"}'
    return 200, b'{"metadata": {"name": "x", "resourceVersion": "1"}, "items": []}'


def connected(server: Answering, folder: Path, use: Callable[[KubernetesCluster], Coroutine[Any, Any, None]]) -> None:
    """Use an adapter whose API server is behind a path, as Rancher's is."""

    async def run() -> None:
        settings = Configuration()
        kubeconfig = write_kubeconfig(folder / "config", url=f"{server.url}{PREFIX}/", ca=b"", token="t", user="u")
        await config.load_kube_config(str(kubeconfig), client_configuration=settings)
        cluster = KubernetesCluster(ApiClient(settings), (), Metrics())
        try:
            await use(cluster)
        finally:
            await cluster.close()

    asyncio.run(run())


@pytest.mark.parametrize(("name", "sent"), SENT.items(), ids=SENT.values())
def test_a_name_is_one_segment_on_the_wire(tmp_path: Path, name: str, sent: str) -> None:
    key = ObjectKey(Kind.ENDPOINT, name, name)

    async def ask_for_all(cluster: KubernetesCluster) -> None:
        await cluster.read(key)
        await cluster.patch(key, {}, status=True)
        await cluster.read_config_map(name, name)
        await cluster.read_namespace(name)
        await cluster.post_event({"metadata": {"namespace": name}})
        leases = KubernetesLeases(cluster, name, name)
        await leases.read(name)
        await leases.of_release()

    with Answering(answered) as server:
        connected(server, tmp_path, ask_for_all)
        asked = [f"{one.method} {one.target}" for one in server.requests()]

    objects = f"{PREFIX}/apis/classifiers.sagemaker.dev/v1alpha1/namespaces/{sent}/classifierendpoints/{sent}"
    leases = f"{PREFIX}/apis/coordination.k8s.io/v1/namespaces/{sent}/leases"
    assert asked == [
        f"GET {objects}",
        f"PATCH {objects}/status",
        f"GET {PREFIX}/api/v1/namespaces/{sent}/configmaps/{sent}",
        f"GET {PREFIX}/api/v1/namespaces/{sent}",
        f"POST {PREFIX}/api/v1/namespaces/{sent}/events",
        f"GET {leases}/{sent}",
        f"GET {leases}?labelSelector=classifiers.sagemaker.dev%2Flease-name%3D{sent}",
    ]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/", "%2e%2e%2fx", "a%2fb"])
def test_what_cannot_be_encoded_is_not_sent(tmp_path: Path, name: str) -> None:
    async def ask(cluster: KubernetesCluster) -> None:
        with pytest.raises(PathError):
            await cluster.read_config_map("tenant", name)
        with pytest.raises(PathError):
            await cluster.read(ObjectKey(Kind.TRAINING, name, "x"))

    with Answering(answered) as server:
        connected(server, tmp_path, ask)
        assert server.requests() == []


def test_no_redirect_is_followed(tmp_path: Path) -> None:
    async def ask(cluster: KubernetesCluster) -> None:
        with pytest.raises(ClusterUnavailableError, match="HTTP 307"):
            await cluster.read_config_map("tenant", "moved")

    with Answering(answered) as server:
        connected(server, tmp_path, ask)
        assert len(server.requests()) == 1
