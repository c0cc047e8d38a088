"""A team's classifiers by Argo CD: the real application controller on a real Git repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import Json, World, endpoint, training, until
from tests.argocd.applications import Applications, health_of, is_settled, message_of, phase_of, resources_of, sync_of
from tests.argocd.repository import Repository, give
from tests.argocd.states import CLIENT_ERROR, LONG
from tests.contract.manifests import EXAMPLES
from tests.contract.paths import patched

TRAINING = "ClassifierTraining/digits"
ENDPOINT = "ClassifierEndpoint/digits"
WAVE = "metadata.annotations"
# The others lack what they name: a training, an image, a host.
READY_EXAMPLES = ("cep/caltech256", "cep/scaled", "cep/on-demand")
SERVER_SIDE = {"client-side": [], "server-side": ["ServerSideApply=true"]}


def in_wave(manifest: Json, wave: int, **annotations: str) -> Json:
    return patched(manifest, {WAVE: {"argocd.argoproj.io/sync-wave": str(wave), **annotations}})


TRAIN = in_wave(training(stopping={"maxRuntimeSeconds": 432_000}), 0)
SERVE = in_wave(endpoint(), 1)
BOTH: Mapping[str, Any] = {"training.yaml": TRAIN, "endpoint.yaml": SERVE}


@pytest.fixture
def name(world: World, argocd: Applications, operator: OperatorProcess) -> Iterator[str]:
    """The name of the test's Application, which is that of its namespace."""
    yield world.namespace
    # First, for it would make again what is deleted.
    argocd.delete(world.namespace)


def follow(
    world: World, repository: Repository, argocd: Applications, *, options: list[str] | None = None, **spec: Any
) -> None:
    """Let Argo CD keep the namespace as the repository says."""
    policy = {"automated": {"prune": True, "selfHeal": True}, "retry": {"limit": 5, "refresh": True}}
    argocd.apply(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": world.namespace, "namespace": "argocd"},
            "spec": {
                "project": "default",
                "source": {"repoURL": repository.url, "targetRevision": "main", "path": "."},
                "destination": {"server": world.cluster.url, "namespace": world.namespace},
                "syncPolicy": {**policy, "syncOptions": options or []},
                **spec,
            },
        }
    )


def serve(world: World, repository: Repository, argocd: Applications, **spec: Any) -> str:
    """Bring both objects up; the commit."""
    commit = repository.commit(BOTH)
    follow(world, repository, argocd, **spec)
    argocd.settled(world.namespace, commit)
    return commit


def change(repository: Repository, argocd: Applications, name: str, files: Mapping[str, Any]) -> str:
    """Commit and have it seen at once; the commit."""
    commit = repository.commit(files)
    argocd.refresh(name)
    return commit


def appears(world: World, kind: str, reason: str) -> None:
    """Wait until Argo CD has made it and the operator says that of it."""
    until(lambda: world.exists(kind, "digits"), f"{kind}/digits to be made")
    world.wait_for(kind, "digits", reason)


def test_a_training_comes_before_its_endpoint(
    world: World, repository: Repository, argocd: Applications, name: str
) -> None:
    world.aws.change_settings(training={"training_seconds": LONG})
    commit = repository.commit(BOTH)
    follow(world, repository, argocd)
    appears(world, "ctrain", "Training")
    waiting = "waiting for healthy state of classifiers.sagemaker.dev/ClassifierTraining/digits"
    argocd.wait_for(name, "waiting for the training", lambda status: waiting in message_of(status))
    status = argocd.refresh(name)["status"]
    assert phase_of(status) == "Running"
    assert resources_of(status)[TRAINING]["health"]["status"] == "Progressing"
    assert "is InProgress, Training" in resources_of(status)[TRAINING]["health"]["message"]
    assert not world.exists("cep", "digits")
    world.aws.advance(LONG)
    argocd.settled(name, commit)
    # The endpoint never had to wait for it.
    assert "WaitingForTraining" not in world.events("digits")
    assert world.jobs() == ["Completed"]


@pytest.mark.parametrize("options", SERVER_SIDE.values(), ids=SERVER_SIDE)
def test_nothing_that_the_operator_writes_is_a_difference(
    world: World, repository: Repository, argocd: Applications, name: str, options: list[str]
) -> None:
    files = {path.name: path.read_text() for path in EXAMPLES.glob("*.yaml")}
    manifests = [one for text in files.values() for one in yaml.safe_load_all(text)]
    expected = {f"{one['kind']}/{one['metadata']['name']}" for one in manifests}
    give(world.s3, "".join(files.values()))
    # Without waves, or it would wait for those that lack what they name.
    commit = repository.commit(files)
    follow(world, repository, argocd, options=options)
    argocd.wait_for(name, "synced", lambda status: phase_of(status) == "Succeeded", revision=commit)
    world.kubectl("wait", "--for=condition=Ready", "--timeout=50s", "ctrain/caltech256", *READY_EXAMPLES)
    status = argocd.refresh(name)["status"]
    differing = {one for one, state in resources_of(status).items() if state["status"] != "Synced"}
    assert (sync_of(status), differing) == ("Synced", set())
    assert expected <= set(resources_of(status))
    # Those that have a namespace of their own are in nobody else's way.
    argocd.delete(name)
    for namespace in {one["metadata"]["namespace"] for one in manifests if "namespace" in one["metadata"]}:
        world.cluster.kubectl("delete", "namespace", namespace, "--timeout=60s")


