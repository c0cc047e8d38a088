"""The emulated AWS as a process of its own, and what it says of the calls that it got."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import boto3
from tests.events_stack import Stack

from bench.scale.figures import Change
from bench.scale.manifests import ARTIFACT, BUCKET, REGION
from bench.scale.meter import usage
from sagemaker_emulator.control import Control
from sagemaker_emulator.server import EmulatorProcess

# All calls of a run are to be found in the log.
LOG_SIZE = 400_000
LISTS = ("ListTrainingJobs", "ListEndpoints")


@dataclass(frozen=True)
class Stages:
    """How long a training stays in each state, in seconds."""

    starting: float
    downloading: float
    training: float
    uploading: float

    @property
    def seconds(self) -> float:
        """From the job's creation to its end."""
        return self.starting + self.downloading + self.training + self.uploading

    def scaled(self, factor: float) -> Stages:
        """As many stages, so much longer."""
        return Stages(*(factor * part for part in (self.starting, self.downloading, self.training, self.uploading)))

    def as_settings(self) -> dict[str, Any]:
        """The emulator's settings."""
        return {
            "work": "none",
            "instant_artifact": False,
            "starting_seconds": self.starting,
            "downloading_seconds": self.downloading,
            "training_seconds": self.training,
            "uploading_seconds": self.uploading,
            "stopping_seconds": self.uploading,
        }


# "A training of 100 s". No state begins a multiple of 30 s after the first: a poller would always ask just in time.
HUNDRED_SECONDS = Stages(23, 14, 44, 19)


class Aws:
    """The emulator at the speed of real time, as a context manager."""

    def __init__(self, stages: Stages = HUNDRED_SECONDS, *, creating: float = 60.0) -> None:
        endpoint = {
            "creating_seconds": creating,
            "updating_seconds": creating,
            "scaling_seconds": creating,
            "deleting_seconds": min(creating, 5.0),
            "load_model": False,
        }
        settings = {"training": stages.as_settings(), "endpoint": endpoint, "call_log_size": LOG_SIZE}
        self._process = EmulatorProcess("--settings", json.dumps(settings))
        self._offset = 0.0

    def __enter__(self) -> Self:
        self._process.start()
        # Its clock starts with a whole second, and then keeps the pace of ours.
        asked = time.time()
        told = self.control.now()
        self._offset = (asked + time.time()) / 2 - told
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key=ARTIFACT.removeprefix(f"s3://{BUCKET}/"), Body=b"a model")
        self.control.clear_calls()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._process.url

    @property
    def control(self) -> Control:
        """Its control API."""
        return self._process.control

    @property
    def cpu_seconds(self) -> float:
        """What it has taken."""
        return usage(self._process.pid).cpu_seconds

    def make_queue(self) -> str:
        """The queue of state-change events, as the manifests' template makes it; its URL."""
        self.control.change_settings(events=True)
        return Stack(self.client("sqs"), self.client("events")).url

    def set_stages(self, stages: Stages) -> None:
        """How long trainings that are yet to be made stay in each state."""
        self.control.change_settings(training=stages.as_settings())

    def client(self, service: str) -> Any:
        """A client as somebody else than the operator uses it."""
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    def histories(self, kind: Literal["training-jobs", "endpoints"]) -> dict[str, list[Change]]:
        """The states that each resource has had, by its name; the first is as it was created."""
        return {
            one["name"]: [
                Change(phase["at"] + self._offset, phase["secondary"] or phase["status"]) for phase in one["phases"]
            ]
            for one in self.control.timelines(kind)
        }

    def moments(self, operations: Sequence[str], since: int = 0) -> list[float]:
        """When these operations were called, in our time."""
        return [call["time"] + self._offset for name in operations for call in self.control.calls(name, since)]
