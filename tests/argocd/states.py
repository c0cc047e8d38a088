"""The states of both kinds that Argo CD and Flux have to tell apart, and how the real operator gets into each.

Each is an object of its own, named like its file in testdata/, so that all of them are reached side by side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import artifact, of_model, settled
from tests.apiserver.world import KINDS, Json, World, condition, endpoint, training, until
from tests.argocd.customizations import CUSTOMIZATIONS

LONG = 400_000
# AWS in a hurry; a state that is to last is entered with one of these made long.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "training": {
        "work": "none",
        "starting_seconds": 5,
        "downloading_seconds": 5,
        "training_seconds": 5,
        "uploading_seconds": 5,
        "stopping_seconds": 5,
    },
    "endpoint": {
        "creating_seconds": 20,
        "failing_seconds": 20,
        "updating_seconds": 20,
        "rolling_back_seconds": 10,
        "deleting_seconds": 10,
        "load_model": False,
    },
    "elastic_inference": {"available": True},
}
CLIENT_ERROR = "ClientError: Invalid hyperparameter: num_classes is 257, and the images have labels up to 999."
UNHEALTHY = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


@dataclass(frozen=True)
class State:
    """One state: which kind, the name of its file, and how to get into it."""

    kind: str
    file: str
    reach: Callable[[World, str], None]

    @property
    def name(self) -> str:
        """The object's name."""
        return re.sub("(?=[A-Z])|_", "-", self.file).lower()

    @property
    def path(self) -> Path:
        """Its test data."""
        return CUSTOMIZATIONS / KINDS[self.kind] / "testdata" / f"{self.file}.yaml"


def _lasting(world: World, section: str, **seconds: int) -> None:
    """Make what begins now last; what is under way keeps the times that it began with."""
    world.aws.change_settings(**{section: seconds})


def _in_a_hurry(world: World) -> None:
    world.aws.change_settings(**SETTINGS)


def _train(world: World, name: str, **changes: Any) -> None:
    world.apply(training(name, stopping={"maxRuntimeSeconds": 432_000}, **changes))


def _untouched_training(world: World, name: str) -> None:
    """The operator does not run."""
    _train(world, name)


def _training_under_way(world: World, name: str) -> None:
    _lasting(world, "training", training_seconds=LONG)
    _train(world, name)
    _says(world, "ctrain", name, "is InProgress, Training")


def _training_without_quota(world: World, name: str) -> None:
    world.aws.set_quota("ml.p3.16xlarge", "training job", 0)
    _train(world, name, resources={"instanceType": "ml.p3.16xlarge"})
    world.wait_for("ctrain", name, "WaitingForQuota")


def _trained(world: World, name: str) -> None:
    _train(world, name)
    world.wait_for("ctrain", name, "Completed")


def _training_failed(world: World, name: str) -> None:
    world.aws.order("training", "fail", CLIENT_ERROR, name=f"*{name}*")
    _train(world, name)
    world.wait_for("ctrain", name, "JobFailed")


def _training_suspended(world: World, name: str) -> None:
    _train(world, name, suspend=True)
    world.wait_for("ctrain", name, "Suspended")


def _training_being_deleted(world: World, name: str) -> None:
    _lasting(world, "training", training_seconds=LONG, stopping_seconds=LONG)
    _train(world, name)
    # A look at it has said so: that it was created is the reason Training, too.
    until(lambda: world.status("ctrain", name).get("secondaryStatus") == "Training", "a look at it")
    world.kubectl("delete", "ctrain", name, "--wait=false")
    _says(world, "ctrain", name, "waiting for AWS to be done")


def _training_changed(world: World, name: str) -> None:
    """The operator does not run any more."""
    world.patch_spec("ctrain", name, {"hyperparameters": {"epochs": 3}})


def _untouched_endpoint(world: World, name: str) -> None:
    world.apply(of_model(world, name))


def _endpoint_being_created(world: World, name: str) -> None:
    _lasting(world, "endpoint", creating_seconds=LONG)
    world.apply(of_model(world, name))
    _says(world, "cep", name, "is Creating")
    # A sweep has seen it, which says a little more than the answer to its creation.
    until(lambda: "lastModifiedTime" in world.status("cep", name), "a sweep")


def _endpoint_without_training(world: World, name: str) -> None:
    world.apply(endpoint(name))
    world.wait_for("cep", name, "WaitingForTraining")


