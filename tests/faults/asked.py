"""Whether AWS has what the specs say, and runs nothing else. No I/O.

What an object says of itself is not asked here, but for the names of what it says it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.apiserver.serving import UID_TAG
from tests.apiserver.world import Json
from tests.faults.ends import End

OVER = ("Completed", "Failed", "Stopped")
_STOPPING = (*OVER, "Stopping")


@dataclass(frozen=True)
class AtAws:
    """What there is at AWS, and what was asked for.

    resources: as the control API has them. endpoints: DescribeEndpoint's answer for each. requests: the last one that
    took effect, by operation and the name of what it made. artifacts: of each training's model.
    """

    resources: list[Json]
    endpoints: Mapping[str, Json]
    requests: Mapping[str, Mapping[str, Json]]
    artifacts: Mapping[str, str]

    def of(self, uid: str) -> list[Json]:
        """What bears an owner's tag."""
        return [one for one in self.resources if one["tags"].get(UID_TAG) == uid]

    def targets(self, endpoint: str) -> list[Json]:
        """The scalable targets of an endpoint, which bear no tags: `endpoint/NAME/variant/VARIANT`."""
        targets = [one for one in self.resources if one["kind"] == "scalable-targets"]
        return [one for one in targets if one["name"].split("/")[1] == endpoint]

    def one(self, kind: str, name: str) -> Json:
        """One resource; nothing where there is none."""
        return next((one for one in self.resources if (one["kind"], one["name"]) == (kind, name)), {})

    def request(self, operation: str, name: str) -> Json:
        """By what it was made."""
        return self.requests.get(operation, {}).get(name, {})


def strays(
    bodies: Iterable[Json], resources: Iterable[Json], requests: Mapping[str, Json], kept: tuple[str, ...]
) -> list[str]:
    """The jobs that run though nobody wants them to: they cost, and end by themselves after hours at best.

    requests: by which each job was made. kept: what the names begin with of those that run on purpose though their
    objects are gone.
    """
    owners = {body["metadata"]["uid"]: body for body in bodies}
    running = [one for one in resources if one["kind"] == "training-jobs" and one["status"] not in _STOPPING]
    found = []
    for job in running:
        if job["name"].startswith(kept):
            continue
        owner = owners.get(job["tags"].get(UID_TAG, ""))
        if words := _why_unwanted(owner, requests.get(job["name"], {})):
            found.append(f"job {job['name']} ({job['status']}) runs, but {words}")
    return found


def _why_unwanted(owner: Json | None, request: Json) -> str:
    if owner is None:
        return "its object is gone"
    if "deletionTimestamp" in owner["metadata"]:
        return "its object is being deleted"
    if owner["spec"].get("suspend"):
        return "its object is suspended"
    asked, sent = str(owner["spec"]["hyperparameters"]["epochs"]), request.get("HyperParameters", {}).get("epochs")
    return "" if asked == sent else f"it has {sent} epochs, and {asked} are asked for"


def not_as_asked(kind: str, body: Json, end: End, aws: AtAws) -> str:
    """What AWS has else than it should for an object that has come to that end; nothing if all is right."""
    if end.is_unknown:
        return ""
    if not end.is_ready and not end.stalled:
        return _is_more_than_nothing(body, aws)
    if not end.is_ready:
        return _is_alive(body, aws) if kind == "ctrain" else ""
    return _of_a_training(body, aws) if kind == "ctrain" else _of_an_endpoint(body, aws, is_as_asked=not end.stalled)


def _is_more_than_nothing(body: Json, aws: AtAws) -> str:
    """Of what is suspended or waits nothing runs, serves or is left; jobs stay as a record."""
    left = [f"{one['kind']} {one['name']}" for one in aws.of(body["metadata"]["uid"]) if one["kind"] != "training-jobs"]
    return f"there ought to be nothing, and there is {', '.join(left)}" if left else _is_alive(body, aws)


def _is_alive(body: Json, aws: AtAws) -> str:
    jobs = [one for one in aws.of(body["metadata"]["uid"]) if one["kind"] == "training-jobs"]
    alive = [f"{one['name']} is {one['status']}" for one in jobs if one["status"] not in OVER]
    return f"no job ought to run: {', '.join(alive)}" if alive else ""


