"""The real Argo CD and the real kstatus."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane, find_tools
from control_plane.binaries import Finder
from control_plane.catalog import ARGOCD
from control_plane.plane import CONTROLLER_MANAGER, TOOLS
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.servers import SPEED, make_operator
from tests.apiserver.world import BUCKET, World
from tests.argocd.applications import Applications
from tests.argocd.repository import Repository
from tests.argocd.servers import ArgoCD
from tests.argocd.states import SETTINGS
from tests.contract.manifests import CRDS

GITOPS = ("argocd", "redis", "kstatus", "helm", "kustomize")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Get the tools before the first test: a build takes minutes, and shall be seen."""
    wanted = any("tools" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and not session.config.option.collectonly:
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            find_tools(*GITOPS, *TOOLS, CONTROLLER_MANAGER)


@pytest.fixture(scope="session")
def tools() -> dict[str, Path]:
    """The programs."""
    return find_tools(*GITOPS)


@pytest.fixture(scope="session")
def platform() -> Iterator[ControlPlane]:
    """A control plane with the garbage collector, which ends what Argo CD prunes in the foreground."""
    with ControlPlane.start(controllers=True) as plane:
        plane.install(CRDS)
        yield plane


@pytest.fixture(scope="session")
def argocd(
    platform: ControlPlane, tools: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Applications]:
    """Argo CD, running."""
    source = Finder().source("argocd", ARGOCD)
    with ArgoCD(platform, tools, source, tmp_path_factory.mktemp("argocd")):
        yield Applications(platform)


@pytest.fixture(scope="session")
def emulator() -> Iterator[EmulatorProcess]:
    """The emulated AWS, in a hurry."""
    with EmulatorProcess("--speed", str(SPEED), "--settings", json.dumps(SETTINGS)) as process:
        yield process


@pytest.fixture(scope="session")
def operator(
    platform: ControlPlane, emulator: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """The operator, for all namespaces."""
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    with make_operator(platform, emulator.url, "", log) as process:
        yield process


@pytest.fixture
def world(platform: ControlPlane, emulator: EmulatorProcess) -> Iterator[World]:
    """An AWS account with nothing in it but the data, and a namespace with nothing in it."""
    name = f"test-{secrets.token_hex(4)}"
    platform.kubectl("create", "namespace", name)
    world = World(platform, name, emulator.control)
    emulator.control.reset()
    emulator.control.change_settings(**SETTINGS)
    world.s3.create_bucket(Bucket=BUCKET)
    yield world
    emulator.control.clear_faults()
    world.kubectl("delete", "ctrain,cep", "--all", "--timeout=60s")
    world.close()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A team's repository."""
    return Repository(tmp_path / "repository")
