"""Whole stories of trainings whose data is fetched first, told over the fakes, with parts of 8 bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.fakes import Crash
from tests.unit.world import World

from classifier_operator.api.kinds import RETRAIN_ANNOTATION, ObjectKey
from classifier_operator.runtime.importing.netguard import NotAllowedError
from classifier_operator.runtime.ports import BadSourceError, SourceUnavailableError

URL = "https://example.org/data/train.rec"
SIGNED = f"{URL}?X-Amz-Signature=secret"
URI = "s3://bucket/train/train.rec"
CONTENT = b"the quick brown fox jumps over the lazy dog"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PARTS = -(-len(CONTENT) // 8)


def inputs(url: str = URL, sha256: str = "", **more: Any) -> list[dict[str, Any]]:
    source = {"url": url, **({"sha256": sha256} if sha256 else {})}
    train, validation = builders.training_spec()["inputs"]
    return [{**train, "source": source, **more}, validation]


def importing(world: World, url: str = URL, sha256: str = "", **file: Any) -> ObjectKey:
    world.sources.files[url] = FakeFile(CONTENT, **file)
    return world.cluster.create(builders.training(inputs=inputs(url, sha256)))


def edit(world: World, key: ObjectKey, **fields: Any) -> None:
    world.cluster.edit(key, lambda body: body["spec"].update(fields))


def headline(world: World, key: ObjectKey) -> tuple[str, str] | None:
    return world.cluster.condition(key, "Stalled") or world.cluster.condition(key, "Ready")


def message(world: World, key: ObjectKey) -> str:
    text: str = world.cluster.status(key)["conditions"][0]["message"]
    return text


def uploads(world: World, key: ObjectKey) -> Any:
    return world.cluster.status(key).get("import", {}).get("uploads")


def watch(world: World, look: Callable[[], None]) -> None:
    """Look at each write."""

    def changed(key: ObjectKey) -> None:
        if key in world.cluster.objects:
            look()
        world._changed(key)

    world.cluster.changed = changed


async def break_off(world: World, key: ObjectKey, after: int = 20) -> None:
    """Two parts are in S3, and the connection has broken."""
    world.sources.files[URL].breaks_after.append(after)
    await world.look()
    assert world.cloud.s3.sent == [(URI, 1), (URI, 2)]


async def test_data_is_fetched_and_then_the_run_starts(world: World) -> None:
    key = importing(world, sha256=SHA256)
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")
    assert world.cloud.s3.objects[URI][0] == CONTENT
    assert world.cluster.status(key)["import"] == {"bytesDone": len(CONTENT), "bytesTotal": len(CONTENT)}
    assert world.cloud.s3.uploads == {}
    assert [reason for _, reason, _ in world.cluster.events] == ["Importing", "Starting", "Completed"]
    assert world.sources.are_open == 0


async def test_the_job_is_created_after_the_object(world: World) -> None:
    importing(world)
    await world.look()
    operations = [operation for operation, _ in world.cloud.log]
    assert operations.index("CompleteMultipartUpload") < operations.index("CreateTrainingJob")


async def test_the_status_names_the_upload_before_its_first_part(world: World) -> None:
    key = importing(world)
    seen: list[tuple[Any, int]] = []
    watch(world, lambda: seen.append((uploads(world, key), len(world.cloud.s3.sent))))
    await world.look()
    recorded = [(found[0], sent) for found, sent in seen if found]
    assert "uploadId" not in recorded[0][0]
    assert any("uploadId" in found and sent == 0 for found, sent in recorded)


async def test_data_that_is_in_place_is_not_fetched_again(world: World) -> None:
    key = importing(world)
    await world.run(2)
    world.cluster.edit(key, lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: "again"}))
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")
    assert len(world.cloud.names("TrainingJob")) == 2
    assert world.sources.opened == [(URL, 0)]


async def test_a_finished_training_costs_no_look_at_s3(world: World) -> None:
    await_key = importing(world)
    await world.run(2)
    calls = len(world.cloud.log)
    world.restart()
    await world.run(3)
    assert (len(world.cloud.log), headline(world, await_key)) == (calls, ("True", "Completed"))


async def test_another_source_is_another_run(world: World) -> None:
    key = importing(world)
    await world.run(2)
    other = "https://example.org/v2/train.rec"
    world.sources.files[other] = FakeFile(b"something else altogether")
    edit(world, key, inputs=inputs(other))
    await world.run(2)
    assert world.cloud.s3.objects[URI][0] == b"something else altogether"
    assert len(world.cloud.names("TrainingJob")) == 2


@pytest.mark.parametrize("sha256", ["", SHA256], ids=["plain", "with a hash"])
async def test_a_broken_connection_is_gone_on_from_where_it_broke(world: World, sha256: str) -> None:
    key = importing(world, sha256=sha256)
    await break_off(world, key)
    assert world.cluster.condition(key, "Reconciling") == ("True", "Importing")
    assert "the connection broke" in message(world, key)
    assert world.cluster.status(key)["import"]["bytesDone"] == 16
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert world.sources.opened == [(URL, 0), (URL, 16)]
    assert world.cloud.s3.sent == [(URI, number) for number in range(1, PARTS + 1)]


async def test_a_restart_goes_on_from_where_it_was(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    world.restart()
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert world.sources.opened == [(URL, 0), (URL, 16)]
    assert world.cloud.s3.sent == [(URI, number) for number in range(1, PARTS + 1)]


async def test_after_a_restart_a_hash_needs_every_byte_but_s3_does_not(world: World) -> None:
    key = importing(world, sha256=SHA256)
    await break_off(world, key)
    world.restart()
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert world.sources.opened == [(URL, 0), (URL, 0)]
    assert world.cloud.s3.sent == [(URI, number) for number in range(1, PARTS + 1)]


@pytest.mark.parametrize(
    "file", [{"ranges": False}, {"validator": ""}, {"tells_size": False}], ids=["no ranges", "no validator", "no size"]
)
async def test_servers_that_can_less(world: World, file: dict[str, Any]) -> None:
    key = importing(world, **file)
    await break_off(world, key)
    world.restart()
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert world.cloud.s3.objects[URI][0] == CONTENT
    assert world.cloud.s3.sent == [(URI, number) for number in range(1, PARTS + 1)]


@pytest.mark.parametrize("minds", [True, False], ids=["says so", "begins in the middle"])
async def test_a_source_that_has_changed_is_begun_anew(world: World, minds: bool) -> None:
    key = importing(world)
    await break_off(world, key)
    world.sources.files[URL] = FakeFile(CONTENT[::-1], validator='"2"', minds_validator=minds)
    world.restart()
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert world.cloud.s3.objects[URI][0] == CONTENT[::-1]
    assert world.cloud.count("AbortMultipartUpload") == 1
    assert world.cloud.s3.uploads == {}


@pytest.mark.parametrize(("ranges", "sent"), [(True, PARTS), (False, PARTS + 2)], ids=["ranges", "no ranges"])
async def test_parts_that_kms_encrypts_are_sent_again_only_where_they_cannot_be_left_out(
    world: World, ranges: bool, sent: int
) -> None:
    world.cloud.s3.salt = b"kms"
    key = importing(world, ranges=ranges)
    await break_off(world, key)
    world.restart()
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert world.cloud.s3.objects[URI][0] == CONTENT
    assert len(world.cloud.s3.sent) == sent


async def test_a_file_that_ends_with_a_part_is_gone_on_with_at_its_end(world: World) -> None:
    world.sources.files[URL] = FakeFile(CONTENT[:24])
    key = world.cluster.create(builders.training(inputs=inputs()))
    world.cloud.refuse("CompleteMultipartUpload", "InternalError", status=500)
    await world.look()
    world.restart()
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert world.sources.opened == [(URL, 0), (URL, 16)]
    assert len(world.cloud.s3.sent) == 3


async def test_an_upload_that_somebody_aborted_is_begun_anew(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    world.cloud.s3.uploads.clear()
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")
    assert world.cloud.s3.objects[URI][0] == CONTENT


async def test_a_file_that_is_not_what_was_promised_is_never_there(world: World) -> None:
    key = importing(world, sha256="0" * 64)
    await world.run(2)
    assert headline(world, key) == ("True", "InvalidSpec")
    assert f"SHA-256 is {SHA256}, expected {'0' * 64}" in message(world, key)
    assert "spec.inputs[train].source" in message(world, key)
    assert (world.cloud.s3.objects, world.cloud.s3.uploads) == ({}, {})
    world.restart()
    await world.run(2)
    assert world.sources.opened == [(URL, 0)]
    assert headline(world, key) == ("True", "InvalidSpec")


async def test_what_was_refused_for_good_is_tried_again_for_another_run(world: World) -> None:
    key = importing(world)
    world.sources.files[URL].refuses.append(BadSourceError("answered 404 Not Found"))
    await world.run(2)
    assert headline(world, key) == ("True", "InvalidSpec")
    world.cluster.edit(key, lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: "again"}))
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")


async def test_an_address_that_is_not_allowed_stalls_and_stays_so_quietly(world: World) -> None:
    key = importing(world)
    world.sources.files[URL].refuses.extend([NotAllowedError("10.0.0.1 is not an address of the public internet")] * 3)
    await world.run(2)
    assert headline(world, key) == ("True", "NotAllowed")
    assert message(world, key).startswith("spec.inputs[train].source.url: 10.0.0.1 is not")
    writes, events = world.cluster.writes, len(world.cluster.events)
    world.restart()
    await world.run(2)
    assert (world.cluster.writes, len(world.cluster.events)) == (writes, events)


async def test_a_file_that_is_too_large_is_not_fetched(world: World) -> None:
    world.sources.files[URL] = FakeFile(b"x" * 1001)
    key = world.cluster.create(builders.training(inputs=inputs()))
    await world.run(2)
    assert headline(world, key) == ("True", "NotAllowed")
    assert "--import-max-bytes allows 1000" in message(world, key)
    assert world.sources.read == 0


async def test_a_file_that_turns_out_to_be_too_large_is_fetched_no_further(world: World) -> None:
    world.sources.files[URL] = FakeFile(b"x" * 5000, tells_size=False)
    key = world.cluster.create(builders.training(inputs=inputs()))
    await world.run(2)
    assert headline(world, key) == ("True", "NotAllowed")
    assert world.sources.read <= 1016
    assert (world.cloud.s3.objects, world.cloud.s3.uploads) == ({}, {})


async def test_an_empty_file_is_a_mistake(world: World) -> None:
    world.sources.files[URL] = FakeFile(b"")
    key = world.cluster.create(builders.training(inputs=inputs()))
    await world.run(2)
    assert headline(world, key) == ("True", "InvalidSpec")
    assert world.cloud.s3.uploads == {}


async def test_what_passes_by_itself_is_waited_for_with_back_off(world: World) -> None:
    key = importing(world)
    world.sources.files[URL].refuses.extend([SourceUnavailableError("answered 503")] * 4)
    waits = []
    for _ in range(4):
        await world.look()
        assert "answered 503" in message(world, key)
        (due,) = world.operator.queue.delayed.values()
        waits.append(due - world.clock.seconds)
        world.clock.seconds = due
        world.operator.queue.ring()
    assert waits == sorted(waits)
    assert waits[3] > 4 * waits[0]
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")
    assert [reason for _, reason, _ in world.cluster.events][:2] == ["Importing", "Starting"]


@pytest.mark.parametrize("operation", ["HeadObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
@pytest.mark.parametrize("lost", [False, True], ids=["refused", "lost"])
async def test_s3_out_of_order(world: World, operation: str, lost: bool) -> None:
    key = importing(world, sha256=SHA256)
    world.cloud.refuse(operation, "InternalError", "We encountered an internal error.", status=500, after=lost)
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")
    assert world.cloud.s3.objects[URI][0] == CONTENT
    assert world.cloud.s3.uploads == {}


async def test_access_to_s3_is_waited_for_and_said(world: World) -> None:
    key = importing(world)
    world.cloud.refuse("CreateMultipartUpload", "AccessDenied", "Access Denied", times=3)
    await world.look()
    assert world.cluster.condition(key, "Reconciling") == ("True", "AccessPending")
    assert f"CreateMultipartUpload: AccessDenied: Access Denied ({URI})" in message(world, key)
    await world.run(1)
    await world.run(1)
    assert headline(world, key) == ("True", "AccessDenied")
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")


@pytest.mark.parametrize("is_restarted", [False, True], ids=["", "restarted"])
async def test_a_bucket_that_does_not_exist_yet_is_waited_for(world: World, *, is_restarted: bool) -> None:
    key = importing(world)
    world.cloud.s3.buckets = set()
    await world.run(2)
    if is_restarted:
        world.restart()
        await world.run(2)
    assert world.cluster.condition(key, "Reconciling") == ("True", "WaitingForData")
    assert "NoSuchBucket" in message(world, key)
    assert world.cloud.count("CreateTrainingJob") == 0
    world.cloud.s3.buckets = None
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")


@pytest.mark.parametrize("is_restarted", [False, True], ids=["", "restarted"])
async def test_a_bucket_that_goes_with_an_upload_under_way_is_waited_for(world: World, *, is_restarted: bool) -> None:
    key = importing(world)
    await break_off(world, key)
    world.cloud.s3.buckets = set()
    world.cloud.s3.uploads.clear()
    if is_restarted:
        world.restart()
    await world.run(3)
    assert world.cluster.condition(key, "Reconciling") == ("True", "WaitingForData")
    assert "NoSuchBucket" in message(world, key)
    assert world.cloud.count("CreateTrainingJob") == 0
    world.cloud.s3.buckets = None
    await world.run(4)
    assert headline(world, key) == ("True", "Completed")
    assert world.cloud.s3.objects[URI][0] == CONTENT


async def test_a_bucket_that_went_with_an_upload_holds_no_deletion_up(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    world.cloud.s3.buckets = set()
    world.cloud.s3.uploads.clear()
    world.cluster.delete(key)
    await world.run(3)
    assert not world.cluster.objects


async def test_nothing_shows_the_query_of_a_presigned_url(world: World) -> None:
    key = importing(world, SIGNED)
    world.sources.files[SIGNED].refuses.append(SourceUnavailableError("answered 503"))
    await world.look()
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert "secret" not in str(world.cluster.status(key)) + str(world.cluster.events) + str(world.cloud.s3.objects)
    assert "X-Amz" not in str(world.cluster.status(key)) + str(world.cluster.events)


async def test_deletion_aborts_the_upload(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    world.cluster.delete(key)
    await world.run(1)
    assert not world.cluster.objects
    assert (world.cloud.s3.objects, world.cloud.s3.uploads) == ({}, {})


@pytest.mark.parametrize("policy", ["Stop", "Delete", "Retain"])
async def test_deletion_waits_for_the_upload_to_be_aborted_whatever_the_policy(world: World, policy: str) -> None:
    key = importing(world)
    edit(world, key, deletionPolicy=policy)
    await break_off(world, key)
    world.cloud.refuse("AbortMultipartUpload", "AccessDenied", "Access Denied", times=2)
    world.cluster.delete(key)
    await world.look()
    assert world.cluster.condition(key, "Reconciling") == ("True", "Deleting")
    assert f"the unfinished upload to {URI}; AbortMultipartUpload was refused: AccessDenied" in message(world, key)
    await world.run(3)
    assert not world.cluster.objects
    assert world.cloud.s3.uploads == {}


async def test_an_edit_aborts_the_upload_of_what_is_no_longer_wanted(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    edit(world, key, inputs=builders.training_spec()["inputs"])
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")
    assert (world.cloud.s3.objects, world.cloud.s3.uploads) == ({}, {})
    assert "import" not in world.cluster.status(key) or "uploads" not in world.cluster.status(key)["import"]


async def test_an_edit_of_something_else_goes_on_with_the_upload(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    edit(world, key, output={"s3Uri": "s3://bucket/other"})
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert world.cloud.s3.sent == [(URI, number) for number in range(1, PARTS + 1)]


async def test_a_spec_that_became_nonsense_aborts_the_upload(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    edit(world, key, roleArn="")
    await world.run(2)
    assert headline(world, key) == ("True", "InvalidSpec")
    assert world.cloud.s3.uploads == {}


async def test_a_spec_that_became_nonsense_and_then_sense_again_goes_on(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    role = world.cluster.objects[key]["spec"]["roleArn"]
    edit(world, key, roleArn="")
    await world.run(1)
    edit(world, key, roleArn=role)
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")


async def test_the_upload_of_a_file_that_was_refused_is_aborted_after_a_restart_at_the_latest(world: World) -> None:
    key = importing(world, sha256="0" * 64)
    world.cloud.refuse("AbortMultipartUpload", "SlowDown", "Please reduce your request rate.", status=503)
    await world.look()
    assert headline(world, key) == ("True", "InvalidSpec")
    assert len(world.cloud.s3.uploads) == 1
    world.restart()
    await world.run(2)
    assert world.cloud.s3.uploads == {}
    assert (world.sources.opened, headline(world, key)) == ([(URL, 0)], ("True", "InvalidSpec"))


async def test_other_data_to_the_same_place_is_begun_when_the_first_upload_is_gone(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    other = "https://example.org/v2/train.rec"
    world.sources.files[other] = FakeFile(b"something else altogether")
    edit(world, key, inputs=inputs(other))
    world.cloud.refuse("AbortMultipartUpload", "SlowDown", "Please reduce your request rate.", status=503)
    await world.look()
    assert len(world.cloud.s3.uploads) == 1
    assert "waiting for an earlier upload to the same place to be ended" in message(world, key)
    await world.run(3)
    assert world.cloud.s3.objects[URI][0] == b"something else altogether"
    assert world.cloud.s3.uploads == {}


async def test_a_suspended_import_stops_and_goes_on(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    edit(world, key, suspend=True)
    await world.run(3)
    assert world.cluster.condition(key, "Ready") == ("False", "Suspended")
    assert len(world.cloud.s3.sent) == 2
    edit(world, key, suspend=False)
    await world.run(3)
    assert headline(world, key) == ("True", "Completed")
    assert world.cloud.s3.sent == [(URI, number) for number in range(1, PARTS + 1)]


async def test_a_suspended_import_that_is_deleted_leaves_nothing(world: World) -> None:
    key = importing(world)
    await break_off(world, key)
    edit(world, key, suspend=True)
    await world.look()
    world.cluster.delete(key)
    await world.run(2)
    assert (world.cluster.objects, world.cloud.s3.uploads) == ({}, {})


async def test_files_are_fetched_one_after_the_other_and_the_last_one_says_that_it_waits(world: World) -> None:
    train, validation = builders.training_spec()["inputs"]
    world.sources.files |= {URL: FakeFile(CONTENT), "https://example.org/val.rec": FakeFile(CONTENT)}
    spec = [
        {**train, "source": {"url": URL}},
        {**validation, "source": {"url": "https://example.org/val.rec"}},
    ]
    key = world.cluster.create(builders.training(inputs=spec))
    said: list[str] = []
    watch(world, lambda: said.extend(one["message"] for one in world.cluster.status(key).get("conditions", ())))
    await world.run(2)
    assert headline(world, key) == ("True", "Completed")
    assert any("val.rec: waiting for its turn" in text for text in said)
    assert world.cluster.status(key)["import"]["bytesDone"] == 2 * len(CONTENT)


async def test_two_objects_with_the_same_data_fetch_it_once(world: World) -> None:
    first = importing(world)
    second = world.cluster.create(builders.training("other", inputs=inputs()))
    await world.run(2)
    assert (headline(world, first), headline(world, second)) == (("True", "Completed"),) * 2
    assert world.sources.opened == [(URL, 0)]


async def test_one_that_is_refused_for_good_ends_the_others(world: World) -> None:
    train, validation = builders.training_spec()["inputs"]
    world.sources.files |= {URL: FakeFile(CONTENT), "https://example.org/val.rec": FakeFile(CONTENT)}
    world.sources.files[URL].refuses.append(BadSourceError("answered 404 Not Found"))
    spec = [
        {**train, "source": {"url": URL}},
        {**validation, "source": {"url": "https://example.org/val.rec"}},
    ]
    key = world.cluster.create(builders.training(inputs=spec))
    await world.run(3)
    assert headline(world, key) == ("True", "InvalidSpec")
    assert world.cloud.s3.uploads == {}
    assert world.cloud.names("TrainingJob") == []


async def test_waiting_for_a_quota_looks_at_the_data_no_more(world: World) -> None:
    importing(world)
    world.cloud.refuse("CreateTrainingJob", "ResourceLimitExceeded", "limit 0", times=5)
    await world.run(1, progress=False)
    looks, writes = world.cloud.count("HeadObject"), world.cluster.writes
    await world.run(3, progress=False)
    assert (world.cloud.count("HeadObject"), world.cluster.writes) == (looks, writes)


async def live(world: World, sha256: str) -> ObjectKey:
    key = importing(world, sha256=sha256)
    await world.run(4)
    return key


@pytest.mark.parametrize("sha256", ["", SHA256], ids=["plain", "with-a-hash"])
async def test_a_kill_at_any_point_loses_nothing_and_makes_nothing_twice(sha256: str) -> None:
    undisturbed = World()
    await live(undisturbed, sha256)
    for point in range(1, undisturbed.points.passed + 1):
        world = World()
        world.points.kill_at = point
        key = await live(world, sha256)
        assert not world.points.kill_at, point
        assert headline(world, key) == ("True", "Completed"), point
        assert world.cloud.s3.objects[URI][0] == CONTENT, point
        assert world.cloud.s3.uploads == {}, point
        assert world.cloud.count("CompleteMultipartUpload") <= 2, point
        assert len(world.cloud.s3.sent) <= PARTS + 1, point
        assert world.cloud.names("TrainingJob") == undisturbed.cloud.names("TrainingJob"), point
        assert world.cluster.status(key) | {"conditions": []} == undisturbed.cluster.status(key) | {"conditions": []}


@pytest.mark.parametrize("change", ["delete", "edit", "suspend"])
async def test_a_kill_at_any_point_while_it_is_taken_back_leaves_nothing(change: str) -> None:
    undisturbed = World()
    await taken_back(undisturbed, change)
    for point in range(1, undisturbed.points.passed + 1):
        world = World()
        world.points.kill_at = point
        await taken_back(world, change)
        assert not world.points.kill_at, point
        assert world.cloud.s3.uploads == {}, point
        assert not world.cluster.objects, point
        assert world.cloud.running() == [], point


async def taken_back(world: World, change: str) -> None:
    key = importing(world)
    world.sources.files[URL].breaks_after.append(20)
    await world.look()
    if change == "edit":
        edit(world, key, inputs=builders.training_spec()["inputs"])
    if change == "suspend":
        edit(world, key, suspend=True)
    await world.run(3)
    world.cluster.delete(key)
    await world.run(4)


async def test_the_fakes_kill_in_the_background(world: World) -> None:
    importing(world)
    await world.look()
    total = world.points.passed
    other = World()
    other.points.kill_at = total // 2
    importing(other)
    with pytest.raises(Crash):
        await other.operator.work()
