"""Owns the command lines of the servers, as pure functions of ports, credentials and folders."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from control_plane.credentials import Credentials


@dataclass(frozen=True)
class Ports:
    """The loopback ports of one control plane."""

    api: int
    etcd: int
    etcd_peer: int


def free_ports() -> Ports:
    """Return three ports that are free now. Another process may take one before it is used: see `plane`."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        return Ports(*(each.getsockname()[1] for each in sockets))


def etcd_arguments(data: Path, ports: Ports, credentials: Credentials) -> list[str]:
    """Return the arguments of an etcd that only holders of our certificate can use."""
    client, peer = f"https://127.0.0.1:{ports.etcd}", f"https://127.0.0.1:{ports.etcd_peer}"
    return [
        f"--data-dir={data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        f"--cert-file={credentials.certificate}",
        f"--key-file={credentials.key}",
        f"--trusted-ca-file={credentials.ca}",
        "--client-cert-auth",
        f"--peer-cert-file={credentials.certificate}",
        f"--peer-key-file={credentials.key}",
        f"--peer-trusted-ca-file={credentials.ca}",
        "--peer-client-cert-auth",
        # The data is thrown away after a crash of the machine, so waiting for the disk gains nothing.
        "--unsafe-no-fsync",
        # A member alone elects itself, after the time that this gives others to be heard: make it short.
        "--heartbeat-interval=20",
        "--election-timeout=200",
        "--log-level=warn",
    ]


def apiserver_arguments(ports: Ports, credentials: Credentials, folder: Path, *, controllers: bool) -> list[str]:
    """Return the arguments of an API server with TLS, RBAC and service accounts."""
    arguments = [
        f"--secure-port={ports.api}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        # It refuses to publish a loopback address as the endpoint of the service "kubernetes".
        "--endpoint-reconciler-type=none",
        f"--cert-dir={folder}",
        f"--tls-cert-file={credentials.certificate}",
        f"--tls-private-key-file={credentials.key}",
        f"--client-ca-file={credentials.ca}",
        f"--token-auth-file={credentials.tokens}",
        "--authorization-mode=RBAC",
        "--anonymous-auth=false",
        f"--etcd-servers=https://127.0.0.1:{ports.etcd}",
        f"--etcd-cafile={credentials.ca}",
        f"--etcd-certfile={credentials.certificate}",
        f"--etcd-keyfile={credentials.key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={credentials.service_account_key}",
        f"--service-account-signing-key-file={credentials.service_account_key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--allow-privileged",
    ]
    if not controllers:
        # It would wait for the "default" service account that a controller makes in each namespace.
        arguments.append("--disable-admission-plugins=ServiceAccount")
    return arguments


def controller_manager_arguments(kubeconfig: Path, credentials: Credentials) -> list[str]:
    """Return the arguments of a controller manager with the controllers that need no nodes."""
    controllers = (
        "garbage-collector-controller",
        "namespace-controller",
        "serviceaccount-controller",
        "serviceaccount-token-controller",
        "root-ca-certificate-publisher-controller",
        "clusterrole-aggregation-controller",
        "disruption-controller",
        # Their pods stay pending, unless somebody plays the scheduler and the kubelet.
        "deployment-controller",
        "replicaset-controller",
        "job-controller",
        # Checks the expressions of admission policies against the types that they are about.
        "validatingadmissionpolicy-status-controller",
    )
    return [
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(controllers)}",
        f"--root-ca-file={credentials.ca}",
        f"--service-account-private-key-file={credentials.service_account_key}",
        "--leader-elect=false",
        "--secure-port=0",
    ]
