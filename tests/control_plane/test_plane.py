"""A running control plane, as its users see it. Nothing here changes it beyond a namespace of the test's own."""

from __future__ import annotations

import http.client
import json
import ssl
import stat
from contextlib import closing
from pathlib import Path

import pytest

from control_plane import ControlPlane, ControlPlaneError, KubectlError

ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader}]
"""


def get(cluster: ControlPlane, path: str, headers: dict[str, str]) -> int:
    host, context = cluster.url.removeprefix("https://"), ssl.create_default_context(cafile=cluster.ca_file)
    with closing(http.client.HTTPSConnection(host, context=context, timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def test_what_is_applied_can_be_read(cluster: ControlPlane, namespace: str):
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"key": "value"}}
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(manifest))
    read = cluster.kubectl("get", "configmap", "a", "-n", namespace, "-o", "jsonpath={.data.key}")
    assert read.stdout == "value"


def test_the_server_reports_the_pinned_version(cluster: ControlPlane):
    versions = json.loads(cluster.kubectl("version", "--output", "json").stdout)
    assert versions["serverVersion"]["gitVersion"].startswith("v1.37.")


def test_the_token_is_the_administrators(cluster: ControlPlane):
    assert get(cluster, "/api/v1/nodes", {"Authorization": f"Bearer {cluster.token}"}) == 200


def test_a_caller_without_a_token_is_refused(cluster: ControlPlane):
    assert get(cluster, "/api/v1/nodes", {}) == 401


def test_the_kubeconfig_is_readable_by_its_owner_only(cluster: ControlPlane):
    assert stat.S_IMODE(cluster.kubeconfig.stat().st_mode) == 0o600


def test_a_failed_kubectl_says_what_it_printed(cluster: ControlPlane):
    with pytest.raises(KubectlError, match=r"get configmap nothing ended with code 1:\n.*not found"):
        cluster.kubectl("get", "configmap", "nothing")


def test_a_failure_that_is_not_checked_is_returned(cluster: ControlPlane):
    assert cluster.kubectl("get", "configmap", "nothing", check=False).returncode == 1


def test_a_plain_service_account_may_do_nothing(cluster: ControlPlane, namespace: str):
    cluster.kubectl("create", "serviceaccount", "plain", "-n", namespace)
    kubeconfig = cluster.service_account_kubeconfig(namespace, "plain")
    refused = cluster.kubectl(f"--kubeconfig={kubeconfig}", "get", "configmaps", check=False)
    assert f'User "system:serviceaccount:{namespace}:plain" cannot list resource "configmaps"' in refused.stderr


def test_a_service_account_may_do_what_its_role_allows(cluster: ControlPlane, namespace: str):
    cluster.kubectl("create", "serviceaccount", "reader", "-n", namespace)
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=ROLE)
    kubeconfig = cluster.service_account_kubeconfig(namespace, "reader")
    assert cluster.kubectl(f"--kubeconfig={kubeconfig}", "get", "configmaps").returncode == 0


def test_there_is_no_kubeconfig_for_a_service_account_that_does_not_exist(cluster: ControlPlane):
    with pytest.raises(ControlPlaneError, match=r'404.*serviceaccounts \\"nobody\\" not found'):
        cluster.service_account_kubeconfig("default", "nobody")


KIND = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
"""


def test_a_kind_that_is_installed_is_known_to_kubectl(cluster: ControlPlane, tmp_path: Path):
    (tmp_path / "widgets.yaml").write_text(KIND)
    # It has been told of all kinds that there are, and keeps that.
    cluster.kubectl("api-resources")
    cluster.install(tmp_path)
    assert cluster.kubectl("get", "widgets").returncode == 0


def test_a_kind_that_is_refused_is_not_waited_for(cluster: ControlPlane, tmp_path: Path):
    (tmp_path / "widgets.yaml").write_text(KIND.replace("Namespaced", "Anywhere"))
    with pytest.raises(KubectlError, match="Anywhere"):
        cluster.install(tmp_path)


def test_each_test_has_a_namespace_of_its_own(cluster: ControlPlane, namespace: str):
    assert cluster.kubectl("get", "configmaps", "-n", namespace, "-o", "name").stdout == ""
