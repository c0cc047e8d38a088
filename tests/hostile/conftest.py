"""What the tests share: a real API server, the emulated AWS, the operator as a process, and a proxy in between."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane
from tests.apiserver.conftest import emulator, operator, replicas, shared_namespace, shared_operator, start, world
from tests.charts.conftest import site
from tests.faults.proxy import ApiProxy
from tests.hostile.loose import aws_wire, kubernetes_wire, loose, loose_world, start_listened_to

__all__ = [
    "aws_wire",
    "emulator",
    "kubernetes_wire",
    "loose",
    "loose_world",
    "operator",
    "replicas",
    "shared_namespace",
    "shared_operator",
    "site",
    "start",
    "start_listened_to",
    "world",
]


@pytest.fixture
def api_proxy(installed: ControlPlane, tmp_path: Path) -> Iterator[ApiProxy]:
    """A server in front of the API server; an operator whose KUBECONFIG is its `kubeconfig` stands behind it."""
    with ApiProxy(installed, tmp_path, random.Random(1)) as proxy:
        yield proxy
