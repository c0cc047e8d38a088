"""Another number of labels than the training has classes is probably a mistake: told once, and served all the same."""

from __future__ import annotations

from typing import Any, cast

import pytest

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.cli.objects import Objects
from classifier_operator.cli.predict import class_labels
from tests.unit import builders
from tests.unit.world import World

SHORT: dict[str, Any] = {"trainingRef": {"name": "digits"}, "instanceType": "ml.m5.large"}
VARIANTS: dict[str, Any] = {"variants": [{"name": "a", **SHORT}]}
FORMS = pytest.mark.parametrize("form", [SHORT, VARIANTS], ids=["short form", "variants"])
WORDS = (
    "spec.classLabels.values has 2 names, and ClassifierTraining digits has numClasses 10: write one name for each "
    "class, in the order of the classes"
)
IMAGE = "s3://bucket/image.png"
TEN = {"values": [str(number) for number in range(10)]}


@pytest.fixture
def world() -> World:
    return World()


def create(world: World, form: dict[str, Any], labels: dict[str, Any]) -> ObjectKey:
    body = builders.endpoint("birds", classLabels=labels)
    body["spec"] = {name: body["spec"][name] for name in ("region", "roleArn", "classLabels")} | form
    return world.cluster.create(body)


def edit(world: World, key: ObjectKey, labels: dict[str, Any]) -> None:
    world.cluster.edit(key, lambda body: body["spec"].update(classLabels=labels))


def told(world: World) -> list[str]:
    return [note for _, reason, note in world.cluster.events if reason == "ProbableMistake"]


def warnings(world: World, key: ObjectKey) -> list[str]:
    found: list[str] = world.cluster.objects[key]["status"].get("warnings", [])
    return found


async def settle(world: World, key: ObjectKey) -> None:
    await world.run(12)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")


@FORMS
@pytest.mark.parametrize("classes", [10, "10"], ids=["number", "text"])
async def test_a14_another_number_of_labels_is_told_once(world: World, form: dict[str, Any], classes: Any) -> None:
    world.cluster.create(builders.training(hyperparameters={"numClasses": classes, "numTrainingSamples": 1000}))
    key = create(world, form, {"values": ["cat", "dog"]})
    await settle(world, key)
    assert told(world) == [WORDS]
    assert warnings(world, key) == [WORDS]

    world.restart()
    await settle(world, key)
    world.cluster.edit(key, lambda body: body["spec"].update(tags={"team": "birds"}))
    await settle(world, key)
    assert told(world) == [WORDS]


async def test_a14_an_edit_takes_the_warning_back_or_brings_it(world: World) -> None:
    world.cluster.create(builders.training())
    key = create(world, SHORT, TEN)
    await settle(world, key)
    assert (told(world), warnings(world, key)) == ([], [])

    edit(world, key, {"values": ["cat", "dog"]})
    await settle(world, key)
    assert (told(world), warnings(world, key)) == ([WORDS], [WORDS])

    edit(world, key, TEN)
    await settle(world, key)
    assert (told(world), warnings(world, key)) == ([WORDS], [])


@pytest.mark.parametrize(
    "hyperparameters", [{}, {"numClasses": "ten"}, {"numClasses": "9" * 5000}], ids=["unsaid", "no number", "long"]
)
async def test_of_a_training_that_does_not_say_nothing_is_doubted(
    world: World, hyperparameters: dict[str, Any]
) -> None:
    image = {"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"}
    world.cluster.create(builders.training(algorithm=image, hyperparameters=hyperparameters))
    key = create(world, SHORT, {"values": ["cat", "dog"]})
    await world.run(12)
    assert (told(world), warnings(world, key)) == ([], [])


def expecting(label: Any) -> dict[str, Any]:
    return {"smokeTest": {"image": {"s3Uri": IMAGE}, "expect": {"label": label}}}


@pytest.mark.parametrize("values", [[7, 0], ["7", 0], ["7", "0"]], ids=["numbers", "mixed", "text"])
@pytest.mark.parametrize("label", [0, "0"], ids=["number", "text"])
async def test_a16_numbers_name_classes_without_quotes(world: World, values: list[Any], label: Any) -> None:
    """0 is a name, too; and to put numbers into quotes changes nothing, so that the test is not run again."""
    world.cloud.objects[IMAGE] = b"image"
    world.cluster.create(builders.training(hyperparameters={"numClasses": 2, "numTrainingSamples": 1000}))
    key = create(world, SHORT | expecting(label), {"values": values})
    await settle(world, key)
    outcome = world.cluster.objects[key]["status"]["smokeTest"]
    assert (outcome["outcome"], outcome["label"]) == ("Passed", "0")
    calls = world.cloud.count("InvokeEndpoint")

    quoted = {"classLabels": {"values": [str(one) for one in values]}} | expecting(str(label))
    world.cluster.edit(key, lambda body: body["spec"].update(quoted))
    await settle(world, key)
    assert world.cloud.count("InvokeEndpoint") == calls


async def test_a16_a_number_that_is_not_the_answer_fails_the_test(world: World) -> None:
    world.cloud.objects[IMAGE] = b"image"
    world.cluster.create(builders.training(hyperparameters={"numClasses": 2, "numTrainingSamples": 1000}))
    key = create(world, SHORT | expecting(7), {"values": [7, 0]})
    await world.run(12)
    assert world.cluster.condition(key, "Ready") == ("False", "SmokeTestFailed")


def test_a16_predict_names_classes_by_numbers() -> None:
    assert class_labels(cast("Objects", None), {"values": [7, 0, "cat"]}) == ["7", "0", "cat"]
