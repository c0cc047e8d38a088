"""The chart is installed as the pages say: Helm renders it with their values, and every value that they name exists."""

from __future__ import annotations

import re
import subprocess
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml

from control_plane import ControlPlane, find_tools
from tests.docs.pages import ROOT, blocks, code_in, commands, pages

PAGE = "install/helm.md"
RENDERED = "install/kubectl.md"
CHART = ROOT / "charts" / "classifier-operator"
HELM = [words for block in blocks("sh") for words in commands(block.text) if words[0] == "helm"]
INSTALLS = [words for words in HELM if words[1] in ("install", "upgrade")]
VALUES = next(one.text for one in blocks("yaml") if one.page == PAGE)


@pytest.mark.parametrize("words", INSTALLS, ids=" ".join)
def test_the_chart_is_rendered(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(VALUES)
    done = _template([word for word in words[2:] if word != "--create-namespace"], tmp_path)
    kinds = {one["kind"] for one in yaml.safe_load_all(done.stdout) if one}
    assert {"CustomResourceDefinition", "Deployment", "ServiceAccount"} <= kinds
    assert "registry.example/classifier-operator:0.1.0" in done.stdout


def test_what_is_rendered_is_accepted(installed: ControlPlane, tmp_path: Path) -> None:
    (words,) = [words for words in HELM if words[1] == "template" and ">" in words]
    done = _template(words[2 : words.index(">")], tmp_path)
    installed.kubectl("create", "namespace", "classifier-operator", check=False)
    # The kinds are there already, by another hand.
    options = ("--server-side", "--dry-run=server", "--force-conflicts", "--validate=strict")
    applied = installed.kubectl("apply", *options, "-f", "-", input=done.stdout)
    assert applied.stdout.count("(server dry run)") == len([one for one in yaml.safe_load_all(done.stdout) if one])
    assert "helm.sh/hook" not in done.stdout


@pytest.mark.parametrize("page", [PAGE, RENDERED])
def test_the_values_that_are_named_exist(page: str) -> None:
    known: Any = yaml.safe_load((CHART / "values.yaml").read_text())
    code = code_in(pages()[page])
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
    for page in (PAGE, RENDERED, "install/README.md"):
        assert f"Kubernetes {version[1]} or newer" in pages()[page]


def _template(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "charts").symlink_to(ROOT / "charts")
    command = [str(find_tools("helm")["helm"]), "template", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done
