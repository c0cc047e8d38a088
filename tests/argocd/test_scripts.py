"""The health and action scripts, run by the real Argo CD from argocd-cm, on what the real operator has written."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.argocd.customizations import CONFIG_MAP, CUSTOMIZATIONS, KINDS, config_map

Run = Callable[..., str]


def read_tests(kind: str, file: str, key: str) -> list[Any]:
    found: list[Any] = yaml.safe_load((CUSTOMIZATIONS / kind / file).read_text())[key]
    return found


HEALTH = [(kind, test) for kind in KINDS for test in read_tests(kind, "health_test.yaml", "tests")]
ACTIONS = "actions/action_test.yaml"
DISCOVERY = [(kind, test) for kind in KINDS for test in read_tests(kind, ACTIONS, "discoveryTests")]
ACTION = [(kind, test) for kind in KINDS for test in read_tests(kind, ACTIONS, "actionTests")]


def name_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value.get('action', '')}{Path(value['inputPath']).stem}"


@pytest.fixture
def run(tools: dict[str, Path]) -> Run:
    """What `argocd admin settings resource-overrides` says of a file."""

    def said(command: str, path: Path, *arguments: str) -> str:
        line = [str(tools["argocd"]), "admin", "settings", "resource-overrides", command, str(path), *arguments]
        done = subprocess.run(
            [*line, "--argocd-cm-path", str(CONFIG_MAP)], capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    return said


def test_argocd_cm_is_what_the_scripts_make_of_it() -> None:
    assert CONFIG_MAP.read_text() == config_map(), "run `python -m tests.argocd.make_argocd_cm`"


def test_both_kinds_are_judged_alike() -> None:
    assert len({(CUSTOMIZATIONS / kind / "health.lua").read_text() for kind in KINDS}) == 1


def test_no_script_needs_a_library_that_argocd_cm_does_not_give() -> None:
    for script in CUSTOMIZATIONS.rglob("*.lua"):
        assert not re.search(r"\b(string|math|io|debug|coroutine)\.|:\w+\(", script.read_text()), script


@pytest.mark.parametrize("kind", KINDS)
def test_all_test_data_is_used(kind: str) -> None:
    used = {test["inputPath"] for owner, test in HEALTH if owner == kind}
    there = {f"testdata/{path.name}" for path in (CUSTOMIZATIONS / kind / "testdata").iterdir()}
    assert there - used == {"testdata/deleting.yaml"}


@pytest.mark.parametrize(("kind", "test"), HEALTH, ids=name_of)
def test_health(run: Run, kind: str, test: dict[str, Any]) -> None:
    expected = test["healthStatus"]
    said = run("health", CUSTOMIZATIONS / kind / test["inputPath"])
    assert said == f"STATUS: {expected['status']}\nMESSAGE: {expected['message']}\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_deletion_is_waited_for(run: Run, kind: str) -> None:
    said = run("health", CUSTOMIZATIONS / kind / "testdata/deleting.yaml")
    assert said == "STATUS: Progressing\nMESSAGE: Pending deletion\n"


@pytest.mark.parametrize(("kind", "test"), DISCOVERY, ids=name_of)
def test_the_actions_that_are_offered(run: Run, kind: str, test: dict[str, Any]) -> None:
    said = run("list-actions", CUSTOMIZATIONS / kind / "actions" / test["inputPath"])
    offered = dict(line.split() for line in said.splitlines()[1:])
    assert offered == {one["name"]: str(one.get("disabled", False)).lower() for one in test["result"]}


@pytest.mark.parametrize(("kind", "test"), ACTION, ids=name_of)
def test_actions(run: Run, kind: str, test: dict[str, Any]) -> None:
    folder = CUSTOMIZATIONS / kind / "actions"
    before, after = (yaml.safe_load((folder / test[path]).read_text()) for path in ("inputPath", "expectedOutputPath"))
    changed = lines_of(after) - lines_of(before)
    assert changed
    assert added(run("run-action", folder / test["inputPath"], test["action"])) == changed


def test_retraining_is_a_new_value_of_the_annotation(run: Run) -> None:
    said = run("run-action", CUSTOMIZATIONS / "ClassifierTraining/testdata/healthy.yaml", "retrain")
    (line,) = added(said) - {"annotations:"}
    assert re.fullmatch(r'classifiers\.sagemaker\.dev/retrain: "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"', line)


def added(difference: str) -> set[str]:
    return {line.removeprefix(">").strip() for line in difference.splitlines() if line.startswith(">")}


def lines_of(manifest: Any) -> set[str]:
    return {line.strip() for line in yaml.safe_dump(manifest).splitlines()}
