"""What the API server accepts, and what it makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane import ControlPlane
from tests.contract.api_server import ApiServer
from tests.contract.edges import EDGES, Edge
from tests.contract.manifests import BASES, ENDPOINT, TRAINING, VARIANTS
from tests.contract.paths import patched

DEFAULT_INPUT = {
    "contentType": "application/x-recordio",
    "distribution": "FullyReplicated",
    "s3DataType": "S3Prefix",
}


@pytest.mark.parametrize("edge", [pytest.param(edge, id=f"{edge.base}-{edge.name}") for edge in EDGES])
def test_accepted(api: ApiServer, edge: Edge) -> None:
    answer = api.try_create(patched(BASES[edge.base], edge.changes))

    assert answer.is_accepted, answer.body


def test_defaults_of_a_training(api: ApiServer) -> None:
    spec = api.try_create(TRAINING).body["spec"]

    assert spec == {
        **TRAINING["spec"],
        "algorithm": {"name": "image-classification", "version": "1", "inputMode": "File"},
        "inputs": [{**DEFAULT_INPUT, **channel} for channel in TRAINING["spec"]["inputs"]],
        "resources": {"instanceType": "ml.g4dn.xlarge", "instanceCount": 1, "volumeSizeGB": 50},
        "stopping": {"maxRuntimeSeconds": 86400},
        "retry": {"attempts": 2},
    }


def test_defaults_of_an_endpoint(api: ApiServer) -> None:
    assert api.try_create(ENDPOINT).body["spec"] == ENDPOINT["spec"]


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        pytest.param("rollout", {}, {"type": "BlueGreen"}, id="rollout"),
        pytest.param(
            "smokeTest",
            {"image": {"s3Uri": "s3://birds/wren.jpg"}},
            {
                "image": {"s3Uri": "s3://birds/wren.jpg"},
                "contentType": "application/x-image",
                "warmUps": 1,
                "onFailure": "RollBack",
            },
            id="smokeTest",
        ),
        pytest.param(
            "dataCapture",
            {"s3Uri": "s3://birds/seen"},
            {"s3Uri": "s3://birds/seen", "samplingPercent": 100, "modes": ["Input", "Output"]},
            id="dataCapture",
        ),
    ],
)
def test_defaults_inside_an_optional_block(
    api: ApiServer, field: str, given: dict[str, Any], kept: dict[str, Any]
) -> None:
    answer = api.try_create(patched(ENDPOINT, {f"spec.{field}": given}))

    assert answer.body["spec"][field] == kept


def test_a_variant_weighs_1_where_nothing_else_is_said(api: ApiServer) -> None:
    unsaid = {"trainingRef": {"name": "birds"}, "instanceType": "ml.m5.large"}
    variants = api.try_create(patched(VARIANTS, {"spec.variants[third]": unsaid})).body["spec"]["variants"]

    assert {variant["name"]: variant["weight"] for variant in variants} == {
        "champion": 9,
        "challenger": 1,
        "third": 1,
    }


def test_a_whole_weight_is_kept_as_a_whole_number(api: ApiServer) -> None:
    variants = api.try_create(patched(VARIANTS, {"spec.variants[champion].weight": 8.0})).body["spec"]["variants"]

    assert [type(variant["weight"]) for variant in variants] == [int, int]


def test_applying_the_same_manifest_again_changes_nothing(api: ApiServer) -> None:
    manifest = patched(TRAINING, {"metadata.name": "again"})
    # What is created is kept without the status's default, and what is changed, with it: one has to be there.
    api.apply(manifest)
    api.write_status("ClassifierTraining", "again", {"observedGeneration": 1})

    first, second = api.apply(manifest), api.apply(manifest)

    assert first["metadata"] == second["metadata"]


def test_a_reordered_list_holds_the_same_items(api: ApiServer) -> None:
    manifest = patched(TRAINING, {"metadata.name": "reordered"})
    reordered = patched(manifest, {"spec.inputs": manifest["spec"]["inputs"][::-1]})

    first, second = api.apply(manifest)["spec"], api.apply(reordered)["spec"]

    assert second == {**first, "inputs": first["inputs"][::-1]}


def test_an_item_of_a_list_can_be_applied_by_its_name(api: ApiServer) -> None:
    api.apply(patched(VARIANTS, {"metadata.name": "merged"}))
    third = {"name": "third", "weight": 0, "trainingRef": {"name": "x"}, "instanceType": "ml.m5.large"}
    addition = {**VARIANTS, "metadata": {"name": "merged"}, "spec": {"variants": [third]}}

    variants = api.apply(addition, manager="somebody else")["spec"]["variants"]

    assert [variant["name"] for variant in variants] == ["champion", "challenger", "third"]


def test_an_unknown_field_is_an_error_where_kubectl_validates(installed: ControlPlane, manifest_file: Any) -> None:
    path = manifest_file(patched(TRAINING, {"spec.hyperparameters.numClases": 3}))

    done = installed.kubectl("create", "--dry-run=server", "--validate=strict", "-f", path, check=False)

    assert 'unknown field "spec.hyperparameters.numClases"' in done.stderr


def test_an_unknown_field_is_dropped_where_nobody_validates(installed: ControlPlane, manifest_file: Any) -> None:
    path = manifest_file(patched(TRAINING, {"spec.hyperparameters.numClases": 3}))

    done = installed.kubectl("create", "--dry-run=server", "--validate=ignore", "-o", "yaml", "-f", path)

    assert "numClases" not in done.stdout
