"""What `check` says of a cluster, as different accounts, and of what is left in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from classifier_operator.adapters.permissions import Permission, permissions
from classifier_operator.api.kinds import GROUP, Kind
from classifier_operator.cli import main
from classifier_operator.cli.outliving import selectors
from control_plane import ControlPlane
from control_plane.kubeconfig import write_kubeconfig
from sagemaker_emulator.server import EmulatorProcess
from tests.cli.conftest import CREDENTIALS
from tests.contract.manifests import REPOSITORY

Apply = Callable[..., str]
Account = Callable[[list[dict[str, object]]], Path]


def _check(kubeconfig: Path, *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments, "--kubeconfig", str(kubeconfig)], env=environment)


@pytest.fixture
def account(kinds: ControlPlane, namespace: str) -> Account:
    """A service account of the namespace with these rules there, as a kubeconfig."""

    def made(rules: list[dict[str, object]]) -> Path:
        name, group = "someone", "rbac.authorization.k8s.io"
        meta = {"name": name, "namespace": namespace}
        binding = {
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        }
        items = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
            {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": rules},
            {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": meta, **binding},
        ]
        kinds.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        return kinds.service_account_kubeconfig(namespace, name)

    return made


def test_all_is_well_for_an_administrator(kinds: ControlPlane, namespace: str) -> None:
    done = _check(kinds.kubeconfig, "--lease-namespace", namespace)
    assert done.output.splitlines() == [
        "ok      kinds: classifiers.sagemaker.dev/v1alpha1 is served",
        "ok      permissions: all 19 granted",
        "ok      cluster: its resources at AWS are told apart by --cluster-name, else by the UID of the namespace "
        "kube-system",
    ]
    assert done.exit_code == 0


def test_each_missing_permission_is_named(account: Account, namespace: str) -> None:
    kubeconfig = account([
        {"apiGroups": [GROUP], "resources": ["classifiertrainings"], "verbs": ["get", "list", "watch", "patch"]},
        {"apiGroups": [""], "resources": ["configmaps", "namespaces"], "verbs": ["get"]},
    ])  # fmt: skip
    done = _check(kubeconfig, "--namespace", namespace)
    assert done.exit_code == 1
    assert f"FAILED  permissions: not allowed: patch classifiertrainings/status.{GROUP} in {namespace};" in done.output
    assert f"watch classifierendpoints.{GROUP} in {namespace};" in done.output
    assert f"create events in {namespace}\n" in done.output
    assert "get configmaps" not in done.output
    assert f"get namespaces {namespace}" not in done.output
    # An operator without a name goes without a tag: nothing that it needs.
    assert "ok      cluster: without --cluster-name its resources at AWS bear no cluster's name" in done.output
    assert "not allowed: get namespaces kube-system in kube-system" in done.output
    assert "Error: failed: permissions" in done.output


def test_a_namespace_s_role_is_not_enough_for_all(account: Account) -> None:
    done = _check(account([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]))
    assert "list namespaces in all namespaces" in done.output
    assert done.exit_code == 1


def test_kinds_that_are_not_there_are_named(cluster: ControlPlane) -> None:
    """On a control plane of its own: the session's has them sooner or later."""
    with ControlPlane.start() as plane:
        done = _check(plane.kubeconfig)
        assert (
            "FAILED  kinds: the cluster does not serve classifiertrainings, classifiertrainings/status" in done.output
        )
        assert "install the CRDs" in done.output
        assert done.exit_code == 1
        assert _check(plane.kubeconfig, "--no-objects").output == "no objects are left\n"


def test_aws_says_who_the_operator_is(kinds: ControlPlane) -> None:
    with EmulatorProcess() as aws:
        done = _check(kinds.kubeconfig, "--aws", **CREDENTIALS, AWS_ENDPOINT_URL=aws.url)
    assert "ok      AWS: arn:aws:sts::" in done.output
    assert done.exit_code == 0


