"""Values that concern every object of the chart, and the examples in the values' file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.charts.helm import CHART, Helm, Json
from tests.charts.test_admission import pods
from tests.contract.manifests import REPOSITORY

EVERYTHING = CHART / "ci" / "everything-values.yaml"
NAMESPACED = CHART / "ci" / "namespaced-values.yaml"
# Kinds of which each object is in a namespace, but for those that a value puts somewhere else.
IN_A_NAMESPACE = {
    "ConfigMap", "Deployment", "Job", "NetworkPolicy", "Pod", "PodDisruptionBudget", "PodMonitor", "PrometheusRule",
    "Role", "RoleBinding", "Service", "ServiceAccount", "ServiceMonitor",
}  # fmt: skip


def _texts(value: object) -> Iterator[str]:
    """The texts in an object."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from (name, *_texts(each))
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("values", [EVERYTHING, NAMESPACED], ids=["everything", "namespaced"])
def test_the_namespace_is_another_one_than_the_release_s(helm: Helm, values: Path) -> None:
    """In every object, and in every option of a command."""
    options = ("--values", str(values), "--set=namespaceOverride=elsewhere", "--set-json=extraObjects=[]")
    objects = helm.render(*options, namespace="release-s")
    assert not [each for each in objects if any("release-s" in text for text in _texts(each))]
    roles = {"Role", "RoleBinding"} if values == NAMESPACED else set()
    for each in objects:
        if each["kind"] in IN_A_NAMESPACE - roles:
            assert each["metadata"]["namespace"] == "elsewhere"


@pytest.mark.parametrize("values", [EVERYTHING, NAMESPACED], ids=["everything", "namespaced"])
def test_every_object_has_the_annotations_and_its_own(helm: Helm, values: Path) -> None:
    objects = helm.render("--values", str(values), "--set=commonAnnotations.a=b", "--set-json=extraObjects=[]")
    before = helm.render("--values", str(values), "--set-json=extraObjects=[]")
    assert len(objects) == len(before)
    for each, one in zip(objects, before, strict=True):
        annotations = each["metadata"]["annotations"]
        assert annotations["a"] == "b"
        assert one["metadata"].get("annotations", {}).items() <= annotations.items()


def test_pods_are_not_restarted_by_an_annotation_of_all_objects(helm: Helm) -> None:
    def templates(*options: str) -> list[Json]:
        return [each["spec"]["template"] for each in helm.render(*options) if each["kind"] == "Deployment"]

    assert templates("--set=commonAnnotations.a=b") == templates()


def examples(text: str) -> tuple[str, int]:
    """The values' file with its examples in the place of what they are examples of, and how many they are."""
    lines: list[str] = []
    count, is_example = 0, False
    for line in text.splitlines():
        found = re.fullmatch(r"( *)# (([A-Za-z]+):.*| .*)", line)
        if found and found[3] and lines[-1].startswith(f"{found[1]}{found[3]}:"):
            lines[-1] = found[1] + found[2]
            count, is_example = count + 1, True
        elif found and is_example and not found[3]:
            lines.append(found[1] + found[2])
        else:
            lines.append(line)
            is_example = False
    return "\n".join(lines), count


def test_each_example_of_the_values_is_taken(helm: Helm, tmp_path: Path) -> None:
    text = (CHART / "values.yaml").read_text()
    shown, count = examples(text)
    assert count > 40
    (tmp_path / "values.yaml").write_text(shown)
    policy = ("--set=networkPolicy.enabled=true", "--set=scope=Namespaced")
    objects = helm.render("--values", str(tmp_path / "values.yaml"), *policy)
    assert pods(objects)
    assert yaml.safe_load(shown)["global"]["imageRegistry"] == "mirror.example.com"


def test_a_parent_chart_s_other_globals_are_no_matter(helm: Helm) -> None:
    assert helm.render("--set=global.storageClass=fast", "--set=global.compatibility.other=x") == helm.render()


def test_an_older_helm_renders_for_a_version_that_is_named(helm: Helm) -> None:
    """As docs/install/helm.md says: helm has a version of Kubernetes of its own where it talks to no cluster."""
    assert "1.32" in helm.refusal("--kube-version=1.27")
    assert helm.render("--kube-version=1.32") == helm.render()
    assert "--kube-version 1.32" in (REPOSITORY / "docs" / "install" / "helm.md").read_text()


COMMANDS = ("README.md", "docs/install/helm.md", "charts/classifier-operator/README.md")


def test_all_pages_install_it_by_the_same_values() -> None:
    found = {}
    for page in COMMANDS:
        command = re.search(r"helm install (?:.*\\\n)*.*", (REPOSITORY / page).read_text())
        assert command is not None, page
        found[page] = set(re.findall(r"--set ([\w.]+)=", command[0]))
    assert set(map(frozenset, found.values())) == {
        frozenset({"image.repository", "operator.region", "operator.roleArn", "aws.irsaRoleArn"})
    }
