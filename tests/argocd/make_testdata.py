"""Writes what the scripts are tested with: `PYTHONPATH=operator python -m tests.argocd.make_testdata`.

The real operator is brought into each state, on a real API server and the emulated AWS, and what it writes is kept.
What Argo CD has to make of a state is the first word of its file's name; the message is the condition's own.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import yaml

from control_plane import ControlPlane
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.servers import SPEED, make_operator
from tests.apiserver.world import BUCKET, Json, World, condition
from tests.argocd.customizations import CUSTOMIZATIONS, KINDS
from tests.argocd.states import SETTINGS, reach_all
from tests.contract.manifests import CRDS

NAMESPACE = "vision"


def main() -> None:
    """Reach them all and write them down."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ControlPlane.start() as cluster,
        EmulatorProcess("--speed", str(SPEED), "--settings", json.dumps(SETTINGS)) as emulator,
    ):
        cluster.install(CRDS)
        cluster.kubectl("create", "namespace", NAMESPACE)
        world = World(cluster, NAMESPACE, emulator.control)
        world.s3.create_bucket(Bucket=BUCKET)
        operator = make_operator(cluster, emulator.url, NAMESPACE, Path(folder) / "operator.log")
        for path, found in reach_all(world, operator).items():
            _write(path, _shown(found))
        world.close()
    for kind in KINDS:
        _write_tests(CUSTOMIZATIONS / kind)


def _shown(found: Json) -> Json:
    """The object as `kubectl get -o yaml` shows it, without what kubectl itself has noted."""
    metadata = {
        name: value for name, value in found["metadata"].items() if name not in ("annotations", "managedFields")
    }
    return {**found, "metadata": metadata}


def _write_tests(folder: Path) -> None:
    # A deletion is shown by Argo CD itself, before it asks the script.
    files = [path for path in sorted((folder / "testdata").glob("*.yaml")) if path.stem != "deleting"]
    tests = [
        {"healthStatus": {"status": _status(path), "message": _message(path)}, "inputPath": f"testdata/{path.name}"}
        for path in files
    ]
    _write(folder / "health_test.yaml", {"tests": tests})
    for state, action, value in (("healthy", "suspend", True), ("suspended", "resume", False)):
        changed = yaml.safe_load((folder / "testdata" / f"{state}.yaml").read_text())
        changed["spec"]["suspend"] = value
        _write(folder / "actions" / "testdata" / f"{action}.yaml", changed)


def _status(path: Path) -> str:
    return path.stem.partition("_")[0].capitalize()


def _message(path: Path) -> str:
    if path.stem == "progressing_noStatus":
        return "Waiting for the operator"
    if path.stem == "progressing_specChanged":
        return "Waiting for the operator to see the changed spec"
    status = yaml.safe_load(path.read_text())["status"]
    message: str = condition(status, "Ready")["message"]
    return message


def _write(path: Path, document: Json) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, width=120))


if __name__ == "__main__":
    main()
