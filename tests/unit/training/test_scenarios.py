"""Whole stories of trainings, told over the fakes; the ids are those of the acceptance scenarios."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.fakes import Crash
from tests.unit.world import World

from classifier_operator.api.kinds import RETRAIN_ANNOTATION, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.ports import SourceUnavailableError

INTERNAL = "InternalServerError: We encountered an internal error. Please try again."
CAPACITY = "CapacityError: Unable to provision requested ML compute capacity."


def edit(world: World, key: ObjectKey, **fields: Any) -> None:
    world.cluster.edit(key, lambda body: body["spec"].update(fields))


def retrain(world: World, key: ObjectKey, value: str) -> None:
    world.cluster.edit(key, lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: value}))


def headline(world: World, key: ObjectKey) -> tuple[str, str] | None:
    return world.cluster.condition(key, "Stalled") or world.cluster.condition(key, "Ready")


async def completed(world: World, **changes: Any) -> ObjectKey:
    key = world.cluster.create(builders.training(**changes))
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    return key


async def test_t2_a_run_to_the_end(world: World) -> None:
    key = await completed(world, tags={"team": "a"})
    status = world.cluster.status(key)
    assert status["modelArtifacts"]["s3Uri"] == f"s3://bucket/{status['jobName']}/model.tar.gz"
    assert status["metrics"] == [{"name": "validation:accuracy", "value": "0.75"}]
    assert world.cloud.tags_of(status["jobName"])["team"] == "a"
    assert world.cloud.tags_of(status["jobName"])["classifiers.sagemaker.dev/uid"] == "uid-1"


async def test_a_job_that_runs_is_followed_although_nothing_can_be_made_of_the_spec_any_more(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.run(1, progress=False)
    edit(world, key, inputs=[{"name": "train", "s3Uri": "s3://bucket/", "source": {"url": "https://host/"}}])
    await world.look()
    assert headline(world, key) == ("True", "InvalidSpec")
    assert world.cluster.status(key)["jobStatus"] == "InProgress"
    job = world.cluster.status(key)["jobName"]
    world.cloud.resources[Place(builders.REGION), "TrainingJob", job]["SecondaryStatus"] = "Uploading"
    await world.run(1, progress=False)
    assert headline(world, key) == ("True", "InvalidSpec")
    assert world.cluster.status(key)["secondaryStatus"] == "Uploading"
    assert world.cloud.count("StopTrainingJob") == 0


async def test_n20_a_finished_job_makes_no_calls_and_no_writes(world: World) -> None:
    await completed(world)
    calls, writes = len(world.cloud.log), world.cluster.writes
    world.restart()
    await world.run(3)
    assert (len(world.cloud.log), world.cluster.writes) == (calls, writes)


async def test_a_label_makes_no_calls_and_no_writes(world: World) -> None:
    key = await completed(world)
    calls, writes = len(world.cloud.log), world.cluster.writes
    world.cluster.edit(key, lambda body: body["metadata"].update(labels={"a": "b"}))
    await world.run()
    assert (len(world.cloud.log), world.cluster.writes) == (calls, writes)


async def test_each_transition_is_one_event(world: World) -> None:
    await completed(world)
    assert [reason for _, reason, _ in world.cluster.events] == ["Starting", "Completed"]


async def test_a_changed_spec_stops_the_run_under_way(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.look()
    first, second = (world.cloud.resources[one] for one in world.cloud.resources)
    assert (first["TrainingJobStatus"], second["TrainingJobStatus"]) == ("Stopping", "InProgress")


async def test_a_superseded_run_is_in_the_history(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(3)
    runs = [(run["jobStatus"], run["reason"]) for run in world.cluster.status(key)["history"]]
    assert sorted(runs) == [("Completed", "Completed"), ("Stopped", "Superseded")]
    assert len(world.cluster.status(key)["resources"]) == 2


async def test_an_earlier_run_that_has_ended_is_not_looked_at_again(world: World) -> None:
    key = await completed(world)
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(3)
    world.cloud.log.clear()
    world.restart()
    await world.look()
    assert world.cloud.log == []


async def test_deletion_takes_the_jobs_of_earlier_runs_along(world: World) -> None:
    key = await completed(world, deletionPolicy="Delete")
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(3)
    world.cluster.delete(key)
    await world.run(3)
    assert world.cloud.resources == {}


async def test_the_ledger_forgets_with_the_history(world: World) -> None:
    key = await completed(world)
    for number in range(12):
        edit(world, key, output={"s3Uri": f"s3://bucket/{number}"})
        await world.run(3)
    status = world.cluster.status(key)
    assert len(status["history"]) == 10
    assert {entry["name"] for entry in status["resources"]} == {run["jobName"] for run in status["history"]}


async def test_the_last_good_model_stays_until_the_new_one_is_complete(world: World) -> None:
    key = await completed(world)
    model = world.cluster.status(key)["modelArtifacts"]
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.look()
    assert world.cluster.status(key)["modelArtifacts"] == model
    await world.run(2)
    assert world.cluster.status(key)["modelArtifacts"] != model


async def test_the_last_good_model_stays_when_the_next_run_fails(world: World) -> None:
    key = await completed(world)
    model = world.cluster.status(key)["modelArtifacts"]
    world.cloud.job_outcomes.append(("Failed", "Failed", "ClientError: bad data"))
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(2)
    assert headline(world, key) == ("True", "JobFailed")
    assert world.cluster.status(key)["modelArtifacts"] == model


async def test_a_spec_that_goes_back_takes_its_finished_run_again(world: World) -> None:
    key = await completed(world)
    first = world.cluster.status(key)["jobName"]
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(2)
    edit(world, key, output={"s3Uri": "s3://bucket/output"})
    await world.run(2)
    assert world.cluster.status(key)["modelArtifacts"]["jobName"] == first
    assert len(world.cloud.names("TrainingJob")) == 2


async def made_again(world: World) -> tuple[ObjectKey, str]:
    """A training whose spec has gone back to a run that has ended, and whose job somebody has deleted: it runs anew."""
    key = await completed(world)
    first = world.cluster.status(key)["jobName"]
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(2)
    del world.cloud.resources[Place(builders.REGION), "TrainingJob", first]
    world.restart()
    edit(world, key, output={"s3Uri": "s3://bucket/output"})
    await world.run(1, progress=False)
    assert world.cloud.running() == [first]
    return key, first


async def test_a_job_that_is_made_again_is_stopped_when_the_object_goes(world: World) -> None:
    key, _ = await made_again(world)
    world.cluster.delete(key)
    await world.look()
    assert world.cloud.running() == []
    assert key in world.cluster.objects
    await world.run()
    assert key not in world.cluster.objects


async def test_a_job_that_is_made_again_is_stopped_when_the_spec_moves_on(world: World) -> None:
    key, first = await made_again(world)
    edit(world, key, output={"s3Uri": "s3://bucket/third"})
    await world.look()
    assert world.cloud.running() == [world.cluster.status(key)["jobName"]]
    await world.run(2)
    (run,) = [run for run in world.cluster.status(key)["history"] if run["jobName"] == first]
    assert (run["jobStatus"], run["reason"]) == ("Stopped", "Superseded")


async def test_a_job_that_is_made_again_is_in_the_history_once(world: World) -> None:
    key, first = await made_again(world)
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")
    runs = [(run["jobName"], run["jobStatus"]) for run in world.cluster.status(key)["history"]]
    assert runs[0] == (first, "Completed")
    assert len(runs) == 2


async def test_a_run_that_is_not_found_again_before_the_spec_moves_on_keeps_how_it_ended(world: World) -> None:
    world.cloud.job_outcomes.append(("Failed", "Failed", "ClientError: bad data"))
    key = world.cluster.create(builders.training())
    await world.run(2)
    first = world.cluster.status(key)["jobName"]
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(2)
    world.restart()
    world.cloud.refuse("CreateTrainingJob", "ThrottlingException", "Rate exceeded")
    edit(world, key, output={"s3Uri": "s3://bucket/output"})
    await world.look()
    edit(world, key, output={"s3Uri": "s3://bucket/third"})
    await world.run(2)
    (run,) = [run for run in world.cluster.status(key)["history"] if run["jobName"] == first]
    assert (run["jobStatus"], run["reason"]) == ("Failed", "JobFailed")


async def test_the_retrain_annotation_runs_the_same_spec_again(world: World) -> None:
    key = await completed(world)
    retrain(world, key, "2026-03-01")
    await world.run(2)
    assert len(world.cloud.names("TrainingJob")) == 2
    assert headline(world, key) == ("True", "Completed")


async def test_suspended_while_running_and_resumed(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    edit(world, key, suspend=True)
    await world.look()
    assert world.cluster.condition(key, "Reconciling") == ("True", "Stopping")
    await world.run()
    assert headline(world, key) == ("False", "Suspended")
    assert world.cloud.running() == []
    edit(world, key, suspend=False)
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")
    assert world.cluster.status(key)["jobName"].endswith("-2")


async def test_a_run_that_completed_while_it_was_being_stopped_is_as_good_as_any(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    edit(world, key, suspend=True)
    await world.look()
    world.cloud.one("TrainingJob")["TrainingJobStatus"] = "InProgress"
    await world.run()
    edit(world, key, suspend=False)
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")
    assert len(world.cloud.names("TrainingJob")) == 1


async def test_a_stop_whose_answer_is_lost_is_still_the_operators_own(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.run(1, progress=False)
    world.cloud.refuse("*", "ConnectionClosedError", "", status=0, after=True, times=2)
    edit(world, key, suspend=True)
    await world.run(1, progress=False)
    edit(world, key, suspend=False)
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")


async def test_a_kill_after_a_stop_does_not_forget_whose_it_was(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.run(1, progress=False)
    world.cloud.kill_after("StopTrainingJob")
    edit(world, key, suspend=True)
    with pytest.raises(Crash):
        await world.operator.work()
    edit(world, key, suspend=False)
    world.restart()
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")


async def test_a_run_that_completes_although_it_was_to_be_stopped_gives_its_model(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.run(1, progress=False)
    world.cloud.refuse("StopTrainingJob", "ThrottlingException", "Rate exceeded", times=9)
    edit(world, key, suspend=True)
    await world.run(1)
    assert headline(world, key) == ("False", "Suspended")
    edit(world, key, suspend=False)
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")
    assert world.cluster.status(key)["modelArtifacts"]["jobName"] == world.cluster.status(key)["jobName"]


async def test_suspensions_use_up_no_retries(world: World) -> None:
    key = world.cluster.create(builders.training(retry={"attempts": 1}))
    for suspend in (True, False, True, False):
        await world.look()
        edit(world, key, suspend=suspend)
        await world.run(progress=suspend)
    world.cloud.job_outcomes.append(("Failed", "Failed", CAPACITY))
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")


async def suspended_and_resumed(world: World, key: ObjectKey, times: int) -> None:
    for _ in range(times):
        edit(world, key, suspend=True)
        await world.run(2)
        edit(world, key, suspend=False)
        await world.run(progress=False)


async def test_suspensions_that_nobody_remembers_use_up_no_retries(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    await suspended_and_resumed(world, key, 13)
    world.cloud.job_outcomes.append(("Failed", "Failed", INTERNAL))
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert world.cluster.status(key)["attempt"] == 15


@pytest.mark.parametrize("attempts", [9, 10, 11, 12])
async def test_more_retries_than_the_history_remembers_are_used_up(world: World, attempts: int) -> None:
    key = world.cluster.create(builders.training(retry={"attempts": attempts}))
    await world.look()
    await suspended_and_resumed(world, key, 2)
    world.cloud.job_outcomes += [("Failed", "Failed", CAPACITY)] * 40
    for _ in range(2 * attempts + 6):
        await world.run(1, seconds=200_000)
    assert headline(world, key) == ("True", "JobFailed")
    assert attempts < len(world.cloud.names("TrainingJob")) <= attempts + 5


async def test_a_spec_that_goes_back_to_a_run_that_was_given_up_and_forgotten_runs(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    for number in range(12):
        edit(world, key, output={"s3Uri": f"s3://bucket/{number}"})
        await world.run(progress=number == 0)
        await world.run()
    edit(world, key, output={"s3Uri": "s3://bucket/output"})
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")
    assert world.cluster.status(key)["attempt"] == 2
    assert "JobStopped" not in [reason for _, reason, _ in world.cluster.events]


async def test_a_spec_that_goes_back_finds_its_way_past_forgotten_attempts(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    await suspended_and_resumed(world, key, 13)
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(2)
    edit(world, key, output={"s3Uri": "s3://bucket/output"})
    await world.run(6)
    assert headline(world, key) == ("True", "Completed")


@pytest.mark.parametrize("runs", [1, 12])
async def test_that_somebody_else_stopped_a_job_is_said_whatever_the_history(world: World, runs: int) -> None:
    key = await completed(world)
    for number in range(runs):
        edit(world, key, output={"s3Uri": f"s3://bucket/{number}"})
        await world.run(progress=number < runs - 1)
        await world.run(progress=number < runs - 1)
    world.cloud.job_outcomes.append(("Stopped", "Stopped", ""))
    await world.run(2)
    assert headline(world, key) == ("True", "JobStopped")


@pytest.mark.parametrize("reason", [INTERNAL, CAPACITY], ids=["internal", "capacity"])
async def test_what_aws_failed_is_tried_again(world: World, reason: str) -> None:
    world.cloud.job_outcomes += [("Failed", "Failed", reason)] * 2
    key = world.cluster.create(builders.training())
    await world.run(6)
    assert headline(world, key) == ("True", "Completed")
    assert world.cluster.status(key)["attempt"] == 3


async def test_retries_are_used_up(world: World) -> None:
    world.cloud.job_outcomes += [("Failed", "Failed", CAPACITY)] * 5
    key = world.cluster.create(builders.training(retry={"attempts": 1}))
    await world.run(8)
    assert headline(world, key) == ("True", "JobFailed")
    assert len(world.cloud.names("TrainingJob")) == 2


async def test_the_users_mistakes_are_not_tried_again(world: World) -> None:
    world.cloud.job_outcomes.append(("Failed", "Failed", "ClientError: bad data"))
    key = world.cluster.create(builders.training())
    await world.run(4)
    assert headline(world, key) == ("True", "JobFailed")
    assert len(world.cloud.names("TrainingJob")) == 1


async def test_n5_a_lost_answer_is_found_again(world: World) -> None:
    world.cloud.refuse("CreateTrainingJob", "ConnectionClosedError", status=0, after=True)
    key = world.cluster.create(builders.training())
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert len(world.cloud.names("TrainingJob")) == 1


async def test_n6_a_strangers_job_is_not_touched(world: World) -> None:
    key = world.cluster.create(builders.training())
    world.cloud.refuse("CreateTrainingJob", "ThrottlingException", "Rate exceeded")
    await world.look()
    world.cloud.make_strangers(Place("us-east-1"), "TrainingJob", world.cluster.status(key)["jobName"])
    await world.run(3, progress=False)
    assert headline(world, key) == ("True", "NameTaken")
    world.cluster.delete(key)
    await world.run(2, progress=False)
    assert world.cloud.one("TrainingJob")["TrainingJobStatus"] == "InProgress"
    assert not world.cluster.objects


async def test_a_strangers_job_is_looked_at_again_when_the_operator_starts(world: World) -> None:
    key = world.cluster.create(builders.training())
    world.cloud.refuse("CreateTrainingJob", "ThrottlingException", "Rate exceeded")
    await world.look()
    place, job = Place("us-east-1"), world.cluster.status(key)["jobName"]
    world.cloud.make_strangers(place, "TrainingJob", job)
    await world.run(2, progress=False)
    events, writes = len(world.cluster.events), world.cluster.writes
    world.restart()
    await world.run(2, progress=False)
    assert headline(world, key) == ("True", "NameTaken")
    assert (len(world.cluster.events), world.cluster.writes) == (events, writes)
    assert world.cloud.count("CreateTrainingJob") == 2
    del world.cloud.resources[place, "TrainingJob", job]
    world.restart()
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")


@pytest.mark.parametrize(
    ("code", "words", "waits"),
    [
        ("ValidationException", "Could not assume role arn:aws:iam::1:role/r.", "AccessPending"),
        ("ResourceLimitExceeded", "The account-level service limit is 0", "WaitingForQuota"),
        ("AccessDeniedException", "not authorized", "AccessPending"),
        ("ValidationException", 'No S3 objects found under S3 URL "s3://b/train"', "WaitingForData"),
        ("ThrottlingException", "Rate exceeded", "Starting"),
        ("InternalFailure", "", "Starting"),
    ],
    ids=["n7 role", "n11 quota", "n12 access", "no data yet", "throttled", "unavailable"],
)
async def test_waits_end_by_themselves(world: World, code: str, words: str, waits: str) -> None:
    status = 500 if code == "InternalFailure" else 400
    world.cloud.refuse("CreateTrainingJob", code, words, times=2, status=status)
    key = world.cluster.create(builders.training())
    await world.look()
    assert world.cluster.condition(key, "Reconciling") == ("True", waits)
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")


@pytest.mark.parametrize(
    ("code", "waits"), [("ThrottlingException", "Throttled"), ("ServiceUnavailable", "AWSUnavailable")]
)
async def test_aws_being_busy_for_long_is_said_once_and_ends(world: World, code: str, waits: str) -> None:
    world.cloud.refuse("CreateTrainingJob", code, "Rate exceeded", times=6)
    key = world.cluster.create(builders.training())
    await world.run(2, progress=False)
    assert world.cluster.condition(key, "Reconciling") == ("True", waits)
    await world.run(7)
    assert headline(world, key) == ("True", "Completed")
    assert [reason for _, reason, _ in world.cluster.events] == ["Starting", waits, "Starting", "Completed"]


async def test_aws_being_busy_for_a_moment_is_no_news(world: World) -> None:
    world.cloud.refuse("CreateTrainingJob", "ThrottlingException", "Rate exceeded", times=1)
    key = world.cluster.create(builders.training())
    await world.look()
    assert "AWS throttles CreateTrainingJob" in world.cluster.status(key)["conditions"][0]["message"]
    await world.run(2)
    assert [reason for _, reason, _ in world.cluster.events] == ["Starting", "Completed"]


async def test_n12_access_denied_for_long_is_said_and_still_ends(world: World) -> None:
    world.cloud.refuse("CreateTrainingJob", "AccessDeniedException", "not authorized", times=3)
    key = world.cluster.create(builders.training())
    await world.run(progress=False)
    await world.run(progress=False)
    assert headline(world, key) == ("True", "AccessDenied")
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")


async def test_waiting_writes_once_and_tells_once(world: World) -> None:
    world.cloud.refuse("CreateTrainingJob", "ResourceLimitExceeded", "limit 0", times=20)
    world.cluster.create(builders.training())
    await world.look()
    writes = world.cluster.writes
    await world.run(8, progress=False)
    assert world.cluster.writes == writes
    assert [reason for _, reason, _ in world.cluster.events] == ["Starting", "WaitingForQuota"]


async def test_n4_a_throttled_look_changes_nothing(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    world.cloud.refuse("DescribeTrainingJob", "ThrottlingException", "Rate exceeded", times=4)
    conditions = world.cluster.status(key)["conditions"]
    await world.run(3)
    assert world.cluster.status(key)["conditions"] == conditions
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")


async def test_n15_tags_change_in_place(world: World) -> None:
    key = await completed(world, tags={"team": "a", "cost": "1"})
    edit(world, key, tags={"team": "b"})
    await world.run()
    tags = world.cloud.tags_of(world.cluster.status(key)["jobName"])
    assert (tags["team"], "cost" in tags) == ("b", False)
    assert "classifiers.sagemaker.dev/uid" in tags
    assert len(world.cloud.names("TrainingJob")) == 1


async def test_tags_that_were_refused_are_sent_later(world: World) -> None:
    key = await completed(world)
    world.cloud.refuse("AddTags", "ThrottlingException", "Rate exceeded", times=2)
    edit(world, key, tags={"team": "b"})
    await world.look()
    assert headline(world, key) == ("True", "Completed")
    await world.run(3)
    assert world.cloud.tags_of(world.cluster.status(key)["jobName"])["team"] == "b"


async def test_more_tags_than_fit_together_are_replaced(world: World) -> None:
    key = await completed(world, tags={f"old-{number}": "x" for number in range(30)})
    wanted = {f"new-{number}": "x" for number in range(30)}
    edit(world, key, tags=wanted)
    await world.run()
    tags = world.cloud.tags_of(world.cluster.status(key)["jobName"])
    assert {name for name in tags if not name.startswith("classifiers.")} == wanted.keys()
    assert len(tags) == 32
    assert world.cluster.status(key)["tags"] == wanted


async def test_tags_that_are_wanted_back_halfway_come_back(world: World) -> None:
    key = await completed(world, tags={"team": "a"})
    world.cloud.refuse("AddTags", "AccessDeniedException", "not authorized", times=1)
    edit(world, key, tags={"cost": "1"})
    await world.look()
    edit(world, key, tags={"team": "a"})
    await world.run(2)
    tags = world.cloud.tags_of(world.cluster.status(key)["jobName"])
    assert {name for name in tags if not name.startswith("classifiers.")} == {"team"}


async def test_n17_a_job_deleted_by_somebody_is_lost_and_not_run_again(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    world.cloud.resources.clear()
    await world.run(3)
    assert headline(world, key) == ("True", "JobLost")
    world.restart()
    await world.run(2)
    assert headline(world, key) == ("True", "JobLost")
    assert world.cloud.count("CreateTrainingJob") == 1


async def test_o3_deletion_while_it_runs(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    world.cluster.delete(key)
    await world.look()
    assert world.cluster.condition(key, "Reconciling") == ("True", "Deleting")
    await world.run()
    assert world.cloud.one("TrainingJob")["TrainingJobStatus"] == "Stopped"
    assert not world.cluster.objects


@pytest.mark.parametrize("refusal", ["ThrottlingException", "AccessDeniedException", "SomethingNew"])
async def test_deletion_is_tried_until_it_succeeds(world: World, refusal: str) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    world.cloud.refuse("StopTrainingJob", refusal, "not now", times=3)
    world.cluster.delete(key)
    await world.look()
    message = world.cluster.status(key)["conditions"][0]["message"]
    assert f"StopTrainingJob was refused: {refusal}: not now" in message
    await world.run(6, progress=False)
    world.cloud.progress()
    await world.run(1)
    assert not world.cluster.objects


async def test_a_job_that_ends_by_itself_while_its_stop_is_refused_keeps_nobody_busy(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    world.cloud.refuse("StopTrainingJob", "ThrottlingException", "Rate exceeded")
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.look()
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")
    assert len(world.operator.troubles) == 0


async def test_a_job_that_cannot_be_stopped_does_not_keep_the_next_from_starting(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    world.cloud.refuse("StopTrainingJob", "AccessDeniedException", "not authorized", times=50)
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.look()
    assert len(world.cloud.running()) == 2
    assert "StopTrainingJob of" in world.cluster.status(key)["conditions"][0]["message"]


async def unstoppable(world: World, runs: int) -> ObjectKey:
    """A training whose spec has been edited again and again while none of its jobs could be stopped."""
    world.cloud.refuse("StopTrainingJob", "AccessDeniedException", "not authorized", times=10000)
    key = world.cluster.create(builders.training())
    for number in range(1, runs):
        await world.run(progress=False)
        edit(world, key, output={"s3Uri": f"s3://bucket/{number}"})
    await world.run(progress=False)
    assert len(world.cloud.running()) == runs
    return key


@pytest.mark.parametrize("is_restarted", [False, True], ids=["", "restarted"])
async def test_a_job_that_runs_is_known_of_when_the_history_is_full(world: World, is_restarted: bool) -> None:
    key = await unstoppable(world, 13)
    status = world.cluster.status(key)
    assert {entry["name"] for entry in status["resources"]} == set(world.cloud.running())
    assert len(status["history"]) == 10
    world.cloud.calm()
    if is_restarted:
        world.restart()
    world.cluster.delete(key)
    await world.run(2, progress=False)
    assert (world.cloud.running(), world.cloud.count("DeleteTrainingJob")) == ([], 0)
    await world.run(2)
    assert key not in world.cluster.objects


async def test_jobs_that_run_do_not_take_turns_in_a_full_history(world: World) -> None:
    key = await unstoppable(world, 14)
    history = world.cluster.status(key)["history"]
    for _ in range(4):
        await world.run(progress=False)
        assert world.cluster.status(key)["history"] == history


async def test_jobs_that_were_forgotten_leave_the_ledger_when_they_have_ended(world: World) -> None:
    key = await unstoppable(world, 14)
    world.cloud.calm()
    await world.run(4)
    status = world.cluster.status(key)
    assert headline(world, key) == ("True", "Completed")
    assert len(status["history"]) == 10
    assert {entry["name"] for entry in status["resources"]} == {run["jobName"] for run in status["history"]}


async def test_policy_delete_leaves_no_job(world: World) -> None:
    key = await completed(world, deletionPolicy="Delete")
    world.cluster.delete(key)
    await world.run(2)
    assert (world.cloud.names("TrainingJob"), world.cluster.objects) == ([], {})


async def test_r1_policy_retain_leaves_everything(world: World) -> None:
    key = world.cluster.create(builders.training(deletionPolicy="Retain"))
    await world.look()
    world.cluster.delete(key)
    await world.look()
    assert not world.cluster.objects
    assert world.cloud.one("TrainingJob")["TrainingJobStatus"] == "InProgress"


async def test_the_namespaces_deletion_policy(world: World) -> None:
    world.cluster.namespaces["vision"] = {"classifiers.sagemaker.dev/deletion-policy": "Retain"}
    key = world.cluster.create(builders.training())
    await world.look()
    world.cluster.delete(key)
    await world.look()
    assert world.cloud.count("StopTrainingJob") == 0


async def test_a_misspelt_deletion_policy_is_said_and_nothing_is_guessed(world: World) -> None:
    world.defaults = structs.replace(world.defaults, deletion_policy="retain")
    world.restart()
    key = world.cluster.create(builders.training())
    await world.look()
    world.cluster.delete(key)
    await world.run(2, progress=False)
    assert world.cluster.condition(key, "Reconciling") == ("True", "Deleting")
    assert "'retain', which is none of Stop, Delete, Retain" in world.cluster.status(key)["conditions"][0]["message"]
    assert world.cloud.count("StopTrainingJob") == 0
    edit(world, key, deletionPolicy="Retain")
    await world.look()
    assert not world.cluster.objects
    assert len(world.cloud.running()) == 1


async def test_m2_another_region(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    edit(world, key, region="eu-west-1")
    await world.run(3)
    regions = {place.region: one["TrainingJobStatus"] for (place, _, _), one in world.cloud.resources.items()}
    assert regions == {"us-east-1": "Stopped", "eu-west-1": "Completed"}


async def test_an_invalid_request_is_not_sent_twice(world: World) -> None:
    world.cloud.refuse("CreateTrainingJob", "ValidationException", "1 validation error detected")
    key = world.cluster.create(builders.training())
    await world.run(2)
    world.restart()
    await world.run(2)
    assert headline(world, key) == ("True", "InvalidSpec")
    assert world.cloud.count("CreateTrainingJob") == 1
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")


WITH_REGION = {"classifiers.sagemaker.dev/region": "us-east-1"}


async def annotate(world: World, key: ObjectKey, annotations: dict[str, str]) -> None:
    """What kubectl annotate does to the namespace."""
    world.cluster.namespaces[key.namespace] = annotations
    await world.operator.controller._defaults.refresh({key.namespace})
    world.operator.queue.add(key)
    await world.look()


async def by_default(world: World, **changes: Any) -> ObjectKey:
    """A training whose region is the namespace's."""
    world.cluster.namespaces["vision"] = WITH_REGION
    key = world.cluster.create(builders.training(region="", **changes))
    await world.look()
    return key


