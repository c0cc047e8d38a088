"""Fixtures of the hostile tests: proxies in front of the servers, and an API server whose CRDs have no rules."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane
from tests.charts.conftest import site
from tests.faults.proxy import ApiProxy
from tests.hostile.loose import aws_wire, kubernetes_wire, loose, loose_world, start_listened_to

__all__ = [
    "aws_wire",
    "kubernetes_wire",
    "loose",
    "loose_world",
    "site",
    "start_listened_to",
]


@pytest.fixture
def api_proxy(installed: ControlPlane, tmp_path: Path) -> Iterator[ApiProxy]:
    """A server in front of the API server; an operator whose KUBECONFIG is its `kubeconfig` stands behind it."""
    with ApiProxy(installed, tmp_path, random.Random(1)) as proxy:
        yield proxy
