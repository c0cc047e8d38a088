"""The real API server with the two kinds installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from control_plane import ControlPlane
from tests.contract.api_server import ApiServer

NAMESPACE = "contract"


@pytest.fixture(scope="session")
def api(installed: ControlPlane) -> Iterator[ApiServer]:
    """The classifiers of a namespace that all tests of this folder share."""
    installed.kubectl("create", "namespace", NAMESPACE)
    server = ApiServer(installed.kubeconfig, NAMESPACE)
    yield server
    server.client.close()


@pytest.fixture
def manifest_file(tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    """Write a manifest for kubectl and return the file's path."""

    def write(manifest: dict[str, Any]) -> str:
        path = tmp_path / "manifest.yaml"
        path.write_text(yaml.safe_dump(manifest))
        return str(path)

    return write
