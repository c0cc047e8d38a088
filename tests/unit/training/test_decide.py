"""The first state table of the contract: what is said and done in each state that AWS can show. Pure, no fakes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec import structs
from tests.unit.builders import training_spec
from tests.unit.fakes import START

from classifier_operator.api.conditions import ConditionType, find, rfc3339
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Resource, entry_of
from classifier_operator.reconcile.decision import Meta, Seen
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.sagemaker.refusals import RefusalKind
from classifier_operator.sagemaker.views import JobView, Sighting, Stranger, Unseen
from classifier_operator.training.decide import decide, subject_of
from classifier_operator.training.request import Wanted, wanted_run
from classifier_operator.training.situation import Training, TrainingDecision
from classifier_operator.training.spec import TrainingSpec, TrainingStatus

META = Meta(key=ObjectKey(Kind.TRAINING, "vision", "digits"), uid="1", generation=3)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/x"
SECONDARIES = {
    "Starting": "Starting",
    "Pending": "WaitingForCapacity",
    "LaunchingMLInstances": "Starting",
    "PreparingTrainingStack": "Starting",
    "DownloadingTrainingImage": "Downloading",
    "Downloading": "Downloading",
    "Training": "Training",
    "Interrupted": "WaitingForCapacity",
    "Restarting": "Starting",
    "Updating": "Training",
    "Uploading": "Uploading",
    "SomethingNew": "Training",
    "": "Training",
}


def training(status: TrainingStatus | None = None, meta: Meta = META, **changes: Any) -> Training:
    spec = msgspec.convert(training_spec(**changes), TrainingSpec)
    return Training(meta=meta, spec=spec, status=status or TrainingStatus())


def run_of(one: Training) -> Wanted:
    return wanted_run(one.meta, one.spec, one.defaults)


def job_of(one: Training, attempt: int = 1) -> Resource:
    return run_of(one).job(attempt)


def view(one: Training, status: str, secondary: str = "", reason: str = "", *, detailed: bool = True) -> JobView:
    name = job_of(one).name
    artifact = "s3://bucket/model.tar.gz" if status == "Completed" and detailed else ""
    return JobView(
        name=name,
        arn=ARN,
        status=status,
        secondary_status=secondary,
        failure_reason=reason,
        artifact=artifact,
        is_detailed=detailed,
    )


def seen(one: Training, sighting: Sighting) -> Seen:
    return Seen(sightings={job_of(one): sighting})


def said(decision: TrainingDecision) -> dict[str, str]:
    """Type and reason of each condition; Ready with its status."""
    return {
        condition.type: f"{condition.status} {condition.reason}" if condition.type == "Ready" else condition.reason
        for condition in decision.status.conditions
    }


def operations(decision: TrainingDecision) -> list[str]:
    return [call.operation for call in decision.calls]


def started(one: Training) -> Training:
    """With the job in the ledger and its ARN known."""
    status = decide(one, Seen(), START).status
    return structs.replace(one, status=structs.replace(status, job_arn=ARN))


@pytest.mark.parametrize(("secondary", "reason"), SECONDARIES.items())
def test_a_job_in_progress(secondary: str, reason: str) -> None:
    one = started(training())
    decision = decide(one, seen(one, view(one, "InProgress", secondary)), START)
    assert said(decision) == {"Ready": f"False {reason}", "Reconciling": reason}
    assert operations(decision) == []
    assert decision.follow == {job_of(one)}


@pytest.mark.parametrize("status", ["Stopping", "Deleting", "Pondering"])
@pytest.mark.parametrize("secondary", ["", "Stopping", "Anything"])
def test_a_job_on_its_way_out_or_in_an_unknown_state_is_watched(status: str, secondary: str) -> None:
    one = started(training())
    decision = decide(one, seen(one, view(one, status, secondary)), START)
    assert "Reconciling" in said(decision)
    assert operations(decision) == []
    assert decision.follow == {job_of(one)}


ENDINGS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "complete": (("Completed", "Completed"), {"Ready": "True Completed"}),
    "failed": (("Failed", "Failed", "ClientError: x"), {"Ready": "False JobFailed", "Stalled": "JobFailed"}),
    "failed without a reason": (("Failed", "Failed"), {"Ready": "False JobFailed", "Stalled": "JobFailed"}),
    "stopped by somebody": (("Stopped", "Stopped"), {"Ready": "False JobStopped", "Stalled": "JobStopped"}),
    "too long": (
        ("Stopped", "MaxRuntimeExceeded"),
        {"Ready": "False MaxRuntimeExceeded", "Stalled": "MaxRuntimeExceeded"},
    ),
    "waited too long": (
        ("Stopped", "MaxWaitTimeExceeded"),
        {"Ready": "False MaxWaitTimeExceeded", "Stalled": "MaxWaitTimeExceeded"},
    ),
    "stopped, unknown why": (("Stopped", "SomethingNew"), {"Ready": "False JobStopped", "Stalled": "JobStopped"}),
    "capacity": (
        ("Failed", "Failed", "CapacityError: x"),
        {"Ready": "False WaitingForCapacity", "Reconciling": "WaitingForCapacity"},
    ),
    "AWS's own failure": (
        ("Failed", "Failed", "InternalServerError: x"),
        {"Ready": "False Starting", "Reconciling": "Starting"},
    ),
}


@pytest.mark.parametrize(("state", "conditions"), ENDINGS.values(), ids=ENDINGS.keys())
def test_a_job_that_has_ended(state: tuple[str, ...], conditions: dict[str, str]) -> None:
    one = started(training())
    decision = decide(one, seen(one, view(one, *state)), START)
    assert said(decision) == conditions
    assert operations(decision) == []
    assert not decision.follow
    assert decision.status.history[0].job_status == state[0]


@pytest.mark.parametrize(("state", "conditions"), ENDINGS.values(), ids=ENDINGS.keys())
def test_an_ended_job_is_never_asked_about_again(state: tuple[str, ...], conditions: dict[str, str]) -> None:
    one = started(training())
    ended = structs.replace(one, status=decide(one, seen(one, view(one, *state)), START).status)
    decision = decide(ended, Seen(), START)
    assert said(decision) == conditions
    assert (operations(decision), decision.follow, decision.guard) == ([], frozenset(), frozenset())
    assert decision.status == ended.status


@pytest.mark.parametrize(("state", "conditions"), ENDINGS.values(), ids=ENDINGS.keys())
def test_every_condition_has_the_generation_and_awss_words(state: tuple[str, ...], conditions: dict[str, str]) -> None:
    one = started(training())
    status = decide(one, seen(one, view(one, *state)), START).status
    assert {condition.observed_generation for condition in status.conditions} == {3}
    assert status.observed_generation == 3
    words = next(iter(state[2:]), "")
    assert all(words in condition.message for condition in status.conditions)


def test_a_list_does_not_tell_how_a_job_ended() -> None:
    one = started(training())
    decision = decide(one, seen(one, view(one, "Completed", detailed=False)), START)
    assert operations(decision) == ["DescribeTrainingJob"]
    assert decision.status == one.status


def test_nothing_is_asked_of_a_job_that_is_unknown_after_a_restart() -> None:
    one = started(training())
    decision = decide(one, Seen(), START)
    assert operations(decision) == []
    assert decision.follow == {job_of(one)}
    assert decision.status == one.status


def test_the_ledger_names_a_job_before_it_is_made() -> None:
    one = training()
    decision = decide(one, Seen(), START)
    assert operations(decision) == ["CreateTrainingJob"]
    assert entry_of(job_of(one)) in decision.status.resources
    assert said(decision) == {"Ready": "False Starting", "Reconciling": "Starting"}


def test_a_lost_job_is_not_run_again() -> None:
    one = started(training())
    decision = decide(one, seen(one, Unseen.ABSENT), START)
    assert said(decision) == {"Ready": "False JobLost", "Stalled": "JobLost"}
    assert operations(decision) == []


def test_a_strangers_job_is_left_alone() -> None:
    one = training()
    decision = decide(one, seen(one, Stranger(ARN, "ClassifierTraining/other/x")), START)
    assert said(decision) == {"Ready": "False NameTaken", "Stalled": "NameTaken"}
    assert (operations(decision), decision.status.resources) == ([], ())
    assert "belongs to ClassifierTraining/other/x" in decision.status.conditions[0].message


DELETIONS = {
    ("Stop", "InProgress"): ["StopTrainingJob"],
    ("Stop", "Stopping"): [],
    ("Stop", "Deleting"): [],
    ("Stop", "Pondering"): ["StopTrainingJob"],
    ("Stop", "Completed"): None,
    ("Stop", "Failed"): None,
    ("Stop", "Stopped"): None,
    ("Delete", "InProgress"): ["StopTrainingJob"],
    ("Delete", "Stopping"): [],
    ("Delete", "Deleting"): [],
    ("Delete", "Completed"): ["DeleteTrainingJob"],
    ("Delete", "Failed"): ["DeleteTrainingJob"],
    ("Retain", "InProgress"): None,
    ("Retain", "Completed"): None,
}


@pytest.mark.parametrize(("case", "calls"), DELETIONS.items(), ids=lambda value: "-".join(value) if value else "")
def test_deletion_in_each_state(case: tuple[str, str], calls: list[str] | None) -> None:
    """None: nothing is waited for, and the object may go."""
    policy, status = case
    one = structs.replace(started(training(deletionPolicy=policy)))
    going = structs.replace(one, meta=structs.replace(one.meta, is_deleted=True))
    decision = decide(going, seen(one, view(one, status)), START)
    assert decision.releases is (calls is None)
    assert operations(decision) == (calls or [])
    if calls is not None:
        assert said(decision) == {"Ready": "False Deleting", "Reconciling": "Deleting"}
        assert job_of(one).name in decision.status.conditions[0].message


@pytest.mark.parametrize("sighting", [Unseen.ABSENT, Stranger(ARN, "")], ids=["absent", "stranger"])
def test_an_object_without_a_job_of_its_own_goes_at_once(sighting: Sighting) -> None:
    one = started(training())
    going = structs.replace(one, meta=structs.replace(one.meta, is_deleted=True))
    decision = decide(going, seen(one, sighting), START)
    assert (decision.releases, operations(decision)) == (True, [])


def test_a_job_that_nobody_has_looked_at_is_identified_before_it_is_stopped() -> None:
    one = started(training())
    going = structs.replace(one, meta=structs.replace(one.meta, is_deleted=True))
    (call,) = decide(going, Seen(), START).calls
    assert (call.operation, call.checks_owner) == ("DescribeTrainingJob", True)


REFUSED: dict[RefusalKind, dict[str, str]] = {
    RefusalKind.THROTTLED: {"Ready": "False Starting", "Reconciling": "Starting"},
    RefusalKind.UNAVAILABLE: {"Ready": "False Starting", "Reconciling": "Starting"},
    RefusalKind.QUOTA: {"Ready": "False WaitingForQuota", "Reconciling": "WaitingForQuota"},
    RefusalKind.CAPACITY: {"Ready": "False WaitingForCapacity", "Reconciling": "WaitingForCapacity"},
    RefusalKind.MISSING_DATA: {"Ready": "False WaitingForData", "Reconciling": "WaitingForData"},
    RefusalKind.ROLE_PENDING: {"Ready": "False AccessPending", "Reconciling": "AccessPending"},
    RefusalKind.ACCESS_DENIED: {"Ready": "False AccessPending", "Reconciling": "AccessPending"},
    RefusalKind.NOT_PROPAGATED: {"Ready": "False Starting", "Reconciling": "Starting"},
    RefusalKind.INVALID: {"Ready": "False InvalidSpec", "Stalled": "InvalidSpec"},
    RefusalKind.NOT_FOUND: {"Ready": "False InvalidSpec", "Stalled": "InvalidSpec"},
}


def trouble_of(one: Training, kind: RefusalKind, operation: str = "CreateTrainingJob") -> Trouble:
    return Trouble(
        operation=operation,
        resource=job_of(one),
        kind=kind,
        words="Code: words",
        since=START,
        count=1,
        retry_at=START + timedelta(seconds=15),
    )


@pytest.mark.parametrize(("kind", "conditions"), REFUSED.items())
def test_a_refused_creation(kind: RefusalKind, conditions: dict[str, str]) -> None:
    one = training(decide(training(), Seen(), START).status)
    decision = decide(one, Seen(troubles={job_of(one): trouble_of(one, kind)}), START)
    assert said(decision) == conditions
    assert operations(decision) == []
    assert "Code: words" in decision.status.conditions[0].message


@pytest.mark.parametrize(
    ("kind", "reason"), [(RefusalKind.THROTTLED, "Throttled"), (RefusalKind.UNAVAILABLE, "AWSUnavailable")]
)
def test_that_aws_is_busy_is_said_when_it_lasts(kind: RefusalKind, reason: str) -> None:
    one = training(decide(training(), Seen(), START).status)
    later = START + timedelta(seconds=30)
    trouble = structs.replace(trouble_of(one, kind), retry_at=later + timedelta(seconds=9))
    decision = decide(one, Seen(troubles={job_of(one): trouble}), later)
    assert said(decision) == {"Ready": f"False {reason}", "Reconciling": reason}


@pytest.mark.parametrize("kind", [RefusalKind.ROLE_PENDING, RefusalKind.ACCESS_DENIED])
def test_access_that_stays_denied_is_said_after_five_minutes(kind: RefusalKind) -> None:
    one = training(decide(training(), Seen(), START).status)
    later = START + timedelta(minutes=5)
    trouble = structs.replace(trouble_of(one, kind), retry_at=later + timedelta(seconds=9))
    decision = decide(one, Seen(troubles={job_of(one): trouble}), later)
    assert said(decision) == {"Ready": "False AccessDenied", "Stalled": "AccessDenied"}


@pytest.mark.parametrize("kind", RefusalKind)
@pytest.mark.parametrize("operation", ["AddTags", "DescribeTrainingJob"])
def test_no_refusal_takes_ready_from_a_completed_training(kind: RefusalKind, operation: str) -> None:
    one = started(training())
    done = structs.replace(one, status=decide(one, seen(one, view(one, "Completed")), START).status)
    edited = structs.replace(done, spec=structs.replace(done.spec, tags={"team": "a"}))
    troubles = {job_of(one): trouble_of(one, kind, operation)}
    decision = decide(edited, Seen(troubles=troubles), START)
    assert said(decision) == {"Ready": "True Completed"}
    assert decision.status.tags == {}


def test_tags_that_are_refused_do_not_keep_a_job_from_completing() -> None:
    one = started(training(tags={"team": "a"}))
    one = structs.replace(one, status=structs.replace(one.status, tags={}))
    troubles = {job_of(one): trouble_of(one, RefusalKind.INVALID, "AddTags")}
    decision = decide(one, Seen(sightings={job_of(one): view(one, "Completed")}, troubles=troubles), START)
    assert said(decision) == {"Ready": "True Completed"}
    assert "AddTags" in decision.status.conditions[0].message


def test_what_was_refused_for_good_is_not_sent_by_the_next_process() -> None:
    one = training(decide(training(), Seen(), START).status)
    troubles = {job_of(one): trouble_of(one, RefusalKind.INVALID)}
    refused = structs.replace(one, status=decide(one, Seen(troubles=troubles), START).status)
    assert refused.status.resources == ()
    decision = decide(refused, Seen(), START)
    assert (operations(decision), said(decision)) == ([], {"Ready": "False InvalidSpec", "Stalled": "InvalidSpec"})


@pytest.mark.parametrize(
    "changes",
    [
        {"region": ""},
        {"region": "eusc-de-east-1"},
        {"inputs": [{"name": "train", "s3Uri": "s3://b/t", "source": {"url": "https://h/"}}]},
    ],
    ids=["no region", "no image", "source without a file name"],
)
def test_a_spec_that_cannot_be_acted_on(changes: dict[str, Any]) -> None:
    decision = decide(training(**changes), Seen(), START)
    assert said(decision) == {"Ready": "False InvalidSpec", "Stalled": "InvalidSpec"}
    assert operations(decision) == []


def test_the_next_attempt_waits_and_then_has_another_name() -> None:
    one = started(training())
    failed = structs.replace(one, status=decide(one, seen(one, view(one, "Failed", "", "CapacityError")), START).status)
    assert failed.status.retry_after == rfc3339(START + timedelta(seconds=30))
    early = decide(failed, Seen(), START + timedelta(seconds=10))
    assert (operations(early), early.again_after) == ([], 20.0)
    (call,) = decide(failed, Seen(), START + timedelta(seconds=30)).calls
    assert call.resource == job_of(one, 2)


def test_a_transition_time_moves_only_when_the_status_flips() -> None:
    one = started(training())
    first = decide(one, seen(one, view(one, "InProgress", "Downloading")), START + timedelta(minutes=1))
    ready = find(first.status.conditions, ConditionType.READY)
    assert ready is not None
    assert ready.last_transition_time == rfc3339(START)


def test_the_subject_is_the_ledger_and_the_wanted_job() -> None:
    one = started(training())
    other = structs.replace(one, spec=structs.replace(one.spec, environment={"A": "1"}))
    assert subject_of(other).resources == {job_of(one), job_of(other)}
    assert subject_of(other).identity != subject_of(one).identity
