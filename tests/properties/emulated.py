"""The account over the emulator: the operator's calls go over HTTP, by the adapter that goes to AWS.

The emulator runs in this process, so what is there is read from its tables, past the faults that calls meet. Other
hands call it directly too, and are refused as anybody is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from botocore.credentials import Credentials

from classifier_operator.adapters.accounts import NOBODYS_NAME
from classifier_operator.adapters.aws import Aws
from classifier_operator.api.ledger import Place
from sagemaker_emulator import autoscaling, endpoint_descriptions, training_descriptions
from sagemaker_emulator.context import Context
from sagemaker_emulator.errors import AwsError
from sagemaker_emulator.faults import Failure, Planned
from sagemaker_emulator.outcomes import Outcome
from sagemaker_emulator.scheduler import Scheduler
from sagemaker_emulator.server import Emulator
from sagemaker_emulator.settings import ElasticInference, Endpoint, Settings, Training, patched
from sagemaker_emulator.store import ScopeKey
from tests.properties.account import THEIR_CONFIG, THEIR_CONTAINER, THEIR_MODEL, THEIR_VARIANT, Described, Key
from tests.unit.fakes import FakeClock, Points
from tests.unit.world import Stage

IMAGE = "s3://bucket/image.png"
# Longer than a round of the world lasts, so that things are seen on the move.
SLOW = 900.0
SETTINGS = Settings(
    check_model_data=False,
    training=Training(training_seconds=SLOW, work="none", instant_artifact=False),
    endpoint=Endpoint(
        creating_seconds=SLOW,
        failing_seconds=SLOW,
        updating_seconds=SLOW,
        scaling_seconds=SLOW,
        deleting_seconds=SLOW,
        load_model=False,
    ),
    elastic_inference=ElasticInference(available=True, slow_calls=0),
)
# Everything that began before ends within this: an update that is rolled back takes longest.
ENOUGH = 2400.0
REGIONS = ("us-east-1", "eu-west-1")
# Those of an access key that the emulator does not know are of its own account.
OWN_CREDENTIALS = ("AKIAIOSFODNN7EXAMPLE", "secret", "token")
_RESULTS = {"Failed": "fail", "MaxRuntimeExceeded": "max_runtime", "Stopped": "stop"}


class EmulatedClock(FakeClock):
    """The emulator's clock as the operator's: moved by hand, and AWS moves with it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._start = scheduler.clock.now()

    @property
    def seconds(self) -> float:
        return self._scheduler.clock.now() - self._start

    @seconds.setter
    def seconds(self, value: float) -> None:
        self._scheduler.advance(value - self.seconds)

    def true_now(self) -> datetime:
        return datetime.fromtimestamp(self._scheduler.clock.now(), UTC)


