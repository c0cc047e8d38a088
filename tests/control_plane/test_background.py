"""`python -m control_plane up` and `down`: what `make cluster` and `make cluster-down` do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import control_plane
from control_plane import ControlPlane, ControlPlaneError, background, find_tools
from control_plane.background import Running
from control_plane.kubectl import Kubectl
from control_plane.plane import CONTROLLER_MANAGER
from control_plane.state import record_file
from tests.control_plane.processes import eventually, mentioning
from tests.control_plane.workshop import write_program


def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(Path(control_plane.__file__).parents[1]), **variables}
    return subprocess.run(
        [sys.executable, "-m", "control_plane", *arguments], env=environ, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("background") / ".local"
    yield folder
    background.down(folder)


@pytest.fixture
def running(state: Path) -> Running:
    return background.up(state, controllers=False)


def test_it_outlives_the_command_that_started_it(state: Path):
    started = command("up", "--no-controllers", "--state", str(state))
    assert f"export KUBECONFIG={state / 'kubeconfig'}" in started.stdout
    assert command("status", "--state", str(state)).returncode == 0


def test_a_second_up_finds_the_first(state: Path, running: Running):
    assert background.up(state, controllers=False) == running


def test_the_kubeconfig_works(cluster: ControlPlane, running: Running):
    assert "default" in cluster.kubectl(f"--kubeconfig={running.kubeconfig}", "get", "namespaces").stdout


def test_controllers_cannot_be_added_to_one_that_runs(state: Path, running: Running):
    refused = command("up", "--controllers", "--state", str(state))
    assert refused.returncode == 1
    assert "runs without controllers: stop it (`down`) first" in refused.stderr


@pytest.fixture
def own_state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / ".local"
    yield folder
    background.down(folder)


def test_a24_a_namespace_can_be_deleted_where_the_controllers_are_built(own_state: Path):
    find_tools(CONTROLLER_MANAGER)
    started = command("up", "--state", str(own_state))
    assert "kube-controller-manager" not in started.stdout
    kubectl = Kubectl(find_tools("kubectl")["kubectl"], own_state / "kubeconfig", own_state / "kubectl")
    for verb, *more in (("create",), ("delete", "--timeout=60s")):
        kubectl.run([verb, "namespace", "short-lived", *more], text=None, check=True, timeout=90)


def test_a24_without_the_controllers_it_is_said_what_does_not_work(own_state: Path, tmp_path: Path):
    """On a machine on which kube-controller-manager is not built; it is not built for this."""
    for name, path in find_tools("etcd", "kube-apiserver", "kubectl").items():
        (tmp_path / name).symlink_to(path)
    elsewhere = {"KUBEBUILDER_ASSETS": str(tmp_path), "CLASSIFIER_OPERATOR_CACHE": str(tmp_path / "cache")}
    for _ in range(2):
        started = command("up", "--state", str(own_state), **elsewhere)
        assert started.returncode == 0, started.stderr
        assert "a deleted namespace stays Terminating" in started.stdout
        assert "make cluster CONTROLLERS=1" in started.stdout


def test_the_folder_of_one_that_runs_cannot_be_taken(state: Path, running: Running):
    with pytest.raises(ControlPlaneError, match="already running in"):
        ControlPlane.start(state)


def test_one_whose_process_was_killed_is_replaced(state: Path, running: Running):
    os.kill(running.pid, signal.SIGKILL)
    assert eventually(lambda: mentioning(state) == [])
    assert background.status(state) is None
    assert record_file(state).exists()
    assert background.up(state, controllers=False).pid != running.pid


def test_one_whose_server_died_ends(state: Path, running: Running):
    os.kill(max(set(mentioning(state)) & set(mentioning("--client-cert-auth"))), signal.SIGKILL)
    assert eventually(lambda: mentioning(state) == [])
    assert "etcd ended unasked" in (state / "control-plane.log").read_text()


def test_one_whose_folder_was_removed_ends(state: Path, running: Running):
    shutil.rmtree(state, ignore_errors=True)
    assert eventually(lambda: mentioning(state) == [])


def test_down_ends_it_and_removes_its_secrets(state: Path, running: Running):
    assert command("down", "--state", str(state)).stdout == "stopped\n"
    assert mentioning(state) == []
    assert not (state / "kubeconfig").exists()
    assert [path.name for path in (state / "control-plane").iterdir()] == ["logs"]


def test_down_without_one_is_no_error(tmp_path: Path):
    assert command("down", "--state", str(tmp_path)).stdout == f"nothing runs in {tmp_path}\n"


def test_status_without_one_ends_with_code_3(tmp_path: Path):
    assert command("status", "--state", str(tmp_path)).returncode == 3


def test_down_does_not_touch_a_process_that_only_has_the_recorded_id(tmp_path: Path):
    with subprocess.Popen(["sleep", "300"]) as stranger:
        record_file(tmp_path).write_text(
            f'{{"pid": {stranger.pid}, "url": "", "kubeconfig": "", "controllers": false}}'
        )
        assert not background.down(tmp_path)
        assert stranger.poll() is None
        stranger.kill()


def test_the_paths_of_tools_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_program(tmp_path / "etcd", "#!/bin/sh\n")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert command("tools", "etcd").stdout == f"{tmp_path / 'etcd'}\n"


def test_an_expected_error_is_one_line(tmp_path: Path):
    refused = command("tools", "kubeadm")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: there is no tool called 'kubeadm'; known are")
