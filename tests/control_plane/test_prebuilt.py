"""The prebuilt tools: taken when the checksum fits, passed over quickly and with a reason when anything is amiss."""

from __future__ import annotations

import hashlib
import socket
import time
from pathlib import Path

import pytest

from control_plane import prebuilt
from control_plane.prebuilt import INDEX_VARIABLE, PUBLIC_INDEX, PrebuiltError, choose, index_address
from tests.control_plane.workshop import Workshop, make_archive, make_index, serve

TOOLS = {name: f"#!/bin/sh\necho prebuilt {name}\n" for name in ("etcd", "kube-apiserver", "kubectl")}


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path)
    workshop.install_go()
    return workshop


def find_with(workshop: Workshop, pages: dict[str, bytes], *names: str, version: str = "v1.37.2") -> list[str]:
    """Look for tools with an index made of `pages`, and return what had to be built."""
    with serve(pages) as address:
        pages.setdefault("/index", make_index(address, pages.get("/archive", b""), version=version))
        workshop.environ[INDEX_VARIABLE] = f"{address}/index"
        workshop.finder.find(names)
    return workshop.built()


def test_the_archive_is_taken_instead_of_a_build(workshop: Workshop):
    assert find_with(workshop, {"/archive": make_archive(TOOLS)}, *TOOLS) == []
    assert workshop.cached() == sorted(TOOLS)
    assert "prebuilt etcd" in workshop.finder.find(["etcd"])["etcd"].read_text()


def test_only_what_is_asked_for_is_unpacked(workshop: Workshop):
    find_with(workshop, {"/archive": make_archive(TOOLS)}, "etcd")
    assert workshop.cached() == ["etcd"]


def test_what_the_archive_lacks_is_built(workshop: Workshop):
    built = find_with(workshop, {"/archive": make_archive({"etcd": "x"})}, "etcd", "kubectl", "kube-controller-manager")
    assert built == ["k8s.io/kubernetes/cmd/kubectl", "k8s.io/kubernetes/cmd/kube-controller-manager"]


def test_a_tool_that_is_never_in_the_archive_is_not_looked_for_there(workshop: Workshop):
    workshop.environ[INDEX_VARIABLE] = "http://127.0.0.1:1/nobody-asks"
    workshop.finder.find(["kube-controller-manager"])
    assert workshop.cached() == ["kube-controller-manager"]


def test_an_archive_with_another_checksum_is_thrown_away(workshop: Workshop, capsys: pytest.CaptureFixture[str]):
    forged = {"/archive": make_archive(TOOLS), "/index": b""}
    with serve(forged) as address:
        forged["/index"] = make_index(address, b"something else")
        workshop.environ[INDEX_VARIABLE] = f"{address}/index"
        workshop.finder.find(["etcd"])
    assert "does not have the SHA-512 that the index gives" in capsys.readouterr().err
    assert workshop.built() == ["go.etcd.io/etcd/server/v3"]
    assert workshop.cached() == ["etcd"]


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ({"/index": b"releases: {v1.36.0: {}}"}, "lists no Kubernetes 1.37"),
        ({"/index": b"releases: {v1.37.2: {}}"}, "lists no Kubernetes 1.37"),
        ({"/index": b"[]"}, "has no releases"),
        ({"/index": b"releases: ["}, "is not YAML"),
        ({"/index": b"releases: {nightly: {}, 7: 8}"}, "lists no Kubernetes 1.37"),
        ({"/archive": b"not a tar file"}, "cannot be unpacked"),
        ({}, "404 Client Error"),
    ],
    ids=["older version", "other platform", "list", "broken", "strange versions", "broken archive", "no archive"],
)
def test_whatever_is_amiss_leads_to_a_build(
    workshop: Workshop, capsys: pytest.CaptureFixture[str], pages: dict[str, bytes], reason: str
):
    assert find_with(workshop, dict(pages), "etcd") == ["go.etcd.io/etcd/server/v3"]
    assert reason in " ".join(capsys.readouterr().err.split())


def test_an_index_that_cannot_be_reached_costs_no_time(workshop: Workshop, capsys: pytest.CaptureFixture[str]):
    workshop.environ[INDEX_VARIABLE] = "http://127.0.0.1:1/index"
    began = time.monotonic()
    workshop.finder.find(["etcd"])
    assert time.monotonic() - began < 3
    assert "cannot connect" in capsys.readouterr().err


def test_a_silent_index_is_given_up(workshop: Workshop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prebuilt, "_CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        workshop.environ[INDEX_VARIABLE] = f"http://127.0.0.1:{silent.getsockname()[1]}/index"
        began = time.monotonic()
        workshop.finder.find(["etcd"])
    assert time.monotonic() - began < 2
    assert workshop.cached() == ["etcd"]


def test_a_look_up_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prebuilt, "_ANSWER_SECONDS", 0.1)
    with pytest.raises(PrebuiltError, match="no answer in 0 s"):
        prebuilt._answer("http://nowhere.invalid", lambda: time.sleep(1))


def test_the_same_patch_version_is_preferred_and_else_the_newest():
    def entry(version: str) -> dict[str, object]:
        return {f"envtest-{version}-linux-amd64.tar.gz": {"hash": hashlib.sha512().hexdigest(), "selfLink": version}}

    index = {"releases": {version: entry(version) for version in ("v1.36.9", "v1.37.9", "v1.37.2", "v1.37.10")}}
    assert choose(index, "v1.37.2", "linux-amd64").address == "v1.37.2"
    assert choose(index, "v1.37.3", "linux-amd64").address == "v1.37.10"


def test_an_archive_cannot_write_outside_its_folder(tmp_path: Path):
    (tmp_path / "packed").write_bytes(make_archive({"../../../etcd": "x"}))
    assert prebuilt._unpack(tmp_path / "packed", frozenset({"etcd"}), tmp_path / ".") == {"etcd": tmp_path / "etcd"}


@pytest.mark.parametrize(
    ("environ", "address"),
    [({}, PUBLIC_INDEX), ({INDEX_VARIABLE: ""}, ""), ({INDEX_VARIABLE: "http://x"}, "http://x")],
    ids=["default", "switched off", "own"],
)
def test_the_index_is_a_setting(environ: dict[str, str], address: str):
    assert index_address(environ) == address