SOURCE = {"url": "https://host/x.rec"}
HALTED: dict[str, tuple[tuple[str, str], dict[str, Any], str]] = {
    "quota": (("ResourceLimitExceeded", "The limit is 0"), {}, "WaitingForQuota"),
    "access": (("AccessDeniedException", "not authorized"), {}, "AccessPending"),
    "source": (
        ("PutObject", "none"),
        {"inputs": [{"name": "train", "s3Uri": "s3://b/t", "source": SOURCE}]},
        "Importing",
    ),
}


@pytest.mark.parametrize("is_restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize(("refusal", "changes", "waits"), HALTED.values(), ids=HALTED.keys())
async def test_a_default_that_is_missing_for_a_while_is_not_missed_when_it_is_back(
    world: World, refusal: tuple[str, str], changes: dict[str, Any], waits: str, is_restarted: bool
) -> None:
    world.sources.files[SOURCE["url"]] = FakeFile(b"some bytes")
    world.sources.files[SOURCE["url"]].refuses.append(SourceUnavailableError("answered 503"))
    world.cloud.refuse("CreateTrainingJob", *refusal)
    key = await by_default(world, **changes)
    assert world.cluster.condition(key, "Reconciling") == ("True", waits)
    await annotate(world, key, {})
    assert headline(world, key) == ("True", "InvalidSpec")
    if is_restarted:
        world.restart()
        await world.run(progress=False)
    world.cloud.calm()
    await annotate(world, key, WITH_REGION)
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")
    assert len(world.cloud.names("TrainingJob")) == 1


async def test_a_job_whose_creation_went_unanswered_is_not_lost_while_a_default_is_missing(world: World) -> None:
    world.cloud.refuse("CreateTrainingJob", "ConnectionClosedError", "", status=0, after=True)
    key = await by_default(world)
    await annotate(world, key, {})
    await world.run(2, progress=False)
    assert headline(world, key) == ("True", "InvalidSpec")
    assert world.cluster.status(key)["jobStatus"] == "InProgress"
    world.cluster.delete(key)
    await world.look()
    assert world.cloud.running() == []


async def test_creation_refused_as_not_found_is_no_busy_loop(world: World) -> None:
    world.cloud.refuse("CreateTrainingJob", "ResourceNotFound", "no such experiment", times=20)
    key = world.cluster.create(builders.training())
    await world.run(3)
    assert headline(world, key) == ("True", "InvalidSpec")
    assert world.cloud.count("CreateTrainingJob") == 1


async def test_a_job_that_is_not_seen_everywhere_yet_is_stopped_a_little_later(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    world.cloud.refuse("StopTrainingJob", "ValidationException", "Requested resource not found.", times=2)
    world.cluster.delete(key)
    await world.run(3, progress=False, seconds=5)
    assert world.cloud.one("TrainingJob")["TrainingJobStatus"] == "Stopping"


async def test_an_edit_between_reading_and_writing_is_not_overwritten(world: World) -> None:
    key = world.cluster.create(builders.training())
    world.cluster.changed = lambda _: None
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(3)
    job = world.cloud.one("TrainingJob")
    assert job["OutputDataConfig"]["S3OutputPath"] == "s3://bucket/other"


async def test_a_look_that_is_denied_is_said_until_it_is_allowed(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.look()
    world.cloud.refuse("DescribeTrainingJob", "AccessDeniedException", "not authorized to describe", times=2)
    await world.run(progress=False, seconds=5)
    message = world.cluster.status(key)["conditions"][0]["message"]
    assert "DescribeTrainingJob of" in message
    assert "not authorized to describe" in message
    assert world.cluster.condition(key, "Reconciling") == ("True", "Starting")
    writes = world.cluster.writes
    await world.run(progress=False, seconds=5)
    assert world.cluster.writes == writes
    await world.run(progress=False, seconds=5)
    assert "not authorized" not in world.cluster.status(key)["conditions"][0]["message"]
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
