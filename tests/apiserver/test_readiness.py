"""/readyz: what an operator waits for before it can do its part, with permissions that come one after the other."""

from __future__ import annotations

import json
from pathlib import Path

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.servers import make_operator
from tests.apiserver.world import World, training, until

LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update", "list"]}
KINDS = {"apiGroups": ["classifiers.sagemaker.dev"], "resources": ["*"], "verbs": ["get", "list", "watch", "patch"]}
REST = {"apiGroups": [""], "resources": ["namespaces", "events"], "verbs": ["get", "create"]}


def _allow(world: World, *rules: object) -> None:
    role = {"kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "op"}, "rules": rules}
    world.kubectl("apply", "-f", "-", stdin=json.dumps(role))


def _waits_for(operator: OperatorProcess, words: str) -> None:
    # get() answers nothing where the status is an error, so the words are looked for in the log.
    until(lambda: words in operator.log.read_text(), f"{words!r} to be said")
    assert operator.get("/healthz") == "ok"
    assert operator.get("/readyz") == ""


def test_it_is_ready_once_it_may_do_its_part(world: World, tmp_path: Path, replicas: object) -> None:
    world.kubectl("create", "serviceaccount", "op")
    world.kubectl("create", "rolebinding", "op", "--role=op", f"--serviceaccount={world.namespace}:op")
    operator = make_operator(
        world.cluster,
        world.aws.url,
        world.namespace,
        tmp_path / "operator.log",
        "--leader-elect",
        "--lease-namespace",
        world.namespace,
        environment={"KUBECONFIG": str(world.cluster.service_account_kubeconfig(world.namespace, "op"))},
    )
    with operator:
        _waits_for(operator, 'cannot get resource \\"leases\\"')
        _allow(world, LEASES)
        _waits_for(operator, "are not served, and nothing is done about them")
        assert operator.metric("leading") == 1.0
        _allow(world, LEASES, KINDS, REST)
        until(lambda: operator.get("/readyz") == "ok", "it to be ready")
        world.apply(training())
        world.wait_for("ctrain", "digits", "Completed")
        assert operator.stop() == 0
