"""One test's world: a namespace of the real API server, the emulated AWS, and what a user would ask of both."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import yaml

from control_plane import ControlPlane
from sagemaker_emulator.control import Control
from tests.contract.api_server import ApiServer

REGION = "us-east-1"
BUCKET = "classifier-tests"
KINDS = {"ctrain": "ClassifierTraining", "cep": "ClassifierEndpoint"}
Json = dict[str, Any]


class World:
    """What the tests look at and change."""

    def __init__(self, cluster: ControlPlane, namespace: str, aws: Control) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.aws = aws
        # Permissions that the operator is expected to be denied in this test; any other denial is a failure.
        self.may_lack: set[str] = set()
        self._api = ApiServer(cluster.kubeconfig, namespace)
        self._clients: list[Any] = []
        self.s3 = self.client("s3")

    def close(self) -> None:
        """Close the connections."""
        self._api.client.close()
        for client in self._clients:
            client.close()

    def client(self, service: str, region: str = REGION, role: str = "") -> Any:
        """A client of AWS as somebody else than the operator uses it; with a role, in that role's account."""
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        if role:
            given = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
            keys = {
                "aws_access_key_id": given["AccessKeyId"],
                "aws_secret_access_key": given["SecretAccessKey"],
                "aws_session_token": given["SessionToken"],
            }
        client = boto3.client(service, endpoint_url=self.aws.url, region_name=region, **keys)
        self._clients.append(client)
        return client

    def job(self, name: str = "digits", region: str = REGION, role: str = "") -> Json:
        """What AWS says of a training's job."""
        job_name = self.status("ctrain", name)["jobName"]
        described: Json = self.client("sagemaker", region, role).describe_training_job(TrainingJobName=job_name)
        return described

    def jobs(self) -> list[str]:
        """The statuses of all jobs at AWS."""
        return [status for kind, _, status in self.remaining() if kind == "training-jobs"]

    def tags_of(self, arn: str) -> dict[str, str]:
        """The tags of one of AWS's resources."""
        return next(one["tags"] for one in self.aws.resources() if one["arn"] == arn)

    def request(self, operation: str = "CreateTrainingJob") -> Json:
        """What AWS was asked the last time."""
        request: Json = self.aws.calls(operation)[-1]["request"]
        return request

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace; its output."""
        return self.cluster.kubectl("--namespace", self.namespace, *arguments, input=stdin).stdout

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """Apply manifests as a user does."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(map(dict, manifests)))

    def get(self, kind: str, name: str) -> Json:
        """An object as it is now."""
        found: Json = self._api.read(KINDS[kind], name)
        return found

    def status(self, kind: str, name: str) -> Json:
        """An object's status."""
        status: Json = self.get(kind, name).get("status", {})
        return status

    def patch_spec(self, kind: str, name: str, changes: Mapping[str, Any]) -> None:
        """Change the spec."""
        self.kubectl("patch", kind, name, "--type=merge", "-p", json.dumps({"spec": changes}))

    def delete(self, kind: str, name: str) -> None:
        """Delete and wait until it is gone."""
        self.kubectl("delete", kind, name, "--timeout=60s")

    def exists(self, kind: str, name: str) -> bool:
        """Whether the object is there."""
        return name in self.kubectl("get", kind, "-o", "name")

    def wait_for(self, kind: str, name: str, reason: str, *, of: str = "Ready", seconds: float = 60.0) -> Json:
        """The status once the condition `of` has that reason."""

        def reached() -> Json | None:
            status = self.status(kind, name)
            return status if reason_of(status, of) == reason else None

        found: Json = until(reached, f"{kind}/{name} to be {reason}", seconds, lambda: self.get(kind, name))
        return found

    def events(self, name: str) -> list[str]:
        """The reasons of the object's Events, oldest first."""
        return [event["reason"] for event in self._events(name)]

    def notes(self, name: str) -> list[str]:
        """The texts of the object's Events, oldest first."""
        return [event["note"] for event in self._events(name)]

    def all_events(self) -> list[Json]:
        """All objects' Events, oldest first."""
        found = json.loads(self.kubectl("get", "events.events.k8s.io", "-o", "json"))["items"]
        return sorted(found, key=lambda event: str(event["eventTime"]))

    def _events(self, name: str) -> list[Json]:
        return [event for event in self.all_events() if event["regarding"]["name"] == name]

    def remaining(self) -> list[tuple[str, str, str]]:
        """What is left at AWS: kind, name, status."""
        return sorted((one["kind"], one["name"], one["status"]) for one in self.aws.resources())

    def calls(self, operation: str) -> int:
        """How often an operation was called."""
        return self.aws.counts().get(operation, 0)


def until(reached: Callable[[], Any], what: str, seconds: float = 60.0, state: Callable[[], Any] = lambda: "") -> Any:
    """What `reached` returns, once it returns something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := reached():
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:.0f} s for {what}; it is {json.dumps(state(), indent=1, default=str)}")


def condition(status: Mapping[str, Any], kind: str) -> Json:
    """A condition of a status; empty where it is absent."""
    return next((one for one in status.get("conditions", ()) if one["type"] == kind), {})


def reason_of(status: Mapping[str, Any], kind: str) -> str:
    """A condition's reason; nothing where it is absent."""
    reason: str = condition(status, kind).get("reason", "")
    return reason


def training(name: str = "digits", **changes: Any) -> Json:
    """A ClassifierTraining that works."""
    spec: Json = {
        "region": REGION,
        "roleArn": "arn:aws:iam::123456789012:role/SageMakerExecution",
        "hyperparameters": {"numClasses": 10, "numTrainingSamples": 1000, "epochs": 2},
        "inputs": [
            {"name": channel, "s3Uri": f"s3://{BUCKET}/{channel}", "contentType": "application/x-recordio"}
            for channel in ("train", "validation")
        ],
        "output": {"s3Uri": f"s3://{BUCKET}/output"},
        "resources": {"instanceType": "ml.p3.2xlarge"},
        "stopping": {"maxRuntimeSeconds": 3600},
    }
    return _object("ClassifierTraining", name, {**spec, **changes})


def endpoint(name: str = "digits", **changes: Any) -> Json:
    """A ClassifierEndpoint that follows the training of the same name."""
    spec: Json = {
        "region": REGION,
        "roleArn": "arn:aws:iam::123456789012:role/SageMakerExecution",
        "trainingRef": {"name": name},
        "instanceType": "ml.m5.large",
        "instanceCount": 1,
    }
    return _object("ClassifierEndpoint", name, {**spec, **changes})


def _object(kind: str, name: str, spec: Json) -> Json:
    present = {field: value for field, value in spec.items() if value is not None}
    return {
        "apiVersion": "classifiers.sagemaker.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": present,
    }
