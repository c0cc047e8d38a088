"""The real parts that commands are tried against."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from control_plane import ControlPlane
from tests.cli.demos import ROOT

# Loopback only, and nothing of the developer's own.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run have in common."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def kinds(cluster: ControlPlane) -> ControlPlane:
    """The session's control plane with both kinds, and no operator."""
    cluster.install(ROOT / "crds")
    return cluster


@pytest.fixture
def apply_digits(kinds: ControlPlane, namespace: str) -> Any:
    """Apply the example without an operator; with a status for its endpoint or its training, if given."""

    def apply(kind: str = "", status: dict[str, Any] | None = None) -> str:
        kinds.kubectl("apply", "-n", namespace, "-f", str(ROOT / "manifests/examples/digits.yaml"))
        if status is not None:
            patch = json.dumps({"status": status})
            kinds.kubectl("patch", kind, "digits", "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
        return namespace

    return apply
