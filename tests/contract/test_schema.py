"""The two definitions as such: accepted in full by the API server, explained in full to users."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane import ControlPlane
from tests.contract.manifests import CRDS, PLURALS, definition
from tests.contract.schemas import nodes

BOTH = pytest.mark.parametrize("kind", PLURALS)


@BOTH
def test_established_without_a_complaint(installed: ControlPlane, kind: str) -> None:
    name = f"{PLURALS[kind]}.classifiers.sagemaker.dev"
    found = json.loads(installed.kubectl("get", "crd", name, "-o", "json").stdout)

    assert {one["type"]: one["status"] for one in found["status"]["conditions"]} == {
        "NamesAccepted": "True",
        "Established": "True",
    }


def test_applied_without_a_warning(installed: ControlPlane) -> None:
    installed.kubectl("apply", "--server-side", "--dry-run=server", "--warnings-as-errors", "-f", str(CRDS))


@BOTH
def test_short_name_and_category(installed: ControlPlane, kind: str) -> None:
    short = {"ClassifierTraining": "ctrain", "ClassifierEndpoint": "cep"}[kind]
    lines = installed.kubectl("api-resources", "--categories=classifiers", "--no-headers").stdout.splitlines()

    assert [PLURALS[kind], short, "classifiers.sagemaker.dev/v1alpha1", "true", kind] in [one.split() for one in lines]


def test_no_other_definition_is_in_the_folder() -> None:
    assert sorted(path.name for path in CRDS.glob("*.yaml")) == sorted(f"{plural}.yaml" for plural in PLURALS.values())


@BOTH
def test_every_field_is_explained(kind: str) -> None:
    # The API server puts its own words for metadata.
    silent = [path for path, node in nodes(kind) if not node.get("description") and path != "metadata"]

    assert silent == []


@BOTH
def test_every_explanation_is_a_sentence(kind: str) -> None:
    texts = {path: node.get("description", ".") for path, node in nodes(kind)}

    assert {path: text for path, text in texts.items() if text[-1] not in ".}" or text != text.strip()} == {}


@BOTH
def test_no_field_keeps_what_is_not_in_the_schema(kind: str) -> None:
    loose = {"x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "nullable"}

    found = [path for path, node in nodes(kind) if loose & set(node) and not _is_scalar(node)]
    assert found == []


def _is_scalar(node: dict[str, Any]) -> bool:
    """Whether it takes numbers, text or truth values, but nothing that has fields: a schema has one type or any."""
    # One branch may say in words what the other takes.
    node = node | (node["anyOf"][-1] if "anyOf" in node else {})
    listed = node.get("enum", [{}])
    is_empty = node.get("minItems", 0) > node.get("maxItems", 1) and node.get("minProperties", 0) > node.get(
        "maxProperties", 1
    )
    return "type" not in node and (is_empty or not any(isinstance(one, dict | list) for one in listed))


@BOTH
def test_no_number_has_a_fraction(kind: str) -> None:
    def is_whole(node: dict[str, Any]) -> bool:
        return any(one["rule"] == "self == double(int(self))" for one in node.get("x-kubernetes-validations", ()))

    assert [path for path, node in nodes(kind) if node.get("type") == "number" and not is_whole(node)] == []


@BOTH
def test_every_list_says_how_it_is_merged(kind: str) -> None:
    lists = {path: node for path, node in nodes(kind) if node.get("type") == "array"}

    assert [path for path, node in lists.items() if "x-kubernetes-list-type" not in node] == []


@BOTH
def test_everything_that_users_write_has_a_limit(kind: str) -> None:
    # Rules are only as cheap as the largest value that they can meet.
    limits = {"array": "maxItems", "string": "maxLength"}
    unlimited = [
        path
        for path, node in nodes(kind)
        if path.startswith("spec") and limits.get(node.get("type", "string"), "type") not in node and "enum" not in node
    ]

    assert unlimited == []


@BOTH
def test_everything_that_the_operator_writes_has_a_limit(kind: str) -> None:
    # A status that etcd refuses says nothing. What names what exists at AWS is never left out.
    ledgers = {"status.resources", "status.letGo", "status.import.uploads"}
    limits = {"array": {"maxItems"}, "string": {"maxLength", "enum", "format"}}
    unlimited = {
        path
        for path, node in nodes(kind)
        if path.startswith("status") and node["type"] in limits and not limits[node["type"]] & set(node)
    }

    assert unlimited - ledgers == set()


@BOTH
def test_what_the_operator_finds_in_its_defaults_has_none_here(kind: str) -> None:
    spec: dict[str, Any] = dict(nodes(kind))["spec"]["properties"]

    assert [name for name in ("region", "roleArn", "assumeRoleArn", "deletionPolicy") if "default" in spec[name]] == []


@BOTH
def test_no_more_selectable_fields_than_allowed(kind: str) -> None:
    assert len(definition(kind)["spec"]["versions"][0]["selectableFields"]) <= 8


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("ctrain.spec.resources.volumeSizeGB", "AWS: ResourceConfig.VolumeSizeInGB", id="training"),
        pytest.param("ctrain.spec.inputs.source.url", "At most 5 redirects are followed", id="import"),
        pytest.param("cep.spec.acceleratorType", "AWS has retired the service", id="endpoint"),
        pytest.param("cep.spec.variants.weight", "A change is made in place", id="inside-a-list"),
    ],
)
def test_kubectl_explains(installed: ControlPlane, path: str, words: str) -> None:
    told = " ".join(installed.kubectl("explain", path).stdout.split())

    assert words in told
