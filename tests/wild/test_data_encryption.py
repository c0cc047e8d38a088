"""A bucket whose policy demands SSE-KMS gets what it demands, and the message says which field gives it."""

from __future__ import annotations

from typing import Any

import pytest

from classifier_operator.api.kinds import ObjectKey
from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.world import World

URL = "https://example.org/data/train.rec"
URI = "s3://bucket/train/train.rec"
CONTENT = b"the quick brown fox jumps over the lazy dog"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0f1e"
DENIED = (
    'User: arn:aws:sts::123456789012:assumed-role/operator/x is not authorized to perform: s3:PutObject on resource: "'
    'arn:aws:s3:::bucket/train/train.rec" with an explicit deny in a resource-based policy'
)


@pytest.fixture
def world() -> World:
    world = World()
    world.sources.files[URL] = FakeFile(CONTENT)
    return world


def inputs(kms_key_id: str | None) -> list[dict[str, Any]]:
    source = {"url": URL} if kms_key_id is None else {"url": URL, "kmsKeyId": kms_key_id}
    train, validation = builders.training_spec()["inputs"]
    return [{**train, "source": source}, validation]


def create(world: World, kms_key_id: str | None = None) -> ObjectKey:
    return world.cluster.create(builders.training(inputs=inputs(kms_key_id)))


def edit(world: World, key: ObjectKey, kms_key_id: str | None) -> None:
    world.cluster.edit(key, lambda body: body["spec"].update(inputs=inputs(kms_key_id)))


def headers(world: World, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What uploads were begun with, beside their place and metadata."""
    begun: list[dict[str, Any]] = []
    begin = world.cloud.s3._create_multipart_upload

    def noted(params: Any) -> dict[str, Any]:
        begun.append({name: value for name, value in params.items() if name not in ("Bucket", "Key", "Metadata")})
        return begin(params)

    monkeypatch.setattr(world.cloud.s3, "_create_multipart_upload", noted)
    return begun


@pytest.mark.parametrize(
    ("kms_key_id", "sent"),
    [(None, {}), ("", {}), (KEY, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY})],
    ids=["absent", "empty", "a key"],
)
async def test_b27_an_import_is_encrypted_with_the_key(
    world: World, monkeypatch: pytest.MonkeyPatch, kms_key_id: str | None, sent: dict[str, str]
) -> None:
    begun = headers(world, monkeypatch)
    key = create(world, kms_key_id)
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    assert begun == [sent]


@pytest.mark.parametrize("words", [DENIED, "Access Denied"])
async def test_b27_a_policy_that_demands_a_key_says_which_field_gives_it(
    world: World, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    begun = headers(world, monkeypatch)
    world.cloud.refuse("CreateMultipartUpload", "AccessDenied", words, status=403, times=50)
    key = create(world)
    await world.look()
    assert world.cluster.condition(key, "Reconciling") == ("True", "AccessPending")
    said = world.cluster.status(key)["conditions"][0]["message"]
    assert words in said
    assert "if the bucket's policy demands SSE-KMS, name the key in spec.inputs[train].source.kmsKeyId" in said
    world.cloud.calm()
    edit(world, key, KEY)
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    assert [one.get("SSEKMSKeyId") for one in begun] == [KEY]


async def test_b27_another_key_is_no_other_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = headers(world, monkeypatch)
    key = create(world)
    await world.run(2)
    edit(world, key, KEY)
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    assert (len(world.cloud.names("TrainingJob")), len(begun)) == (1, 1)


async def test_b27_another_key_begins_the_upload_under_way_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = headers(world, monkeypatch)
    world.sources.files[URL].breaks_after.append(20)
    key = create(world, "alias/old")
    await world.look()
    assert len(world.cloud.s3.uploads) == 1
    edit(world, key, KEY)
    await world.run(4)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    assert [one["SSEKMSKeyId"] for one in begun] == ["alias/old", KEY]
    assert (world.cloud.s3.objects[URI][0], world.cloud.s3.uploads) == (CONTENT, {})
