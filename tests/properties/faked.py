"""The account over the fakes."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Hashable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from classifier_operator.api.ledger import Place
from classifier_operator.sagemaker.refusals import AwsRefusal
from tests.properties.account import THEIR_CONFIG, THEIR_CONTAINER, THEIR_MODEL, THEIR_VARIANT, Described, Key
from tests.unit.fakes import START, FakeClock, FakeCloud, Points
from tests.unit.world import Stage


class FakedAccount:
    """FakeCloud as an account. Other hands act at once, and only on what is at rest."""

    def __init__(self, clock: FakeClock, points: Points) -> None:
        self._cloud = FakeCloud(clock, points)
        self._cloud.objects["s3://bucket/image.png"] = b"image"
        self.bad_artifacts = self._cloud.bad_artifacts
        self.s3 = self._cloud.s3
        self.call = self._cloud.call
        self.call_s3 = self._cloud.call_s3
        self.invoke = self._cloud.invoke
        self.read_object = self._cloud.read_object
        self.account = self._cloud.account
        self.progress = self._cloud.progress
        self.refuse = self._cloud.refuse
        self.calm = self._cloud.calm
        # Calls up to the last change of the account.
        self._asked = 0

    def become(self, account: str) -> None:
        self._cloud.become(account)
        self._asked = len(self._cloud.places)

    def asked_in(self, account: str) -> list[str]:
        return [name for name, _ in self._cloud.places[self._asked :]] if self._cloud.account_id == account else []

    def resources(self) -> Mapping[Key, Described]:
        return self._cloud.resources

    def targets(self) -> Mapping[str, Mapping[str, float]]:
        return self._cloud.targets

    def tags(self, key: Key) -> Mapping[str, str]:
        return self._cloud.tags_of(key[2], key[1])

    def effects(self) -> Counter[str]:
        return self._cloud.effects

    def next_job(self, status: str, secondary: str, reason: str) -> None:
        self._cloud.job_outcomes.append((status, secondary, reason))

    def next_endpoint_fails(self, reason: str) -> None:
        self._cloud.endpoint_outcomes.append(("Failed", reason))

    def next_update_is_rolled_back(self, reason: str) -> None:
        self._cloud.update_outcomes.append((False, reason))

    def refuse_accelerators(self, at: str) -> None:
        self._cloud.accelerators_refused_at = at

    def scaled_by_aws(self, endpoint: Key, variant: str, count: int) -> None:
        self.rescale(endpoint, {"VariantName": variant, "DesiredInstanceCount": count})

    def make_served(self, place: Place, name: str, tags: Mapping[str, str]) -> None:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        self._make(place, "Model", THEIR_MODEL, PrimaryContainer=THEIR_CONTAINER)
        self._make(place, "EndpointConfig", THEIR_CONFIG, ProductionVariants=[THEIR_VARIANT])
        self._make(place, "Endpoint", name, EndpointConfigName=THEIR_CONFIG, Tags=listed)
        made = self._cloud.resources[place, "Endpoint", name]
        live = {"VariantName": "x", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1}
        made |= {"ProductionVariants": [{**live, "CurrentWeight": 1.0, "DesiredWeight": 1.0}]}
        self._cloud.touch(made, EndpointStatus="InService")

    def remove(self, endpoint: Key) -> None:
        """DeleteEndpoint deregisters the endpoint's scalable targets."""
        del self._cloud.resources[endpoint]
        for target in [name for name in self._cloud.targets if name.split("/")[1] == endpoint[2]]:
            del self._cloud.targets[target]

    def move(self, endpoint: Key, config: str) -> None:
        one = self._cloud.resources[endpoint]
        if one["EndpointStatus"] != "InService":
            return
        place = endpoint[0]
        served = self._cloud.resources.get((place, "EndpointConfig", one["EndpointConfigName"]))
        if served is None:
            return
        self._make(place, "EndpointConfig", config, ProductionVariants=copy.deepcopy(served["ProductionVariants"]))
        with suppress(AwsRefusal):
            self._cloud._check_targets(place, one, config)
            self._cloud.touch(one, EndpointConfigName=config)

    def withdraw(self, name: Hashable) -> None:
        """Nobody waits here."""

    def rescale(self, endpoint: Key, wish: Mapping[str, Any]) -> None:
        one = self._cloud.resources[endpoint]
        if one["EndpointStatus"] == "InService":
            self._cloud.touch(one, EndpointStatus="Updating", desired=[wish])

    def _make(self, place: Place, kind: str, name: str, **params: Any) -> None:
        if (place, kind, name) not in self._cloud.resources:
            self._cloud._make(place, kind, {f"{kind}Name": name, **params})
            self._cloud.resources[place, kind, name]["CreationTime"] = START - timedelta(days=1)


def stage() -> tuple[Stage, FakedAccount]:
    """A world over the fakes, and its account."""
    clock, points = FakeClock(), Points()
    account = FakedAccount(clock, points)
    return Stage(clock, points, account), account
