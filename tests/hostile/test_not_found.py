"""A single "not found" that is wrong: nobody acts as if nothing were left."""

from __future__ import annotations

import pytest

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Place
from tests.unit import builders
from tests.unit.world import World as Fakes

PLACE = Place(builders.REGION)
WORDS = {
    "TrainingJob": "Requested resource not found.",
    "Endpoint": 'Could not find endpoint "arn:endpoint/x".',
    "EndpointConfig": 'Could not find endpoint configuration "arn:endpoint-config/x".',
    "Model": 'Could not find model "arn:model/x".',
}


@pytest.fixture
def fakes() -> Fakes:
    """A cluster and an AWS account in memory."""
    return Fakes()


def lies(fakes: Fakes, kind: str, verb: str) -> None:
    """The next such call does not find what is there."""
    fakes.cloud.refuse(f"{verb}{kind}", "ValidationException", WORDS[kind])


async def serving(fakes: Fakes) -> ObjectKey:
    key = fakes.cluster.create(builders.endpoint())
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    return key


RESTARTS = pytest.mark.parametrize("restarts", [False, True], ids=["going on", "restarted"])


@RESTARTS
@pytest.mark.parametrize("kind", ["Endpoint", "EndpointConfig", "Model"])
@pytest.mark.parametrize("policy", ["delete", "suspend"])
async def test_an_endpoint_is_not_left_behind(fakes: Fakes, kind: str, restarts: bool, policy: str) -> None:
    key = await serving(fakes)
    if restarts:
        fakes.restart()
    # Of what it has made itself an operator does not ask first.
    lies(fakes, kind, "Describe" if restarts else "Delete")
    if policy == "delete":
        fakes.cluster.delete(key)
    else:
        fakes.cluster.edit(key, lambda body: body["spec"].update(suspend=True))
    await fakes.run(1, seconds=5)
    assert key in fakes.cluster.objects
    for _ in range(8):
        await fakes.run(1, seconds=20)
    assert fakes.cloud.resources == {}
    assert (key in fakes.cluster.objects) is (policy == "suspend")


@RESTARTS
async def test_a_running_job_is_not_lost(fakes: Fakes, restarts: bool) -> None:
    key = fakes.cluster.create(builders.training())
    await fakes.run(1, progress=False)
    if restarts:
        fakes.restart()
        await fakes.run(1, progress=False)
    resource = next(iter(fakes.cloud.resources))
    job = fakes.cloud.resources.pop(resource)
    await fakes.run(1, progress=False, seconds=5)
    fakes.cloud.resources[resource] = job
    assert fakes.cluster.condition(key, "Stalled") is None
    for _ in range(3):
        await fakes.run(1, seconds=20)
    assert fakes.cluster.condition(key, "Ready") == ("True", "Completed")
    assert fakes.cloud.count("CreateTrainingJob") == 1


@RESTARTS
@pytest.mark.parametrize("policy", ["Stop", "Delete"])
@pytest.mark.parametrize("end", ["delete", "edit"])
async def test_a_running_job_does_not_go_on_for_nobody(fakes: Fakes, policy: str, end: str, restarts: bool) -> None:
    key = fakes.cluster.create(builders.training(deletionPolicy=policy))
    await fakes.run(1, progress=False)
    (name,) = fakes.cloud.running()
    if restarts:
        fakes.restart()
    lies(fakes, "TrainingJob", "Describe" if restarts else "Stop")
    if end == "delete":
        fakes.cluster.delete(key)
    else:
        fakes.cluster.edit(key, lambda body: body["spec"]["hyperparameters"].update(epochs=9))
    await fakes.run(1, progress=False, seconds=5)
    assert key in fakes.cluster.objects
    for _ in range(6):
        await fakes.run(1, progress=False, seconds=20)
    job = fakes.cloud.resources[PLACE, "TrainingJob", name]
    assert job["TrainingJobStatus"] == "Stopping"
    assert key in fakes.cluster.objects


@pytest.mark.parametrize("kind", ["TrainingJob", "Endpoint"])
async def test_what_is_gone_is_looked_for_twice_and_not_more(fakes: Fakes, kind: str) -> None:
    if kind == "Endpoint":
        key = await serving(fakes)
    else:
        key = fakes.cluster.create(builders.training())
        await fakes.run(1, progress=False)
    for resource in [one for one in fakes.cloud.resources if one[1] == kind]:
        del fakes.cloud.resources[resource]
    fakes.cloud.log.clear()
    fakes.cluster.delete(key)
    await fakes.run(1, seconds=14)
    assert key in fakes.cluster.objects
    for _ in range(6):
        await fakes.run(1, seconds=14)
    assert key not in fakes.cluster.objects
    assert fakes.cloud.resources == {}
    assert fakes.cloud.count(f"Describe{kind}") <= 4


async def test_a_job_that_is_gone_is_lost_after_the_second_look(fakes: Fakes) -> None:
    key = fakes.cluster.create(builders.training())
    await fakes.run(1, progress=False)
    fakes.cloud.resources.clear()
    await fakes.run(1, progress=False, seconds=1)
    assert fakes.cluster.condition(key, "Stalled") is None
    await fakes.run(1, progress=False, seconds=16)
    await fakes.run(1, progress=False, seconds=16)
    assert fakes.cluster.condition(key, "Stalled") == ("True", "JobLost")
    assert fakes.cloud.count("CreateTrainingJob") == 1
