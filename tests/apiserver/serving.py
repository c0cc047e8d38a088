"""What the endpoints' scenarios share: a served model, a look at AWS as somebody else has it, and time that passes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.apiserver.world import BUCKET, REGION, Json, World, condition, endpoint, until

NAME = "digits"
ROLE = "arn:aws:iam::123456789012:role/SageMakerExecution"
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
UID_TAG = "classifiers.sagemaker.dev/uid"
ADOPT = "classifiers.sagemaker.dev/adopt"


def adopting(manifest: Json, name: str) -> Json:
    """The manifest with the annotation that takes over what bears that name."""
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": {ADOPT: name}}}


def artifact(world: World, name: str = "model") -> str:
    """A model's archive in S3."""
    key = f"models/{name}/model.tar.gz"
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=name.encode())
    return f"s3://{BUCKET}/{key}"


def of_model(world: World, name: str = NAME, **changes: Any) -> Json:
    """A ClassifierEndpoint of a model that is in S3 already."""
    return endpoint(name, **{"trainingRef": None, "model": {"artifactS3Uri": artifact(world)}, **changes})


def serve(world: World, name: str = NAME, **changes: Any) -> Json:
    """The status of an endpoint that has got into service."""
    world.apply(of_model(world, name, **changes))
    return settled(world, name)


def settled(world: World, name: str = NAME, seconds: float = 60.0) -> Json:
    """The status once the object is what its latest spec says."""

    def reached() -> Json | None:
        found = world.get("cep", name)
        status: Json = found.get("status", {})
        is_current = status.get("observedGeneration") == found["metadata"]["generation"]
        at_rest = not condition(status, "Reconciling") and not condition(status, "Stalled")
        return status if is_current and at_rest and condition(status, "Ready").get("status") == "True" else None

    found: Json = until(reached, f"cep/{name} to be settled", seconds, lambda: world.get("cep", name))
    return found


def stalled(world: World, reason: str, name: str = NAME, seconds: float = 60.0) -> Json:
    """The Stalled condition once it has that reason."""
    return condition(world.wait_for("cep", name, reason, of="Stalled", seconds=seconds), "Stalled")


def live(world: World, name: str = NAME, region: str = REGION) -> Json:
    """DescribeEndpoint's answer."""
    endpoint_name = world.status("cep", name)["endpointName"]
    answer: Json = world.client("sagemaker", region).describe_endpoint(EndpointName=endpoint_name)
    return answer


def live_config(world: World, name: str = NAME) -> Json:
    """DescribeEndpointConfig's answer for the configuration that the status names."""
    config = world.status("cep", name)["endpointConfigName"]
    answer: Json = world.client("sagemaker").describe_endpoint_config(EndpointConfigName=config)
    return answer


def live_variants(world: World, name: str = NAME) -> dict[str, Json]:
    """The variants that DescribeEndpoint shows, by name."""
    return {variant["VariantName"]: variant for variant in live(world, name)["ProductionVariants"]}


def variants_of(status: Mapping[str, Any]) -> dict[str, Json]:
    """The variants of a status, by name."""
    return {variant["name"]: variant for variant in status["variants"]}


def made(world: World, kind: str) -> dict[str, Json]:
    """The resources of a kind that are left at AWS, by name."""
    return {one["name"]: one for one in world.aws.resources() if one["kind"] == kind}


def reasons(world: World, name: str = NAME) -> list[str]:
    """The reasons of the object's Events, oldest first."""
    return [note.partition(":")[0] for note in notes(world, name)]


def notes(world: World, name: str = NAME) -> list[str]:
    """The object's Events, reason and note, oldest first; those of an earlier object of that name do not count."""
    uid = world.get("cep", name)["metadata"]["uid"]
    found = json.loads(world.kubectl("get", "events.events.k8s.io", "-o", "json"))["items"]
    own = [event for event in found if event["regarding"].get("uid") == uid]
    return [f"{event['reason']}: {event['note']}" for event in sorted(own, key=lambda event: event["eventTime"])]


def later(world: World, seconds: float = 300.0) -> None:
    """Wait for AWS's clock to be that much on: time for the operator to do what it should not."""
    end = world.aws.now() + seconds
    until(lambda: world.aws.now() >= end, f"{seconds:.0f} s at AWS to pass")


def strangers_config(world: World, name: str = "strangers", **variant: Any) -> str:
    """A configuration of somebody else, with a model of the same name."""
    client = world.client("sagemaker")
    container = {"Image": IMAGE, "ModelDataUrl": artifact(world, name)}
    client.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    shown = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{**shown, **variant}])
    return name


def strangers_endpoint(world: World, name: str = "strangers", tags: Mapping[str, str] | None = None) -> str:
    """An endpoint of somebody else, in service."""
    client = world.client("sagemaker")
    listed = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    client.create_endpoint(EndpointName=name, EndpointConfigName=strangers_config(world, name), Tags=listed)
    until(lambda: made(world, "endpoints")[name]["status"] == "InService", f"{name} to be in service")
    return name
