"""The outside as plain classes: a clock that is moved by hand, a cluster and an AWS in memory.

Each call passes two points, one before it takes effect and one after: a test can make the operator die at any of them.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.fake_imports import FakeS3

from classifier_operator.api.kinds import FINALIZER, Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.reconcile.account import mismatch_words
from classifier_operator.runtime.ports import ClusterUnavailableError, ConflictError, GoneError, Happening
from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind

LISTS = {
    "ListTrainingJobs": "TrainingJobSummaries",
    "ListEndpoints": "Endpoints",
    "ListEndpointConfigs": "EndpointConfigs",
    "ListModels": "Models",
}
NO_ACCELERATORS = "Amazon Elastic Inference is no longer available."
# Of one resource, ours among them.
MOST_TAGS = 50
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """The operator is killed here."""


class FakeClock:
    """A clock that is moved by hand.

    shift: seconds by which the machine's clock is ahead of the true time.
    """

    shift = 0.0

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.true_now() + timedelta(seconds=self.shift)

    def true_now(self) -> datetime:
        """Return the time as AWS has it."""
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Points:
    """Counts the points that are passed, and kills at one of them.

    under_way: calls that other threads carry out, in real time.
    """

    def __init__(self) -> None:
        self.passed = 0
        self.under_way = 0
        self.kill_at: int | None = None
        self.has_killed = False

    def reach(self) -> None:
        self.passed += 1
        if self.passed == self.kill_at:
            self.has_killed = True
            raise Crash

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Whatever runs in the block waits for another thread."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1


class FakeCluster:
    """An API server: versions, conflicts, finalizers, merge patches, a status subresource."""

    def __init__(self, points: Points) -> None:
        self.objects: dict[ObjectKey, dict[str, Any]] = {}
        self.config_maps: dict[tuple[str, str], dict[str, Any]] = {}
        self.namespaces: dict[str, dict[str, str]] = {}
        self.events: list[tuple[str, str, str]] = []
        self.writes = 0
        self.changed: Callable[[ObjectKey], None] = lambda key: None
        self.watches_begun = 0
        self.watches: dict[tuple[Kind, str], tuple[Callable[..., None], asyncio.Future[None]]] = {}
        # What is refused next: "read", "patch", "status", "namespace" or "config map", and with which HTTP status.
        self.refusals: list[tuple[str, int]] = []
        self._points = points
        self._version = 0

    def _meet(self, request: str) -> None:
        self._points.reach()
        for one in self.refusals:
            if one[0] == request:
                self.refusals.remove(one)
                raise ClusterUnavailableError(f"HTTP {one[1]}", status=one[1])

    async def read(self, key: ObjectKey) -> dict[str, Any]:
        self._meet("read")
        return copy.deepcopy(self._existing(key))

    async def list(self, kind: Kind, namespace: str = "") -> AsyncIterator[dict[str, Any]]:
        self._points.reach()
        for key, body in tuple(self.objects.items()):
            if key.kind is kind and namespace in ("", key.namespace):
                yield copy.deepcopy(body)

    async def revision(self, kind: Kind, namespace: str) -> int:  # noqa: ARG002 - it is the same for all
        self._points.reach()
        return self._version

    async def watch(
        self,
        kind: Kind,
        namespace: str,
        happened: Callable[[Happening, dict[str, Any]], None],
        began: Callable[[], None],
    ) -> None:
        """Tell of nothing by itself: a test calls what is in `watches`, or fails the watch."""
        self.watches_begun += 1
        end = asyncio.get_running_loop().create_future()
        self.watches[kind, namespace] = happened, end
        began()
        await end

    async def patch(self, key: ObjectKey, patch: Mapping[str, Any], *, status: bool = False) -> dict[str, Any]:
        self._meet("status" if status else "patch")
        body = self._existing(key)
        patch = json.loads(json.dumps(patch))
        version = patch.get("metadata", {}).get("resourceVersion")
        if version is not None and version != body["metadata"]["resourceVersion"]:
            raise ConflictError(str(key))
        if status:
            body["status"] = merged(body.get("status", {}), patch.get("status", {}))
        else:
            body["metadata"] = merged(body["metadata"], patch.get("metadata", {}))
        self.writes += 1
        self._touch(key, body)
        answer = copy.deepcopy(body)
        self._points.reach()
        return answer

    async def read_config_map(self, namespace: str, name: str) -> dict[str, Any]:
        self._meet("config map")
        if (namespace, name) not in self.config_maps:
            raise GoneError(name)
        return self.config_maps[namespace, name]

    async def read_namespace(self, name: str) -> dict[str, Any]:
        self._meet("namespace")
        return {"metadata": {"name": name, "annotations": self.namespaces.get(name, {})}}

    async def list_namespaces(self) -> AsyncIterator[dict[str, Any]]:
        self._points.reach()
        for name in {key.namespace for key in self.objects} | self.namespaces.keys():
            yield await self.read_namespace(name)

    async def post_event(self, event: Mapping[str, Any]) -> None:
        self._points.reach()
        self.events.append((event["involvedObject"]["name"], event["reason"], event["message"]))

    def create(self, body: Mapping[str, Any]) -> ObjectKey:
        """What kubectl create does."""
        metadata = body["metadata"]
        key = ObjectKey(Kind(body["kind"]), metadata["namespace"], metadata["name"])
        made = copy.deepcopy(dict(body))
        made["metadata"].setdefault("uid", f"uid-{self._version + 1}")
        made["metadata"]["generation"] = 1
        self.objects[key] = made
        self._touch(key, made)
        return key

    def edit(self, key: ObjectKey, change: Callable[[dict[str, Any]], None]) -> None:
        """What kubectl edit does: a changed spec is a new generation."""
        body = self.objects[key]
        before = copy.deepcopy(body["spec"])
        change(body)
        if body["spec"] != before:
            body["metadata"]["generation"] += 1
        self._touch(key, body)

    def delete(self, key: ObjectKey) -> None:
        """What kubectl delete does: the object stays while it has finalizers."""
        body = self.objects[key]
        if "deletionTimestamp" not in body["metadata"]:
            body["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
            body["metadata"]["generation"] += 1
            self._touch(key, body)

    def snapshot(self) -> Callable[[], None]:
        """Keep all as it is now; what is returned restores it, and no watch tells of that."""
        objects, version = copy.deepcopy(self.objects), self._version

        def restore() -> None:
            self.objects, self._version = copy.deepcopy(objects), version

        return restore

    def status(self, key: ObjectKey) -> dict[str, Any]:
        status: dict[str, Any] = self.objects[key].get("status", {})
        return status

    def condition(self, key: ObjectKey, kind: str) -> tuple[str, str] | None:
        """Status and reason of a condition."""
        found = [one for one in self.status(key).get("conditions", ()) if one["type"] == kind]
        return (found[0]["status"], found[0]["reason"]) if found else None

    def _existing(self, key: ObjectKey) -> dict[str, Any]:
        if key not in self.objects:
            raise GoneError(str(key))
        return self.objects[key]

    def _touch(self, key: ObjectKey, body: dict[str, Any]) -> None:
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        if "deletionTimestamp" in body["metadata"] and not body["metadata"].get("finalizers"):
            del self.objects[key]
        self.changed(key)


def merged(target: Any, patch: Any) -> Any:
    """A JSON merge patch applied (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


class FakeCloud:
    """SageMaker in memory: names, states, refusals. Nothing moves before `progress`.

    job_outcomes, update_outcomes, endpoint_outcomes: how the next ones end; Completed and InService where none is left.
    bad_artifacts: models that take every image for class 0; all others answer class 1.
    accelerators_refused_at: "CreateEndpointConfig", "CreateEndpoint", or "Endpoint" (it fails later); "" takes them.
    tags_page, list_page: how many tags, and resources, an answer has at most.
    effects: calls that took effect, by operation, whether or not their answer arrived.
    places: where each call went, and on whose behalf.
    """

    def __init__(self, clock: FakeClock, points: Points) -> None:
        self.resources: dict[tuple[Place, str, str], dict[str, Any]] = {}
        self.log: list[tuple[str, str]] = []
        self.places: list[tuple[str, Place]] = []
        self.job_outcomes: deque[tuple[str, str, str]] = deque()
        self.endpoint_outcomes: deque[tuple[str, str]] = deque()
        self.update_outcomes: deque[tuple[bool, str]] = deque()
        self.bad_artifacts: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.targets: dict[str, dict[str, Any]] = {}
        self.s3 = FakeS3()
        self.accelerators_refused_at = ""
        self.account_id = "123456789012"
        self._elsewhere: dict[str, Any] = {}
        self.tags_page = MOST_TAGS
        self.list_page = 100
        self.effects: Counter[str] = Counter()
        self._fatal = ""
        self._refusals: list[tuple[str, AwsRefusal, bool]] = []
        self._tags: dict[str, dict[str, str]] = {}
        self._clock = clock
        self._points = points

    async def call(
        self,
        place: Place,
        operation: str,
        params: Mapping[str, Any],
        *,
        turn: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        place = self._went(operation, place)
        name = next((str(value) for field, value in params.items() if field.endswith(("Name", "Arn"))), "")
        self.log.append((operation, name))
        refusal, is_after = self._scripted(operation)
        if refusal is not None and not is_after:
            raise refusal
        answer = self._answer(place, operation, params)
        self.effects[operation] += 1
        if operation == self._fatal:
            self._fatal = ""
            raise Crash
        if refusal is not None:
            raise refusal
        self._points.reach()
        return answer

    async def invoke(
        self,
        place: Place,
        endpoint: str,
        body: bytes,  # noqa: ARG002
        content_type: str,  # noqa: ARG002
        *,
        limit: int,  # noqa: ARG002
        variant: str = "",
        sent: Callable[[], None] = lambda: None,
    ) -> bytes:
        sent()
        place = self._went("InvokeEndpoint", place)
        self.log.append(("InvokeEndpoint", endpoint))
        refusal, _ = self._scripted("InvokeEndpoint")
        if refusal is not None:
            raise refusal
        if (place, "Endpoint", endpoint) not in self.resources:
            raise classify(
                "InvokeEndpoint", "ValidationError", f"Endpoint {endpoint} of account 123456789012 not found."
            )
        config = self.resources[place, "Endpoint", endpoint]["EndpointConfigName"]
        variants = self.resources[place, "EndpointConfig", config]["ProductionVariants"]
        model = next(one["ModelName"] for one in variants if variant in ("", one["VariantName"]))
        artifact = self.resources[place, "Model", model]["PrimaryContainer"]["ModelDataUrl"]
        return b"[0.9, 0.1]" if artifact in self.bad_artifacts else b"[0.1, 0.9]"

    async def call_s3(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        self._went(operation, place)
        self.log.append((operation, str(params.get("Key", params.get("Prefix")))))
        refusal, is_after = self._scripted(operation)
        if refusal is not None and not is_after:
            raise refusal
        image = self.objects.get(f"s3://{params['Bucket']}/{params.get('Key', '')}")
        if operation == "HeadObject" and image is not None:
            return {"ContentLength": len(image)}
        answer = self.s3.answer(operation, params)
        if refusal is not None:
            raise refusal
        self._points.reach()
        return answer

    async def account(self, region: str) -> str:  # noqa: ARG002
        return self.account_id

    def withdraw(self, name: Hashable) -> None:
        """Nobody waits here."""

    async def read_object(self, place: Place, s3_uri: str, limit: int) -> bytes:
        self._went("GetObject", place)
        if s3_uri not in self.objects:
            raise classify("GetObject", "NoSuchKey", "The specified key does not exist.", 404)
        return self.objects[s3_uri][:limit]

    def refuse(
        self, operation: str, code: str, message: str = "", *, times: int = 1, status: int = 400, after: bool = False
    ) -> None:
        """The next calls of that operation are refused; `after`: they take effect, and only the answer is lost."""
        self._refusals += [(operation, classify(operation, code, message, status), after)] * times

    def kill_after(self, operation: str) -> None:
        """The operator is killed when the next call of that operation has taken effect."""
        self._fatal = operation

    def progress(self) -> None:
        """Everything that moves gets to its end."""
        for (place, kind, name), one in tuple(self.resources.items()):
            if kind == "TrainingJob":
                self._job_ends(one)
            elif kind == "Endpoint":
                self._endpoint_ends(place, name, one)

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self._refusals.clear()
        self.job_outcomes.clear()
        self.endpoint_outcomes.clear()
        self.update_outcomes.clear()

    def names(self, kind: str) -> list[str]:
        return sorted(name for _, one, name in self.resources if one == kind)

    def running(self) -> list[str]:
        """Jobs that cost money, and endpoints."""
        return sorted(
            name
            for (_, kind, name), one in self.resources.items()
            if kind == "Endpoint" or one.get("TrainingJobStatus") == "InProgress"
        )

    def one(self, kind: str) -> dict[str, Any]:
        """The only resource of that type."""
        (found,) = [one for (_, type_, _), one in self.resources.items() if type_ == kind]
        return found

    def count(self, operation: str) -> int:
        return Counter(called for called, _ in self.log)[operation]

    def tags_of(self, name: str, kind: str = "") -> dict[str, str]:
        end = f"{kind.lower()}/{name}"
        return next(tags for arn, tags in self._tags.items() if arn.endswith(end))

    def make_strangers(self, place: Place, kind: str, name: str) -> None:
        """Somebody else's resource."""
        self._make(place, kind, {f"{kind}Name": name, "Tags": [{"Key": "team", "Value": "other"}]})
        self.resources[place, kind, name]["CreationTime"] = START - timedelta(days=1)

    def become(self, account: str) -> None:
        """The operator's own credentials are of another account from now on, where nothing is that is in this one."""
        others = self._elsewhere.pop(account, ({}, {}, {}))
        self._elsewhere[self.account_id] = self.resources, self._tags, self.targets
        self.resources, self._tags, self.targets = others
        self.account_id = account

    def touch(self, endpoint: dict[str, Any], **changes: Any) -> None:
        """AWS, or somebody, changes an endpoint."""
        self._clock.seconds += 1
        endpoint.update(changes, LastModifiedTime=self._clock.true_now())

    def _went(self, operation: str, place: Place) -> Place:
        """A call goes there; what is there is the same for everybody who may assume the role."""
        self._points.reach()
        if place.own_account not in ("", self.account_id):
            words = mismatch_words(place.own_account, self.account_id)
            raise AwsRefusal(operation, RefusalKind.ACCOUNT_MISMATCH, "AccountMismatch", words)
        self.places.append((operation, place))
        return place.acting_for("")

    def _scripted(self, operation: str) -> tuple[AwsRefusal | None, bool]:
        for at, (wanted, refusal, is_after) in enumerate(self._refusals):
            if wanted in (operation, "*"):
                del self._refusals[at]
                if wanted == "*":
                    refusal = AwsRefusal(operation, refusal.kind, refusal.code, refusal.message)
                return refusal, is_after
        return None, False

    def _answer(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "ListTags":
            return self._list_tags(params["ResourceArn"], int(params.get("NextToken", 0)))
        if operation == "AddTags":
            return self._add_tags(params["ResourceArn"], params["Tags"])
        if operation == "DeleteTags":
            for key in params["TagKeys"]:
                self._tags[params["ResourceArn"]].pop(key, None)
            return {}
        if operation in LISTS:
            return self._listed(place, operation, params)
        if operation == "UpdateEndpointWeightsAndCapacities":
            return self._rescale(place, params)
        if "ScalableDimension" in params:
            return self._autoscaled(operation, params)
        for verb in ("Create", "Describe", "Delete", "Stop", "Update"):
            if operation.startswith(verb):
                kind = operation.removeprefix(verb)
                answer: dict[str, Any] = getattr(self, f"_{verb.lower()}")(place, kind, params)
                return answer
        raise AssertionError(f"the fake has no {operation}")

    def _list_tags(self, arn: str, start: int) -> dict[str, Any]:
        tags = [{"Key": key, "Value": value} for key, value in self._tags[arn].items()]
        end = start + self.tags_page
        return {"Tags": tags[start:end], **({"NextToken": str(end)} if len(tags) > end else {})}

    def _add_tags(self, arn: str, added: list[dict[str, str]]) -> dict[str, Any]:
        tags = self._tags[arn] | {tag["Key"]: tag["Value"] for tag in added}
        if len(tags) > MOST_TAGS:
            raise classify("AddTags", "ResourceLimitExceeded", f"The limit of tags per resource is {MOST_TAGS}")
        self._tags[arn] = tags
        return {}

    def _listed(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Newest first, as all Lists of the operator ask for; a page is taken first and filtered then."""
        kind = operation.removeprefix("List").removesuffix("s")
        after = params.get("CreationTimeAfter")
        ones = [one for (at, type_, _), one in self.resources.items() if (at, type_) == (place, kind)]
        ones = [one for one in reversed(ones) if after is None or one["CreationTime"] > after]
        start = int(params.get("NextToken", 0))
        end = start + self.list_page
        page = [one for one in ones[start:end] if params.get("NameContains", "") in one[f"{kind}Name"]]
        status = params.get("StatusEquals")
        page = [one for one in page if status in (None, one.get("TrainingJobStatus"))]
        return {LISTS[operation]: copy.deepcopy(page), **({"NextToken": str(end)} if len(ones) > end else {})}

    def _create(self, place: Place, kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params[f"{kind}Name"]
        if (place, kind, name) in self.resources:
            raise _exists(kind, name)
        if kind == "Endpoint":
            config = self._demand(place, "EndpointConfig", params["EndpointConfigName"], "CreateEndpoint")
            self._check_accelerators(config, "CreateEndpoint")
        if kind == "EndpointConfig":
            for variant in params["ProductionVariants"]:
                self._demand(place, "Model", variant["ModelName"], "CreateEndpointConfig")
            self._check_accelerators(params, "CreateEndpointConfig")
        self._make(place, kind, params)
        return {f"{kind}Arn": self.resources[place, kind, name][f"{kind}Arn"]}

    def _make(self, place: Place, kind: str, params: Mapping[str, Any]) -> None:
        name = params[f"{kind}Name"]
        arn = f"arn:aws:sagemaker:{place.region}:{self.account_id}:{kind.lower()}/{name}"
        made: dict[str, Any] = {**params, f"{kind}Arn": arn, "CreationTime": self._clock.true_now()}
        if kind == "TrainingJob":
            made |= {"TrainingJobStatus": "InProgress", "SecondaryStatus": "Starting"}
        if kind == "Endpoint":
            made |= {"EndpointStatus": "Creating", "LastModifiedTime": self._clock.true_now()}
        self._tags[arn] = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
        self.resources[place, kind, name] = made

    def _describe(self, place: Place, kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
        found = copy.deepcopy(self._demand(place, kind, params[f"{kind}Name"], f"Describe{kind}"))
        if found.get("EndpointStatus") == "Updating" and "wanted" in found:
            found["PendingDeploymentSummary"] = {"EndpointConfigName": found["wanted"]}
        return found

    def _delete(self, place: Place, kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params[f"{kind}Name"]
        one = self._demand(place, kind, name, f"Delete{kind}")
        if kind == "Endpoint":
            if one["EndpointStatus"] not in ("InService", "Failed", "OutOfService"):
                raise _in_progress("DeleteEndpoint", name)
            one["EndpointStatus"] = "Deleting"
        else:
            del self.resources[place, kind, name]
        return {}

    def _stop(self, place: Place, kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
        job = self._demand(place, kind, params["TrainingJobName"], "StopTrainingJob")
        if job["TrainingJobStatus"] != "InProgress":
            words = f"The request was rejected because the training job is in status {job['TrainingJobStatus']}."
            raise classify("StopTrainingJob", "ValidationException", words)
        job |= {"TrainingJobStatus": "Stopping", "SecondaryStatus": "Stopping"}
        return {}

    def _update(self, place: Place, _: str, params: Mapping[str, Any]) -> dict[str, Any]:
        one = self._demand(place, "Endpoint", params["EndpointName"], "UpdateEndpoint")
        for name in (one["EndpointConfigName"], params["EndpointConfigName"]):
            config = self._demand(place, "EndpointConfig", name, "UpdateEndpoint")
        if one["EndpointStatus"] not in ("InService", "OutOfService", "UpdateRollbackFailed"):
            raise _in_progress("UpdateEndpoint", params["EndpointName"])
        self._check_accelerators(config, "UpdateEndpoint")
        self._check_kind(one, config)
        self._check_targets(place, one, params["EndpointConfigName"])
        retained = _retained(params)
        self.touch(one, EndpointStatus="Updating", wanted=params["EndpointConfigName"], retained=retained)
        return {"EndpointArn": one["EndpointArn"]}

    def _check_accelerators(self, config: Mapping[str, Any], operation: str) -> None:
        refused_at = "CreateEndpoint" if operation == "UpdateEndpoint" else operation
        if self.accelerators_refused_at == refused_at and _accelerator_in(config):
            raise classify(operation, "ValidationException", NO_ACCELERATORS)

    def _check_kind(self, one: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """From machines there is no way to none (documented)."""
        has_machines = any(live.get("DesiredInstanceCount") for live in one.get("ProductionVariants", ()))
        if has_machines and any("ServerlessConfig" in variant for variant in config["ProductionVariants"]):
            words = "An instance-based endpoint cannot be updated to a serverless endpoint."
            raise classify("UpdateEndpoint", "ValidationException", words)

    def _check_targets(self, place: Place, one: dict[str, Any], config_name: str) -> None:
        """AWS refuses to drop a variant that it scales, or to give it other machines."""
        wanted = self._machines(place, config_name)
        now = self._machines(place, one["EndpointConfigName"])
        for name, machine in now.items():
            target = f"endpoint/{one['EndpointName']}/variant/{name}"
            if target in self.targets and wanted.get(name) != machine:
                words = f"The variant {name} is a scalable target: deregister it before the update."
                raise classify("UpdateEndpoint", "ValidationException", words)

    def _machines(self, place: Place, config_name: str) -> dict[str, str]:
        config = self.resources.get((place, "EndpointConfig", config_name), {"ProductionVariants": ()})
        return {one["VariantName"]: one.get("InstanceType", "") for one in config["ProductionVariants"]}

    def _rescale(self, place: Place, params: Mapping[str, Any]) -> dict[str, Any]:
        one = self._demand(place, "Endpoint", params["EndpointName"], "UpdateEndpointWeightsAndCapacities")
        if one["EndpointStatus"] != "InService":
            raise _in_progress("UpdateEndpointWeightsAndCapacities", params["EndpointName"])
        self.touch(one, EndpointStatus="Updating", desired=params["DesiredWeightsAndCapacities"])
        return {"EndpointArn": one["EndpointArn"]}

    def _autoscaled(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "DescribeScalableTargets":
            found = [name for name in params["ResourceIds"] if name in self.targets]
            return {"ScalableTargets": [{"ResourceId": name} for name in found]}
        name = params["ResourceId"]
        if operation == "RegisterScalableTarget":
            self._bound(name, params)
            self.targets.setdefault(name, {}).update(low=params["MinCapacity"], high=params["MaxCapacity"])
            return {"ScalableTargetARN": f"arn:{name}"}
        if name not in self.targets:
            raise classify(operation, "ObjectNotFoundException", f"No scalable target found for {name}")
        if operation == "DeregisterScalableTarget":
            del self.targets[name]
        else:
            self.targets[name]["aim"] = params["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
        return {}

    def _bound(self, target: str, params: Mapping[str, Any]) -> None:
        """A count outside of the bounds is moved to the nearest one (documented); meanwhile nothing is registered."""
        _, endpoint, _, variant = target.split("/")
        ones = [one for (_, kind, name), one in self.resources.items() if (kind, name) == ("Endpoint", endpoint)]
        if not ones or ones[0]["EndpointStatus"] != "InService":
            words = "The status should be in 'InService' to register it as a scalable target"
            raise classify("RegisterScalableTarget", "ValidationException", words)
        (live,) = [one for one in ones[0]["ProductionVariants"] if one["VariantName"] == variant]
        count = min(max(live["DesiredInstanceCount"], params["MinCapacity"]), params["MaxCapacity"])
        if count != live["DesiredInstanceCount"]:
            wish = {"VariantName": variant, "DesiredInstanceCount": count}
            self.touch(ones[0], EndpointStatus="Updating", desired=[wish])

    def _demand(self, place: Place, kind: str, name: str, operation: str) -> dict[str, Any]:
        if (place, kind, name) not in self.resources:
            words = {
                "TrainingJob": "Requested resource not found.",
                "Model": f'Could not find model "arn:model/{name}".',
                "EndpointConfig": f'Could not find endpoint configuration "arn:endpoint-config/{name}".',
                "Endpoint": f'Could not find endpoint "arn:endpoint/{name}".',
            }[kind]
            raise classify(operation, "ValidationException", words)
        return self.resources[place, kind, name]

    def _job_ends(self, job: dict[str, Any]) -> None:
        if job["TrainingJobStatus"] == "Stopping":
            job |= {"TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"}
        elif job["TrainingJobStatus"] == "InProgress":
            status, secondary, reason = self.job_outcomes.popleft() if self.job_outcomes else ("Completed",) * 2 + ("",)
            job |= {"TrainingJobStatus": status, "SecondaryStatus": secondary, "FailureReason": reason}
            if status == "Completed":
                job["ModelArtifacts"] = {"S3ModelArtifacts": f"s3://bucket/{job['TrainingJobName']}/model.tar.gz"}
                job["FinalMetricDataList"] = [{"MetricName": "validation:accuracy", "Value": 0.75}]

    def _endpoint_ends(self, place: Place, name: str, one: dict[str, Any]) -> None:
        status = one["EndpointStatus"]
        if status == "Deleting":
            del self.resources[place, "Endpoint", name]
        elif status == "Creating":
            outcome, reason = self.endpoint_outcomes.popleft() if self.endpoint_outcomes else ("InService", "")
            if self._cannot_accelerate(place, one["EndpointConfigName"]):
                outcome, reason = "Failed", NO_ACCELERATORS
            self._serve(place, one, one["EndpointConfigName"])
            self.touch(one, EndpointStatus=outcome, FailureReason=reason)
        elif status in ("Updating", "RollingBack", "SystemUpdating"):
            succeeds, reason = self.update_outcomes.popleft() if self.update_outcomes else (True, "")
            wanted, retained = one.pop("wanted", None), one.pop("retained", frozenset())
            if wanted is not None and self._cannot_accelerate(place, wanted):
                succeeds, reason = False, NO_ACCELERATORS
            if wanted is not None and succeeds:
                self._serve(place, one, wanted, retained)
            for wish in one.pop("desired", ()):
                _apply(wish, next(v for v in one["ProductionVariants"] if v["VariantName"] == wish["VariantName"]))
            self.touch(one, EndpointStatus="InService", FailureReason=reason)

    def _cannot_accelerate(self, place: Place, config_name: str) -> bool:
        config = self.resources.get((place, "EndpointConfig", config_name), {"ProductionVariants": ()})
        return self.accelerators_refused_at == "Endpoint" and _accelerator_in(config)

    def _serve(
        self, place: Place, one: dict[str, Any], config_name: str, retained: AbstractSet[str] = frozenset()
    ) -> None:
        before = {live["VariantName"]: live for live in one.get("ProductionVariants", ())}
        one["EndpointConfigName"] = config_name
        config = self.resources.get((place, "EndpointConfig", config_name))
        one["ProductionVariants"] = [_live(variant) for variant in (config["ProductionVariants"] if config else ())]
        for live in one["ProductionVariants"]:
            _apply(
                {name: value for name, value in before.get(live["VariantName"], {}).items() if name in retained}, live
            )


def _retained(params: Mapping[str, Any]) -> frozenset[str]:
    """Which properties of the variants are kept."""
    excluded = {one["VariantPropertyType"] for one in params.get("ExcludeRetainedVariantProperties", ())}
    kept = {"DesiredInstanceCount", "DesiredWeight"} if params.get("RetainAllVariantProperties") else set()
    return frozenset(kept - excluded)


def _accelerator_in(config: Mapping[str, Any]) -> bool:
    return any("AcceleratorType" in variant for variant in config["ProductionVariants"])


def _live(variant: Mapping[str, Any]) -> dict[str, Any]:
    count, weight = variant.get("InitialInstanceCount", 0), float(variant.get("InitialVariantWeight", 1))
    live = {"VariantName": variant["VariantName"]}
    return _apply({"DesiredInstanceCount": count, "DesiredWeight": weight}, live)


def _apply(wish: Mapping[str, Any], live: dict[str, Any]) -> dict[str, Any]:
    if "DesiredInstanceCount" in wish:
        count = wish["DesiredInstanceCount"]
        live |= {"CurrentInstanceCount": count, "DesiredInstanceCount": count}
    if "DesiredWeight" in wish:
        live |= {"CurrentWeight": wish["DesiredWeight"], "DesiredWeight": wish["DesiredWeight"]}
    return live


def is_held(body: Mapping[str, Any]) -> bool:
    return FINALIZER in body["metadata"].get("finalizers", ())


def _exists(kind: str, name: str) -> AwsRefusal:
    if kind == "TrainingJob":
        words = "Training job names must be unique within an AWS account and region, and a training job with this name"
        return classify("CreateTrainingJob", "ResourceInUse", f"{words} already exists (arn:{name})")
    noun = {"Model": "model", "EndpointConfig": "endpoint configuration", "Endpoint": "endpoint"}[kind]
    return classify(f"Create{kind}", "ValidationException", f'Cannot create already existing {noun} "arn:{name}".')


def _in_progress(operation: str, name: str) -> AwsRefusal:
    return classify(operation, "ValidationException", f'Cannot update in-progress endpoint "arn:endpoint/{name}".')