def test_what_somebody_changes_is_put_back(
    world: World, repository: Repository, argocd: Applications, name: str
) -> None:
    commit = serve(world, repository, argocd)
    before = world.get("cep", "digits")["spec"]
    world.patch_spec("cep", "digits", {"instanceType": "ml.m5.xlarge"})
    until(lambda: world.get("cep", "digits")["spec"] == before, "the spec to be put back")
    argocd.settled(name, commit)
    # How Argo CD marks what is its own goes no further.
    tags = {key for one in world.aws.resources() for key in one["tags"]}
    assert not [key for key in tags if "argo" in key]


def test_an_edit_trains_again_and_the_endpoint_follows(
    world: World, repository: Repository, argocd: Applications, name: str
) -> None:
    serve(world, repository, argocd)
    served = [model_served(world)]
    edited = patched(TRAIN, {"spec.hyperparameters.epochs": 3})
    for manifest in (edited, in_wave(edited, 0, **{"classifiers.sagemaker.dev/retrain": "2"})):
        commit = change(repository, argocd, name, {"training.yaml": manifest})
        until(lambda: model_served(world) not in served, "the next model to be served")
        served.append(model_served(world))
        argocd.settled(name, commit)
    assert world.jobs() == ["Completed"] * 3


def model_served(world: World) -> str:
    status = world.status("cep", "digits")
    return str(status["variants"][0]["trainingJobName"]) if status.get("endpointStatus") == "InService" else ""


def test_a_pruned_endpoint_is_there_until_aws_has_deleted_it(
    world: World, repository: Repository, argocd: Applications, name: str
) -> None:
    serve(world, repository, argocd)
    world.aws.change_settings(endpoint={"deleting_seconds": LONG})
    commit = change(repository, argocd, name, {"endpoint.yaml": None})
    world.wait_for("cep", "digits", "Deleting")
    status = argocd.refresh(name)["status"]
    assert health_of(status) == "Progressing"
    assert resources_of(status)[ENDPOINT]["health"] == {"status": "Progressing", "message": "Pending deletion"}
    assert [state for kind, _, state in world.remaining() if kind == "endpoints"] == ["Deleting"]
    world.aws.advance(LONG)
    argocd.settled(name, commit)
    assert not world.exists("cep", "digits")
    assert {kind for kind, _, _ in world.remaining()} == {"training-jobs"}


def test_only_what_needs_somebody_is_degraded(
    world: World, repository: Repository, argocd: Applications, name: str
) -> None:
    world.aws.set_quota("ml.p3.2xlarge", "training job", 0)
    repository.commit(BOTH)
    follow(world, repository, argocd)
    appears(world, "ctrain", "WaitingForQuota")
    status = argocd.refresh(name)["status"]
    health = resources_of(status)[TRAINING]["health"]
    assert (phase_of(status), health["status"]) == ("Running", "Progressing")
    assert "ResourceLimitExceeded" in health["message"]

    world.aws.order("training", "fail", CLIENT_ERROR)
    world.aws.set_quota("ml.p3.2xlarge", "training job", None)
    world.wait_for("ctrain", "digits", "JobFailed")
    status = argocd.wait_for(name, "Degraded", lambda status: training_health(status) == "Degraded")["status"]
    assert CLIENT_ERROR in resources_of(status)[TRAINING]["health"]["message"]
    # The wave ends here, and what is in the next is not made.
    argocd.wait_for(name, "failed", lambda status: "completed unsuccessfully" in message_of(status))
    assert not world.exists("cep", "digits")

    commit = change(repository, argocd, name, {"training.yaml": patched(TRAIN, {"spec.hyperparameters.epochs": 3})})
    argocd.settled(name, commit)


def training_health(status: Mapping[str, Any]) -> str:
    health: str = resources_of(status).get(TRAINING, {}).get("health", {}).get("status", "")
    return health


@pytest.mark.parametrize("options", SERVER_SIDE.values(), ids=SERVER_SIDE)
def test_a_count_that_is_ignored_is_left_to_who_scales(
    world: World, repository: Repository, argocd: Applications, name: str, options: list[str]
) -> None:
    ignored = {
        "group": "classifiers.sagemaker.dev",
        "kind": "ClassifierEndpoint",
        "jsonPointers": ["/spec/instanceCount"],
    }
    serve(
        world,
        repository,
        argocd,
        options=["RespectIgnoreDifferences=true", *options],
        ignoreDifferences=[ignored],
    )
    world.kubectl("scale", "cep", "digits", "--replicas=2")
    until(lambda: world.status("cep", "digits").get("instanceCount") == 2, "two instances")
    assert is_settled(argocd.refresh(name)["status"])
    # A sync for another reason does not write it either.
    commit = change(repository, argocd, name, {"endpoint.yaml": patched(SERVE, {"spec.tags": {"team": "vision"}})})
    argocd.settled(name, commit)
    assert world.get("cep", "digits")["spec"]["tags"] == {"team": "vision"}
    assert world.get("cep", "digits")["spec"]["instanceCount"] == 2
