"""The operator's credentials become another account's, and come back, while objects are worked on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from classifier_operator.api.conditions import Reason
from tests.apiserver.servers import SPEED
from tests.apiserver.serving import UID_TAG
from tests.apiserver.world import Json, reason_of, until
from tests.credentials_source import CredentialsSource
from tests.faults.accounts import (
    ELSEWHERE,
    HOME,
    lay_out_data,
    operators_credentials,
    served_elsewhere,
    trained_elsewhere,
)
from tests.faults.audit import Carried, audit
from tests.faults.ends import COMPLETED, IN_SERVICE, MISMATCHED, End
from tests.faults.objects import Name, Objects
from tests.faults.sizes import SIZE, TIMEOUT
from tests.faults.stage import Stage

pytestmark = pytest.mark.timeout(TIMEOUT)
SECONDS = SIZE.outage_seconds / SIZE.outage_speed + 60


class Switch:
    """Whose credentials the operator has, and what has to be true of the objects meanwhile.

    An object is in the account in which AWS has something of it. What AWS has refused so far is in none yet, and
    belongs to whichever account it is tried in.
    """

    def __init__(self, stage: Stage, source: CredentialsSource, objects: Objects) -> None:
        self._aws = stage.world.aws
        self._stage = stage
        self._source = source
        self._objects = objects
        # How what is made for the other account has to end there.
        self._elsewhere: dict[Name, End] = {}
        # The last call before each time at which the operator had the other account's credentials, and what the names
        # of all that its own account had of objects began with.
        self._absences: list[tuple[int, tuple[str, ...]]] = []

    def away(self) -> None:
        """The operator gets credentials of the other account."""
        since, there = self._aws.last_call(), self._owners(HOME)
        starts = tuple(
            f"{self._stage.world.namespace}-{name.name}-" for name, uid in self._uids().items() if uid in there
        )
        self._absences.append((since, starts))
        self._become(ELSEWHERE)
        until(lambda: self._stage.operator.metric("account_mismatches") > 0, "objects to wait for their account")

    def back(self, *, is_down: bool = False) -> None:
        """The operator gets its own credentials back: all that its own account has something of goes on by itself.

        is_down: the operator is not running at that moment.
        """
        if is_down:
            self._stage.operator.kill()
        self._become(HOME)
        if is_down:
            self._stage.operator.start()
        until(lambda: not self._waiting_at_home(), "all to go on", SECONDS, self._waiting_at_home)

    def make(self, number: int) -> None:
        """Make a training and an endpoint for the other account, and wait until it has something of both."""
        training, endpoint = trained_elsewhere(f"elsewhere-{number}"), served_elsewhere(f"elsewhere-{number}")
        for kind, manifest, end in (("ctrain", training, COMPLETED), ("cep", endpoint, IN_SERVICE)):
            self._objects.create(manifest)
            name = Name(kind, manifest["metadata"]["name"])
            self._elsewhere[name] = end
            self._stage.population.ends[name] = MISMATCHED

        def are_made() -> bool:
            there, uids = self._owners(ELSEWHERE), self._uids()
            return {uids[name] for name in self._elsewhere} <= there

        until(are_made, "what is made meanwhile to be made there", SECONDS)

    def refused_elsewhere(self) -> list[Name]:
        """The objects of which no account has anything, and that wait for the other one, which has refused them."""
        made = self._owners(HOME) | self._owners(ELSEWHERE)
        bodies = self._objects.all()
        return [
            name for name, body in bodies.items() if _account(body) == ELSEWHERE and body["metadata"]["uid"] not in made
        ]

    def ends_elsewhere(self) -> dict[Name, End]:
        """How each object has to end while the credentials are of the other account."""
        bodies = self._objects.all()
        ends = dict(self._stage.population.ends)
        at_home = {name: MISMATCHED for name, body in bodies.items() if _account(body) == HOME}
        return {**ends, **at_home, **self._elsewhere}

    def complaints(self) -> list[str]:
        """The calls to the other account about something that its own account had when it was left."""
        found = []
        for since, starts in self._absences:
            # Of some calls the resource is an ARN.
            calls = [call for call in self._aws.calls(since=since) if call["account"] == ELSEWHERE]
            about = [call for call in calls if any(start in call["resource"] for start in starts)]
            found += [f"{call['operation']} of {call['resource']}" for call in about]
        return found

    def _become(self, account: str) -> None:
        self._source.become(operators_credentials(account, self._aws.url))

    def _uids(self) -> dict[Name, str]:
        return {name: str(body["metadata"]["uid"]) for name, body in self._objects.all().items()}

    def _owners(self, account: str) -> set[str]:
        """The UIDs of the objects that have something in that account."""
        return {one["tags"].get(UID_TAG, "") for one in self._aws.resources() if one["account"] == account} - {""}

    def _waiting_at_home(self) -> list[str]:
        """The objects that have something in the operator's own account, and wait for its credentials."""
        there = self._owners(HOME)
        waiting = {name: body for name, body in self._objects.all().items() if _waits(body)}
        return [f"{name}: {body['status']}" for name, body in waiting.items() if body["metadata"]["uid"] in there]


def _account(body: Json) -> str:
    return str(body.get("status", {}).get("account", ""))


def _waits(body: Json) -> bool:
    return reason_of(body.get("status", {}), "Ready") == Reason.ACCOUNT_MISMATCH


@pytest.fixture
def switch(stage: Stage) -> Iterator[Switch]:
    """The operator with credentials as Pod Identity gives them; it is started anew with these."""
    objects = Objects(stage.world.cluster.kubeconfig, stage.world.namespace)
    lay_out_data(stage.world)
    with CredentialsSource(operators_credentials(HOME, stage.world.aws.url)) as source:
        stage.operator.kill()
        stage.operator = stage.another(environment=source.environment)
        stage.operator.start()
        yield Switch(stage, source, objects)
        stage.operator.kill()
    objects.close()


def test_the_account_is_switched_and_switched_back(stage: Stage, switch: Switch) -> None:
    """What is in one account stays as it is while the credentials are of the other; each goes on in its own."""
    aws, operator, population = stage.world.aws, stage.operator, stage.population
    with stage.stirred(makes=False) as stir:
        for number in range(SIZE.rounds):
            stir.go_on()
            aws.set_speed(SIZE.outage_speed)
            end = aws.now() + SIZE.outage_seconds / SIZE.rounds
            switch.away()
            stir.go_on(2)
            switch.make(number)
            operator.kill()
            operator.start()
            stir.go_on(2)
            until(lambda: aws.now() >= end, "some time to pass", SECONDS)  # noqa: B023 - called here
            switch.back(is_down=number % 2 == 1)
            aws.set_speed(SPEED)
        stir.go_on()
    refused = switch.refused_elsewhere()
    population.ends.update(dict.fromkeys(refused, MISMATCHED))
    stage.audit(lost_events=stage.unpublished())
    population.ends = switch.ends_elsewhere()
    changed = _changes_at_home(stage)
    switch.away()
    for name in refused:
        population.delete(name)
    audit(population, SIZE.settling_seconds, lost_events=None)
    assert _changes_at_home(stage) == changed
    assert switch.complaints() == []
    switch.back()


def _changes_at_home(stage: Stage) -> list[int]:
    """The numbers of the calls that have changed something in the operator's own account."""
    return [call["number"] for call in Carried.out(stage.world.aws).calls if call["account"] == HOME]
