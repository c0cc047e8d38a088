"""The control plane that all tests of a session share, and a namespace of its own for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from control_plane import ControlPlane, find_tools
from control_plane.plane import CONTROLLER_MANAGER, TOOLS
from tests.apiserver.servers import emulator, operator, replicas, shared_namespace, shared_operator, start, world
from tests.contract.manifests import CRDS

# Here and nowhere else: a session's fixture that two conftests import is there twice in a process, and two operators
# that know different accounts would serve the same objects.
__all__ = ["emulator", "operator", "replicas", "shared_namespace", "shared_operator", "start", "world"]

# How long an example takes is up to the machine, and must not decide a test.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# The tools that a fixture takes.
NEEDED = {
    "cluster": TOOLS,
    "helm": ("helm", "helm-unittest", "helm-docs"),
    "site": (*TOOLS, CONTROLLER_MANAGER, "helm"),
}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Get the tools before the first test: a build takes minutes, and shall be seen."""
    fixtures = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    wanted = [tool for fixture, tools in NEEDED.items() if fixture in fixtures for tool in tools]
    if wanted and not session.config.option.collectonly:
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            find_tools(*wanted)


@pytest.fixture(scope="session")
def cluster() -> Iterator[ControlPlane]:
    """A real API server without controllers: no garbage collection, namespaces stay Terminating."""
    with ControlPlane.start() as plane:
        yield plane


@pytest.fixture(scope="session")
def installed(cluster: ControlPlane) -> ControlPlane:
    """The control plane once it serves both kinds."""
    cluster.install(CRDS)
    return cluster


@pytest.fixture
def namespace(cluster: ControlPlane) -> str:
    """The name of a fresh namespace. It is thrown away with the control plane."""
    name = f"test-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    return name
