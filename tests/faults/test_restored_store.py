"""etcd is restored from a snapshot while objects are worked on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlane
from tests.apiserver.world import until
from tests.contract.manifests import CRDS
from tests.faults.ends import COMPLETED, GONE, IN_SERVICE, End
from tests.faults.groups import GROUPS
from tests.faults.objects import Name
from tests.faults.sizes import SIZE, TIMEOUT
from tests.faults.stage import Stage

pytestmark = [
    pytest.mark.timeout(TIMEOUT),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[ControlPlane]:
    """A real API server whose store nobody else needs."""
    with ControlPlane.start() as plane:
        plane.install(CRDS)
        yield plane


@pytest.fixture(scope="module")
def installed(cluster: ControlPlane) -> ControlPlane:
    """The same: it serves both kinds."""
    return cluster


def test_restored_under_load(stage: Stage, tmp_path: Path) -> None:
    """What is there is as its spec says again; what is younger than the snapshot is named in the log."""
    cluster, population = stage.world.cluster, stage.population
    with stage.stirred() as stir:
        stir.go_on()
        cluster.snapshot(tmp_path / "snapshot")
        stir.go_on(SIZE.changes_after_snapshot)
    cluster.restore(tmp_path / "snapshot")
    bodies = population.objects.all()
    younger = [name for name, end in population.ends.items() if end is not GONE and name not in bodies]
    assert younger
    ends = {name: _end(name) for name in bodies}
    gone = {name for name, body in bodies.items() if "deletionTimestamp" in body["metadata"]}
    population.ends = {name: GONE if name in gone else end for name, end in ends.items()}
    log = stage.operator.log
    for name in younger:
        words = f"/{stage.world.namespace}/{name.name} is gone and was not let go"
        until(lambda words=words: words in log.read_text(), f"{name} to be named")  # type: ignore[misc]
    _tidy_up(stage, younger)
    # Their jobs were stopped, and these deleted, after the snapshot: their users want them so again.
    for number, name in enumerate(population.of("busy", "ctrain")):
        population.objects.edit(name, {"hyperparameters": {"epochs": 1000 + number}})
    for name in population.of("disposable"):
        population.delete(name)
    with stir:
        stir.go_on()
    stage.audit(lost_events=None)


def _end(name: Name) -> End:
    """How it has to end now that whoever has deleted it has not."""
    if name.name.startswith("new-"):
        return COMPLETED if name.kind == "ctrain" else IN_SERVICE
    return next(group.end for group in GROUPS if name in group.names)


def _tidy_up(stage: Stage, younger: list[Name]) -> None:
    """Take down what belongs to nobody any more, as the page on moving says."""
    starts = tuple(f"{stage.world.namespace}-{name.name}-" for name in younger)
    sagemaker = stage.world.client("sagemaker")

    def mine(kind: str) -> list[str]:
        found = stage.world.aws.resources()
        return [one["name"] for one in found if one["kind"] == kind and one["name"].startswith(starts)]

    for name in mine("endpoints"):
        sagemaker.delete_endpoint(EndpointName=name)
    for name in mine("endpoint-configs"):
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    for name in mine("models"):
        sagemaker.delete_model(ModelName=name)
    stage.world.aws.advance(60.0)
