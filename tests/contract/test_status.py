"""What the operator writes into a status comes back as it was written, and as kubectl shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from control_plane import ControlPlane
from tests.contract.api_server import ApiServer
from tests.contract.conftest import NAMESPACE
from tests.contract.manifests import ENDPOINT, TRAINING
from tests.contract.paths import patched
from tests.contract.schemas import nodes
from tests.contract.statuses import ENDPOINT_STATUS, TIME, TRAINING_STATUS, condition

KINDS = [
    pytest.param(TRAINING, TRAINING_STATUS, id="training"),
    pytest.param(ENDPOINT, ENDPOINT_STATUS, id="endpoint"),
]


@pytest.mark.parametrize(("manifest", "status"), KINDS)
def test_a_complete_status_is_kept(api: ApiServer, manifest: dict[str, Any], status: dict[str, Any]) -> None:
    api.create(patched(manifest, {"metadata.name": "complete"}))

    answer = api.write_status(manifest["kind"], "complete", status)

    assert answer.body["status"] == status


@pytest.mark.parametrize(("manifest", "status"), KINDS)
def test_the_complete_status_has_every_field(manifest: dict[str, Any], status: dict[str, Any]) -> None:
    explained = {path for path, _ in nodes(manifest["kind"]) if path.startswith("status.")}

    assert explained - set(_paths(status, "status")) == set()


@pytest.mark.parametrize(("manifest", "status"), KINDS)
def test_a_status_is_written_apart_from_the_spec(
    api: ApiServer, manifest: dict[str, Any], status: dict[str, Any]
) -> None:
    created = api.create(patched(manifest, {"metadata.name": "apart", "status": status}))

    # The default: kstatus takes an object without a status for finished.
    assert created["status"] == {"observedGeneration": 0}


@pytest.mark.parametrize(
    ("status", "field"),
    [
        pytest.param({"conditions": [{"type": "Ready"}]}, "status.conditions[0].reason", id="bare-condition"),
        pytest.param(
            {"conditions": [condition("Ready", "Maybe", "Completed")]}, "status.conditions[0].status", id="maybe"
        ),
        pytest.param({"startTime": "yesterday"}, "status.startTime", id="no-time"),
        pytest.param({"history": [{"jobName": f"j{i}"} for i in range(11)]}, "status.history", id="history-11"),
        pytest.param({"resources": [{"type": "Bucket", "name": "x"}]}, "status.resources[0].type", id="resource"),
    ],
)
def test_a_malformed_status_is_refused(api: ApiServer, status: dict[str, Any], field: str) -> None:
    api.apply(patched(TRAINING, {"metadata.name": "malformed"}))

    answer = api.write_status("ClassifierTraining", "malformed", status)

    assert field in {cause.field for cause in answer.causes}


def test_kubectl_shows_a_training(api: ApiServer, installed: ControlPlane) -> None:
    api.create(patched(TRAINING, {"metadata.name": "shown"}))
    api.write_status("ClassifierTraining", "shown", {**TRAINING_STATUS, "failureReason": "AlgorithmError"})

    shown = _columns(installed, "ctrain", "shown")

    assert shown | {"AGE": ""} == {
        "NAME": "shown",
        "READY": "False",
        "STATUS": "Downloading",
        "JOB": "InProgress",
        "ACCURACY": "0.7315",
        "AGE": "",
        "SECONDARY": "Downloading",
        "JOB-NAME": TRAINING_STATUS["jobName"],
        "ARTIFACT": TRAINING_STATUS["modelArtifacts"]["s3Uri"],
        "FAILURE": "AlgorithmError",
    }


def test_kubectl_shows_an_endpoint(api: ApiServer, installed: ControlPlane) -> None:
    api.create(patched(ENDPOINT, {"metadata.name": "shown"}))
    variant = {"name": "AllTraffic", "instanceType": "ml.m5.large", "accelerator": {"effective": "ml.eia1.large"}}
    status = {**ENDPOINT_STATUS, "variants": [variant], "failureReason": "CapacityError"}
    api.write_status("ClassifierEndpoint", "shown", status)

    shown = _columns(installed, "cep", "shown")

    assert shown | {"AGE": ""} == {
        "NAME": "shown",
        "READY": "True",
        "STATUS": "ServingPrevious",
        "ENDPOINT": "InService",
        "INSTANCES": "1",
        "TRAINING": "birds",
        "AGE": "",
        "INSTANCE-TYPE": "ml.m5.large",
        "ACCELERATOR": "ml.eia1.large",
        "ENDPOINT-NAME": ENDPOINT_STATUS["endpointName"],
        "FAILURE": "CapacityError",
    }


def test_objects_can_be_selected_by_their_status(api: ApiServer, installed: ControlPlane) -> None:
    for name, state in (("one", "Failed"), ("two", "Stopped")):
        api.create(patched(TRAINING, {"metadata.name": name}))
        api.write_status("ClassifierTraining", name, {"jobStatus": state, "startTime": TIME})

    done = installed.kubectl("get", "ctrain", "-n", NAMESPACE, "--field-selector=status.jobStatus=Failed", "-o", "name")

    assert done.stdout.split() == ["classifiertraining.classifiers.sagemaker.dev/one"]


def _columns(cluster: ControlPlane, kind: str, name: str) -> dict[str, str]:
    """Return the one line of `kubectl get -o wide` by its headings; no value of these tests has a space."""
    done = cluster.kubectl("get", kind, name, "-n", NAMESPACE, "-o", "wide")
    headings, values = done.stdout.splitlines()
    return dict(zip(headings.split(), values.split(), strict=True))


def _paths(value: Any, path: str) -> Iterator[str]:
    """Yield the schema path of each part of a value; a map of free names is taken for one with `{}` as well."""
    yield path
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _paths(child, f"{path}.{name}")
            yield f"{path}{{}}"
    if isinstance(value, list):
        for child in value:
            yield from _paths(child, f"{path}[]")
