"""Which namespaces an operator serves, and what happens when one is deleted: acceptance scenarios O7 and N18."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.servers import SETTINGS, make_operator
from tests.apiserver.world import BUCKET, World, endpoint, training, until
from tests.contract.manifests import CRDS


def test_o7_another_namespace_is_left_alone(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    other = f"{world.namespace}-other"
    world.cluster.kubectl("create", "namespace", other)
    manifests = json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [training("elsewhere"), endpoint("elsewhere")]}
    )
    world.cluster.kubectl("--namespace", other, "apply", "-f", "-", input=manifests)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    operator.wait_for_more("sweep_seconds_count", 3)
    for kind in ("ctrain", "cep"):
        found = world.cluster.kubectl("--namespace", other, "get", kind, "elsewhere", "-o", "json").stdout
        elsewhere = json.loads(found)
        # What the API server itself puts there.
        assert elsewhere["status"] == {"observedGeneration": 0}
        assert "finalizers" not in elsewhere["metadata"]
    assert not [one["name"] for one in world.aws.resources() if "elsewhere" in one["name"]]
    gone = world.cluster.kubectl("--namespace", other, "delete", "ctrain,cep", "elsewhere", "--timeout=30s")
    assert gone.returncode == 0


@pytest.fixture(scope="module")
def controlled() -> Iterator[ControlPlane]:
    """A control plane whose namespaces end, with both kinds."""
    with ControlPlane.start(controllers=True) as plane:
        plane.install(CRDS)
        yield plane


@pytest.fixture
def doomed(controlled: ControlPlane, emulator: EmulatorProcess) -> Iterator[World]:
    """A namespace that is going to be deleted, and one that is not."""
    emulator.control.reset()
    emulator.control.change_settings(**SETTINGS)
    for name in ("doomed", "spared"):
        controlled.kubectl("create", "namespace", name)
    world = World(controlled, "doomed", emulator.control)
    world.s3.create_bucket(Bucket=BUCKET)
    yield world
    emulator.control.clear_faults()
    world.close()


def test_n18_a_namespace_is_deleted_with_everything_in_it(doomed: World, tmp_path: Path) -> None:
    """One operator for all namespaces, as it is installed by default."""
    spared = World(doomed.cluster, "spared", doomed.aws)
    with make_operator(doomed.cluster, doomed.aws.url, "", tmp_path / "operator.log"):
        _fill(doomed)
        spared.apply(training("kept", deletionPolicy="Delete"))
        spared.wait_for("ctrain", "kept", "Completed")
        doomed.cluster.kubectl("delete", "namespace", "doomed", "--timeout=120s", timeout=150)
        assert "doomed" not in doomed.cluster.kubectl("get", "namespaces", "-o", "name").stdout
        left = doomed.remaining()
        assert [(kind, status) for kind, _, status in left] == [("training-jobs", "Completed")]
        assert left[0][1].startswith("spared-kept-")
    spared.close()


def _fill(world: World) -> None:
    """Both kinds in several states: served, followed, waiting, starting, training, refused, failed, suspended."""
    delete = {"deletionPolicy": "Delete"}
    world.apply(training("digits", **delete), endpoint("digits"), training("failed", **delete))
    world.wait_for("cep", "digits", "InService")
    world.aws.change_settings(
        training={"training_seconds": 3000}, endpoint={"creating_seconds": 300, "updating_seconds": 300}
    )
    world.aws.set_quota("ml.p3.8xlarge", "training job", 0)
    refused = {"resources": {"instanceType": "ml.p3.8xlarge"}}
    world.apply(
        training("running", **delete),
        training("refused", **refused, **delete),
        training("suspended", suspend=True, **delete),
        endpoint("waiting", trainingRef={"name": "running"}),
        endpoint("creating", trainingRef={"name": "digits"}),
        endpoint("orphaned", trainingRef={"name": "none"}),
    )
    world.patch_spec("cep", "digits", {"instanceType": "ml.m5.xlarge"})
    world.wait_for("ctrain", "running", "Training")
    world.wait_for("ctrain", "refused", "WaitingForQuota")
    world.wait_for("ctrain", "suspended", "Suspended")
    world.wait_for("cep", "waiting", "WaitingForTraining")
    world.wait_for("cep", "digits", "Updating", of="Reconciling")
    until(lambda: any("creating" in name for _, name, _ in world.remaining()), "the endpoint to be created")
