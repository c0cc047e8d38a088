"""An API server that lets any text through in any field of the two kinds, and an operator that is listened to.

What the operator does with such texts is then its own doing.
"""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from control_plane import ControlPlane
from control_plane.kubeconfig import write_kubeconfig
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.operator_process import OperatorProcess, killed_in_the_end
from tests.apiserver.servers import SETTINGS, make_operator
from tests.apiserver.world import BUCKET, World
from tests.contract.manifests import PLURALS, definition
from tests.hostile.wire import Wire

_RULES = frozenset(
    {"pattern", "enum", "format", "minLength", "maxLength", "minItems", "minProperties", "maxProperties"}
)
_CEL = "x-kubernetes-validations"


def write_loose_definitions(folder: Path) -> Path:
    """Write both definitions into a folder; any text may stand in any of their texts."""
    for kind, plural in PLURALS.items():
        (folder / f"{plural}.yaml").write_text(yaml.safe_dump(_loosened(definition(kind))))
    return folder


def _loosened(node: Any) -> Any:
    if isinstance(node, list):
        return [_loosened(one) for one in node]
    if not isinstance(node, dict):
        return node
    # What takes numbers as well as text has no type; of the names of properties none is a text.
    is_schema = any(isinstance(node.get(name), str) for name in ("type", "description"))
    dropped = _RULES | {_CEL} if is_schema else frozenset()
    return {name: _loosened(value) for name, value in node.items() if name not in dropped}


@pytest.fixture(scope="session")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that lets any text through in any field of the two kinds."""
    with ControlPlane.start() as plane:
        plane.install(write_loose_definitions(tmp_path_factory.mktemp("loose")))
        yield plane


@pytest.fixture
def loose_world(loose: ControlPlane, emulator: EmulatorProcess) -> Iterator[World]:
    """A namespace there, and an account with nothing in it but the data."""
    namespace = f"test-{secrets.token_hex(4)}"
    loose.kubectl("create", "namespace", namespace)
    emulator.control.reset()
    emulator.control.change_settings(**SETTINGS)
    world = World(loose, namespace, emulator.control)
    world.s3.create_bucket(Bucket=BUCKET)
    yield world
    emulator.control.clear_faults()
    world.close()


@pytest.fixture
def kubernetes_wire(loose: ControlPlane) -> Iterator[Wire]:
    """What goes to that API server."""
    with Wire(loose.url, ssl.create_default_context(cafile=str(loose.ca_file))) as wire:
        yield wire


@pytest.fixture
def aws_wire(emulator: EmulatorProcess) -> Iterator[Wire]:
    """What goes to AWS."""
    with Wire(emulator.url) as wire:
        yield wire


@pytest.fixture
def start_listened_to(
    loose_world: World, kubernetes_wire: Wire, aws_wire: Wire, tmp_path: Path
) -> Iterator[Callable[..., OperatorProcess]]:
    """Start the operator with more options; all that it asks for goes by the two wires."""
    with killed_in_the_end() as begin:

        def start(*options: str) -> OperatorProcess:
            plane, ca = loose_world.cluster, loose_world.cluster.ca_file.read_bytes()
            write_kubeconfig(tmp_path / "kubeconfig", url=kubernetes_wire.url, ca=ca, token=plane.token, user="admin")
            process = make_operator(
                plane, loose_world.aws.url, loose_world.namespace, tmp_path / "operator.log", *options,
                environment={"KUBECONFIG": str(tmp_path / "kubeconfig"), "AWS_ENDPOINT_URL": aws_wire.url},
            )  # fmt: skip
            return begin(process)

        yield start
