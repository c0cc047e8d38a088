"""The same on a real API server, with kubectl, and the emulated AWS: an operator that runs, is down, or comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.apiserver.identity import ROLE, give
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import NAME, made, of_model, serve, settled
from tests.apiserver.world import Json, World, reason_of, training, until
from tests.policies import document

Start = Callable[..., OperatorProcess]
MAKES = ("CreateTrainingJob", "CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint")


def wipe(world: World, kind: str, name: str = NAME) -> None:
    world.kubectl("patch", kind, name, "--subresource=status", "--type=merge", "-p", '{"status": null}')


def replace_status(world: World, kind: str, name: str, status: Json) -> None:
    """Put an old copy back, as a restore of one object does."""
    body = world.get(kind, name)
    body["status"] = status
    body["metadata"].pop("resourceVersion")
    _replaced(world, body, "--subresource=status")


def replace(world: World, manifest: Json) -> None:
    """`kubectl replace` with a manifest: what is not in it goes, the finalizer too."""
    _replaced(world, manifest)


def _replaced(world: World, body: Json, *options: str) -> None:
    """Replace it with kubectl, which reads and then writes: what the operator writes in between is a conflict."""

    def is_taken() -> bool:
        arguments = ("--namespace", world.namespace, "replace", *options, "-f", "-")
        done = world.cluster.kubectl(*arguments, input=json.dumps(body), check=False)
        assert not done.returncode or "Conflict" in done.stderr, done.stderr
        return not done.returncode

    until(is_taken, "the replacement to be taken")


def changes(world: World) -> dict[str, int]:
    """How often each of these has taken effect."""
    return {name: len([call for call in world.aws.calls(name) if call["effect"]]) for name in MAKES}


def ledger(status: Json) -> set[str]:
    return {entry["name"] for entry in status.get("resources", ())}


def is_whole(world: World, kind: str, before: Json, name: str = NAME) -> bool:
    """Whether the status has its ledger again."""
    return ledger(world.status(kind, name)) == ledger(before)


def left(world: World) -> list[tuple[str, str]]:
    """What is left at AWS, but for jobs that have ended."""
    over = ("Completed", "Failed", "Stopped")
    return [(kind, name) for kind, name, status in world.remaining() if status not in over]


@pytest.mark.parametrize("is_down", [False, True], ids=["operator running", "operator down"])
def test_a_wiped_status_is_whole_again_and_deletion_leaves_nothing(world: World, start: Start, is_down: bool) -> None:
    operator = start()
    endpoint = serve(world)
    world.apply(training())
    run = world.wait_for("ctrain", NAME, "Completed")
    before = changes(world)
    if is_down:
        operator.kill()
    wipe(world, "cep")
    wipe(world, "ctrain")
    if is_down:
        operator.start()
    until(lambda: is_whole(world, "cep", endpoint), "the endpoint's ledger", state=lambda: world.status("cep", NAME))
    until(lambda: is_whole(world, "ctrain", run), "the training's ledger", state=lambda: world.status("ctrain", NAME))
    assert settled(world)["endpointName"] == endpoint["endpointName"]
    again = world.wait_for("ctrain", NAME, "Completed")
    assert (again["modelArtifacts"], again["history"]) == (run["modelArtifacts"], run["history"])
    assert changes(world) == before
    world.delete("cep", NAME)
    world.delete("ctrain", NAME)
    assert left(world) == []


def test_a_status_that_is_wiped_while_it_is_deleted_hides_nothing(world: World, start: Start) -> None:
    operator = start()
    serve(world)
    world.aws.change_settings(training={"training_seconds": 1_000_000})
    world.apply(training())
    world.wait_for("ctrain", NAME, "Training")
    operator.kill()
    world.kubectl("delete", "cep,ctrain", NAME, "--wait=false")
    wipe(world, "cep")
    wipe(world, "ctrain")
    operator.start()
    until(lambda: not world.exists("cep", NAME) and not world.exists("ctrain", NAME), "both to be gone")
    assert left(world) == []


def test_a_replaced_manifest_and_a_wiped_status_make_nothing_twice(world: World, start: Start) -> None:
    """Nothing of the object tells that it is not new."""
    operator = start()
    manifest = {**of_model(world), "metadata": {"name": NAME, "namespace": world.namespace}}
    world.apply(manifest)
    endpoint = settled(world)
    before = made(world, "endpoints")
    operator.kill()
    replace(world, manifest)
    wipe(world, "cep")
    assert "finalizers" not in world.get("cep", NAME)["metadata"]
    operator.start()
    until(lambda: is_whole(world, "cep", endpoint), "the ledger to be whole", state=lambda: world.status("cep", NAME))
    settled(world)
    assert made(world, "endpoints").keys() == before.keys()
    world.delete("cep", NAME)
    assert left(world) == []


@pytest.mark.parametrize("is_down", [False, True], ids=["operator running", "operator down"])
def test_an_older_status_hides_neither_what_serves_nor_what_runs(world: World, start: Start, is_down: bool) -> None:
    operator = start()
    older = serve(world), training_done(world)
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    newer = settled(world)
    assert ledger(newer) != ledger(older[0])
    world.aws.change_settings(training={"training_seconds": 1_000_000})
    world.patch_spec("ctrain", NAME, {"hyperparameters": {"epochs": 7}})
    world.wait_for("ctrain", NAME, "Training")
    before = changes(world)
    if is_down:
        operator.kill()
    for kind, status in (("cep", older[0]), ("ctrain", older[1])):
        replace_status(world, kind, NAME, status)
    if is_down:
        operator.start()
    until(lambda: is_whole(world, "cep", newer), "the ledger to be whole", state=lambda: world.status("cep", NAME))
    world.wait_for("ctrain", NAME, "Training")
    settled(world)
    assert changes(world) == before
    world.delete("cep", NAME)
    world.delete("ctrain", NAME)
    assert left(world) == []


def training_done(world: World) -> Json:
    world.apply(training())
    return world.wait_for("ctrain", NAME, "Completed")


def test_without_the_permission_to_look_it_says_so_and_waits(world: World, start: Start) -> None:
    operator = start("--wait-interval", "0.5")
    serve(world)
    operator.kill()
    wipe(world, "cep")
    world.kubectl("delete", "cep", NAME, "--wait=false")
    world.may_lack = {"sagemaker:ListModels"}
    policy = document("operator-policy")
    _statement(policy, "LookAtMany")["Action"].remove("sagemaker:ListModels")
    give(world.aws.url, ROLE, {"operator": policy})
    try:
        operator.start()

        def says() -> bool:
            return "sagemaker:ListModels" in json.dumps(world.status("cep", NAME))

        until(says, "what is lacked to be said", state=lambda: world.status("cep", NAME))
        assert reason_of(world.status("cep", NAME), "Reconciling") == "Deleting"
        assert made(world, "endpoints") != {}
    finally:
        give(world.aws.url, ROLE, {"operator": document("operator-policy")})
    until(lambda: not world.exists("cep", NAME), "it to be gone")
    assert left(world) == []


def _statement(policy: dict[str, Any], sid: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in policy["Statement"] if one["Sid"] == sid)
    return found
