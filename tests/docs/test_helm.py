"""The chart is installed as the pages say: Helm renders it with their values, and every value that they name exists."""

from __future__ import annotations

import re
import subprocess
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml

from control_plane import find_tools
from tests.docs.pages import ROOT, blocks, code_in, commands, pages

PAGE = "install/helm.md"
CHART = ROOT / "charts" / "classifier-operator"
INSTALLS = [
    words
    for block in blocks("sh")
    for words in commands(block.text)
    if words[:2] in (["helm", "install"], ["helm", "upgrade"])
]
VALUES = next(one.text for one in blocks("yaml") if one.page == PAGE)


@pytest.mark.parametrize("words", INSTALLS, ids=" ".join)
def test_the_chart_is_rendered(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(VALUES)
    (tmp_path / "charts").symlink_to(ROOT / "charts")
    said = [word for word in words[2:] if word != "--create-namespace"]
    helm = find_tools("helm")["helm"]
    done = subprocess.run([helm, "template", *said], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    kinds = {one["kind"] for one in yaml.safe_load_all(done.stdout) if one}
    assert {"CustomResourceDefinition", "Deployment", "ServiceAccount"} <= kinds
    assert "registry.example/classifier-operator:0.1.0" in done.stdout or "--values" not in said


def test_the_values_that_are_named_exist() -> None:
    known: Any = yaml.safe_load((CHART / "values.yaml").read_text())
    code = code_in(pages()[PAGE])
    named = {one.partition(":")[0] for one in code if re.fullmatch(r"[a-z]\w*(\.[a-z]\w*)+(: .*)?", one)} - {
        "values.yaml"
    }
    assert named
    for path in named:
        # Fails with the name of what is missing.
        reduce(lambda values, name: values[name], path.split("."), known)


def test_the_kubernetes_that_is_asked_for_is_the_chart_s() -> None:
    wanted = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"]
    version = re.match(r">=(\d+\.\d+)\.", wanted)
    assert version is not None
    for page in (PAGE, "install/README.md"):
        assert f"Kubernetes {version[1]} or newer" in pages()[page]
