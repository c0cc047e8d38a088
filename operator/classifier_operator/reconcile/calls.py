"""Calls to AWS as values: what a decision asks for and the executor sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, structs

from classifier_operator.api.kinds import CLUSTER_TAG, OBJECT_TAG, UID_TAG
from classifier_operator.api.ledger import Resource, ResourceType

NAME_FIELDS = {
    ResourceType.TRAINING_JOB: "TrainingJobName",
    ResourceType.MODEL: "ModelName",
    ResourceType.ENDPOINT_CONFIG: "EndpointConfigName",
    ResourceType.ENDPOINT: "EndpointName",
    ResourceType.SCALABLE_TARGET: "ResourceId",
}

CAPACITIES = "UpdateEndpointWeightsAndCapacities"
# On record instead of a tag's value while it is being changed; AWS takes no question mark in one.
UNSURE = "?"


class Call(Struct, frozen=True):
    """One call that changes or describes one resource."""

    operation: str
    resource: Resource
    params: dict[str, Any]
    checks_owner: bool = False

    @property
    def creates(self) -> bool:
        """Whether the call makes a new resource."""
        return self.operation.startswith("Create")

    @property
    def is_announced(self) -> bool:
        """Whether the status is written first.

        What is made must be in the ledger before it exists, and what an endpoint is moved from must be known when the
        move has to be taken back. What is changed in place is said before it shows. A job that the operator itself
        stops must not look as if somebody else had. What is let go of is said while there is an object to say it.
        """
        return self.creates or lets_go(self) or self.operation.startswith(("UpdateEndpoint", "StopTrainingJob"))

    @property
    def changes(self) -> bool:
        """Whether the call changes anything at AWS."""
        return not self.operation.startswith("Describe")


def create(resource: Resource, params: Mapping[str, Any]) -> Call:
    """Make the resource; `params` are the request without its name."""
    return _call(f"Create{resource.type}", resource, params)


def describe(resource: Resource) -> Call:
    """Read the resource."""
    return _call(f"Describe{resource.type}", resource)


def identify(resource: Resource) -> Call:
    """Read the resource and its tags: it may be a stranger's, and is about to be stopped or deleted."""
    return structs.replace(describe(resource), checks_owner=True)


def delete(resource: Resource) -> Call:
    """Delete the resource."""
    return _call(f"Delete{resource.type}", resource)


def stop_job(resource: Resource) -> Call:
    """Stop the training job: it becomes Stopping, then Stopped, or Completed when it was about to be."""
    return _call("StopTrainingJob", resource)


def update_endpoint(resource: Resource, params: Mapping[str, Any]) -> Call:
    """Move the endpoint to another configuration."""
    return _call("UpdateEndpoint", resource, params)


def update_capacities(resource: Resource, desired: Iterable[Mapping[str, Any]]) -> Call:
    """Change instance counts and weights in place (UpdateEndpointWeightsAndCapacities)."""
    return _call(CAPACITIES, resource, {"DesiredWeightsAndCapacities": list(desired)})


def own(resource: Resource, arn: str, tags: Mapping[str, str]) -> Call:
    """Put the owner's tags on a resource that has no owner."""
    return Call("AddTags", resource, {"ResourceArn": arn, "Tags": tag_list(tags)})


def takes_over(call: Call) -> bool:
    """Whether the call puts an owner's tag on a resource."""
    return call.operation == "AddTags" and any(tag["Key"] == UID_TAG for tag in call.params["Tags"])


def disown(resource: Resource, arn: str) -> Call:
    """Take the owner's tags off a resource: it is nobody's then, and stays as it is."""
    return Call("DeleteTags", resource, {"ResourceArn": arn, "TagKeys": [UID_TAG, OBJECT_TAG, CLUSTER_TAG]})


def lets_go(call: Call) -> bool:
    """Whether the call takes an owner's tag off a resource."""
    return call.operation == "DeleteTags" and UID_TAG in call.params["TagKeys"]


def retag(resource: Resource, arn: str, *, wanted: Mapping[str, str], had: Mapping[str, str]) -> tuple[Call, ...]:
    """The next call on a resource's way from the tags that it has by `had` to those that are wanted; none at its end.

    What is to go goes first, and by itself: AWS takes 50 tags (ResourceLimitExceeded), and counts both together. What
    is there afterwards (`retagged`) goes on record before the rest is asked for, so that nothing that has gone is taken
    to be there when the rest is refused. The operator's own tags are never among what goes.
    """
    removed = sorted(had.keys() - wanted.keys() - {UID_TAG, OBJECT_TAG, CLUSTER_TAG})
    if removed:
        return (Call("DeleteTags", resource, {"ResourceArn": arn, "TagKeys": removed}),)
    added = {key: value for key, value in wanted.items() if had.get(key) != value}
    return (Call("AddTags", resource, {"ResourceArn": arn, "Tags": tag_list(added)}),) if added else ()


def unsure(*, wanted: Mapping[str, str], had: Mapping[str, str]) -> dict[str, str]:
    """Return what goes on record before tags are changed: those that change, with a value that no tag can have.

    An operator that is killed after the call would else take the tags of before for those that are there.
    """
    changing = {key for key in had.keys() | wanted.keys() if had.get(key) != wanted.get(key)}
    return {**had, **dict.fromkeys(changing, UNSURE)}


def known_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags on record whose values are known."""
    return {key: value for key, value in tags.items() if value != UNSURE}


def retagged(*, wanted: Mapping[str, str], had: Mapping[str, str]) -> dict[str, str]:
    """The tags that a resource has after that call."""
    kept = {key: value for key, value in had.items() if key in wanted}
    return dict(wanted) if kept == had else kept


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as AWS takes them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _call(operation: str, resource: Resource, params: Mapping[str, Any] | None = None) -> Call:
    return Call(operation, resource, {NAME_FIELDS[resource.type]: resource.name, **(params or {})})
