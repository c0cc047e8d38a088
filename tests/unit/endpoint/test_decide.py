"""The second state table of the contract: what is said and done in each state that AWS can show. Pure, no fakes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec import structs
from tests.unit.builders import endpoint_spec, following_spec
from tests.unit.fakes import START

from classifier_operator.api.conditions import Condition, ConditionType
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Resource, ResourceType
from classifier_operator.endpoint.decide import decide, subject_of
from classifier_operator.endpoint.deployment import Deployment
from classifier_operator.endpoint.record import EndpointStatus, RolledBack, SmokeTestStatus, Update
from classifier_operator.endpoint.situation import Endpoint, EndpointDecision, wanted_deployment, wanted_test
from classifier_operator.endpoint.smoke_test import SmokeTestState
from classifier_operator.endpoint.spec import EndpointSpec
from classifier_operator.endpoint.variants import TrainedModel
from classifier_operator.reconcile.decision import Defaults, Meta, Seen
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.sagemaker.refusals import RefusalKind
from classifier_operator.sagemaker.views import (
    EndpointView,
    ModelView,
    PlainView,
    Sighting,
    Stranger,
    Unseen,
    VariantView,
)

META = Meta(key=ObjectKey(Kind.ENDPOINT, "vision", "digits"), uid="1", generation=3)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/x"
SERVING = Condition(type=ConditionType.READY, status="True", reason="InService", last_transition_time="x")


def endpoint(status: EndpointStatus | None = None, **changes: Any) -> Endpoint:
    spec = msgspec.convert(endpoint_spec(**changes), EndpointSpec)
    return Endpoint(meta=META, spec=spec, status=status or EndpointStatus())


def wanted(one: Endpoint) -> Deployment:
    deployment = wanted_deployment(one)
    assert deployment is not None
    return deployment


def view(one: Endpoint, status: str, *, config: str | None = None, reason: str = "", count: int = 1) -> EndpointView:
    deployment = wanted(one)
    return EndpointView(
        name=deployment.endpoint.name,
        arn=ARN,
        status=status,
        config_name=deployment.config.name if config is None else config,
        failure_reason=reason,
        variants=(VariantView(name="AllTraffic", current_count=count, desired_count=count),),
        modified=START,
        is_detailed=True,
    )


def seen(one: Endpoint, sighting: Sighting, **troubles: Trouble) -> Seen:
    deployment = wanted(one)
    sightings: dict[Any, Sighting] = {deployment.endpoint: sighting}
    sightings |= {**dict.fromkeys(deployment.models, ModelView("arn")), deployment.config: PlainView("arn")}
    if isinstance(sighting, EndpointView) and sighting.config_name != deployment.config.name:
        # What serves instead has been looked at: it is nobody's.
        config = Resource(deployment.place, ResourceType.ENDPOINT_CONFIG, sighting.config_name)
        sightings[config] = Stranger("arn", "")
    return Seen(sightings=sightings, troubles={trouble.resource: trouble for trouble in troubles.values()})


def settled(**changes: Any) -> Endpoint:
    """It serves what its spec says, and the status says so."""
    one = endpoint(**changes)
    status = decide(one, Seen(), START).status
    one = structs.replace(one, status=structs.replace(status, endpoint_arn=ARN))
    return structs.replace(one, status=decide(one, seen(one, view(one, "InService")), START).status)


def edited(one: Endpoint, **changes: Any) -> Endpoint:
    return structs.replace(one, spec=msgspec.convert(endpoint_spec(**changes), EndpointSpec))


def deleted(one: Endpoint) -> Endpoint:
    return structs.replace(one, meta=structs.replace(one.meta, is_deleted=True))


def said(decision: EndpointDecision) -> dict[str, str]:
    return {
        condition.type: f"{condition.status} {condition.reason}" if condition.type == "Ready" else condition.reason
        for condition in decision.status.conditions
    }


def operations(decision: EndpointDecision) -> list[str]:
    return [call.operation for call in decision.calls]


FIRST: dict[str, dict[str, str]] = {
    "Creating": {"Ready": "False Creating", "Reconciling": "Creating"},
    "Updating": {"Ready": "False Updating", "Reconciling": "Updating"},
    "SystemUpdating": {"Ready": "False Updating", "Reconciling": "Updating"},
    "RollingBack": {"Ready": "False RollingBack", "Reconciling": "RollingBack"},
    "Deleting": {"Ready": "False Creating", "Reconciling": "Creating"},
    "InService": {"Ready": "True InService"},
    "OutOfService": {"Ready": "False OutOfService", "Stalled": "OutOfService"},
    "UpdateRollbackFailed": {"Ready": "False UpdateRollbackFailed", "Stalled": "UpdateRollbackFailed"},
    "Failed": {"Ready": "False EndpointFailed", "Stalled": "EndpointFailed"},
    "Hibernating": {"Ready": "False Updating", "Reconciling": "Updating"},
}
SETTLED: dict[str, dict[str, str]] = {
    **FIRST,
    "Updating": {"Ready": "True InService", "Reconciling": "Updating"},
    "SystemUpdating": {"Ready": "True InService", "Reconciling": "Updating"},
    "RollingBack": {"Ready": "True InService", "Reconciling": "RollingBack"},
}


@pytest.mark.parametrize(("status", "conditions"), FIRST.items())
def test_each_state_of_a_first_deployment(status: str, conditions: dict[str, str]) -> None:
    one = endpoint()
    decision = decide(one, seen(one, view(one, status)), START)
    assert said(decision) == conditions
    assert operations(decision) == []
    assert decision.follow or decision.guard


@pytest.mark.parametrize(("status", "conditions"), SETTLED.items())
def test_each_state_of_an_endpoint_that_has_served(status: str, conditions: dict[str, str]) -> None:
    one = settled(instanceCount=1)
    decision = decide(one, seen(one, view(one, status)), START)
    assert said(decision) == conditions
    assert operations(decision) == []
    assert decision.follow or decision.guard


def test_a_count_that_the_spec_does_not_name_may_be_changed_by_anybody() -> None:
    """It is no news while it changes; the move to another configuration is."""
    one = settled()
    scaled = view(one, "Updating", count=6)
    assert said(decide(one, seen(one, scaled), START)) == {"Ready": "True InService"}
    moved = structs.replace(scaled, pending_config="another")
    assert said(decide(one, seen(one, moved), START)) == {"Ready": "True InService", "Reconciling": "Updating"}


DELETIONS: dict[str, list[str]] = {
    "Creating": [],
    "Updating": [],
    "SystemUpdating": [],
    "RollingBack": [],
    "Deleting": [],
    "InService": ["DeleteEndpoint"],
    "OutOfService": ["DeleteEndpoint"],
    "UpdateRollbackFailed": ["DeleteEndpoint"],
    "Failed": ["DeleteEndpoint"],
    "Hibernating": ["DeleteEndpoint"],
}


@pytest.mark.parametrize(("status", "calls"), DELETIONS.items())
def test_deletion_in_each_state(status: str, calls: list[str]) -> None:
    one = deleted(settled())
    decision = decide(one, seen(settled(), view(one, status)), START)
    assert operations(decision) == calls
    assert said(decision) == {"Ready": "False Deleting", "Reconciling": "Deleting"}
    assert not decision.releases
    assert bool(decision.follow) is not bool(calls)


@pytest.mark.parametrize("status", [name for name, calls in DELETIONS.items() if not calls and name != "Deleting"])
def test_deletion_says_what_it_waits_for(status: str) -> None:
    one = deleted(settled())
    decision = decide(one, seen(settled(), view(one, status)), START)
    assert f"is {status}: AWS deletes it only after that" in decision.status.conditions[0].message


@pytest.mark.parametrize("status", DELETIONS)
def test_retain_lets_go_in_each_state(status: str) -> None:
    one = deleted(settled(deletionPolicy="Retain"))
    decision = decide(one, seen(settled(), view(one, status)), START)
    assert (decision.releases, operations(decision)) == (True, [])


@pytest.mark.parametrize("policy", ["Stop", "Delete", "Retain", "retain"])
def test_a_namespaces_policy_is_not_guessed(policy: str) -> None:
    one = structs.replace(deleted(settled()), defaults=Defaults(deletion_policy=policy))
    decision = decide(one, seen(settled(), view(one, "InService")), START)
    expected = {"Retain": (True, []), "retain": (False, [])}.get(policy, (False, ["DeleteEndpoint"]))
    assert (decision.releases, operations(decision)) == expected
    if policy == "retain":
        assert "'retain', which is none of Stop, Delete, Retain" in decision.status.conditions[0].message


def test_configurations_and_models_go_after_the_endpoint() -> None:
    one = settled()
    decision = decide(deleted(one), seen(one, Unseen.ABSENT), START)
    assert operations(decision) == ["DeleteEndpointConfig", "DeleteModel"]


def test_nothing_unknown_is_deleted_unidentified() -> None:
    one = settled()
    gone = {wanted(one).endpoint: Unseen.ABSENT}
    calls = decide(deleted(one), Seen(sightings=gone), START).calls
    assert [(call.operation, call.checks_owner) for call in calls] == [
        ("DescribeEndpointConfig", True),
        ("DescribeModel", True),
    ]


def test_the_finalizer_goes_when_nothing_is_left() -> None:
    one = settled()
    gone = dict.fromkeys(wanted(one).resources, Unseen.ABSENT)
    assert decide(deleted(one), Seen(sightings=gone), START).releases


def test_the_three_are_made_in_order_and_in_the_ledger_first() -> None:
    one = endpoint()
    decision = decide(one, Seen(), START)
    assert operations(decision) == ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]
    assert [entry.resource for entry in decision.status.resources] == list(wanted(one).resources)
    assert said(decision) == {"Ready": "False Creating", "Reconciling": "Creating"}


def test_a_settled_endpoint_is_not_asked_about_after_a_restart() -> None:
    one = settled()
    decision = decide(one, Seen(), START)
    assert (operations(decision), decision.status) == ([], one.status)
    assert decision.guard == {wanted(one).endpoint}


@pytest.mark.parametrize(("minutes", "calls"), [(0, []), (1, ["DescribeEndpoint"])])
def test_a_list_is_enough_unless_somebody_has_touched_it(minutes: int, calls: list[str]) -> None:
    one = settled()
    modified = START + timedelta(minutes=minutes)
    listed = structs.replace(view(one, "InService"), is_detailed=False, config_name="", variants=(), modified=modified)
    decision = decide(one, seen(one, listed), START)
    assert operations(decision) == calls
    assert said(decision) == {"Ready": "True InService"}


def test_another_model_is_an_update_beside_the_old() -> None:
    one = edited(settled(), model={"artifactS3Uri": "s3://bucket/2"})
    old = wanted(settled()).config.name
    decision = decide(one, Seen(sightings={wanted(one).endpoint: view(one, "InService", config=old)}), START)
    assert operations(decision) == ["CreateModel", "CreateEndpointConfig", "UpdateEndpoint"]
    assert said(decision) == {"Ready": "True InService", "Reconciling": "Updating"}
    assert decision.status.update is not None
    assert decision.status.update.previous_endpoint_config_name == old
    assert len(decision.status.resources) == 5


def updating() -> tuple[Endpoint, str]:
    """An update has been asked for; and the configuration that it is from."""
    old = wanted(settled()).config.name
    one = edited(settled(), model={"artifactS3Uri": "s3://bucket/2"})
    update = Update(
        endpoint_config_name=wanted(one).config.name,
        previous_endpoint_config_name=old,
        started_from=START.isoformat(),
        has_begun=True,
    )
    return structs.replace(one, status=structs.replace(one.status, update=update)), old


@pytest.mark.parametrize("served", ["old", "new"])
def test_another_edit_goes_back_to_what_was_found_good(served: str) -> None:
    one, old = updating()
    test = {"image": {"s3Uri": "s3://bucket/image.png"}}
    other = edited(one, model={"artifactS3Uri": "s3://bucket/3"}, smokeTest=test)
    other = structs.replace(other, testable=wanted_test(other.spec, wanted(other)))
    live = old if served == "old" else wanted(one).config.name
    update = decide(other, seen(other, view(other, "InService", config=live)), START).status.update
    assert update is not None
    assert (update.endpoint_config_name, update.previous_endpoint_config_name) == (wanted(other).config.name, old)


@pytest.mark.parametrize("reason", ["", "alarm high-5xx"], ids=["n1 no reason", "e2 reason"])
def test_a_rollback_is_seen_by_the_configuration(reason: str) -> None:
    one, old = updating()
    touched = structs.replace(view(one, "InService", config=old, reason=reason), modified=START + timedelta(minutes=9))
    decision = decide(one, seen(one, touched), START)
    assert said(decision) == {"Ready": "True ServingPrevious", "Stalled": "RolledBack"}
    assert operations(decision) == []
    assert (reason or "AWS gives no reason") in decision.status.conditions[0].message
    assert decision.status.rolled_back is not None


def test_a_rolled_back_configuration_is_not_tried_again() -> None:
    one, old = updating()
    touched = structs.replace(view(one, "InService", config=old), modified=START + timedelta(minutes=9))
    after = structs.replace(one, status=decide(one, seen(one, touched), START).status)
    decision = decide(after, seen(after, touched), START)
    assert operations(decision) == []
    assert said(decision) == {"Ready": "True ServingPrevious", "Stalled": "RolledBack"}


def test_an_update_that_aws_has_not_begun_is_asked_for_again() -> None:
    one, old = updating()
    decision = decide(one, seen(one, view(one, "InService", config=old)), START)
    assert operations(decision) == ["UpdateEndpoint"]


@pytest.mark.parametrize(("pending", "has_begun"), [("wanted", True), ("", False)], ids=["an update", "a scaling"])
def test_an_update_has_begun_when_aws_says_that_it_is_under_way(pending: str, has_begun: bool) -> None:
    one, old = updating()
    asked = structs.replace(one.status.update, has_begun=False) if one.status.update else None
    one = structs.replace(one, status=structs.replace(one.status, update=asked))
    config = wanted(one).config.name if pending else ""
    moving = structs.replace(view(one, "Updating", config=old), pending_config=config)
    update = decide(one, seen(one, moving), START).status.update
    assert update is not None
    assert update.has_begun is has_begun


def test_what_somebody_does_to_an_update_that_has_not_begun_is_no_rollback() -> None:
    one, old = updating()
    asked = structs.replace(one.status.update, has_begun=False) if one.status.update else None
    one = structs.replace(one, status=structs.replace(one.status, update=asked))
    touched = structs.replace(view(one, "InService", config=old), modified=START + timedelta(minutes=9))
    assert operations(decide(one, seen(one, touched), START)) == ["UpdateEndpoint"]


def test_a_failed_rollback_is_left_by_another_spec() -> None:
    one, old = updating()
    stuck = decide(one, seen(one, view(one, "UpdateRollbackFailed", config=old)), START)
    assert said(stuck) == {"Ready": "False UpdateRollbackFailed", "Stalled": "UpdateRollbackFailed"}
    other = edited(structs.replace(one, status=stuck.status), model={"artifactS3Uri": "s3://bucket/3"})
    decision = decide(other, seen(other, view(other, "UpdateRollbackFailed", config=old)), START)
    assert operations(decision) == ["UpdateEndpoint"]


def test_the_count_changes_in_place() -> None:
    one = edited(settled(), instanceCount=3)
    decision = decide(one, seen(one, view(one, "InService")), START)
    assert operations(decision) == ["UpdateEndpointWeightsAndCapacities"]
    assert said(decision) == {"Ready": "True InService", "Reconciling": "Updating"}


def test_a_failed_endpoint_makes_room_for_another_spec() -> None:
    one = edited(settled(), instanceType="ml.m5.xlarge")
    decision = decide(one, seen(one, view(one, "Failed", config="old")), START)
    assert operations(decision) == ["DeleteEndpoint"]


@pytest.mark.parametrize("which", ["model", "config", "endpoint"])
def test_a_strangers_resource_is_left_alone(which: str) -> None:
    one = endpoint()
    resource = dict(zip(("model", "config", "endpoint"), wanted(one).resources, strict=True))[which]
    decision = decide(one, Seen(sightings={resource: Stranger(ARN, "")}), START)
    assert said(decision) == {"Ready": "False NameTaken", "Stalled": "NameTaken"}
    assert (operations(decision), decision.releases) == ([], False)


@pytest.mark.parametrize(
    ("trained", "words"),
    [(None, "to exist"), (TrainedModel(message="it is Training"), "to have a model: it is Training")],
    ids=["no training", "no model"],
)
def test_waiting_for_the_training(trained: TrainedModel | None, words: str) -> None:
    spec = msgspec.convert(following_spec(), EndpointSpec)
    one = Endpoint(meta=META, spec=spec, status=EndpointStatus(), trained={"digits": trained} if trained else {})
    decision = decide(one, Seen(), START)
    assert said(decision) == {"Ready": "False WaitingForTraining", "Reconciling": "WaitingForTraining"}
    assert words in decision.status.conditions[0].message


def test_a_training_that_cannot_be_looked_for_is_not_one_that_does_not_exist() -> None:
    spec = msgspec.convert(following_spec(), EndpointSpec)
    one = Endpoint(meta=META, spec=spec, status=EndpointStatus(), knows_trainings=False)
    decision = decide(one, Seen(), START)
    assert said(decision) == {"Ready": "False WaitingForTraining", "Reconciling": "WaitingForTraining"}
    message = decision.status.conditions[0].message
    assert "to exist" not in message
    assert "cannot list the ClassifierTrainings of this namespace" in message


def trouble(one: Endpoint, kind: RefusalKind, operation: str) -> Trouble:
    return Trouble(
        operation=operation,
        resource=wanted(one).endpoint,
        kind=kind,
        words="Code: words",
        since=START - timedelta(minutes=1),
        count=1,
        retry_at=START + timedelta(seconds=15),
    )


REFUSED: dict[RefusalKind, dict[str, str]] = {
    RefusalKind.THROTTLED: {"Reconciling": "Throttled"},
    RefusalKind.UNAVAILABLE: {"Reconciling": "AWSUnavailable"},
    RefusalKind.QUOTA: {"Reconciling": "WaitingForQuota"},
    RefusalKind.CAPACITY: {"Reconciling": "WaitingForCapacity"},
    RefusalKind.ROLE_PENDING: {"Reconciling": "AccessPending"},
    RefusalKind.ACCESS_DENIED: {"Reconciling": "AccessPending"},
    RefusalKind.IN_PROGRESS: {"Reconciling": "Updating"},
    RefusalKind.NOT_PROPAGATED: {"Reconciling": "Updating"},
    RefusalKind.INVALID: {"Stalled": "InvalidSpec"},
}


@pytest.mark.parametrize(("kind", "conditions"), REFUSED.items())
def test_a_refused_update_leaves_the_old_version_ready(kind: RefusalKind, conditions: dict[str, str]) -> None:
    one, old = updating()
    refusal = trouble(one, kind, "UpdateEndpoint")
    decision = decide(one, seen(one, view(one, "InService", config=old), refusal=refusal), START)
    ready = "True ServingPrevious" if "Stalled" in conditions else "True InService"
    assert said(decision) == {"Ready": ready, **conditions}
    assert operations(decision) == []
    assert "Code: words" in decision.status.conditions[0].message


def test_a_refused_update_of_what_has_to_be_looked_at_again_is_no_creation() -> None:
    one = settled()
    refusal = trouble(one, RefusalKind.IN_PROGRESS, "UpdateEndpointWeightsAndCapacities")
    decision = decide(one, Seen(troubles={refusal.resource: refusal}), START)
    assert said(decision) == {"Ready": "True InService", "Reconciling": "Updating"}


@pytest.mark.parametrize(("kind", "conditions"), REFUSED.items())
def test_a_refused_creation(kind: RefusalKind, conditions: dict[str, str]) -> None:
    one = endpoint(decide(endpoint(), Seen(), START).status)
    refusal = trouble(one, kind, "CreateEndpoint")
    decision = decide(one, seen(one, Unseen.ABSENT, refusal=refusal), START)
    reason = next(iter(conditions.values())).replace("Updating", "Creating")
    assert said(decision) == {"Ready": f"False {reason}", **dict.fromkeys(conditions, reason)}


@pytest.mark.parametrize("kind", [RefusalKind.THROTTLED, RefusalKind.UNAVAILABLE])
def test_n4_what_is_brief_is_no_other_state(kind: RefusalKind) -> None:
    one, old = updating()
    brief = structs.replace(trouble(one, kind, "UpdateEndpoint"), since=START)
    decision = decide(one, seen(one, view(one, "InService", config=old), refusal=brief), START)
    assert said(decision) == {"Ready": "True InService", "Reconciling": "Updating"}
    assert "Code: words" in decision.status.conditions[0].message


@pytest.mark.parametrize("kind", [RefusalKind.THROTTLED, RefusalKind.UNAVAILABLE])
def test_n4_a_look_that_is_put_off_says_nothing(kind: RefusalKind) -> None:
    one = settled()
    touched = structs.replace(view(one, "InService"), is_detailed=False, modified=START + timedelta(minutes=1))
    decision = decide(one, seen(one, touched, refusal=trouble(one, kind, "DescribeEndpoint")), START)
    assert decision.status == one.status


def test_a_refused_accelerator_is_recorded_at_once() -> None:
    one = endpoint(acceleratorType="ml.eia1.large")
    config = wanted(one).config
    refusal = structs.replace(trouble(one, RefusalKind.ACCELERATOR, "CreateEndpointConfig"), resource=config)
    decision = decide(one, Seen(troubles={config: refusal}), START)
    assert [one.accelerator_type for one in decision.status.refused_accelerators] == ["ml.eia1.large"]
    assert decision.again_after == 0.0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"region": ""}, "InvalidSpec")],
    ids=["invalid"],
)
@pytest.mark.parametrize("serving", [False, True], ids=["first", "serving"])
def test_a_spec_that_cannot_be_acted_on(changes: dict[str, Any], reason: str, serving: bool) -> None:
    one = edited(settled() if serving else endpoint(), **changes)
    decision = decide(one, Seen(), START)
    ready = "True ServingPrevious" if serving else f"False {reason}"
    assert said(decision) == {"Ready": ready, "Stalled": reason}
    assert bool(decision.guard) is serving


def test_a_refused_spec_is_not_called_serving_when_the_endpoint_is_gone() -> None:
    one = settled()
    other = edited(one, roleArn="")
    decision = decide(other, Seen(sightings={wanted(one).endpoint: Unseen.ABSENT}), START)
    assert said(decision) == {"Ready": "False InvalidSpec", "Stalled": "InvalidSpec"}


def test_a_refused_update_is_not_called_serving_when_the_endpoint_is_gone() -> None:
    one, _ = updating()
    refused = RolledBack(endpoint_config_name=wanted(one).config.name, reason="x")
    one = structs.replace(one, status=structs.replace(one.status, rolled_back=refused, conditions=(SERVING,)))
    decision = decide(one, seen(one, Unseen.ABSENT), START)
    assert said(decision) == {"Ready": "False RolledBack", "Stalled": "RolledBack"}


@pytest.mark.parametrize("kind", ["InvalidSpec", "SmokeTestFailed", "RolledBack"])
def test_why_a_configuration_was_refused_stays_known_whatever_was_said_since(kind: str) -> None:
    one, old = updating()
    refused = RolledBack(endpoint_config_name=wanted(one).config.name, kind=kind, reason="x")
    one = structs.replace(one, status=structs.replace(one.status, rolled_back=refused, conditions=(SERVING,)))
    decision = decide(one, seen(one, view(one, "InService", config=old)), START)
    assert said(decision) == {"Ready": "True ServingPrevious", "Stalled": kind}


def test_suspension_takes_everything_down() -> None:
    one = edited(settled(), suspend=True)
    serving = seen(settled(), view(settled(), "InService"))
    look = decide(one, serving, START)
    assert operations(look) == ["DescribeEndpoint"]
    decision = decide(structs.replace(one, status=look.status), serving, START)
    assert operations(decision) == ["DeleteEndpoint"]
    gone = dict.fromkeys(wanted(settled()).resources, Unseen.ABSENT)
    after = decide(one, Seen(sightings=gone), START)
    assert said(after) == {"Ready": "False Suspended"}
    assert after.status.instance_count == 0


def test_the_subject_of_a_deleted_object_is_its_ledger() -> None:
    one = settled()
    assert subject_of(deleted(one)).resources == frozenset(wanted(one).resources)


TEST: dict[str, Any] = {"image": {"s3Uri": "s3://bucket/image.png"}}


def to_be_tested() -> Endpoint:
    """What is wanted serves, and its smoke test has not been run."""
    return edited(settled(), smokeTest=TEST)


def state(one: Endpoint, **changes: Any) -> SmokeTestState:
    asked = wanted_test(one.spec, wanted(one))
    assert asked is not None
    return SmokeTestState(test=asked, **changes)


def looked_at(one: Endpoint, testing: SmokeTestState | None, **changes: Any) -> EndpointDecision:
    one = structs.replace(one, testing=testing)
    return decide(one, seen(one, view(one, "InService", **changes)), START)


def test_a_smoke_test_is_begun_and_goes_on_while_it_is_asked_for() -> None:
    one = to_be_tested()
    begun, going_on = looked_at(one, None), looked_at(one, state(one))
    assert (operations(begun), operations(going_on)) == (["InvokeEndpoint"], [])
    assert begun.transfers == going_on.transfers == {state(one).test}
    # It is said once.
    assert begun.status == going_on.status
    # It may take minutes: the endpoint is watched meanwhile.
    assert begun.guard == going_on.guard == {wanted(one).endpoint}
    assert said(begun)["Reconciling"] == "SmokeTesting"


def test_a_list_that_does_not_say_what_serves_does_not_end_it() -> None:
    one = to_be_tested()
    listed = structs.replace(view(one, "InService", config=""), is_detailed=False)
    decision = decide(structs.replace(one, testing=state(one)), seen(one, listed), START)
    assert operations(decision) == ["DescribeEndpoint"]
    assert decision.transfers == {state(one).test}


def passed(one: Endpoint) -> SmokeTestState:
    test = state(one).test
    outcome = SmokeTestStatus(endpoint_config_name=test.config_name, test_hash=test.test_hash, outcome="Passed")
    return state(one, outcome=outcome)


@pytest.mark.parametrize("config", ["", "somebody-elses"], ids=["gone", "moved by somebody"])
def test_an_outcome_of_an_endpoint_that_is_not_as_it_was_is_not_written(config: str) -> None:
    one = structs.replace(to_be_tested(), testing=passed(to_be_tested()))
    sighting = view(one, "InService", config=config) if config else Unseen.ABSENT
    assert decide(one, seen(one, sighting), START).status.smoke_test is None


@pytest.mark.parametrize(
    "change", [{"region": "eu-west-1"}, {"smokeTest": {**TEST, "warmUps": 5}}, {"model": {"artifactS3Uri": "s3://b/2"}}]
)
def test_an_outcome_of_what_was_asked_for_before_is_not_written(change: dict[str, Any]) -> None:
    one = to_be_tested()
    other = structs.replace(edited(one, **{"smokeTest": TEST, **change}), testing=passed(one))
    assert decide(other, seen(other, view(other, "InService")), START).status.smoke_test is None


def test_its_outcome_ends_it() -> None:
    one = to_be_tested()
    decision = looked_at(one, passed(one))
    assert (decision.transfers, decision.status.smoke_test) == (frozenset(), passed(one).outcome)
    assert said(decision) == {"Ready": "True InService"}


def test_one_that_is_tried_again_changes_nothing_of_what_is_said() -> None:
    one = to_be_tested()
    one = structs.replace(one, status=structs.replace(one.status, observed_generation=one.meta.generation))
    decision = looked_at(one, state(one, is_again=True))
    assert (decision.status, operations(decision)) == (one.status, [])
    assert decision.transfers == {state(one).test}


@pytest.mark.parametrize(
    "change",
    [
        {"smokeTest": {**TEST, "warmUps": 5}},
        {"classLabels": {"values": ["a", "b"]}},
        {"model": {"artifactS3Uri": "s3://bucket/2"}},
        {"smokeTest": None},
        {"suspend": True},
    ],
    ids=["another test", "other labels", "another model", "no test", "suspended"],
)
def test_an_edit_ends_it(change: dict[str, Any]) -> None:
    one = to_be_tested()
    other = edited(one, **{"smokeTest": TEST, **change})
    decision = looked_at(other, state(one), config=wanted(one).config.name)
    assert state(one).test not in decision.transfers


def test_a_deletion_ends_it() -> None:
    one = to_be_tested()
    assert looked_at(deleted(one), state(one)).transfers == frozenset()


def test_somebody_elses_update_ends_it() -> None:
    one = to_be_tested()
    assert looked_at(one, state(one), config="somebody-elses").transfers == frozenset()
