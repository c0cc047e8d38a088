"""A whole Argo CD without containers: application controller, repo-server, ApplicationSet controller, and a Redis.

The one binary is each of them, by the name that it is called by. The API server with its web interface is left out:
what it does, the tests do by kubectl, as the declarative setup does.
"""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import yaml

from control_plane import ControlPlane
from control_plane.processes import ChildProcess
from tests.apiserver.world import Json
from tests.argocd.customizations import CONFIG_MAP

NAMESPACE: Final = "argocd"
_CRDS: Final = ("application-crd.yaml", "appproject-crd.yaml", "applicationset-crd.yaml")
_START_SECONDS: Final = 60.0


class ArgoCD:
    """Argo CD on a control plane, with the customizations in its argocd-cm, until the `with` block ends."""

    def __init__(self, cluster: ControlPlane, tools: Mapping[str, Path], source: Path, folder: Path) -> None:
        """Prepare it; source is Argo CD's own, for its CRDs."""
        self.cluster = cluster
        self._tools = tools
        self._crds = [source / "manifests" / "crds" / name for name in _CRDS]
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._processes: list[ChildProcess] = []

    def __enter__(self) -> ArgoCD:
        try:
            self._install()
            self._start_all()
        except BaseException:
            self._end_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_all()

    def _start_all(self) -> None:
        redis, repo, repo_metrics, controller, sets, sets_metrics, sets_webhook = map(_address, free_ports(7))
        self._start("redis", [str(self._tools["redis"]), redis], redis)
        cache = ["--redis", redis]
        host, _, port = repo.partition(":")
        metrics = ["--metrics-address", host, "--metrics-port", _port(repo_metrics)]
        self._argocd(
            "argocd-repo-server",
            ["--address", host, "--port", port, "--disable-tls", *cache, *metrics],
            repo,
        )
        common = ["--namespace", NAMESPACE, "--repo-server-plaintext"]
        self._argocd(
            "argocd-application-controller",
            [*common, "--repo-server", repo, "--metrics-port", _port(controller), "--persist-resource-health", *cache],
            controller,
        )
        addresses = ["--probe-addr", sets, "--metrics-addr", sets_metrics, "--webhook-addr", sets_webhook]
        self._argocd("argocd-applicationset-controller", [*common, "--argocd-repo-server", repo, *addresses], sets)

    def _end_all(self) -> None:
        for process in reversed(self._processes):
            process.kill()

    def _install(self) -> None:
        files = [argument for path in self._crds for argument in ("-f", str(path))]
        self.cluster.kubectl("apply", "--server-side", *files)
        self.cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", *files)
        self.cluster.kubectl("create", "namespace", NAMESPACE)
        self.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(self._settings()))

    def _settings(self) -> list[Json]:
        customized = yaml.safe_load(CONFIG_MAP.read_text())
        customized["data"]["timeout.reconciliation"] = "10s"
        customized["data"]["timeout.reconciliation.jitter"] = "0s"
        empty = ("argocd-rbac-cm", "argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm", "argocd-gpg-keys-cm")
        ca = base64.b64encode(self.cluster.ca_file.read_bytes()).decode()
        access = {"bearerToken": self.cluster.token, "tlsClientConfig": {"caData": ca}}
        everything: Json = {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        }
        project = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject"}
        return [
            customized,
            *(_part("ConfigMap", name, {}) for name in empty),
            _part("Secret", "argocd-secret", {"server.secretkey": "only for tests"}),
            _part(
                "Secret",
                "cluster",
                {"name": "tests", "server": self.cluster.url, "config": json.dumps(access)},
                **{"argocd.argoproj.io/secret-type": "cluster"},
            ),
            {**project, "metadata": {"name": "default", "namespace": NAMESPACE}, "spec": everything},
        ]

    def _argocd(self, name: str, arguments: Sequence[str], address: str) -> None:
        assignments = [f"ARGOCD_BINARY_NAME={name}", *(f"{key}={value}" for key, value in self._environment().items())]
        without = [f"--unset={key}" for key in os.environ if key.lower().endswith("_proxy")]
        self._start(name, ["env", *without, *assignments, str(self._tools["argocd"]), *arguments], address)

    def _environment(self) -> dict[str, str]:
        # It looks for helm, kustomize and git on the path, and keeps its checkouts in the temporary folder.
        folders = dict.fromkeys(str(self._tools[name].parent) for name in ("helm", "kustomize"))
        return {
            "PATH": os.pathsep.join([*folders, os.environ["PATH"]]),
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_SYNC_WAVE_DELAY": "1",
        }

    def _start(self, name: str, command: Sequence[str], address: str) -> None:
        process = ChildProcess(name, command, self._folder / f"{name}.log")
        self._processes.append(process)
        process.wait_until(lambda: _answers(address), timeout=_START_SECONDS)


def free_ports(count: int) -> list[int]:
    """Ports that are free now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def _address(port: int) -> str:
    return f"127.0.0.1:{port}"


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _answers(address: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(_port(address))), timeout=1).close()
    except OSError:
        return False
    return True


def _part(kind: str, name: str, data: Mapping[str, str], **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/part-of": "argocd", **labels},
        },
        ("stringData" if kind == "Secret" else "data"): dict(data),
    }
