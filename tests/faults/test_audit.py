"""The audit finds what it is there to find."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from classifier_operator.api.conditions import Reason
from classifier_operator.api.kinds import CLUSTER_TAG, OBJECT_TAG, UID_TAG
from tests.apiserver.world import Json, World
from tests.faults.accounts import ELSEWHERE, HOME, root_role_of
from tests.faults.asked import AtAws, not_as_asked, strays
from tests.faults.audit import (
    Carried,
    audit,
    is_about_another_account,
    is_about_nothing,
    listed_as_orphans,
    made_twice,
    moved_twice,
    told_twice,
)
from tests.faults.ends import COMPLETED, GONE, IN_SERVICE, MISMATCHED, SUSPENDED, End, stalled, waiting
from tests.faults.groups import GROUPS
from tests.faults.objects import Objects
from tests.faults.population import Population

# In which no object is before the fault, and why; each has tests of its own on the same real parts (tests/apiserver).
LEFT_OUT = {
    Reason.IMPORTING: "kills at each point of a transfer: test_import.py",
    Reason.ADOPTING: "passes within one pass; test_endpoint_scenarios.py",
    Reason.PROBABLE_MISTAKE: "of an Event, and never of a condition; tests/wild/test_labels.py",
    Reason.RELEASING: "passes within one pass; tests/wild/test_adoption.py",
    Reason.RESTORING: "begins with somebody else's deletion at AWS, which is no fault; test_endpoint_scenarios.py",
    Reason.ROLLING_BACK: "what comes between Updating and RolledBack, through which the group rolled-back goes",
    Reason.SMOKE_TESTING: "passes within seconds; the group following goes through it",
    Reason.WAITING_FOR_DATA: "the same course as WaitingForQuota, which a group is in",
    Reason.AWS_UNAVAILABLE: "what the fault itself makes of objects",
    Reason.SERVING_PREVIOUS: "what the group rolled-back says of Ready",
    Reason.SUPERSEDED: "passes with the end of the older job; the group superseded goes through it",
    Reason.JOB_LOST: "the same course as JobStopped, which a group is in",
    Reason.MAX_WAIT_TIME_EXCEEDED: "the same course as MaxRuntimeExceeded, which a group is in",
    Reason.ACCOUNT_MISMATCH: "what the fault itself makes of objects; test_accounts.py",
    Reason.INTERNAL_ERROR: "a defect of the operator; test_unexpected_errors.py",
    Reason.NOT_ALLOWED: "is decided without AWS",
    Reason.ACCESS_DENIED: "AccessPending after five minutes",
    Reason.NAME_TAKEN: "begins with somebody else's resource",
    Reason.SMOKE_TEST_FAILED: "the same course as RolledBack, which a group is in",
    Reason.OUT_OF_SERVICE: "a state of AWS's own making; test_endpoint_scenarios.py",
    Reason.UPDATE_ROLLBACK_FAILED: "a state of AWS's own making; test_endpoint_scenarios.py",
}


def call(operation: str, resource: str, uid: str = "1", account: str = HOME, **request: object) -> Json:
    tags = [{"Key": UID_TAG, "Value": uid}]
    request = {**request, "Tags": tags}
    return {"operation": operation, "resource": resource, "account": account, "request": request}


def test_there_are_a_hundred_objects_in_all_states() -> None:
    assert sum(group.count for group in GROUPS) == 100
    there = {word for group in GROUPS for word in re.findall(r"\w+", group.at[1].partition(":")[0])}
    assert {reason for reason in Reason if reason not in there} == set(LEFT_OUT)


@pytest.mark.parametrize(
    ("second", "complaints"),
    [
        (call("CreateTrainingJob", "b", RoleArn="r"), 1),
        (call("CreateTrainingJob", "b", RoleArn="other"), 0),
        (call("CreateTrainingJob", "b", uid="2", RoleArn="r"), 0),
    ],
    ids=["the same", "another request", "another object"],
)
def test_a_job_that_is_made_twice_is_found(second: Json, complaints: int) -> None:
    calls = [call("CreateTrainingJob", "a", RoleArn="r"), call("DeleteTrainingJob", "a"), second]
    assert len(made_twice(Carried(calls), {})) == complaints


def test_a_retried_job_may_be_made_twice_and_not_three_times() -> None:
    calls = [call("CreateTrainingJob", f"test-retried-0-x-{number}") for number in (1, 2, 3)]
    assert made_twice(Carried(calls[:2]), {"retried-0": 2}) == []
    assert len(made_twice(Carried(calls), {"retried-0": 2})) == 1


def test_two_endpoints_of_an_object_are_found_unless_one_comes_after_the_other() -> None:
    first, other = (
        call("CreateEndpoint", "a", EndpointConfigName="x"),
        call("CreateEndpoint", "b", EndpointConfigName="y"),
    )
    assert len(made_twice(Carried([first, other]), {})) == 1
    assert made_twice(Carried([first, call("DeleteEndpoint", "a"), other]), {}) == []


@pytest.mark.parametrize("operation", ["CreateTrainingJob", "CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_what_is_made_in_two_accounts_is_found(operation: str) -> None:
    first, other = (call(operation, "a", account=account) for account in (HOME, ELSEWHERE))
    assert len(made_twice(Carried([first, other]), {})) == 1


def test_an_endpoint_that_is_moved_twice_to_the_same_place_is_found() -> None:
    to_x, to_y = (call("UpdateEndpoint", "a", EndpointConfigName=name) for name in ("x", "y"))
    assert moved_twice(Carried([to_x, to_y, to_x])) == []
    assert len(moved_twice(Carried([to_x, to_x]))) == 1


def test_what_is_told_twice_is_found() -> None:
    def event(time: int, reason: str, uid: str = "1") -> Json:
        return {"eventTime": str(time), "reason": reason, "note": "", "regarding": {"uid": uid, "name": "digits"}}

    assert told_twice([event(3, "Training"), event(2, "Starting"), event(1, "Training")]) == []
    assert told_twice([event(1, "Training"), event(2, "Training", uid="2")]) == []
    assert len(told_twice([event(1, "Training"), event(2, "Training")])) == 1


@pytest.fixture
def nothing(world: World) -> Iterator[Population]:
    """A population of no objects."""
    objects = Objects(world.cluster.kubeconfig, world.namespace)
    population = Population(world, objects)
    population.ends.clear()
    yield population
    objects.close()


def plant(population: Population, name: str, account: str = HOME, owner: str = "gone") -> None:
    """Make a model at AWS that no object has asked for."""
    world = population.world
    cluster = world.cluster.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}").stdout
    tags = {UID_TAG: owner, OBJECT_TAG: f"ClassifierEndpoint/{world.namespace}/{name}", CLUSTER_TAG: cluster}
    world.client("sagemaker", role=root_role_of(account)).create_model(
        ModelName=name,
        ExecutionRoleArn=f"arn:aws:iam::{account}:role/SageMakerExecution",
        PrimaryContainer={"Image": "x:1"},
        Tags=[{"Key": key, "Value": value} for key, value in tags.items() if owner],
    )


@pytest.mark.parametrize("account", [HOME, ELSEWHERE])
def test_the_audit_fails_by_an_orphan_that_is_listed(nothing: Population, account: str) -> None:
    assert listed_as_orphans(nothing) == []
    plant(nothing, "orphan", account)
    with pytest.raises(AssertionError, match="Model orphan is listed as an orphan"):
        audit(nothing, 1.0, None)


def test_what_is_retained_has_to_be_listed(nothing: Population) -> None:
    first, second = (f"{nothing.world.namespace}-retained-0-{number}" for number in (1, 2))
    plant(nothing, first)
    assert listed_as_orphans(nothing) == []
    plant(nothing, second, owner="")
    assert listed_as_orphans(nothing) == [f"{second} is retained and not listed as an orphan"]


def test_orphans_have_to_be_looked_for_to_the_end(nothing: Population) -> None:
    words = "User is not authorized to perform: sagemaker:ListModels"
    nothing.world.aws.fail_next("ListModels", 1, code="AccessDeniedException", message=words, status=400)
    (complaint,) = listed_as_orphans(nothing)
    assert words in complaint


def test_a_denial_counts_unless_what_it_is_about_is_gone() -> None:
    tags = {f"aws:ResourceTag/{UID_TAG}": ["1"]}
    assert is_about_nothing({"action": "sagemaker:DeleteModel", "context": {}})
    assert not is_about_nothing({"action": "sagemaker:DeleteModel", "context": tags})
    assert not is_about_nothing({"action": "sagemaker:CreateModel", "context": {}})


def test_a_denial_to_pass_a_role_counts_unless_it_is_of_another_account() -> None:
    passed = {"action": "iam:PassRole", "resource": f"arn:aws:iam::{HOME}:role/Execution"}
    for account, is_excused in ((HOME, False), (ELSEWHERE, True)):
        principal = f"arn:aws:sts::{account}:assumed-role/Classifiers/operator"
        assert is_about_another_account({**passed, "principal": principal}) is is_excused
        assert not is_about_another_account({**passed, "principal": principal, "action": "sagemaker:CreateModel"})


STATUSES = {"Completed": "True", "AccountMismatch": "Unknown"}


def body(observed: int = 2, **reasons: str) -> Json:
    conditions = [
        {
            "type": name,
            "status": STATUSES.get(reason, "False") if name == "Ready" else "True",
            "reason": reason,
            "message": "",
        }
        for name, reason in reasons.items()
    ]
    return {"metadata": {"generation": 2}, "status": {"observedGeneration": observed, "conditions": conditions}}


@pytest.mark.parametrize(
    ("end", "found", "words"),
    [
        (COMPLETED, body(Ready="Completed"), ""),
        (COMPLETED, body(Ready="Training", Reconciling="Training"), "ought to be"),
        (COMPLETED, body(Ready="Completed", Reconciling="Training"), "ought to be"),
        (COMPLETED, body(1, Ready="Completed"), "is not observed"),
        (COMPLETED, None, "does not exist"),
        (IN_SERVICE, body(Ready="Completed"), "ought to be"),
        (stalled("JobFailed"), body(Ready="JobFailed", Stalled="JobFailed"), ""),
        (MISMATCHED, body(Ready="AccountMismatch", Reconciling="AccountMismatch"), ""),
        (MISMATCHED, body(Ready="Completed"), "ought to be"),
        (COMPLETED, body(Ready="AccountMismatch", Reconciling="AccountMismatch"), "ought to be"),
        (GONE, None, ""),
        (GONE, body(Ready="Completed"), "is still there"),
    ],
)
def test_what_is_missing_is_said(end: End, found: Json | None, words: str) -> None:
    missing = end.missing_in(found)
    assert words in missing
    assert bool(missing) == bool(words)


def job(status: str = "InProgress", uid: str = "1", **more: Any) -> Json:
    return {"kind": "training-jobs", "name": "ns-a-1", "status": status, "tags": {UID_TAG: uid}, **more}


def owner(deleted: bool = False, **spec: Any) -> Json:
    metadata = {"uid": "1", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleted else {})}
    return {"metadata": metadata, "spec": {"hyperparameters": {"epochs": 3}, **spec}}


@pytest.mark.parametrize(
    ("body", "running", "words"),
    [
        (owner(), job(), ""),
        (owner(), job(uid="2"), "its object is gone"),
        (owner(), job("Completed", uid="2"), ""),
        (owner(), job("Stopping", uid="2"), ""),
        (owner(), job(uid="2", name="ns-kept-0-1"), ""),
        (owner(deleted=True), job(), "is being deleted"),
        (owner(suspend=True), job(), "is suspended"),
        (owner(hyperparameters={"epochs": 4}), job(), "3 epochs, and 4 are asked for"),
    ],
)
def test_a_job_that_nobody_wants_is_found_while_it_runs(body: Json, running: Json, words: str) -> None:
    request = {running["name"]: {"HyperParameters": {"epochs": "3"}}}
    found = strays([body], [running], request, ("ns-kept-",))
    assert bool(found) == bool(words)
    assert words in "".join(found)


NAME, CONFIG, MODEL, OTHER = "ns-a", "ns-a-c", "ns-a-m", "ns-a-n"
SPEC: Json = {
    "model": {"artifactS3Uri": "s3://b/m"},
    "instanceType": "ml.m5.large",
    "instanceCount": 2,
    "tags": {"team": "a"},
}


def serving(spec: Json = SPEC) -> Json:
    status = {"endpointName": NAME, "endpointConfigName": CONFIG}
    return {"metadata": {"uid": "1"}, "spec": spec, "status": status}


def there(
    status: str = "InService",
    config: str = CONFIG,
    machine: str = "ml.m5.large",
    count: int = 2,
    model: str = "s3://b/m",
    team: str = "a",
    accelerator: str = "",
    targets: tuple[Json, ...] = (),
) -> AtAws:
    """AWS with one endpoint, as `SPEC` asks for it but for what is named."""
    tags = {UID_TAG: "1", "team": team}
    resources: list[Json] = [
        {"kind": kind, "name": name, "status": state, "tags": tags}
        for kind, name, state in (
            ("endpoints", NAME, status),
            ("endpoint-configs", CONFIG, ""),
            ("models", MODEL, ""),
        )
    ]
    live = {
        "EndpointName": NAME,
        "EndpointConfigName": config,
        "ProductionVariants": [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}],
    }
    variant = {"VariantName": "AllTraffic", "ModelName": MODEL, "InstanceType": machine, "InitialInstanceCount": 1}
    if accelerator:
        variant["AcceleratorType"] = accelerator
    requests: dict[str, dict[str, Json]] = {
        "CreateEndpointConfig": {CONFIG: {"ProductionVariants": [variant]}},
        "CreateModel": {MODEL: {"PrimaryContainer": {"ModelDataUrl": model}}},
    }
    return AtAws([*resources, *targets], {NAME: live}, requests, {"birds": "s3://b/m"})


def target(minimum: int = 1, maximum: int = 4, policies: tuple[str, ...] = ("p",)) -> Json:
    name = f"endpoint/{NAME}/variant/AllTraffic"
    bounds = {"minimum": minimum, "maximum": maximum, "policies": policies}
    return {"kind": "scalable-targets", "name": name, "status": "", "tags": {}, **bounds}


FOLLOWING = {**SPEC, "trainingRef": {"name": "birds"}}
del FOLLOWING["model"]
SCALED = {**SPEC, "autoscaling": {"minCount": 1, "maxCount": 4}}
ROLLED_BACK = stalled("RolledBack", "ServingPrevious")
NOTHING = AtAws([], {}, {}, {})


@pytest.mark.parametrize(
    ("end", "spec", "aws", "words"),
    [
        (IN_SERVICE, SPEC, there(), ""),
        (IN_SERVICE, SPEC, NOTHING, "is missing"),
        (IN_SERVICE, SPEC, there("Updating"), "is Updating"),
        (IN_SERVICE, SPEC, there(config="ns-a-d"), "serves ns-a-d"),
        (IN_SERVICE, SPEC, there(machine="ml.c5.large"), "ml.c5.large"),
        (IN_SERVICE, SPEC, there(count=1), "'count': 1"),
        (IN_SERVICE, SPEC, there(model="s3://b/old"), "s3://b/old"),
        (IN_SERVICE, SPEC, there(team="b"), "bears {'team': 'b'}"),
        (IN_SERVICE, SPEC, there(accelerator="ml.eia2.large"), "ml.eia2.large"),
        (IN_SERVICE, SPEC, there(targets=(target(),)), "'count': None"),
        (IN_SERVICE, FOLLOWING, there(), ""),
        (IN_SERVICE, FOLLOWING, there(model="s3://b/old"), "s3://b/old"),
        (IN_SERVICE, SCALED, there(count=3, targets=(target(),)), ""),
        (IN_SERVICE, SCALED, there(count=3), "None"),
        (IN_SERVICE, SCALED, there(count=3, targets=(target(maximum=9),)), "(1, 9)"),
        (IN_SERVICE, SCALED, there(count=3, targets=(target(policies=()),)), "no policy"),
        (ROLLED_BACK, SPEC, there(machine="ml.c5.large"), ""),
        (ROLLED_BACK, SPEC, there(), "is asked for"),
        (ROLLED_BACK, SPEC, there("Failed"), "is Failed"),
        (SUSPENDED, SPEC, NOTHING, ""),
        (SUSPENDED, SPEC, there(), f"there is endpoints {NAME}, endpoint-configs {CONFIG}"),
        (waiting("WaitingForTraining"), SPEC, there(), "ought to be nothing"),
        (stalled("EndpointFailed"), SPEC, there("Failed"), ""),
        # What is in another account is compared while the credentials are of that one.
        (MISMATCHED, SPEC, NOTHING, ""),
    ],
)
def test_an_endpoint_that_is_not_as_asked_is_found(end: End, spec: Json, aws: AtAws, words: str) -> None:
    found = not_as_asked("cep", serving(spec), end, aws)
    assert bool(found) == bool(words)
    assert words in found


def trained(model_of: str = "ns-a-1", **spec: Any) -> Json:
    status = {"jobName": "ns-a-1", "jobStatus": "Completed", "modelArtifacts": {"jobName": model_of}}
    return {**owner(tags={"team": "a"}, **spec), "status": status}


def ran(*jobs: Json) -> AtAws:
    return AtAws(list(jobs), {}, {"CreateTrainingJob": {"ns-a-1": {"HyperParameters": {"epochs": "3"}}}}, {})


DONE = job("Completed", tags={UID_TAG: "1", "team": "a"})


@pytest.mark.parametrize(
    ("end", "body", "aws", "words"),
    [
        (COMPLETED, trained(), ran(DONE), ""),
        (COMPLETED, trained(), ran(), "is missing"),
        (COMPLETED, trained(), ran(job("Stopped")), "is Stopped"),
        (COMPLETED, trained("ns-a-0"), ran(DONE), "the model is not that of"),
        (COMPLETED, trained(hyperparameters={"epochs": 4}), ran(DONE), "4 epochs were asked for"),
        (COMPLETED, trained(), ran(job("Completed")), "ought to bear"),
        (SUSPENDED, trained(), ran(DONE), ""),
        (SUSPENDED, trained(), ran(job()), "no job ought to run"),
        (SUSPENDED, trained(), ran(job("Stopping")), "no job ought to run"),
        (stalled("JobStopped"), trained(), ran(job("Stopped")), ""),
        (stalled("JobStopped"), trained(), ran(job()), "no job ought to run"),
    ],
)
def test_a_training_that_is_not_as_asked_is_found(end: End, body: Json, aws: AtAws, words: str) -> None:
    found = not_as_asked("ctrain", body, end, aws)
    assert bool(found) == bool(words)
    assert words in found
