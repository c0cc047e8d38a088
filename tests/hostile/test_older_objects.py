"""Objects that an older CRD let in: their status is written, and they can be mended and deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane, KubectlError
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import of_model, serve
from tests.apiserver.world import Json, World, condition, training, until
from tests.contract.manifests import CRDS
from tests.hostile.loose import write_loose_definitions

BAD = "../../victim/configmaps/db"
# What a CRD without these rules took, and what the operator says of it.
ENDPOINTS: dict[str, tuple[Json, str]] = {
    "config-map": (
        {"classLabels": {"configMapKeyRef": {"name": BAD, "key": "key"}}},
        f"spec.classLabels.configMapKeyRef.name: {BAD!r} is no name of a ConfigMap",
    ),
    "key": (
        {"classLabels": {"configMapKeyRef": {"name": "labels", "key": ".."}}},
        "spec.classLabels.configMapKeyRef.key: '..' is no key of a ConfigMap's data",
    ),
    "image": (
        {"smokeTest": {"image": {"s3Uri": "s3://bucket/a/../b.png"}}},
        "spec.smokeTest.image.s3Uri: must have no . or .. between slashes",
    ),
    "content-type": (
        {"smokeTest": {"image": {"s3Uri": "s3://bucket/b.png"}, "contentType": "image/png\n x"}},
        "spec.smokeTest.contentType: must be printable ASCII, without spaces around it",
    ),
    "region": ({"region": "us-east-1\n"}, r"spec.region: 'us-east-1\n' is no name of a region, such as us-east-1"),
}
TRAININGS: dict[str, tuple[Json, str]] = {
    "input": (
        {"inputs": [{"name": "train", "s3Uri": "s3://bucket/a/../b", "source": {"url": "http://127.0.0.1:9/x"}}]},
        "spec.inputs[train].s3Uri: must have no . or .. between slashes",
    ),
    "place": ({"region": "us-east-1/.."}, "spec.region: 'us-east-1/..' is no name of a region, such as us-east-1"),
}


@pytest.fixture
def tighten(loose: ControlPlane, loose_world: World, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Install the CRDs as they are, over those that take any text; these are back afterwards."""

    def strict() -> None:
        loose.install(CRDS)
        bad = of_model(loose_world, "not-taken", **ENDPOINTS["key"][0])

        def is_refused() -> bool:
            arguments = ("create", "--dry-run=server", "--namespace", loose_world.namespace, "-f", "-")
            return loose.kubectl(*arguments, input=json.dumps(bad), check=False).returncode != 0

        until(is_refused, "the API server to follow the new CRDs")

    yield strict
    loose.install(write_loose_definitions(tmp_path))


def test_what_an_older_crd_took_is_said_and_can_be_deleted(
    loose_world: World, start_listened_to: Callable[..., OperatorProcess], tighten: Callable[[], None]
) -> None:
    world = loose_world
    first = start_listened_to()
    before = {name: serve(world, name)["endpointName"] for name in ENDPOINTS}
    first.stop()
    for name, (fields, _) in ENDPOINTS.items():
        world.patch_spec("cep", name, fields)
    for name, (fields, _) in TRAININGS.items():
        world.apply(training(name, **fields))
    tighten()
    start_listened_to()

    for name, (_, words) in ENDPOINTS.items():
        status = world.wait_for("cep", name, "InvalidSpec", of="Stalled")
        assert condition(status, "Stalled")["message"].startswith(words)
        # What serves goes on serving.
        assert (condition(status, "Ready")["status"], status["endpointName"]) == ("True", before[name])
    for name, (_, words) in TRAININGS.items():
        status = world.wait_for("ctrain", name, "InvalidSpec", of="Stalled")
        assert condition(status, "Stalled")["message"].startswith(words)

    # What has nothing to do with it is taken, another value like that is not, and a good one mends it.
    world.kubectl("label", "cep", "config-map", "team=vision")
    world.patch_spec("cep", "config-map", {"tags": {"team": "vision"}})
    with pytest.raises(KubectlError, match=r"classLabels\.configMapKeyRef\.name"):
        world.patch_spec("cep", "config-map", {"classLabels": {"configMapKeyRef": {"name": f"{BAD}2"}}})
    world.patch_spec("cep", "config-map", {"classLabels": {"configMapKeyRef": {"name": "labels"}}})
    world.wait_for("cep", "config-map", "InService")

    for name in ENDPOINTS:
        world.delete("cep", name)
    for name in TRAININGS:
        world.delete("ctrain", name)
    assert world.remaining() == []