def _of_a_training(body: Json, aws: AtAws) -> str:
    status, spec = body.get("status", {}), body["spec"]
    job = status.get("jobName", "")
    found = aws.one("training-jobs", job)
    sent = aws.request("CreateTrainingJob", job).get("HyperParameters", {}).get("epochs")
    if found.get("status") != "Completed" or status.get("jobStatus") != "Completed":
        return f"job {job} is {found.get('status', 'missing')}"
    if status.get("modelArtifacts", {}).get("jobName") != job:
        return f"the model is not that of {job}: {status.get('modelArtifacts')}"
    if str(spec["hyperparameters"]["epochs"]) != sent:
        return f"{spec['hyperparameters']['epochs']} epochs were asked for, job {job} had {sent}"
    return _of_tags(spec, found)


def _of_an_endpoint(body: Json, aws: AtAws, *, is_as_asked: bool) -> str:
    """is_as_asked: whether what serves is what the spec says, and not what served before."""
    status, spec = body.get("status", {}), body["spec"]
    name, config = status.get("endpointName", ""), status.get("endpointConfigName", "")
    found, live = aws.one("endpoints", name), aws.endpoints.get(name, {})
    if found.get("status") != "InService":
        return f"endpoint {name} is {found.get('status', 'missing')}"
    if live["EndpointConfigName"] != config:
        return f"endpoint {name} serves {live['EndpointConfigName']}, and the status says {config}"
    wanted, served = _wanted(spec, aws), _served(config, live, aws)
    if is_as_asked != (wanted == served):
        return f"{wanted} is asked for, and {config} has {served}"
    return _of_scaling(spec, name, aws) or _of_tags(spec, found)


def _wanted(spec: Json, aws: AtAws) -> list[Json]:
    """The variants that a spec asks for: the machine or its absence, the count unless AWS sets it, and the model."""
    return sorted((_wanted_of(one, aws) for one in spec.get("variants", [spec])), key=str)


def _wanted_of(one: Json, aws: AtAws) -> Json:
    serverless = one.get("serverless", {})
    is_counted = not serverless and "autoscaling" not in one
    artifact = one["model"]["artifactS3Uri"] if "model" in one else aws.artifacts.get(one["trainingRef"]["name"])
    return {
        "machine": one.get("instanceType"),
        "memory": serverless.get("memorySizeMB"),
        "count": one.get("instanceCount", 1) if is_counted else None,
        # AWS has none any more, so what serves is its fallback.
        "accelerator": None,
        "model": artifact,
    }


def _served(config: str, live: Json, aws: AtAws) -> list[Json]:
    """The variants of the configuration, with the counts and models that they have by now."""
    counts = {variant["VariantName"]: variant.get("DesiredInstanceCount") for variant in live["ProductionVariants"]}
    scaled = {one["name"].rpartition("/")[2] for one in aws.targets(live["EndpointName"])}
    variants = aws.request("CreateEndpointConfig", config).get("ProductionVariants", [])
    return sorted((_served_of(one, counts, scaled, aws) for one in variants), key=str)


def _served_of(one: Json, counts: Mapping[str, Any], scaled: set[str], aws: AtAws) -> Json:
    name, model = one["VariantName"], one["ModelName"]
    is_counted = "ServerlessConfig" not in one and name not in scaled
    container = aws.request("CreateModel", model).get("PrimaryContainer", {}) if aws.one("models", model) else {}
    return {
        "machine": one.get("InstanceType"),
        "memory": one.get("ServerlessConfig", {}).get("MemorySizeInMB"),
        "count": counts.get(name) if is_counted else None,
        "accelerator": one.get("AcceleratorType"),
        "model": container.get("ModelDataUrl"),
    }


def _of_scaling(spec: Json, endpoint: str, aws: AtAws) -> str:
    asked = [one["autoscaling"] for one in spec.get("variants", [spec]) if "autoscaling" in one]
    wanted = sorted((one["minCount"], one["maxCount"]) for one in asked)
    targets = aws.targets(endpoint)
    found = sorted((one["minimum"], one["maximum"]) for one in targets)
    if wanted != found:
        return f"bounds {wanted} are asked for, and there are {found}"
    return "" if all(one["policies"] for one in targets) else "a scalable target has no policy"


def _of_tags(spec: Json, found: Json) -> str:
    wanted = dict(spec.get("tags", {}))
    there = {key: found["tags"].get(key) for key in wanted}
    return "" if wanted == there else f"{found['name']} ought to bear {wanted}, and bears {there}"
