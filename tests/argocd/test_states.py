"""The test data of the health scripts are what the operator writes today."""

from __future__ import annotations

import re
from difflib import unified_diff
from pathlib import Path

import pytest
import yaml

from control_plane import ControlPlane
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.servers import SPEED, make_operator
from tests.apiserver.world import BUCKET, Json, World
from tests.argocd.states import SETTINGS, reach_all

# Told by DescribeTrainingJob and not by ListTrainingJobs: which of them a sweep takes is a matter of cost.
DETAILS = frozenset({"billableSeconds", "startTime"})


def test_the_test_data_are_what_the_operator_writes(installed: ControlPlane, namespace: str, tmp_path: Path) -> None:
    with EmulatorProcess("--speed", str(SPEED)) as emulator:
        emulator.control.change_settings(**SETTINGS)
        world = World(installed, namespace, emulator.control)
        world.s3.create_bucket(Bucket=BUCKET)
        operator = make_operator(installed, emulator.url, namespace, tmp_path / "operator.log")
        written = {path: shape_of(found) for path, found in reach_all(world, operator).items()}
        world.close()
    changed = [line for path, now in written.items() for line in difference(path, shape_of(_read(path)), now)]
    if changed:
        pytest.fail("\n".join(["run `PYTHONPATH=operator python -m tests.argocd.make_testdata`", *changed]))


def difference(path: Path, kept: Json, written: Json) -> list[str]:
    """What has changed, as a diff."""
    before, after = (yaml.safe_dump(one).splitlines() for one in (kept, written))
    file = f"{path.parts[-3]}/{path.name}"
    return list(unified_diff(before, after, f"{file} (kept)", f"{file} (written)", lineterm=""))


def _read(path: Path) -> Json:
    found: Json = yaml.safe_load(path.read_text())
    return found


def shape_of(found: Json) -> Json:
    """What of an object is the same every time: no time, no name, no hash; of the status, which fields there are."""
    status = found.get("status", {})
    conditions = [
        {**one, "message": words_of(one["message"], found), "lastTransitionTime": ""}
        for one in status.get("conditions", ())
    ]
    return {
        "spec": found["spec"],
        "finalizers": found["metadata"].get("finalizers"),
        "is deleted": "deletionTimestamp" in found["metadata"],
        "is observed": status.get("observedGeneration") == found["metadata"]["generation"],
        "status": sorted(status.keys() - DETAILS),
        "conditions": conditions,
    }


def words_of(message: str, found: Json) -> str:
    """The message without the names that AWS's resources have this time."""
    return re.sub(rf"{found['metadata']['namespace']}-[\w-]+", "NAME", message)
