"""The hundred objects: which states there are, how many are in each, and how each of them has to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.apiserver.world import BUCKET, Json, endpoint, training
from tests.faults.ends import COMPLETED, GONE, IN_SERVICE, SUSPENDED, End, stalled, waiting
from tests.faults.objects import Name

# Emulated seconds that no fault outlasts: what is to stay in a state is given so long there, and let go by the clock.
LONG = 200_000
ARTIFACT = f"s3://{BUCKET}/models/model/model.tar.gz"
OTHER_ARTIFACT = f"s3://{BUCKET}/models/other/model.tar.gz"
SMOKE_TEST = {"image": {"s3Uri": f"s3://{BUCKET}/train/images.rec"}, "contentType": "image/png"}
SCALING = {"minCount": 1, "maxCount": 4, "invocationsPerInstance": 70}


@dataclass(frozen=True)
class Group:
    """Some objects in one state.

    at: the condition by which one is known to be in the state before the fault, and a pattern of what it says, its
    reason and its message.
    begun: what AWS takes long for, of what begins with their creation.
    """

    state: str
    kind: str
    count: int
    end: End
    at: tuple[str, str]
    spec: Mapping[str, Any] = field(default_factory=dict)
    begun: str = ""

    @property
    def names(self) -> list[Name]:
        """Its objects."""
        return [Name(self.kind, f"{self.state}-{number}") for number in range(self.count)]

    def manifest(self, name: Name) -> Json:
        """One of them."""
        number = name.name.rpartition("-")[2]
        spec = {field: _numbered(value, number) for field, value in self.spec.items()}
        return trained(name.name, **spec) if self.kind == "ctrain" else served(name.name, **spec)


def served(name: str, **changes: Any) -> Json:
    """A ClassifierEndpoint of a model that is in S3 already."""
    return endpoint(name, **{"trainingRef": None, "model": {"artifactS3Uri": ARTIFACT}, **changes})


def trained(name: str, **changes: Any) -> Json:
    """A ClassifierTraining that AWS does not end because it takes long."""
    return training(name, **{"stopping": {"maxRuntimeSeconds": 400_000}, **changes})


def _numbered(value: Any, number: str) -> Any:
    """A value in which `#` stands for the object's number."""
    if isinstance(value, Mapping):
        return {name: _numbered(one, number) for name, one in value.items()}
    return value.replace("#", number) if isinstance(value, str) else value


def _machines(kind: str) -> Json:
    return {"resources": {"instanceType": kind}}


def _variant(name: str, artifact: str) -> Json:
    return {"name": name, "weight": 1, "instanceType": "ml.m5.large", "model": {"artifactS3Uri": artifact}}


_SHORT_FORM: Json = {"model": None, "instanceType": None, "instanceCount": None}
_VARIANTS: Json = {**_SHORT_FORM, "variants": [_variant("champion", ARTIFACT), _variant("challenger", OTHER_ARTIFACT)]}
_SERVERLESS: Json = {
    "instanceType": None,
    "instanceCount": None,
    "serverless": {"memorySizeMB": 4096, "maxConcurrency": 5},
}
_ACCELERATED: Json = {"acceleratorType": "ml.eia2.large"}
_SUSPENDED: Json = {"suspend": True}
_READY, _RECONCILING, _STALLED = "Ready", "Reconciling", "Stalled"
_DELETE: Json = {"deletionPolicy": "Delete"}
_RETAIN: Json = {"deletionPolicy": "Retain"}

