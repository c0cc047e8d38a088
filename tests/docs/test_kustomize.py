"""The kustomization of the page on kubectl is built as it stands there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from control_plane import find_tools
from tests.docs.pages import ROOT, blocks

(KUSTOMIZATION,) = (one.text for one in blocks("yaml") if one.page == "install/kubectl.md")


@pytest.mark.parametrize(
    "resource", ["path/to/manifests", "path/to/manifests/overlays/irsa", "path/to/manifests/overlays/openshift"]
)
def test_it_says_which_image_and_which_arguments(tmp_path: Path, resource: str) -> None:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "to").symlink_to(ROOT)
    (tmp_path / "kustomization.yaml").write_text(KUSTOMIZATION.replace("[path/to/manifests]", f"[{resource}]"))
    command = [str(find_tools("kubectl")["kubectl"]), "kustomize", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (deployment,) = (one for one in yaml.safe_load_all(done.stdout) if one["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/classifier-operator:0.1.0"
    assert container["args"][-2:] == [
        "--region=us-east-1",
        "--role-arn=arn:aws:iam::123456789012:role/SageMakerExecution",
    ]
