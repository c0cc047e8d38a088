"""The faults that a test can give a control plane, and its controllers; these tests have one for themselves."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane, ControlPlaneError
from tests.control_plane.processes import eventually, mentioning


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane.start(tmp_path_factory.mktemp("faults"), controllers=True) as plane:
        # The namespace controller takes its 5 s while the other tests run.
        plane.kubectl("create", "namespace", "short-lived")
        plane.kubectl("create", "configmap", "inside", "-n", "short-lived")
        plane.kubectl("delete", "namespace", "short-lived", "--wait=false")
        yield plane


@pytest.fixture(scope="module")
def old_version(plane: ControlPlane) -> str:
    """A resourceVersion from before a compaction and a crash of the API server."""
    version = plane.kubectl("create", "configmap", "first", "-o", "jsonpath={.metadata.resourceVersion}").stdout
    plane.kubectl("create", "configmap", "second")
    plane.compact()
    plane.kill_apiserver()
    assert plane.kubectl("get", "--raw=/readyz", check=False).returncode != 0
    plane.start_apiserver()
    return version


def test_a_killed_api_server_comes_back_with_its_data(plane: ControlPlane, old_version: str):
    assert plane.kubectl("get", "configmap", "second", "-o", "name").stdout == "configmap/second\n"


def test_an_old_watch_is_gone_after_compaction_and_restart(plane: ControlPlane, old_version: str):
    path = f"/api/v1/namespaces/default/configmaps?watch=true&resourceVersion={old_version}&timeoutSeconds=5"
    answer = plane.kubectl("get", f"--raw={path}", check=False)
    assert "too old resource version" in answer.stdout + answer.stderr


def test_the_controllers_collect_what_has_lost_its_owner(plane: ControlPlane):
    uid = plane.kubectl("create", "configmap", "owner", "-o", "jsonpath={.metadata.uid}").stdout
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    owned = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned", "ownerReferences": [owner]}}
    plane.kubectl("create", "-f", "-", input=json.dumps(owned))
    plane.kubectl("delete", "configmap", "owner")
    assert eventually(lambda: plane.kubectl("get", "configmap", "owned", check=False).returncode == 1, 20)


def test_the_controllers_remove_a_namespace_with_what_is_in_it(plane: ControlPlane):
    plane.kubectl("wait", "--for=delete", "namespace/short-lived", "--timeout=30s")
    assert plane.kubectl("get", "namespace", "short-lived", "--ignore-not-found").stdout == ""


def test_writes_fail_while_etcd_is_away_and_work_when_it_is_back(plane: ControlPlane):
    plane.stop_etcd()
    away = plane.kubectl("create", "configmap", "away", "--request-timeout=1s", check=False)
    plane.start_etcd()
    assert away.returncode != 0
    assert eventually(lambda: plane.kubectl("create", "configmap", "back", check=False).returncode == 0)


def test_writes_are_refused_while_etcd_has_no_space(plane: ControlPlane):
    plane.refuse_writes()
    refused = plane.kubectl("create", "configmap", "full", check=False)
    plane.accept_writes()
    assert "database space exceeded" in refused.stderr
    assert plane.kubectl("create", "configmap", "roomy", "-o", "name").stdout == "configmap/roomy\n"


def test_what_runs_cannot_be_started_again(plane: ControlPlane):
    with pytest.raises(ControlPlaneError, match="etcd is already running"):
        plane.start_etcd()


def test_what_does_not_run_cannot_be_stopped(plane: ControlPlane):
    with pytest.raises(ControlPlaneError, match="nothing is not running"):
        plane._stop("nothing")


def test_a_server_that_died_by_itself_is_named(plane: ControlPlane):
    assert plane.dead_process() is None
    # Both the server and its guardian have the arguments; without the server the guardian ends too.
    os.kill(max(set(mentioning(plane.folder)) & set(mentioning("--client-cert-auth"))), signal.SIGKILL)
    assert eventually(lambda: plane.dead_process() == "etcd")
    plane.stop_etcd()
    plane.start_etcd()
    assert plane.dead_process() is None


def test_closing_one_with_a_stopped_server_leaves_nothing_and_may_be_repeated(tmp_path: Path):
    # One of its own: the others' may be needed after this test.
    with ControlPlane.start(tmp_path) as plane:
        plane.stop_apiserver()
        plane.close()
        plane.close()
        assert mentioning(plane.folder) == []
        assert not plane.kubeconfig.exists()
