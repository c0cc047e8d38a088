"""Owns the cluster of the demo: one of its own, or the user's, of which it takes a fresh namespace."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from classifier_operator.adapters.leases import RELEASE_LABEL, held
from classifier_operator.demo.environment import LOOPBACK
from classifier_operator.demo.errors import DemoError
from classifier_operator.runtime.election.others import HeldLease
from control_plane import ControlPlane, KubectlError, find_tools
from control_plane.kubectl import Kubectl

# Holders renew their Lease every 2 s, and are believed for 10 s.
_LOOK_SECONDS: Final = 1.0
_BELIEVED_SECONDS: Final = 10.0
# What the chart and the manifests label the operator with.
_OPERATORS: Final = "app.kubernetes.io/name=classifier-operator"


@dataclass(frozen=True)
class DemoCluster:
    """A namespace of a cluster, by kubectl. `is_own`: the cluster goes with the demo, so nothing need be removed."""

    client: Kubectl
    namespace: str
    is_own: bool

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - as subprocess calls it
        check: bool = True,
        timeout: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl in the namespace; raises KubectlError if it fails and `check` is set."""
        return self.client.run([*arguments, f"--namespace={self.namespace}"], text=input, check=check, timeout=timeout)

    def read(self, *arguments: str) -> dict[str, Any]:
        """What `kubectl get` knows, as JSON."""
        answer: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "--output=json").stdout)
        return answer

    def connection(self) -> dict[str, Any]:
        """How the kubeconfig reaches the cluster (server, authority), without who it is."""
        view = self.kubectl("config", "view", "--minify", "--flatten", "--raw", "--output=json")
        cluster: dict[str, Any] = json.loads(view.stdout)["clusters"][0]["cluster"]
        return cluster

    def is_on_this_machine(self) -> bool:
        """Tell whether no proxy is ever needed to reach it."""
        return urlsplit(self.connection()["server"]).hostname in (LOOPBACK, "localhost", "::1")


@contextmanager
def own_cluster(folder: Path) -> Iterator[DemoCluster]:
    """A control plane of the demo's own: etcd and kube-apiserver, without nodes."""
    with ControlPlane.start() as plane:
        cluster = DemoCluster(
            Kubectl(plane.kubectl_path, plane.kubeconfig, folder / "kubectl"), "classifier-demo", is_own=True
        )
        cluster.kubectl("create", "namespace", cluster.namespace)
        yield cluster


@contextmanager
def users_cluster(kubeconfig: Path, folder: Path) -> Iterator[DemoCluster]:
    """A fresh namespace of the cluster that the kubeconfig's current context leads to, deleted at the end."""
    # The user's own kubectl fits the user's own cluster best, whatever its version.
    kubectl = shutil.which("kubectl") or find_tools("kubectl")["kubectl"]
    client = Kubectl(Path(kubectl), kubeconfig, folder / "kubectl")
    cluster = DemoCluster(client, f"classifier-demo-{secrets.token_hex(3)}", is_own=False)
    _require_no_operator(cluster)
    cluster.kubectl("create", "namespace", cluster.namespace)
    try:
        yield cluster
    finally:
        cluster.kubectl("delete", "namespace", cluster.namespace, "--timeout=60s", check=False, timeout=90)


def _require_no_operator(cluster: DemoCluster) -> None:
    """Refuse, before anything is made, a cluster whose operator would take the demo's objects to a real AWS account."""
    try:
        found = cluster.kubectl(
            "get", "deployments", "--all-namespaces", f"--selector={_OPERATORS}", "--output=name", timeout=30
        ).stdout.split()
        found = found or _renewed(lambda: _held_leases(cluster))
    except KubectlError as error:
        raise DemoError(f"the cluster of {cluster.client.kubeconfig} cannot be used: {error}") from error
    if found:
        raise DemoError(
            f"an operator works in this cluster already ({', '.join(found)}), and would act on the demo's objects at "
            "the real AWS; nothing was changed: use a cluster without one, or `make demo`, which starts one of its own"
        )


def _held_leases(cluster: DemoCluster) -> dict[str, HeldLease]:
    """The Leases of operators that somebody holds, dead or alive: also of those that run outside of the cluster."""
    answer = cluster.kubectl(
        "get", "leases", "--all-namespaces", f"--selector={RELEASE_LABEL}", "--output=json", timeout=30
    )
    leases = map(held, json.loads(answer.stdout)["items"])
    return {f"lease {one.place}, held by {one.holder}": one for one in leases if one.holder}


def _renewed(
    look: Callable[[], dict[str, HeldLease]],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Which of the Leases somebody lives for: those that change within the time for which a holder is believed."""
    first, deadline = look(), clock() + _BELIEVED_SECONDS
    while first and clock() < deadline:
        sleep(_LOOK_SECONDS)
        now = look()
        if renewed := sorted(name for name, one in first.items() if name in now and now[name].version != one.version):
            return renewed
    return []
