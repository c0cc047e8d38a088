"""Pods as OpenShift's security context constraint "restricted-v2" admits them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.charts.helm import CHART, Helm, Json
from tests.charts.test_admission import pods

# What OpenShift serves, as a chart that is installed there sees it.
SERVED = "--api-versions=security.openshift.io/v1,security.openshift.io/v1/SecurityContextConstraints"
VALUES = ("--values", str(CHART / "ci" / "openshift-values.yaml"))
# Without the adaptation.
OPTIONS = tuple(f"--set=podSecurityContext.{name}=null" for name in ("runAsUser", "runAsGroup", "fsGroup"))
ADAPTS = "global.compatibility.openshift.adaptSecurityContext"
TENANTS = "--set-json=operator.tenants=[]"
VOLUMES = {"configMap", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def refusals(pod: Json) -> Iterator[str]:
    """Why restricted-v2 refuses a pod; nothing, if it does not."""
    spec, context = pod["spec"], pod["spec"].get("securityContext", {})
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield name
    containers = [*spec["containers"], *spec.get("initContainers", ())]
    for each in (context, *(one.get("securityContext", {}) for one in containers)):
        # From a range that each namespace has of its own.
        yield from (f"{name} {each[name]}" for name in ("runAsUser", "fsGroup", "seLinuxOptions") if name in each)
        if each.get("seccompProfile", {"type": "RuntimeDefault"})["type"] != "RuntimeDefault":
            yield "seccompProfile"
    for one in containers:
        own = one.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            yield f"privileges of {one['name']}"
        if "ALL" not in own.get("capabilities", {}).get("drop", ()):
            yield f"capabilities of {one['name']}"
        if set(own.get("capabilities", {}).get("add", ())) - {"NET_BIND_SERVICE"}:
            yield f"more capabilities of {one['name']}"
        yield from (f"hostPort {port['hostPort']}" for port in one.get("ports", ()) if "hostPort" in port)
    for volume in spec.get("volumes", ()):
        yield from (f"volume {kind}" for kind in volume.keys() - {"name"} - VOLUMES)


@pytest.mark.parametrize("values", [(SERVED,), VALUES, OPTIONS], ids=["served", "rendered", "options"])
def test_b34_every_pod_is_admitted(helm: Helm, values: tuple[str, ...]) -> None:
    """The operator's, the test's, and that of the check before it is uninstalled."""
    found = pods(helm.render(*values, TENANTS))
    assert len(found) == 3
    assert [list(refusals(pod)) for pod in found] == [[], [], []]
    contexts = [pod["spec"]["securityContext"] for pod in found]
    assert contexts == [{"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}] * 3


@pytest.mark.parametrize("values", [(), (SERVED, f"--set={ADAPTS}=disabled")], ids=["elsewhere", "disabled"])
def test_b34_the_fixed_user_is_refused(helm: Helm, values: tuple[str, ...]) -> None:
    for pod in pods(helm.render(*values)):
        assert list(refusals(pod)) == ["runAsUser 65532", "fsGroup 65532"]