class EmulatedAccount:
    """One emulator as an account, emptied.

    own: the operator's own credentials, which `become` exchanges where they are.
    """

    def __init__(self, emulator: Emulator, aws: Aws, points: Points, own: Credentials | None = None) -> None:
        self.bad_artifacts: set[str] = set()
        self._aws = aws
        self._own = own or Credentials(*OWN_CREDENTIALS)
        self._points = points
        self._given = {SETTINGS.account: OWN_CREDENTIALS}
        self.become(SETTINGS.account)
        self._app = emulator.application
        self._app.reset()
        self._world = emulator.application.world
        s3: Any = self._world.moto.client("s3", account=SETTINGS.account, region=SETTINGS.region)
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="image.png", Body=b"image")

    async def call(
        self,
        place: Place,
        operation: str,
        params: Mapping[str, Any],
        *,
        turn: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        self._points.reach()
        with self._points.waiting():
            answer = await self._aws.call(place, operation, params)
        self._points.reach()
        return answer

    async def account(self, region: str) -> str:
        return await self._aws.account(region)

    def withdraw(self, name: Hashable) -> None:
        """Nobody waits here."""

    async def invoke(
        self,
        place: Place,
        endpoint: str,
        body: bytes,
        content_type: str,
        *,
        limit: int,
        variant: str = "",
        sent: Callable[[], None] = lambda: None,
    ) -> bytes:
        """The emulator's stand-in for models of other images knows one class only: here the artifact tells."""
        self._points.reach()
        with self._points.waiting():
            await self._aws.invoke(place, endpoint, body, content_type, limit=limit, variant=variant, sent=sent)
        variants = self._scope(place).endpoints.get(endpoint, self._now()).phase(self._now()).variants
        served = next(one.served.artifact for one in variants if variant in ("", one.name))
        return b"[0.9, 0.1]" if served in self.bad_artifacts else b"[0.1, 0.9]"

    async def read_object(self, place: Place, s3_uri: str, limit: int) -> bytes:
        self._points.reach()
        with self._points.waiting():
            return await self._aws.read_object(place, s3_uri, limit)

    async def call_s3(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        self._points.reach()
        with self._points.waiting():
            return await self._aws.call_s3(place, operation, params)

    def progress(self) -> None:
        self._world.scheduler.advance(ENOUGH)

    def resources(self) -> Mapping[Key, Described]:
        now = self._now()
        found: dict[Key, Described] = {}
        for place in map(Place, REGIONS):
            scope = self._scope(place)
            found |= {
                (place, "TrainingJob", one.name): training_descriptions.description(one, now)
                for one in scope.jobs
                if one.exists(now)
            }
            found |= {(place, "Model", one.name): one.request for one in scope.models}
            found |= {(place, "EndpointConfig", one.name): one.request for one in scope.configs}
            found |= {
                (place, "Endpoint", one.name): endpoint_descriptions.description(one, None, now)
                for one in scope.endpoints
                if one.exists(now)
            }
        return found

    def targets(self) -> Mapping[str, Mapping[str, float]]:
        return {
            one.resource_id: {"low": one.minimum, "high": one.maximum, **_aim(one.policies)}
            for place in map(Place, REGIONS)
            for one in self._scope(place).targets.values()
        }

    def tags(self, key: Key) -> Mapping[str, str]:
        place, kind, name = key
        scope = self._scope(place)
        tables: dict[str, Any] = {
            "TrainingJob": scope.jobs,
            "Model": scope.models,
            "EndpointConfig": scope.configs,
            "Endpoint": scope.endpoints,
        }
        return dict(tables[kind].get(name, self._now()).tags)

    def _credentials_of(self, account: str) -> tuple[str, str, str]:
        """Those of a role of that account."""
        sts: Any = self._world.moto.client("sts", account=account, region=SETTINGS.region)
        role = f"arn:aws:iam::{account}:role/Classifiers"
        given = sts.assume_role(RoleArn=role, RoleSessionName="operator")["Credentials"]
        return given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]

    def effects(self) -> Counter[str]:
        return Counter(call["operation"].rpartition(".")[2] for call in self._world.calls.entries() if call["effect"])

    def refuse(
        self, operation: str, code: str, message: str = "", *, times: int = 1, status: int = 400, after: bool = False
    ) -> None:
        failure = Failure(code=code, message=message, status=status or 500, reset=not status)
        pattern = operation if operation == "*" else f"*{operation}"
        self._world.faults.plan(Planned(pattern, failure, "after" if after else "before", times))

    def become(self, account: str) -> None:
        self._account = account
        if account not in self._given:
            self._given[account] = self._credentials_of(account)
        self._own.access_key, self._own.secret_key, self._own.token = self._given[account]

    def asked_in(self, account: str) -> list[str]:
        return [
            str(call["operation"])
            for call in self._world.calls.entries()
            if call["account"] == account
            and call["operation"] != "sts.GetCallerIdentity"
            and call["resource"] != NOBODYS_NAME
        ]

    def calm(self) -> None:
        self._world.faults.clear()
        self._world.outcomes.clear()

    def next_job(self, status: str, secondary: str, reason: str) -> None:
        result = _RESULTS.get(secondary)
        if result is not None and status != "Completed":
            self._world.outcomes.order(Outcome("training", result, reason))

    def next_endpoint_fails(self, reason: str) -> None:
        self._world.outcomes.order(Outcome("creation", "fail", reason))

    def next_update_is_rolled_back(self, reason: str) -> None:
        self._world.outcomes.order(Outcome("update", "roll_back", reason))

    def refuse_accelerators(self, at: str) -> None:
        changes = {"available": not at, **({"refused_at": at} if at else {})}
        self._world.settings = patched(self._world.settings, {"elastic_inference": changes})

    def scaled_by_aws(self, endpoint: Key, variant: str, count: int) -> None:
        with suppress(ValueError, AwsError):
            autoscaling.act(self._context(endpoint[0]), endpoint[2], variant, count)

    def make_served(self, place: Place, name: str, tags: Mapping[str, str]) -> None:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        role = {"ExecutionRoleArn": "arn:aws:iam::123456789012:role/Theirs"}
        self._by_hand(place, "CreateModel", ModelName=THEIR_MODEL, PrimaryContainer=THEIR_CONTAINER, **role)
        self._by_hand(
            place, "CreateEndpointConfig", EndpointConfigName=THEIR_CONFIG, ProductionVariants=[THEIR_VARIANT]
        )
        self._by_hand(place, "CreateEndpoint", EndpointName=name, EndpointConfigName=THEIR_CONFIG, Tags=listed)

    def remove(self, endpoint: Key) -> None:
        scope = self._scope(endpoint[0])
        found = scope.endpoints.get(endpoint[2], self._now())
        if found is not None:
            scope.endpoints.remove(found)
            scope.forget_targets(endpoint[2])

    def move(self, endpoint: Key, config: str) -> None:
        place, _, name = endpoint
        served = self._scope(place).configs.get(self.resources()[endpoint]["EndpointConfigName"], self._now())
        if served is None:
            return
        self._by_hand(place, "CreateEndpointConfig", EndpointConfigName=config, ProductionVariants=served.variants)
        self._by_hand(place, "UpdateEndpoint", EndpointName=name, EndpointConfigName=config)

    def rescale(self, endpoint: Key, wish: Mapping[str, Any]) -> None:
        place, _, name = endpoint
        self._by_hand(
            place, "UpdateEndpointWeightsAndCapacities", EndpointName=name, DesiredWeightsAndCapacities=[dict(wish)]
        )

    def _by_hand(self, place: Place, operation: str, **params: Any) -> None:
        with suppress(AwsError):
            self._app.sagemaker.perform(operation, params, self._key(place))

    def _key(self, place: Place) -> ScopeKey:
        return ScopeKey(self._account, place.region)

    def _scope(self, place: Place) -> Any:
        return self._world.scope(self._key(place))

    def _context(self, place: Place) -> Context:
        return Context(self._world, self._scope(place), self._now())

    def _now(self) -> float:
        return self._world.clock.now()


def _aim(policies: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    aims = [one["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for one in policies.values()]
    return {"aim": aims[0]} if aims else {}


def stage(emulator: Emulator, aws: Aws, own: Credentials) -> tuple[Stage, EmulatedAccount]:
    """A world over the emulator, and its account."""
    points = Points()
    account = EmulatedAccount(emulator, aws, points, own)
    return Stage(EmulatedClock(emulator.application.world.scheduler), points, account), account
