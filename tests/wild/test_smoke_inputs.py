"""What a smoke test needs is looked for before anything that costs money is made or moved, and it is judged itself."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.endpoint.smoke_test import INSTANCE_LIMIT, SERVERLESS_LIMIT
from tests.unit import builders
from tests.unit.world import World

ONE = {"model": {"artifactS3Uri": builders.ARTIFACT}, "instanceType": "ml.m5.large"}
OTHER = {"artifactS3Uri": "s3://bucket/other.tar.gz"}
FORMS = pytest.mark.parametrize(
    "form",
    [{}, {"variants": [{"name": "a", **ONE}, {"name": "b", **ONE}], "model": None, "instanceType": None}],
    ids=["short form", "variants"],
)
IMAGE = "s3://bucket/image.png"
SAMPLE = {"configMapKeyRef": {"name": "missing", "key": "x.png"}}
LABELS = {"configMapKeyRef": {"name": "labels", "key": "labels.txt"}}
MAKING = ("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "InvokeEndpoint")


@pytest.fixture
def world() -> World:
    return World()


def endpoint(**changes: Any) -> dict[str, Any]:
    body = builders.endpoint("birds", **changes)
    body["spec"] = {field: value for field, value in body["spec"].items() if value is not None}
    return body


def made(world: World) -> int:
    """Calls that make or move something."""
    return sum(world.cloud.count(one) for one in MAKING)


def message(world: World, key: ObjectKey, kind: str) -> str:
    conditions = world.cluster.status(key)["conditions"]
    return str(next(one["message"] for one in conditions if one["type"] == kind))


def put_sample(world: World) -> None:
    world.cluster.config_maps["vision", "missing"] = {"binaryData": {"x.png": base64.b64encode(b"image").decode()}}


def put_key(world: World) -> None:
    world.cluster.config_maps["vision", "missing"]["binaryData"]["x.png"] = "aW1hZ2U="


def put_image(world: World) -> None:
    world.cloud.s3.buckets = None
    world.cloud.objects[IMAGE] = b"image"


def put_labels(world: World) -> None:
    world.cluster.config_maps["vision", "labels"] = {"data": {"labels.txt": "cat\ndog\n"}}


def without_key(world: World) -> None:
    world.cluster.config_maps["vision", "missing"] = {"binaryData": {"other.png": "aW1hZ2U="}}


def without_bucket(world: World) -> None:
    world.cloud.s3.buckets = set()


def nothing(world: World) -> None:
    """Leave all as it is."""


MISSING = pytest.mark.parametrize(
    ("fields", "words", "before", "mended"),
    [
        pytest.param(
            {"smokeTest": {"image": SAMPLE}},
            "waiting for ConfigMap missing (key x.png) for spec.smokeTest.image",
            nothing,
            put_sample,
            id="config-map",
        ),
        pytest.param(
            {"smokeTest": {"image": SAMPLE}},
            "waiting for ConfigMap missing (key x.png) for spec.smokeTest.image: the ConfigMap has no such key",
            without_key,
            put_key,
            id="key",
        ),
        pytest.param(
            {"smokeTest": {"image": {"s3Uri": IMAGE}}},
            f"waiting for {IMAGE} for spec.smokeTest.image: 404",
            nothing,
            put_image,
            id="object",
        ),
        pytest.param(
            {"smokeTest": {"image": {"s3Uri": IMAGE}}},
            f"waiting for {IMAGE} for spec.smokeTest.image: 404",
            without_bucket,
            put_image,
            id="bucket",
        ),
        pytest.param(
            {"smokeTest": {"image": SAMPLE}, "classLabels": LABELS},
            "waiting for ConfigMap labels (key labels.txt) for spec.classLabels",
            put_sample,
            put_labels,
            id="labels",
        ),
    ],
)


@FORMS
@MISSING
async def test_a15_nothing_is_made_before_it_is_there(
    world: World,
    form: dict[str, Any],
    fields: dict[str, Any],
    words: str,
    before: Callable[[World], None],
    mended: Callable[[World], None],
) -> None:
    before(world)
    key = world.cluster.create(endpoint(**form, **fields))
    await world.run(3, seconds=100)
    assert world.cluster.condition(key, "Reconciling") == ("True", "WaitingForData")
    assert world.cluster.condition(key, "Ready") == ("False", "WaitingForData")
    assert message(world, key, "Reconciling").startswith(words)
    assert made(world) == 0
    mended(world)
    await world.run(4, seconds=300)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")


@FORMS
@MISSING
@pytest.mark.parametrize("is_restarted", [False, True], ids=["", "restarted"])
async def test_a15_an_update_waits_and_what_serves_goes_on(
    world: World,
    form: dict[str, Any],
    fields: dict[str, Any],
    words: str,
    before: Callable[[World], None],
    mended: Callable[[World], None],
    *,
    is_restarted: bool,
) -> None:
    key = world.cluster.create(endpoint(**form))
    await world.run(3)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    calls = made(world)
    before(world)
    moved: dict[str, Any] = {"model": OTHER}
    if form:
        moved = {"variants": [{**one, "instanceType": "ml.c5.large"} for one in form["variants"]]}
    world.cluster.edit(key, lambda body: body["spec"].update({**moved, **fields}))
    await world.run(2, seconds=100)
    if is_restarted:
        world.restart()
        await world.run(2, seconds=100)
    assert world.cluster.condition(key, "Reconciling") == ("True", "WaitingForData")
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    assert message(world, key, "Reconciling").startswith(words)
    assert made(world) == calls
    mended(world)
    await world.run(4, seconds=300)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    assert world.cluster.condition(key, "Reconciling") is None
    assert world.cluster.status(key)["smokeTest"]["outcome"] == "Passed"


async def test_a15_it_is_looked_for_every_five_minutes_at_most_and_said_once(world: World) -> None:
    key = world.cluster.create(endpoint(smokeTest={"image": {"s3Uri": IMAGE}}))
    asked: list[float] = []
    call = world.cloud.call_s3

    async def noted(*args: Any) -> dict[str, Any]:
        asked.append(world.clock.seconds)
        return await call(*args)

    world.cloud.call_s3 = noted  # type: ignore[method-assign,assignment]
    await world.run(2, seconds=5)
    writes, events = world.cluster.writes, len(world.cluster.events)
    await world.run(600, seconds=5)
    pauses = [after - before for before, after in itertools.pairwise(asked)]
    assert pauses[-1] > pauses[0]
    # Time goes on by five seconds at once here.
    assert max(pauses) <= 300 + 5
    assert (world.cluster.writes, len(world.cluster.events)) == (writes, events)
    assert world.cluster.condition(key, "Ready") == ("False", "WaitingForData")


SMALL_ENOUGH = [
    pytest.param({}, INSTANCE_LIMIT, id="instances"),
    pytest.param(
        {"serverless": {"memorySizeMB": 2048, "maxConcurrency": 5}, "instanceType": None},
        SERVERLESS_LIMIT,
        id="serverless",
    ),
]


@pytest.mark.parametrize(("fields", "limit"), SMALL_ENOUGH)
async def test_a_picture_above_the_limit_is_the_tests_fault(world: World, fields: dict[str, Any], limit: int) -> None:
    world.cloud.objects[IMAGE] = b"." * (limit + 1)
    key = world.cluster.create(endpoint(**fields, smokeTest={"image": {"s3Uri": IMAGE}}))
    await world.run(3, seconds=100)
    assert world.cluster.condition(key, "Stalled") == ("True", "InvalidSpec")
    assert message(world, key, "Stalled").startswith(f"spec.smokeTest.image: it has {limit + 1:,} bytes, and ")
    assert f"takes at most {limit:,}" in message(world, key, "Stalled")
    assert made(world) == 0
    # Where it lies it can be replaced, without a change of the spec.
    world.cloud.objects[IMAGE] = b"." * limit
    await world.run(4, seconds=300)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")


@pytest.mark.parametrize(("fields", "limit"), SMALL_ENOUGH)
async def test_half_a_picture_is_never_sent(world: World, fields: dict[str, Any], limit: int) -> None:
    """It grows after it was looked at."""
    world.cloud.objects[IMAGE] = b"image"
    key = world.cluster.create(endpoint(**fields, smokeTest={"image": {"s3Uri": IMAGE}}))
    await world.run(1, progress=False)
    assert world.cloud.count("CreateEndpoint") == 1
    world.cloud.objects[IMAGE] = b"." * (limit + 1)
    await world.run(3, seconds=100)
    assert world.cluster.condition(key, "Stalled") == ("True", "InvalidSpec")
    assert world.cloud.count("InvokeEndpoint") == 0
    world.cloud.objects[IMAGE] = b"image"
    await world.run(4, seconds=300)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")


@pytest.mark.parametrize(
    ("code", "words", "status"),
    [
        pytest.param("413", "HTTP content length exceeded 5246976 bytes.", 413, id="instances"),
        pytest.param("ValidationError", "Request c6f3 has oversize body.", 400, id="serverless"),
        pytest.param("ModelError", 'Received client error (413) from primary with message "".', 424, id="container"),
    ],
)
async def test_a_picture_that_aws_calls_too_large_rolls_nothing_back(
    world: World, code: str, words: str, status: int
) -> None:
    world.cloud.objects[IMAGE] = b"image"
    key = world.cluster.create(endpoint(smokeTest={"image": {"s3Uri": IMAGE}}))
    await world.run(3)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    world.cloud.refuse("InvokeEndpoint", code, words, status=status, times=100)
    world.cluster.edit(key, lambda body: body["spec"].update(model=OTHER))
    await world.run(3)
    assert world.cluster.condition(key, "Stalled") == ("True", "InvalidSpec")
    assert words in message(world, key, "Stalled")
    assert world.cloud.count("UpdateEndpoint") == 1
    assert "rolledBack" not in world.cluster.status(key)
    world.cloud.calm()
    await world.run(4, seconds=300)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")


@pytest.mark.parametrize(
    ("image", "labels", "words"),
    [
        pytest.param(b"", "cat\ndog\n", "spec.smokeTest.image: it is empty", id="empty-picture"),
        pytest.param(
            b"image",
            "cat\nDog\n",
            "spec.smokeTest.expect.label: dog is none of the 2 names of spec.classLabels",
            id="label",
        ),
        pytest.param(b"image", "", "spec.smokeTest.expect.label: dog is none of the 0 names", id="no-labels"),
    ],
)
async def test_what_no_model_can_answer_is_said_before_anything_is_made(
    world: World, image: bytes, labels: str, words: str
) -> None:
    world.cloud.objects[IMAGE] = image
    world.cluster.config_maps["vision", "labels"] = {"data": {"labels.txt": labels}}
    test = {"image": {"s3Uri": IMAGE}, "expect": {"label": "dog"}}
    key = world.cluster.create(endpoint(smokeTest=test, classLabels=LABELS))
    await world.run(3, seconds=100)
    assert world.cluster.condition(key, "Stalled") == ("True", "InvalidSpec")
    assert message(world, key, "Stalled").startswith(words)
    assert made(world) == 0
    put_labels(world)
    put_image(world)
    await world.run(4, seconds=300)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")


@pytest.mark.parametrize("how", ["deleted", "moved"])
async def test_what_has_served_comes_back_although_the_sample_is_gone(world: World, how: str) -> None:
    """That it serves again is more urgent than that it is tested again."""
    put_image(world)
    key = world.cluster.create(endpoint(smokeTest={"image": {"s3Uri": IMAGE}}))
    await world.run(3)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    config = world.cluster.status(key)["endpointConfigName"]
    del world.cloud.objects[IMAGE]
    world.restart()
    [place_and_name] = [one for one in world.cloud.resources if one[1] == "Endpoint"]
    if how == "deleted":
        del world.cloud.resources[place_and_name]
    else:
        live, another = world.cloud.one("Endpoint"), world.cloud.one("EndpointConfig")
        world.cloud._make(place_and_name[0], "EndpointConfig", {**another, "EndpointConfigName": "another"})
        live["EndpointConfigName"] = "another"
        world.cloud.touch(live)
    await world.run(3, seconds=400)
    assert world.cloud.one("Endpoint")["EndpointConfigName"] == config


async def test_a15_a_picture_that_may_not_be_read_names_the_permission() -> None:
    """S3 answers HeadObject without words."""
    world = World()
    put_image(world)
    world.cloud.refuse("HeadObject", "403", "Forbidden", times=1)
    key = world.cluster.create(builders.endpoint(smokeTest={"image": {"s3Uri": IMAGE}}))
    await world.look()
    message = world.cluster.status(key)["conditions"][0]["message"]
    assert f"{IMAGE} for spec.smokeTest.image: the operator needs s3:GetObject on it: Forbidden" in message
    assert world.cluster.condition(key, "Reconciling") == ("True", "AccessPending")
    assert world.cloud.count("CreateModel") == 0


@pytest.mark.parametrize("is_update", [False, True], ids=["creation", "update"])
@pytest.mark.parametrize("code", ["301", "AuthorizationHeaderMalformed"])
async def test_a_picture_in_another_region_is_said_and_corrected(world: World, code: str, is_update: bool) -> None:
    """The configuration has no part in it: another picture ends it, and so does a bucket that is made anew."""
    world.cloud.objects |= {IMAGE: b"image", "s3://bucket/other.png": b"image"}
    test = {"smokeTest": {"image": {"s3Uri": IMAGE}}, "instanceType": "ml.m5.4xlarge"}
    key = world.cluster.create(endpoint(**({} if is_update else test)))
    if is_update:
        await world.run(3)
    before = made(world)
    world.cloud.refuse("HeadObject", code, "Moved Permanently", times=1000, status=301)
    world.cluster.edit(key, lambda body: body["spec"].update(test))
    await world.run(3, seconds=60)
    assert made(world) == before
    assert world.cluster.condition(key, "Stalled") == ("True", "InvalidSpec")
    assert IMAGE in message(world, key, "Stalled")
    assert "the bucket is in another region" in message(world, key, "Stalled")
    world.cloud.calm()
    world.cluster.edit(key, lambda body: body["spec"]["smokeTest"].update(image={"s3Uri": "s3://bucket/other.png"}))
    await world.run(4)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
