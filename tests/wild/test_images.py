"""An image of another region (B39): what AWS says of it stands for good, so it is said at once and not tried again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit import builders
from tests.unit.world import World
from tests.wild.test_counts import FORMS, ONE, change, endpoint, settle

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/birds:1"
CROSS = (
    f'Region of "{IMAGE}" does not match expected region of {builders.REGION}. Cross region ECR image pulls are not '
    "allowed."
)
SUFFIX = (
    "Invalid DNS suffix 'amazonaws.com' for region 'us-west-2' in training image. Please provide the valid "
    f"<region>.<dns-suffix>: '{builders.REGION}.amazonaws.com'"
)
ELSEWHERE = {"artifactS3Uri": builders.ARTIFACT, "image": IMAGE}
TRAINING = builders.training(algorithm={"image": IMAGE})


@pytest.fixture
def world() -> World:
    return World()


def said(world: World, key: Any) -> str:
    (condition,) = [one for one in world.cluster.status(key)["conditions"] if one["type"] == "Stalled"]
    assert condition["reason"] == "InvalidSpec"
    assert "does not know" not in condition["message"]
    return str(condition["message"])


@FORMS
async def test_b39_an_endpoint_is_told_once(world: World, form: dict[str, Any]) -> None:
    world.cloud.refuse("CreateModel", "ValidationException", CROSS, times=1000)
    key = world.cluster.create(endpoint(**form))
    await world.run(10)
    assert CROSS in said(world, key)
    assert world.cloud.count("CreateModel") == 1


@FORMS
async def test_b39_an_update_leaves_what_serves(world: World, form: dict[str, Any]) -> None:
    key = world.cluster.create(endpoint(**form))
    await settle(world, key)
    world.cloud.refuse("CreateModel", "ValidationException", CROSS, times=1000)
    new = {"variants": [{"name": "AllTraffic", **ONE, "model": ELSEWHERE}]} if form else {"model": ELSEWHERE}
    change(world, key, **new)
    await world.run(10)
    assert CROSS in said(world, key)
    assert world.cluster.condition(key, "Ready") == ("True", "ServingPrevious")
    assert world.cloud.count("CreateModel") == 2

    world.cloud.calm()
    change(world, key, **({"variants": form["variants"]} if form else {"model": ONE["model"]}))
    await settle(world, key)
    assert world.cluster.condition(key, "Stalled") is None


@pytest.mark.parametrize("words", [CROSS, SUFFIX], ids=["as a model is refused", "as a training is"])
async def test_b39_a_training_is_told_once(world: World, words: str) -> None:
    world.cloud.refuse("CreateTrainingJob", "ValidationException", words, times=1000)
    key = world.cluster.create(TRAINING)
    await world.run(10)
    assert words in said(world, key)
    assert world.cloud.count("CreateTrainingJob") == 1
