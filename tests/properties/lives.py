"""What every life has: an object that is edited, deleted and made again, an operator that dies, an AWS that falters.

Each machine ends in the same way: everything calms down, and what is at AWS is compared with the spec; then the user
asks for something new, which nothing that went before may stand in the way of; then the object is deleted.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.reconcile.tenants import Tenant, Tenants
from tests.properties.account import Account, Described, Key, of_object
from tests.unit.world import Stage

# Rounds after which everything that may still happen has happened: an endpoint that AWS failed waits longest.
LONG = 20
TAGS = st.sampled_from([{}, {"team": "a"}, {"team": "b", "cost": "1"}])
REGIONS = st.sampled_from(["us-east-1", "us-east-1", "eu-west-1"])
FALTERS = st.sampled_from([("ThrottlingException", "Rate exceeded", 400), ("InternalFailure", "", 500)])
REFUSALS = st.sampled_from(
    [
        ("ResourceLimitExceeded", "The account-level service limit is 0 Instances", 400),
        ("AccessDeniedException", "not authorized", 400),
        ("ValidationException", "Could not assume role arn.", 400),
    ]
)
# What the API server may refuse.
REQUESTS = ("read", "patch", "status", "namespace", "config map")
HOME_ACCOUNT, ELSEWHERE = "123456789012", "999999999999"
# The schema's default: no operator has seen the object.
NOT_SEEN = {"observedGeneration": 0}
NOTHING = Tenants(entries=(Tenant(namespaces=("*",), regions=()),))
_TOLD = {
    "TrainingJob": ("SageMaker Training Job State Change", "training-job"),
    "Endpoint": ("SageMaker Endpoint State Change", "endpoint"),
}
Make = Callable[[], tuple[Stage, Account]]
Body = dict[str, Any]


class Life(RuleBasedStateMachine):
    """The object, and what only delays: no rule here may change what comes out in the end.

    may_go_back_unseen: whether a status may be an earlier one for an operator that has never known the later one.
    """

    may_go_back_unseen = True

    def __init__(self, make: Make) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stage, self.account = make()
        self.cluster = self.stage.cluster
        # By UID, the policy that held when the deletion was asked for.
        self.deleted: dict[str, str] = {}
        # What the ledgers of retained objects named.
        self.retained: set[str] = set()
        # How often the user has asked for something else than before.
        self.asked = 0
        self.pace = 0
        # For so many steps the operator's credentials are of another account.
        self.steps_away = 0
        # Whether a status was lost or put back, so that not all has to be named until the operator has looked.
        self.is_forgetful = False
        self.kept: dict[str, Body] = {}
        # What had been begun when nothing was allowed any more; None while everything is.
        self.begun: dict[str, int] | None = None
        self.key = self._made()

    # What the machines say of themselves

    def first(self) -> Body:
        """The object as it is created."""
        raise NotImplementedError

    def content(self, body: Body) -> Any:
        """What of the object is sent to AWS, but for what changes in place; None where nothing is asked for."""
        raise NotImplementedError

    def ask_for_something_new(self) -> None:
        """An edit that is good, whatever went before."""
        raise NotImplementedError

    def settled(self) -> None:
        """All is calm: the status says what is, and what is is what the spec says, or there is a reason."""
        raise NotImplementedError

    def is_as_asked(self) -> None:
        """The object is ready, and AWS has exactly what the spec says."""
        raise NotImplementedError

    def can_be_found(self, status: Body) -> bool:
        """Whether an operator that has no memory can find all that is there, once the status is this one."""
        raise NotImplementedError

    def may_stay(self, found: dict[Key, Described], policy: str) -> bool:
        """Whether this may be there after the object, deleted under that policy, is gone."""
        raise NotImplementedError

    # The object

    @property
    def body(self) -> Body:
        body: Body = self.cluster.objects[self.key]
        return body

    @property
    def spec(self) -> Body:
        spec: Body = self.body["spec"]
        return spec

    @property
    def status(self) -> Body:
        return self.cluster.status(self.key)

    @property
    def uid(self) -> str:
        return str(self.body["metadata"]["uid"])

    @property
    def is_there(self) -> bool:
        return self.key in self.cluster.objects

    @property
    def is_alive(self) -> bool:
        return self.is_there and "deletionTimestamp" not in self.body["metadata"]

    def edit(self, change: Callable[[Body], None]) -> None:
        """What the user does to the object; one that is being deleted is not edited any more."""
        if not self.is_alive:
            return
        before = copy.deepcopy(self.content(self.body))
        self.cluster.edit(self.key, change)
        after = self.content(self.body)
        self.asked += after is not None and after != before

    def change(self, **fields: Any) -> None:
        self.edit(lambda body: _updated(body["spec"], fields))

    def condition(self, kind: str) -> tuple[str, str] | None:
        return self.cluster.condition(self.key, kind)

    def ledger(self) -> set[tuple[str, str, str]]:
        """Region, type and name of all that the status names."""
        return {(one["region"], one["type"], one["name"]) for one in self.status.get("resources", ())}

    def run(self, rounds: int, *, progress: bool = True) -> None:
        self.work(self.stage.run(rounds, progress=progress))

    def work(self, of_operator: Coroutine[Any, Any, None]) -> None:
        """Let the operator work, by its credentials; all others are at home, whosever they are."""
        if not self.is_away:
            self.loop.run_until_complete(of_operator)
            return
        self.account.become(ELSEWHERE)
        self.loop.run_until_complete(of_operator)
        assert not self.account.asked_in(ELSEWHERE)
        assert not self.account.resources()
        self.account.become(HOME_ACCOUNT)

    @property
    def is_away(self) -> bool:
        """Whether the operator's credentials are of an account in which the objects have nothing."""
        return self.steps_away > 0

    # Rules

    @initialize(pace=st.integers(0, 2))
    def begins(self, pace: int) -> None:
        """How much happens between two steps: in some lives one thing comes upon the other, in others all settles."""
        self.pace = pace

    @invariant()
    def time_goes_on(self) -> None:
        self.run(self.pace)
        self.steps_away = max(0, self.steps_away - 1)

    @rule(progress=st.booleans())
    def time_passes(self, progress: bool) -> None:
        self.run(1, progress=progress)

    @rule()
    def operator_looks(self) -> None:
        self.work(self.stage.look())

    @property
    def is_on_record(self) -> bool:
        """Whether an operator without a memory would find all there is (decision 0018 says what it does not find)."""
        return not (self.is_there and self.is_forgetful) or self.can_be_found(self.status)

    @precondition(lambda self: self.is_on_record)
    @rule()
    def operator_restarts(self) -> None:
        self.stage.restart()

    @precondition(lambda self: self.is_on_record)
    @rule(points=st.integers(1, 16), progress=st.booleans())
    def operator_is_killed(self, points: int, progress: bool) -> None:
        self.stage.points.kill_at = self.stage.points.passed + points
        self.run(1, progress=progress)
        self.stage.points.kill_at = None

    @rule(refusal=FALTERS, times=st.integers(1, 4))
    def aws_falters(self, refusal: tuple[str, str, int], times: int) -> None:
        code, words, status = refusal
        self.account.refuse("*", code, words, status=status, times=times)

    @rule()
    def an_answer_is_lost(self) -> None:
        self.account.refuse("*", "ConnectionClosedError", "", status=0, after=True)

    @rule(request=st.sampled_from(REQUESTS), status=st.sampled_from([403, 429, 500]), times=st.integers(1, 4))
    def the_api_server_refuses(self, request: str, status: int, times: int) -> None:
        self.cluster.refusals += [(request, status)] * times

    @precondition(lambda self: self.is_on_record)
    @rule(hours=st.sampled_from([-48.0, -5.0, 0.0, 0.0, 5.0, 48.0]))
    def the_clock_is_moved(self, hours: float) -> None:
        """The machine's clock, not that of AWS. A process that runs keeps its time; the next one does not."""
        self.stage.clock.shift = hours * 3600.0
        self.stage.restart()

    @precondition(lambda self: self.is_there and all(map(self._has_begun, self.cluster.objects.values())))
    @rule(steps=st.integers(1, 5))
    def credentials_become_another_accounts(self, steps: int) -> None:
        """For so many steps, at which all else happens that may."""
        self.steps_away = steps

    def _has_begun(self, body: Body) -> bool:
        """Whether the object is bound to an account: one that is not is made wherever the credentials lead."""
        is_bound = bool(body.get("status", {}).get("account"))
        return is_bound and bool(of_object(self.account, str(body["metadata"]["uid"])))

    @rule(times=st.integers(1, 3))
    def events_arrive(self, times: int) -> None:
        """Early, late, twice, of what is gone or never was: they tell when to look, and nothing else."""
        named = self.ledger() if self.is_there else set()
        told = [_event(*one) for one in sorted(named) for _ in range(times)]
        self.work(self.stage.hear("{", *told, _event("us-east-1", "Endpoint", "nobodys")))

    @rule(tags=TAGS)
    def tags_change(self, tags: dict[str, str]) -> None:
        self.change(tags=tags)

    @rule(suspend=st.sampled_from([True, False, False]))
    def is_suspended(self, suspend: bool) -> None:
        self.change(suspend=suspend)

    @rule(region=REGIONS)
    def region_changes(self, region: str) -> None:
        if self.is_forgetful and self.is_there:
            # What was made where neither the status nor the spec looks any more is not found (decision 0018).
            named = {region for region, _, _ in self.ledger()} | {region}
            if not {place.region for place, _, _ in of_object(self.account, self.uid)} <= named:
                return
        self.change(region=region)

    @rule(is_tight=st.booleans())
    def what_may_be_used_changes(self, is_tight: bool) -> None:
        self._allow(NOTHING if is_tight else Tenants())

    # Lost and restored statuses

    @rule(which=st.integers(0, 3))
    def a_status_is_wiped(self, which: int) -> None:
        """While the operator runs, or is woken up by it."""
        self._set_status(which, lambda _: dict(NOT_SEEN))

    @rule(which=st.integers(0, 3))
    def a_status_is_wiped_while_the_operator_is_down(self, which: int) -> None:
        self._set_status(which, lambda _: dict(NOT_SEEN), is_down=True)

    @rule(which=st.integers(0, 3))
    def a_status_is_kept(self, which: int) -> None:
        if (key := self._one_of_all(which)) is not None:
            body = self.cluster.objects[key]
            self.kept[body["metadata"]["uid"]] = copy.deepcopy(body.get("status", {}))

    @rule(which=st.integers(0, 3))
    def a_status_goes_back(self, which: int) -> None:
        self._set_status(which, self._earlier)

    @precondition(lambda self: self.may_go_back_unseen)
    @rule(which=st.integers(0, 3))
    def a_status_goes_back_while_the_operator_is_down(self, which: int) -> None:
        self._set_status(which, self._earlier, is_down=True)

    @precondition(lambda self: self.is_alive and not self.cluster.refusals)
    @rule()
    def the_finalizer_is_dropped(self) -> None:
        """What `kubectl replace` with a manifest does; the operator sees it before anybody deletes the object."""
        self.cluster.edit(self.key, lambda body: body["metadata"].pop("finalizers", None))
        self.work(self.stage.look())

    def _set_status(self, which: int, to: Callable[[Body], Body | None], *, is_down: bool = False) -> None:
        key = self._one_of_all(which)
        if key is None or self.is_away:
            # Without the account on record the other one is as good as the first.
            return
        body = self.cluster.objects[key]
        status = to(body)
        if status is None or (is_down and not (key == self.key and self.can_be_found(status))):
            return
        self.cluster.edit(key, lambda body: body.update(status=copy.deepcopy(status)))
        self.is_forgetful = True
        if is_down:
            self.stage.restart()

    def _earlier(self, body: Body) -> Body | None:
        return self.kept.get(body["metadata"]["uid"])

    def _one_of_all(self, which: int) -> ObjectKey | None:
        """The object itself half of the times, else one of all that there are."""
        keys = sorted(self.cluster.objects)
        if self.is_there and which % 2:
            return self.key
        return keys[which % len(keys)] if keys else None

    @precondition(lambda self: self.is_alive)
    @rule()
    def is_deleted(self) -> None:
        self.deleted[self.uid] = self.spec.get("deletionPolicy", "")
        if self.deleted[self.uid] == "Retain":
            self.retained |= {name for _, _, name in self.ledger() | set(of_object(self.account, self.uid))}
            self.retained |= set(self.account.targets())
        self.cluster.delete(self.key)

    @precondition(lambda self: not self.is_there and not self.is_away)
    @rule()
    def is_made_again(self) -> None:
        self.key = self._made()

    # What holds at any moment

    @invariant()
    def nothing_is_there_that_no_object_names(self) -> None:
        uids = {str(body["metadata"]["uid"]) for body in self.cluster.objects.values()}
        for uid, policy in self.deleted.items():
            if uid not in uids:
                assert self.may_stay(of_object(self.account, uid), policy), (uid, policy)
        if self.is_there and not self.is_forgetful:
            ledger = self.ledger()
            for (place, kind, name), one in of_object(self.account, self.uid).items():
                if kind != "TrainingJob" or one["TrainingJobStatus"] == "InProgress":
                    assert (place.region, kind, name) in ledger, (kind, name)

    @invariant()
    def nothing_is_begun_that_is_not_allowed(self) -> None:
        if self.begun is not None:
            assert _beginnings(self.account) == self.begun

    # The end

    def teardown(self) -> None:
        try:
            self._calm_down()
            if self.is_alive:
                self._remember_all()
                self.settled()
            else:
                assert not self.is_there, self.status
                self.key = self._made()
            self.ask_for_something_new()
            self.run(LONG)
            self.nothing_is_there_that_no_object_names()
            self.is_as_asked()
            self._costs_nothing()
            self._goes()
        finally:
            self.loop.close()

    def _calm_down(self) -> None:
        self.account.calm()
        self.steps_away = 0
        self.cluster.refusals.clear()
        if self.stage.clock.shift:
            self.stage.clock.shift = 0.0
            self.stage.restart()
        self._allow(Tenants())
        self.stage.points.kill_at = None
        self.run(LONG)
        self.nothing_is_there_that_no_object_names()

    def _remember_all(self) -> None:
        """What an older status has hidden is found once there is none: from then on all is named."""
        if not self.is_forgetful:
            return
        self.is_forgetful = not self.can_be_found(NOT_SEEN)
        if self.is_forgetful:
            return
        self.cluster.edit(self.key, lambda body: body.update(status=dict(NOT_SEEN)))
        self.stage.restart()
        self.run(LONG)
        self.nothing_is_there_that_no_object_names()

    def _costs_nothing(self) -> None:
        """A settled object is looked at by the sweeps, and is not written; nor after a restart."""
        writes, effects = self.cluster.writes, _changes(self.account)
        self.run(2)
        if self.asked % 2:
            # Not always: what an operator remembers may be wrong, too, when the object is deleted.
            self.stage.restart()
        self.run(2)
        assert (self.cluster.writes, _changes(self.account)) == (writes, effects)

    def _goes(self) -> None:
        self.change(deletionPolicy=None)
        self.is_deleted()
        for key in tuple(self.cluster.objects):
            self.cluster.delete(key)
        self.run(6)
        assert not self.cluster.objects
        self.nothing_is_there_that_no_object_names()
        operator = self.stage.operator
        assert not operator.inventory.followed() | operator.inventory.guarded()
        assert len(operator.troubles) == 0
        assert not operator.queue.delayed

    def _allow(self, tenants: Tenants) -> None:
        self.stage.allow(tenants)
        self.begun = _beginnings(self.account) if tenants is NOTHING else None

    def _made(self) -> ObjectKey:
        self.asked += 1
        return self.cluster.create(self.first())


def _event(region: str, kind: str, name: str) -> str:
    """An event that tells of some failure or other."""
    detail_type, noun = _TOLD.get(kind, ("SageMaker Model State Change", "model"))
    arn = f"arn:aws:sagemaker:{region}:123456789012:{noun}/{name}"
    detail = {f"{kind}Arn": arn, f"{kind}Status": "FAILED"}
    return json.dumps({"source": "aws.sagemaker", "detail-type": detail_type, "detail": detail})


def _updated(spec: Body, fields: Body) -> None:
    """Fields of None are taken away."""
    for name, value in fields.items():
        if value is None:
            spec.pop(name, None)
        else:
            spec[name] = copy.deepcopy(value)


def _changes(account: Account) -> dict[str, int]:
    reads = ("Describe", "List", "Invoke")
    return {name: count for name, count in account.effects().items() if not name.rpartition(".")[2].startswith(reads)}


def _beginnings(account: Account) -> dict[str, int]:
    """What has been made or changed at SageMaker: not what was ended or let go of, nor parts of an upload."""
    begins = ("CreateTraining", "CreateModel", "CreateEndpoint", "Update", "AddTags", "Register", "Put")
    return {name: count for name, count in account.effects().items() if name.rpartition(".")[2].startswith(begins)}
