"""The real Argo CD and the real kstatus."""

from __future__ import annotations

from pathlib import Path

import pytest

from control_plane import find_tools
from control_plane.plane import CONTROLLER_MANAGER, TOOLS

GITOPS = ("argocd", "redis", "kstatus", "helm")


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
