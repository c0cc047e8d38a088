"""Owns what the demo installs before the operator starts, and takes away again: the kinds, and an account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from classifier_operator.adapters.permissions import Permission, permissions
from classifier_operator.api.kinds import GROUP, Kind
from classifier_operator.demo.cluster import DemoCluster
from classifier_operator.demo.errors import DemoError

ACCOUNT: Final = "classifier-operator"
_RBAC: Final = "rbac.authorization.k8s.io"


@contextmanager
def installed_kinds(cluster: DemoCluster, folder: Path) -> Iterator[None]:
    """Install those of the two kinds that the cluster has not got; remove those at the end."""
    files = {kind: folder / f"{kind.value.lower()}s.yaml" for kind in Kind}
    for file in files.values():
        if not file.is_file():
            raise DemoError(f"{file} is missing: the demo runs from a checkout of the repository")
    added = [kind for kind in Kind if not _is_installed(cluster, kind)]
    try:
        for kind in added:
            cluster.kubectl("apply", "--server-side", f"--filename={files[kind]}")
        names = [f"crd/{_crd(kind)}" for kind in Kind]
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
        yield
    finally:
        if not cluster.is_own:
            _remove(cluster, added)


@contextmanager
def operator_account(cluster: DemoCluster, folder: Path) -> Iterator[Path]:
    """A service account that may do what the operator does in the one namespace, as a kubeconfig.

    The user's own identity is not handed on: it may do more, and may come from a program that needs AWS.
    """
    objects = _account_objects(cluster.namespace)
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    try:
        cluster.kubectl("apply", "--filename=-", input=manifest)
        token = cluster.kubectl("create", "token", ACCOUNT, "--duration=24h").stdout.strip()
        yield _kubeconfig(cluster, token, folder / "operator.kubeconfig")
    finally:
        if not cluster.is_own:
            cluster.kubectl("delete", "--ignore-not-found", "--filename=-", input=manifest, check=False)


def _kubeconfig(cluster: DemoCluster, token: str, path: Path) -> Path:
    """Write it as the account; the cluster's own part is taken over as it is."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "demo", "cluster": cluster.connection()}],
        "users": [{"name": ACCOUNT, "user": {"token": token}}],
        "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": ACCOUNT, "namespace": cluster.namespace}}],
        "current-context": "demo",
    }
    path.touch(mode=0o600)
    # JSON is YAML too.
    path.write_text(json.dumps(document))
    return path


def _account_objects(namespace: str) -> list[dict[str, Any]]:
    role = {"apiVersion": f"{_RBAC}/v1", "metadata": {"name": ACCOUNT, "namespace": namespace}}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": namespace}},
        {**role, "kind": "Role", "rules": [_rule(permission) for permission in permissions((namespace,), namespace)]},
        {
            **role,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
        },
    ]


def _rule(permission: Permission) -> dict[str, Any]:
    rule = {"apiGroups": [permission.group], "resources": [permission.path], "verbs": [permission.verb]}
    return {**rule, "resourceNames": [permission.name]} if permission.name else rule


def _is_installed(cluster: DemoCluster, kind: Kind) -> bool:
    return bool(cluster.kubectl("get", "crd", _crd(kind), "--ignore-not-found", "--output=name").stdout.strip())


def _remove(cluster: DemoCluster, kinds: list[Kind]) -> None:
    """Remove kinds, but never with somebody's objects, which would go with them."""
    for kind in kinds:
        left = cluster.kubectl("get", _crd(kind), "--all-namespaces", "--output=name", check=False)
        if left.returncode == 0 and not left.stdout.strip():
            cluster.kubectl("delete", "crd", _crd(kind), "--timeout=30s", check=False)


def _crd(kind: Kind) -> str:
    return f"{kind.plural}.{GROUP}"