TRAININGS = (
    # At rest.
    Group("completed", "ctrain", 6, COMPLETED, (_READY, "Completed")),
    Group("disposable", "ctrain", 3, COMPLETED, (_READY, "Completed"), _DELETE),
    Group("failed", "ctrain", 3, stalled("JobFailed"), (_STALLED, "JobFailed")),
    Group("stopped", "ctrain", 3, stalled("JobStopped"), (_STALLED, "JobStopped")),
    Group("outlasted", "ctrain", 2, stalled("MaxRuntimeExceeded"), (_STALLED, "MaxRuntimeExceeded")),
    Group("unheard", "ctrain", 2, stalled("InvalidSpec"), (_STALLED, "InvalidSpec"), {"algorithm": {"version": "7"}}),
    Group("refused", "ctrain", 2, stalled("InvalidSpec"), (_STALLED, "InvalidSpec")),
    Group("suspended", "ctrain", 2, SUSPENDED, (_READY, "Suspended"), _SUSPENDED),
    # Waiting for somebody or something else.
    Group("quota", "ctrain", 3, COMPLETED, (_READY, "WaitingForQuota"), _machines("ml.p2.xlarge")),
    Group("short", "ctrain", 2, COMPLETED, (_READY, "WaitingForCapacity"), _machines("ml.p3.8xlarge"), "waiting"),
    Group("throttled", "ctrain", 2, COMPLETED, (_READY, "(Starting|Throttled): .*Rate exceeded")),
    Group("unassumed", "ctrain", 2, COMPLETED, (_READY, "AccessPending")),
    Group("retried", "ctrain", 2, COMPLETED, (_READY, "Starting: .* more attempt"), begun="retrying"),
    # Under way.
    Group("starting", "ctrain", 2, COMPLETED, (_READY, "Starting"), begun="starting"),
    Group("downloading", "ctrain", 2, COMPLETED, (_READY, "Downloading"), begun="downloading"),
    Group("training", "ctrain", 3, COMPLETED, (_READY, "Training"), begun="training"),
    Group("uploading", "ctrain", 2, COMPLETED, (_READY, "Uploading"), begun="uploading"),
    Group("suspending", "ctrain", 2, SUSPENDED, (_READY, "Stopping"), begun="training"),
    Group("superseded", "ctrain", 2, COMPLETED, (_READY, "Completed"), begun="training"),
    Group("busy", "ctrain", 4, COMPLETED, (_READY, "Completed")),
    # Going.
    Group("ending", "ctrain", 3, GONE, (_READY, "Deleting"), begun="training"),
    Group("vanishing", "ctrain", 3, GONE, (_READY, "Deleting"), _DELETE, begun="training"),
    Group("retained", "ctrain", 3, GONE, (_READY, "Training"), _RETAIN, begun="training"),
)

ENDPOINTS = (
    # At rest.
    Group("served", "cep", 3, IN_SERVICE, (_READY, "InService")),
    Group("disposable", "cep", 3, IN_SERVICE, (_READY, "InService")),
    Group(
        "following",
        "cep",
        3,
        IN_SERVICE,
        (_READY, "InService"),
        {"model": None, "trainingRef": {"name": "completed-#"}, "smokeTest": SMOKE_TEST},
    ),
    Group("variants", "cep", 2, IN_SERVICE, (_READY, "InService"), _VARIANTS),
    Group("serverless", "cep", 2, IN_SERVICE, (_READY, "InService"), _SERVERLESS),
    Group("scaled", "cep", 2, IN_SERVICE, (_READY, "InService"), {"instanceCount": None, "autoscaling": SCALING}),
    Group("fallback", "cep", 2, IN_SERVICE, (_READY, "InService"), {**_ACCELERATED, "acceleratorFallback": {}}),
    Group(
        "accelerated", "cep", 1, stalled("AcceleratorUnavailable"), (_STALLED, "AcceleratorUnavailable"), _ACCELERATED
    ),
    Group("broken", "cep", 2, stalled("EndpointFailed"), (_STALLED, "EndpointFailed")),
    Group("rolled-back", "cep", 2, stalled("RolledBack", "ServingPrevious"), (_STALLED, "RolledBack")),
    Group("suspended", "cep", 1, SUSPENDED, (_READY, "Suspended"), _SUSPENDED),
    # Waiting.
    Group(
        "waiting",
        "cep",
        2,
        waiting("WaitingForTraining"),
        (_READY, "WaitingForTraining"),
        {"model": None, "trainingRef": {"name": "suspended-#"}},
    ),
    # Under way.
    Group("creating", "cep", 2, IN_SERVICE, (_READY, "Creating"), begun="creating"),
    Group("updating", "cep", 3, IN_SERVICE, (_RECONCILING, "Updating")),
    Group("suspending", "cep", 2, SUSPENDED, (_READY, "Deleting")),
    Group("busy", "cep", 3, IN_SERVICE, (_READY, "InService")),
    # Going.
    Group("ending", "cep", 3, GONE, (_READY, "Deleting")),
    Group("retained", "cep", 2, GONE, (_READY, "InService"), _RETAIN),
)
GROUPS = (*TRAININGS, *ENDPOINTS)