def test_aws_that_does_not_answer_fails_the_check(kinds: ControlPlane) -> None:
    done = _check(kinds.kubeconfig, "--aws", **CREDENTIALS, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert "FAILED  AWS: Could not connect" in done.output
    assert done.exit_code == 1


def test_a27_without_credentials_it_says_what_to_set(kinds: ControlPlane) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    done = _check(kinds.kubeconfig, "--aws", **{**CREDENTIALS, **none})
    advice = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    assert f"FAILED  AWS: Unable to locate credentials; {advice}\n" in done.output
    assert done.output.endswith("Error: failed: AWS\n")


def test_a_cluster_that_is_away_fails_the_check(kinds: ControlPlane, tmp_path: Path) -> None:
    away = write_kubeconfig(
        tmp_path / "config", url="https://127.0.0.1:9", ca=kinds.ca_file.read_bytes(), token="t", user="u"
    )
    for arguments in ([], ["--no-objects"]):
        done = _check(away, *arguments)
        assert done.exit_code == 1
        assert "the cluster cannot be reached" in done.output


def test_no_objects_are_left_of_an_empty_namespace(kinds: ControlPlane, namespace: str) -> None:
    done = _check(kinds.kubeconfig, "--no-objects", "-n", namespace)
    assert (done.exit_code, done.output) == (0, "no objects are left\n")


def test_objects_that_are_left_are_named(kinds: ControlPlane, apply_digits: Apply) -> None:
    namespace = apply_digits()
    done = _check(kinds.kubeconfig, "--no-objects", "-n", namespace)
    assert done.exit_code == 1
    assert "2 objects are left" in done.output
    assert f"ClassifierTraining/{namespace}/digits, ClassifierEndpoint/{namespace}/digits. Delete them" in done.output
    everywhere = _check(kinds.kubeconfig, "--no-objects")
    assert everywhere.exit_code == 1


def test_many_objects_are_counted(kinds: ControlPlane, namespace: str) -> None:
    spec = {"trainingRef": {"name": "x"}, "instanceType": "ml.m5.large", "instanceCount": 1}
    items = [
        {"apiVersion": f"{GROUP}/v1alpha1", "kind": "ClassifierEndpoint", "metadata": {"name": f"e{n}"}, "spec": spec}
        for n in range(103)
    ]
    kinds.kubectl(
        "create", "-n", namespace, "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    )
    done = _check(kinds.kubeconfig, "--no-objects", "-n", namespace)
    assert "103 objects are left" in done.output
    assert "and 83 more" in done.output


def test_who_may_not_look_is_not_told_that_there_is_nothing(account: Account, namespace: str) -> None:
    done = _check(account([]), "--no-objects", "-n", namespace)
    assert done.exit_code == 1
    assert "cannot list resource" in done.output


GONE = "that-is-gone"


def test_a_namespace_that_is_gone_has_nothing_left(kinds: ControlPlane, namespace: str, account: Account) -> None:
    """The Role in it went with it; whoever may read namespaces sees that."""
    rule: dict[str, object] = {"apiGroups": [GROUP], "resources": [kind.plural for kind in Kind], "verbs": ["list"]}
    kubeconfig, name = account([rule]), f"reads-namespaces-{namespace}"
    kinds.kubectl("create", "clusterrole", name, "--verb=get", "--resource=namespaces")
    kinds.kubectl(
        "create", "clusterrolebinding", name, f"--clusterrole={name}", f"--serviceaccount={namespace}:someone"
    )
    done = _check(kubeconfig, "--no-objects", "-n", namespace, "-n", GONE)
    assert done.output == f"there is no namespace {GONE} any more, so nothing is left in it\nno objects are left\n"
    assert done.exit_code == 0
    denied = _check(kubeconfig, "--no-objects", "-n", "default")
    assert denied.exit_code == 1
    assert "cannot list resource" in denied.output
    assert "any more" not in denied.output


def test_who_may_not_see_that_a_namespace_is_gone_is_told_what_to_do(account: Account) -> None:
    done = _check(account([]), "--no-objects", "-n", GONE)
    assert done.exit_code == 1
    assert "cannot list resource" in done.output
    assert f"If there is no namespace {GONE} any more, its objects and the permission to list them" in done.output
    assert "helm uninstall --no-hooks" in done.output


def test_permissions_are_for_the_namespaces_that_are_served() -> None:
    assert {one.namespace for one in permissions(["a", "b"])} == {"a", "b"}
    assert Permission("get", "", "namespaces", namespace="a", name="a") in permissions(["a"])
    assert Permission("list", "", "namespaces") in permissions([])
    assert str(Permission("get", "", "namespaces", namespace="a", name="a")) == "get namespaces a in a"


POLICY = REPOSITORY / "manifests" / "overlays" / "namespaced" / "namespace-deletion.yaml"
LABELS = "app.kubernetes.io/name=classifier-operator,app.kubernetes.io/instance=classifier-operator"


def test_roles_that_go_before_the_objects_are_warned_of(kinds: ControlPlane, namespace: str, account: Account) -> None:
    """With a namespace's rights alone; the policies are those of the manifests."""
    kubeconfig = account([])
    kinds.kubectl("delete", "--ignore-not-found", "-f", str(POLICY))
    done = _check(kinds.kubeconfig, "-n", namespace)
    assert f"WARNING deletion of namespaces: in {namespace} no policy keeps the operator's Roles" in done.output
    assert done.exit_code == 0
    kinds.kubectl("apply", "-f", str(POLICY))
    try:
        # They keep what bears the release's labels.
        assert f"WARNING deletion of namespaces: in {namespace} " in _check(kinds.kubeconfig, "-n", namespace).output
        kinds.kubectl("label", "rolebinding", "someone", "-n", namespace, *LABELS.split(","))
        done = _check(kinds.kubeconfig, "-n", namespace)
        assert "ok      deletion of namespaces: the operator's Roles stay until the objects are gone" in done.output
        # Who may not see them is not told that there are none, and for all namespaces there is nothing to ask.
        done = _check(kubeconfig, "-n", namespace)
        assert "unknown deletion of namespaces: which ValidatingAdmissionPolicies there are: " in done.output
        assert "deletion of namespaces" not in _check(kinds.kubeconfig).output
    finally:
        kinds.kubectl("delete", "-f", str(POLICY))


@pytest.mark.parametrize(
    "change",
    [
        {"actions": ["Warn"]},
        {"operations": ["UPDATE"]},
        {"resources": ["roles"]},
        {"version": "example.com/v1"},
        {"name": "another"},
    ],
)
def test_a_policy_that_keeps_no_roles_is_none(change: dict[str, object]) -> None:
    def found(**changed: Any) -> dict[Kind, list[str]]:
        rule = {
            "operations": changed.get("operations", ["DELETE"]),
            "resources": changed.get("resources", ["roles", "rolebindings"]),
        }
        policy = {
            "metadata": {"name": "keep"},
            "spec": {
                "paramKind": {"apiVersion": changed.get("version", f"{GROUP}/v1alpha1"), "kind": "ClassifierEndpoint"},
                "matchConstraints": {"resourceRules": [rule], "objectSelector": {"matchLabels": {"a": "b"}}},
            },
        }
        spec = {"policyName": changed.get("name", "keep"), "validationActions": changed.get("actions", ["Deny"])}
        return selectors([policy], [{"spec": spec}])

    assert found()[Kind.ENDPOINT] == ["a=b"]
    assert found(**change) == {Kind.TRAINING: [], Kind.ENDPOINT: []}