def _endpoint_without_quota(world: World, name: str) -> None:
    world.aws.set_quota("ml.m5.24xlarge", "endpoint", 0)
    world.apply(of_model(world, name, instanceType="ml.m5.24xlarge"))
    world.wait_for("cep", name, "WaitingForQuota")


def _serving(world: World, name: str) -> None:
    world.apply(of_model(world, name))
    settled(world, name)


def _endpoint_being_updated(world: World, name: str) -> None:
    _serving(world, name)
    _lasting(world, "endpoint", updating_seconds=LONG)
    world.patch_spec("cep", name, {"instanceType": "ml.m5.xlarge"})
    _says(world, "cep", name, "is Updating")


def _endpoint_failed(world: World, name: str) -> None:
    world.aws.order("creation", "fail", UNHEALTHY, name=f"*{name}*")
    world.apply(of_model(world, name))
    world.wait_for("cep", name, "EndpointFailed")


def _serving_the_previous(world: World, name: str) -> None:
    _serving(world, name)
    world.aws.order("update", "roll_back", UNHEALTHY, name=f"*{name}*")
    world.patch_spec("cep", name, {"model": {"artifactS3Uri": artifact(world, "next")}})
    world.wait_for("cep", name, "RolledBack", of="Stalled")


def _endpoint_suspended(world: World, name: str) -> None:
    world.apply(of_model(world, name, suspend=True))
    world.wait_for("cep", name, "Suspended")


def _endpoint_being_deleted(world: World, name: str) -> None:
    _serving(world, name)
    _lasting(world, "endpoint", deleting_seconds=LONG)
    world.kubectl("delete", "cep", name, "--wait=false")
    _says(world, "cep", name, "AWS is deleting endpoint")


def _endpoint_changed(world: World, name: str) -> None:
    world.patch_spec("cep", name, {"instanceCount": 2})


def _says(world: World, kind: str, name: str, words: str) -> None:
    """Wait until the condition's message has these words, and let what comes be quick again."""

    def message() -> str:
        said: str = condition(world.status(kind, name), "Ready").get("message", "")
        return said

    until(lambda: words in message(), f"{kind}/{name} to say {words!r}", state=message)
    _in_a_hurry(world)


# Before the operator is started, while it runs, and after it has been stopped.
BEFORE: Final = (
    State("ctrain", "progressing_noStatus", _untouched_training),
    State("cep", "progressing_noStatus", _untouched_endpoint),
)
DURING: Final = (
    State("ctrain", "progressing", _training_under_way),
    State("ctrain", "progressing_waitingForQuota", _training_without_quota),
    State("ctrain", "progressing_specChanged", _trained),
    State("ctrain", "healthy", _trained),
    State("ctrain", "degraded", _training_failed),
    State("ctrain", "suspended", _training_suspended),
    State("ctrain", "deleting", _training_being_deleted),
    State("cep", "progressing", _endpoint_being_created),
    State("cep", "progressing_waitingForTraining", _endpoint_without_training),
    State("cep", "progressing_waitingForQuota", _endpoint_without_quota),
    State("cep", "progressing_updating", _endpoint_being_updated),
    State("cep", "progressing_specChanged", _serving),
    State("cep", "healthy", _serving),
    State("cep", "degraded", _endpoint_failed),
    State("cep", "degraded_servingPrevious", _serving_the_previous),
    State("cep", "suspended", _endpoint_suspended),
    State("cep", "deleting", _endpoint_being_deleted),
)
AFTER: Final = (
    State("ctrain", "progressing_specChanged", _training_changed),
    State("cep", "progressing_specChanged", _endpoint_changed),
)


def reach_all(world: World, operator: OperatorProcess) -> dict[Path, Json]:
    """Bring the operator, not yet started, into every state; the objects by the files that they belong into."""
    _in_a_hurry(world)
    found: dict[Path, Json] = {}
    for state in BEFORE:
        state.reach(world, state.name)
        found[state.path] = world.get(state.kind, state.name)
        world.kubectl("delete", state.kind, state.name)
    with operator:
        for state in DURING:
            state.reach(world, state.name)
            found[state.path] = world.get(state.kind, state.name)
    for state in AFTER:
        state.reach(world, state.name)
        found[state.path] = world.get(state.kind, state.name)
    return found
