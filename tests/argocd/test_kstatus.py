"""What Flux makes of both kinds: kstatus itself, on the same objects as the health scripts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.argocd.customizations import CUSTOMIZATIONS

# By the first word of the file's name, which is what Argo CD makes of it.
STATUS = {"healthy": "Current", "progressing": "InProgress", "degraded": "Failed", "deleting": "Terminating"}
# kstatus knows no suspension: it waits for Ready, which does not come.
STATUS["suspended"] = "InProgress"

FILES = sorted(CUSTOMIZATIONS.glob("*/testdata/*.yaml"))


@pytest.fixture(scope="module")
def verdicts(tools: dict[str, Path]) -> dict[Path, tuple[str, str]]:
    objects = [yaml.safe_load(path.read_text()) for path in FILES]
    done = subprocess.run(
        [tools["kstatus"]], input=json.dumps(objects), capture_output=True, text=True, check=True, timeout=60
    )
    return {path: (one["status"], one["message"]) for path, one in zip(FILES, json.loads(done.stdout), strict=True)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_kstatus(verdicts: dict[Path, tuple[str, str]], path: Path) -> None:
    assert verdicts[path][0] == STATUS[path.stem.partition("_")[0]], verdicts[path]


def test_a_failure_is_told_in_awss_words(verdicts: dict[Path, tuple[str, str]]) -> None:
    path = CUSTOMIZATIONS / "ClassifierTraining/testdata/degraded.yaml"
    assert "ClientError: Invalid hyperparameter" in verdicts[path][1]
