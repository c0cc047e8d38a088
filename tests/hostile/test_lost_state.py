"""A status is wiped, put back to an earlier one, or its object loses the finalizer: nothing at AWS is lost by it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from classifier_operator.api.kinds import ADOPT_ANNOTATION, RETRAIN_ANNOTATION, UID_TAG, Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.reconcile.tenants import Tenant, Tenants
from tests.unit import builders
from tests.unit.world import World as Fakes

Body = dict[str, Any]
MAKES = ("CreateTrainingJob", "CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint")
SCALED = {"minCount": 1, "maxCount": 3, "invocationsPerInstance": 100}
NOWHERE = Tenants(entries=(Tenant(namespaces=("*",), regions=()),))
FAILED = ("Failed", "Failed", "InternalServerError: We encountered an internal error. Please try again.")


@pytest.fixture
def fakes() -> Fakes:
    """A cluster and an AWS account in memory, and one operator for all namespaces."""
    return Fakes()


def wipe(body: Body) -> None:
    """What `kubectl patch --subresource=status -p '{"status": null}'` leaves: the schema's default."""
    body["status"] = {"observedGeneration": 0}


def drop_finalizers(body: Body) -> None:
    """What `kubectl replace` with a manifest does."""
    body["metadata"].pop("finalizers", None)


def put_back(status: Body) -> Callable[[Body], None]:
    """What `kubectl replace --subresource=status` with an old copy does."""
    return lambda body: body.update(status=copy.deepcopy(status))


def tagged(team: str) -> Callable[[Body], None]:
    return lambda body: body["spec"].update(tags={"team": team})


def changes(fakes: Fakes) -> dict[str, int]:
    """How often each operation that makes or moves something has taken effect."""
    return {name: fakes.cloud.effects[name] for name in MAKES}


def ledger(fakes: Fakes, key: ObjectKey) -> set[tuple[str, str]]:
    return {(one["type"], one["name"]) for one in fakes.cluster.status(key).get("resources", ())}


def there(fakes: Fakes) -> set[tuple[str, str]]:
    """All that is at AWS."""
    return {(kind, name) for _, kind, name in fakes.cloud.resources}


async def ready(fakes: Fakes, body: Body, rounds: int = 3) -> ObjectKey:
    """One that is done."""
    key = fakes.cluster.create(body)
    await fakes.run(rounds)
    condition = fakes.cluster.condition(key, "Ready")
    assert condition is not None
    assert condition[0] == "True", fakes.cluster.status(key)
    return key


async def gone(fakes: Fakes, key: ObjectKey, rounds: int = 8) -> None:
    """Delete it, and wait until nothing is left at AWS but jobs that have ended."""
    fakes.cluster.delete(key)
    await fakes.run(rounds)
    assert key not in fakes.cluster.objects, fakes.cluster.status(key)
    assert fakes.cloud.running() == []
    assert {kind for kind, _ in there(fakes)} <= {"TrainingJob"}
    assert fakes.cloud.targets == {}


LOSSES: dict[str, tuple[Callable[[Body], None], ...]] = {
    "wiped": (wipe,),
    "wiped, without finalizer": (wipe, drop_finalizers),
    "the ledger alone": (lambda body: body["status"].pop("resources"),),
}
lost_in_any_way = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
running_or_not = pytest.mark.parametrize("is_down", [False, True], ids=["operator running", "operator down"])


def lose(fakes: Fakes, key: ObjectKey, loss: tuple[Callable[[Body], None], ...], *, is_down: bool) -> None:
    for change in loss:
        fakes.cluster.edit(key, change)
    if is_down:
        fakes.restart()


@lost_in_any_way
@running_or_not
async def test_what_serves_is_known_again_and_deleted(
    fakes: Fakes, loss: tuple[Callable[[Body], None], ...], is_down: bool
) -> None:
    key = await ready(fakes, builders.endpoint())
    before, made = copy.deepcopy(fakes.cluster.status(key)), changes(fakes)
    lose(fakes, key, loss, is_down=is_down)
    await fakes.run(2)
    after = fakes.cluster.status(key)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert {**after, "revision": 0, "conditions": []} == {**before, "revision": 0, "conditions": []}
    assert changes(fakes) == made
    await gone(fakes, key)


@pytest.mark.parametrize("loss", [LOSSES["wiped"], LOSSES["the ledger alone"]], ids=["wiped", "the ledger alone"])
@running_or_not
async def test_what_is_deleted_with_it_leaves_nothing(
    fakes: Fakes, loss: tuple[Callable[[Body], None], ...], is_down: bool
) -> None:
    key = await ready(fakes, builders.endpoint(autoscaling=SCALED))
    assert fakes.cloud.targets != {}
    fakes.cluster.delete(key)
    lose(fakes, key, loss, is_down=is_down)
    await fakes.run(8)
    assert key not in fakes.cluster.objects
    assert there(fakes) == set()
    assert fakes.cloud.targets == {}


@running_or_not
async def test_an_edit_that_comes_with_the_loss_leaves_nothing_behind(fakes: Fakes, is_down: bool) -> None:
    """What serves has other names than what is wanted by now."""
    key = await ready(fakes, builders.endpoint(autoscaling=SCALED))
    fakes.cluster.edit(key, lambda body: body["spec"].update(model={"artifactS3Uri": "s3://bucket/2"}))
    fakes.cluster.edit(key, lambda body: body["spec"].pop("autoscaling"))
    lose(fakes, key, LOSSES["wiped"], is_down=is_down)
    await fakes.run(4)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert there(fakes) == ledger(fakes, key)
    assert len(there(fakes)) == 3
    assert fakes.cloud.targets == {}
    await gone(fakes, key)


@running_or_not
async def test_an_update_under_way_goes_on(fakes: Fakes, is_down: bool) -> None:
    key = await ready(fakes, builders.endpoint())
    fakes.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.m5.xlarge"))
    await fakes.look()
    assert fakes.cloud.one("Endpoint")["EndpointStatus"] == "Updating"
    lose(fakes, key, LOSSES["wiped"], is_down=is_down)
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert fakes.cloud.effects["UpdateEndpoint"] == 1
    assert there(fakes) == ledger(fakes, key)


async def test_what_serves_stays_ready_while_it_is_moved(fakes: Fakes) -> None:
    key = await ready(fakes, builders.endpoint())
    fakes.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.m5.xlarge"))
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    await fakes.look()
    assert fakes.cluster.condition(key, "Reconciling") == ("True", "Updating")
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")


async def test_the_old_configuration_outlives_a_new_one_that_fails_its_test(fakes: Fakes) -> None:
    """Which one was good only the status knew: nothing is tidied up before a test has passed."""
    image = {"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}}
    fakes.cloud.objects["s3://bucket/image.png"] = b"image"
    fakes.cloud.bad_artifacts.add("s3://bucket/bad")
    key = await ready(fakes, builders.endpoint(smokeTest=image))
    before = there(fakes)
    fakes.cluster.edit(key, lambda body: body["spec"].update(model={"artifactS3Uri": "s3://bucket/bad"}))
    await fakes.look()
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    await fakes.run(4)
    assert fakes.cluster.condition(key, "Ready") == ("True", "ServingPrevious")
    assert before <= there(fakes) == ledger(fakes, key)
    await gone(fakes, key)


def make_theirs(fakes: Fakes) -> None:
    """An endpoint that serves, `production`, with a configuration and a model; nobody's by its tags."""
    place = Place(builders.REGION)
    for kind, name in (("Model", "theirs"), ("EndpointConfig", "theirs"), ("Endpoint", "production")):
        fakes.cloud.make_strangers(place, kind, name)
    fakes.cloud.resources[place, "Model", "theirs"]["PrimaryContainer"] = {"Image": "i", "ModelDataUrl": "s3://m"}
    variant = {"VariantName": "AllTraffic", "ModelName": "theirs", "InstanceType": "ml.m5.large"}
    fakes.cloud.resources[place, "EndpointConfig", "theirs"]["ProductionVariants"] = [variant]
    live = {"VariantName": "AllTraffic", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1, "CurrentWeight": 1.0}
    fakes.cloud.resources[place, "Endpoint", "production"].update(
        EndpointStatus="InService", EndpointConfigName="theirs", ProductionVariants=[live]
    )


def make_stranger(fakes: Fakes, name: str) -> None:
    """Somebody else's endpoint, which serves."""
    place = Place(builders.REGION)
    fakes.cloud.make_strangers(place, "Endpoint", name)
    fakes.cloud.resources[place, "Endpoint", name].update(EndpointStatus="InService", EndpointConfigName="other")


@pytest.mark.parametrize("annotated", [True, False], ids=["annotated", "annotation removed"])
@running_or_not
async def test_an_adopted_endpoint_is_known_again(fakes: Fakes, annotated: bool, is_down: bool) -> None:
    make_theirs(fakes)
    adopting = builders.endpoint()
    adopting["metadata"]["annotations"] = {ADOPT_ANNOTATION: "production"}
    key = await ready(fakes, adopting, rounds=4)
    assert fakes.cluster.status(key)["endpointName"] == "production"
    if not annotated:
        fakes.cluster.edit(key, lambda body: body["metadata"].pop("annotations"))
        await fakes.run()
    made = changes(fakes)
    lose(fakes, key, LOSSES["wiped"], is_down=is_down)
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert fakes.cluster.status(key)["endpointName"] == "production"
    assert fakes.cluster.status(key)["adopted"]["name"] == "production"
    assert changes(fakes) == made
    fakes.cluster.delete(key)
    await fakes.run(8)
    # It went with its object, as adopted ones do; what it came with is its former owner's.
    assert there(fakes) == {("Model", "theirs"), ("EndpointConfig", "theirs")}


# Trainings


@lost_in_any_way
@running_or_not
async def test_a_job_that_runs_is_followed_on(
    fakes: Fakes, loss: tuple[Callable[[Body], None], ...], is_down: bool
) -> None:
    key = fakes.cluster.create(builders.training())
    await fakes.run(progress=False)
    lose(fakes, key, loss, is_down=is_down)
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "Completed")
    assert fakes.cloud.effects["CreateTrainingJob"] == 1


@running_or_not
async def test_the_attempt_that_runs_is_found(fakes: Fakes, is_down: bool) -> None:
    fakes.cloud.job_outcomes.extend([FAILED, FAILED])
    key = fakes.cluster.create(builders.training())
    while fakes.cluster.objects[key].get("status", {}).get("attempt") != 3:
        await fakes.run()
    assert len(fakes.cloud.running()) == 1
    history = [one["jobName"] for one in fakes.cluster.status(key)["history"]]
    lose(fakes, key, LOSSES["wiped"], is_down=is_down)
    await fakes.run(progress=False)
    assert fakes.cluster.status(key)["attempt"] == 3
    assert [one["jobName"] for one in fakes.cluster.status(key)["history"]] == history
    await fakes.run()
    assert fakes.cluster.condition(key, "Ready") == ("True", "Completed")
    assert fakes.cloud.effects["CreateTrainingJob"] == 3


@running_or_not
async def test_a_run_that_has_completed_is_not_repeated(fakes: Fakes, is_down: bool) -> None:
    key = await ready(fakes, builders.training())
    before = copy.deepcopy(fakes.cluster.status(key))
    lose(fakes, key, LOSSES["wiped"], is_down=is_down)
    await fakes.run(2)
    after = fakes.cluster.status(key)
    assert fakes.cloud.effects["CreateTrainingJob"] == 1
    for field in ("modelArtifacts", "metrics", "history", "jobName", "jobStatus", "resources", "attempt", "image"):
        assert after[field] == before[field], field


@running_or_not
async def test_the_model_of_before_is_the_answer_while_another_run_goes_on(fakes: Fakes, is_down: bool) -> None:
    key = await ready(fakes, builders.training())
    model = fakes.cluster.status(key)["modelArtifacts"]
    fakes.cluster.edit(key, lambda body: body["spec"].update(output={"s3Uri": "s3://bucket/other"}))
    await fakes.run(progress=False)
    lose(fakes, key, LOSSES["wiped"], is_down=is_down)
    await fakes.run(progress=False)
    assert fakes.cluster.status(key)["modelArtifacts"] == model
    assert fakes.cloud.effects["CreateTrainingJob"] == 2
    await fakes.run(2)
    assert fakes.cluster.status(key)["modelArtifacts"] != model


@running_or_not
async def test_a_job_of_an_earlier_spec_is_stopped(fakes: Fakes, is_down: bool) -> None:
    key = fakes.cluster.create(builders.training())
    await fakes.run(progress=False)
    first = fakes.cluster.status(key)["jobName"]
    fakes.cluster.edit(key, lambda body: body["spec"].update(output={"s3Uri": "s3://bucket/other"}))
    lose(fakes, key, LOSSES["wiped"], is_down=is_down)
    await fakes.run(progress=False)
    stopped = fakes.cloud.resources[Place(builders.REGION), "TrainingJob", first]
    assert stopped["TrainingJobStatus"] in ("Stopping", "Stopped")
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "Completed")
    assert fakes.cloud.effects["CreateTrainingJob"] == 2


@pytest.mark.parametrize("policy", ["Stop", "Delete"])
@running_or_not
async def test_a_training_that_is_deleted_with_it_leaves_nothing_that_runs(
    fakes: Fakes, policy: str, is_down: bool
) -> None:
    key = await ready(fakes, builders.training(deletionPolicy=policy))
    fakes.cluster.edit(key, lambda body: body["spec"].update(output={"s3Uri": "s3://bucket/other"}))
    await fakes.run(progress=False)
    assert len(fakes.cloud.running()) == 1
    fakes.cluster.delete(key)
    lose(fakes, key, LOSSES["wiped"], is_down=is_down)
    await fakes.run(8)
    assert key not in fakes.cluster.objects
    assert fakes.cloud.running() == []
    assert len(fakes.cloud.names("TrainingJob")) == (0 if policy == "Delete" else 2)


async def test_a_suspended_run_goes_on_when_it_is_resumed(fakes: Fakes) -> None:
    key = fakes.cluster.create(builders.training())
    await fakes.run(progress=False)
    fakes.cluster.edit(key, lambda body: body["spec"].update(suspend=True))
    await fakes.run(2)
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    await fakes.run()
    assert fakes.cluster.condition(key, "Ready") == ("False", "Suspended")
    fakes.cluster.edit(key, lambda body: body["spec"].update(suspend=False))
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "Completed")
    assert fakes.cloud.effects["CreateTrainingJob"] == 2


@running_or_not
async def test_endpoints_that_follow_it_stay_where_they_are(fakes: Fakes, is_down: bool) -> None:
    training = await ready(fakes, builders.training())
    follower = await ready(fakes, builders.following())
    made = changes(fakes)
    lose(fakes, training, LOSSES["wiped"], is_down=is_down)
    await fakes.run(2)
    assert changes(fakes) == made
    for key in (training, follower):
        assert fakes.cluster.condition(key, "Ready")[0] == "True"  # type: ignore[index]


async def test_both_may_be_lost_at_once(fakes: Fakes) -> None:
    """A store without any status: what serves goes on serving the model that nobody has told of yet."""
    training = await ready(fakes, builders.training())
    follower = await ready(fakes, builders.following())
    made = changes(fakes)
    fakes.cluster.edit(follower, wipe)
    lose(fakes, training, LOSSES["wiped"], is_down=True)
    await fakes.run(2)
    assert changes(fakes) == made
    assert fakes.cluster.condition(follower, "Ready") == ("True", "InService")
    assert fakes.cluster.condition(training, "Ready") == ("True", "Completed")


async def test_an_endpoint_whose_training_is_gone_serves_on(fakes: Fakes) -> None:
    training = await ready(fakes, builders.training())
    follower = await ready(fakes, builders.following())
    fakes.cluster.delete(training)
    await fakes.run(2)
    made = changes(fakes)
    lose(fakes, follower, LOSSES["wiped"], is_down=True)
    await fakes.run(2)
    assert changes(fakes) == made
    assert fakes.cluster.condition(follower, "Ready") == ("True", "InService")


# An earlier status


@running_or_not
async def test_an_older_status_of_an_endpoint_hides_nothing(fakes: Fakes, is_down: bool) -> None:
    key = await ready(fakes, builders.endpoint())
    older = copy.deepcopy(fakes.cluster.status(key))
    fakes.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.m5.xlarge"))
    await fakes.run(3)
    newer = copy.deepcopy(fakes.cluster.status(key))
    made = changes(fakes)
    lose(fakes, key, (put_back(older),), is_down=is_down)
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert fakes.cluster.status(key)["endpointConfigName"] == newer["endpointConfigName"]
    assert changes(fakes) == made
    assert there(fakes) == ledger(fakes, key)
    await gone(fakes, key)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("loss", ["wiped", "an earlier one"])
async def test_an_older_status_is_known_as_such_after_a_loss(fakes: Fakes, loss: str, kind: Kind) -> None:
    """What is written after the loss counts as later than all that was written before it."""
    key = await ready(fakes, builders.endpoint() if kind is Kind.ENDPOINT else builders.training())
    earliest = copy.deepcopy(fakes.cluster.status(key))
    for team in "abcdef":
        fakes.cluster.edit(key, tagged(team))
        await fakes.run(2)
    older = copy.deepcopy(fakes.cluster.status(key))
    if kind is Kind.ENDPOINT:
        # Refused, and left: AWS knows no way from machines to none.
        without = {
            "serverless": {"memorySizeMB": 2048, "maxConcurrency": 5},
            "model": {"artifactS3Uri": "s3://bucket/2"},
        }
        fakes.cluster.edit(key, lambda body: body["spec"].pop("instanceType"))
        fakes.cluster.edit(key, lambda body: body["spec"].update(without))
        await fakes.run(2)
        assert fakes.cluster.condition(key, "Stalled") == ("True", "InvalidSpec")
    else:
        fakes.cluster.edit(key, lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: "now"}))
        await fakes.look()
        assert len(fakes.cloud.running()) == 1
    fakes.cluster.edit(key, wipe if loss == "wiped" else put_back(earliest))
    fakes.restart()
    await fakes.run(1, progress=False)
    fakes.cluster.edit(key, put_back(older))
    if kind is Kind.TRAINING:
        # Else the spec tells of the job that runs.
        fakes.cluster.edit(key, lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: "again"}))
    await gone(fakes, key)


@running_or_not
async def test_a_store_restored_with_spec_and_status_hides_nothing(fakes: Fakes, is_down: bool) -> None:
    """The spec goes back as well, so what serves has a configuration that the status has never heard of."""
    key = await ready(fakes, builders.endpoint())
    restore = fakes.cluster.snapshot()
    fakes.cluster.edit(key, lambda body: body["spec"].update(model={"artifactS3Uri": "s3://bucket/2"}))
    await fakes.run(3)
    restore()
    if is_down:
        fakes.restart()
    else:
        fakes.operator.store.put_over(fakes.cluster.objects[key], fakes.operator.store.mark(key))
        fakes.operator.queue.add(key)
    await fakes.run(4)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert (
        fakes.cloud.one("Model")["PrimaryContainer"]["ModelDataUrl"]
        == builders.endpoint()["spec"]["model"]["artifactS3Uri"]
    )
    assert there(fakes) == ledger(fakes, key)
    await gone(fakes, key)


ENDINGS: dict[str, Callable[[Fakes, ObjectKey], None]] = {
    "deleted": lambda fakes, key: fakes.cluster.delete(key),
    "suspended": lambda fakes, key: fakes.cluster.edit(key, lambda body: body["spec"].update(suspend=True)),
    "moved": lambda fakes, key: fakes.cluster.edit(key, lambda body: body["spec"].update(region="eu-west-1")),
}


@pytest.mark.parametrize("ends", ENDINGS.values(), ids=ENDINGS.keys())
@running_or_not
async def test_what_was_adopted_after_the_snapshot_is_not_left_behind(
    fakes: Fakes, ends: Callable[[Fakes, ObjectKey], None], is_down: bool
) -> None:
    """Neither the restored status nor an annotation names it: its tags do."""
    make_theirs(fakes)
    key = await ready(fakes, builders.endpoint())
    restore = fakes.cluster.snapshot()
    fakes.cluster.edit(key, lambda body: body["metadata"].update(annotations={ADOPT_ANNOTATION: "production"}))
    await fakes.run(6)
    assert fakes.cluster.status(key)["endpointName"] == "production"
    restore()
    if is_down:
        fakes.restart()
    else:
        fakes.operator.store.put_over(fakes.cluster.objects[key], fakes.operator.store.mark(key))
        fakes.operator.queue.add(key)
    await fakes.run(3)
    ends(fakes, key)
    await fakes.run(10)
    home = {(kind, name) for place, kind, name in fakes.cloud.resources if place == Place(builders.REGION)}
    assert home == {("Model", "theirs"), ("EndpointConfig", "theirs")}


async def test_an_endpoint_of_nobody_or_of_another_object_is_not_taken_for_one_that_was_adopted(fakes: Fakes) -> None:
    make_theirs(fakes)
    make_stranger(fakes, "untagged")
    other = builders.endpoint("other")
    other["metadata"]["annotations"] = {ADOPT_ANNOTATION: "production"}
    await ready(fakes, other, rounds=4)
    key = await ready(fakes, builders.endpoint())
    fakes.restart()
    fakes.cluster.delete(key)
    await fakes.run(8)
    assert key not in fakes.cluster.objects
    assert {"production", "untagged"} <= {name for kind, name in there(fakes) if kind == "Endpoint"}


async def test_endpoints_of_others_are_asked_for_once_for_all_objects(fakes: Fakes) -> None:
    for number in range(5):
        make_stranger(fakes, f"stranger-{number}")
    keys = [await ready(fakes, builders.endpoint(name)) for name in ("one", "two", "three")]
    fakes.restart()
    await fakes.look_at_aws()
    fakes.cloud.log.clear()
    for key in keys:
        fakes.cluster.delete(key)
    await fakes.look()
    strangers = [name for operation, name in fakes.cloud.log if operation == "ListTags" and "stranger" in name]
    assert len(strangers) == len(set(strangers)) == 5


@pytest.mark.parametrize("policy", ["Stop", "Delete"])
@running_or_not
async def test_a_run_that_is_younger_than_the_status_is_stopped_with_its_object(
    fakes: Fakes, policy: str, is_down: bool
) -> None:
    key = await ready(fakes, builders.training(deletionPolicy=policy))
    restore = fakes.cluster.snapshot()
    fakes.cluster.edit(key, lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: "2"}))
    await fakes.run(progress=False)
    assert len(fakes.cloud.running()) == 1
    restore()
    if is_down:
        fakes.restart()
    else:
        fakes.operator.store.put_over(fakes.cluster.objects[key], fakes.operator.store.mark(key))
    await gone(fakes, key)
    assert len(fakes.cloud.names("TrainingJob")) == (0 if policy == "Delete" else 2)


async def test_an_endpoint_that_is_suspended_by_an_older_status_is_taken_down(fakes: Fakes) -> None:
    key = await ready(fakes, builders.endpoint())
    older = copy.deepcopy(fakes.cluster.status(key))
    fakes.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.m5.xlarge"))
    await fakes.run(3)
    fakes.cluster.edit(key, put_back(older))
    fakes.cluster.edit(key, lambda body: body["spec"].update(suspend=True))
    fakes.restart()
    await fakes.run(6)
    assert fakes.cluster.condition(key, "Ready") == ("False", "Suspended")
    assert there(fakes) == set()


# What is not looked for, and what is not found


async def test_one_that_never_made_anything_goes_at_once(fakes: Fakes) -> None:
    key = fakes.cluster.create(builders.training(region=""))
    await fakes.run()
    assert fakes.cluster.condition(key, "Stalled") == ("True", "InvalidSpec")
    fakes.restart()
    fakes.cluster.delete(key)
    assert key not in fakes.cluster.objects
    await fakes.run()
    assert fakes.cloud.log == []


@pytest.mark.parametrize("kind", [Kind.TRAINING, Kind.ENDPOINT])
async def test_what_is_retained_is_not_looked_for(fakes: Fakes, kind: Kind) -> None:
    build = builders.training if kind is Kind.TRAINING else builders.endpoint
    key = await ready(fakes, build(deletionPolicy="Retain"))
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    fakes.cluster.delete(key)
    fakes.cloud.log.clear()
    await fakes.look()
    assert key not in fakes.cluster.objects
    assert fakes.cloud.log == []


async def test_nothing_is_looked_for_in_the_life_of_a_healthy_object(fakes: Fakes) -> None:
    """Neither before it is made, nor after, nor when it is deleted; after a restart its deletion costs three Lists."""
    for build in (builders.training, builders.endpoint):
        key = await ready(fakes, build())
        await gone(fakes, key)
    assert searches(fakes) == []
    for build in (builders.training, builders.endpoint):
        await ready(fakes, build())
    fakes.restart()
    await fakes.run(2)
    assert searches(fakes) == []
    for key in tuple(fakes.cluster.objects):
        fakes.cluster.delete(key)
    await fakes.run(8)
    assert fakes.cluster.objects == {}
    assert searches(fakes) == ["DescribeScalableTargets", "ListEndpointConfigs", "ListModels", "ListTrainingJobs"]


def searches(fakes: Fakes) -> list[str]:
    """The calls of searches."""
    return sorted(name for name, _ in fakes.cloud.log if name in SEARCHES)


SEARCHES = ("ListModels", "ListEndpointConfigs", "ListTrainingJobs", "DescribeScalableTargets")


async def test_what_another_object_of_that_name_has_left_is_not_taken(fakes: Fakes) -> None:
    """Its predecessor was retained; one of a like name has names that begin in the same way."""
    first = await ready(fakes, builders.endpoint(deletionPolicy="Retain"))
    fakes.cluster.delete(first)
    await fakes.look()
    await ready(fakes, builders.endpoint("digits-2"))
    others = there(fakes)
    key = await ready(fakes, builders.endpoint())
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    await fakes.run(2)
    assert ledger(fakes, key).isdisjoint(others)
    fakes.cluster.delete(key)
    await fakes.run(8)
    assert there(fakes) == others


@pytest.mark.parametrize("kind", [Kind.TRAINING, Kind.ENDPOINT])
async def test_a_search_that_is_refused_is_waited_for_and_said(fakes: Fakes, kind: Kind) -> None:
    build, denied = (
        (builders.training, "ListTrainingJobs") if kind is Kind.TRAINING else (builders.endpoint, "ListModels")
    )
    key = await ready(fakes, build())
    made = changes(fakes)
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    fakes.cloud.refuse(denied, "AccessDeniedException", "not authorized", times=50)
    await fakes.run(2)
    assert fakes.cluster.condition(key, "Stalled") == ("True", "AccessDenied")
    assert "not authorized" in str(fakes.cluster.status(key))
    # It still does not look as if it told all.
    assert not fakes.cluster.status(key).get("observedGeneration")
    fakes.restart()
    fakes.cluster.delete(key)
    await fakes.run(3)
    assert key in fakes.cluster.objects
    assert f"{denied} of of" not in str(fakes.cluster.status(key))
    assert "looking at AWS for what the status may not name" in str(fakes.cluster.status(key))
    assert "not authorized" in str(fakes.cluster.status(key))
    assert changes(fakes) == made
    fakes.cloud.calm()
    await fakes.run(8)
    assert key not in fakes.cluster.objects
    assert fakes.cloud.running() == []


async def test_where_only_more_might_be_found_a_missing_permission_holds_nothing_up(fakes: Fakes) -> None:
    key = await ready(fakes, builders.endpoint())
    fakes.restart()
    fakes.cloud.refuse("ListModels", "AccessDeniedException", "not authorized", times=50)
    fakes.cloud.refuse("ListEndpointConfigs", "AccessDeniedException", "not authorized", times=50)
    await gone(fakes, key)
    assert there(fakes) == set()


async def test_a_search_that_is_throttled_goes_on_where_it_was(fakes: Fakes) -> None:
    key = await ready(fakes, builders.endpoint())
    for number in range(250):
        fakes.cloud.make_strangers(Place(builders.REGION), "Model", f"vision-digits-{number:08x}")
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    fakes.cloud.log.clear()
    fakes.cloud.refuse("ListTags", "ThrottlingException", "Rate exceeded", times=5)
    await fakes.run(8)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert fakes.cloud.count("ListModels") == 3
    # Each is asked once, and what was refused once more.
    asked = [name for operation, name in fakes.cloud.log if operation == "ListTags"]
    assert len(asked) == len(set(asked)) + 5


async def test_a_place_that_is_not_known_any_more_is_waited_for_and_said(fakes: Fakes) -> None:
    key = await ready(fakes, builders.endpoint())
    fakes.cluster.edit(key, lambda body: body["spec"].pop("region"))
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    fakes.cluster.delete(key)
    await fakes.run(2)
    assert key in fakes.cluster.objects
    assert "spec.region: is not set" in str(fakes.cluster.status(key))
    fakes.cluster.edit(key, lambda body: body["spec"].update(region=builders.REGION))
    await fakes.run(8)
    assert key not in fakes.cluster.objects
    assert there(fakes) == set()


async def test_another_account_is_not_searched(fakes: Fakes) -> None:
    """What its execution role tells: that nothing is found there would let the object go."""
    key = await ready(fakes, builders.endpoint())
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    fakes.cluster.delete(key)
    fakes.cloud.become("999999999999")
    await fakes.run(3)
    assert key in fakes.cluster.objects
    assert fakes.cluster.condition(key, "Ready") == ("Unknown", "AccountMismatch")
    assert not fakes.cluster.status(key).get("observedGeneration")
    fakes.cloud.become("123456789012")
    await fakes.run(8)
    assert key not in fakes.cluster.objects
    assert there(fakes) == set()


def _refuse_the_search(fakes: Fakes) -> None:
    for operation in ("ListTrainingJobs", "ListModels"):
        fakes.cloud.refuse(operation, "AccessDeniedException", "not authorized", times=50)


HINDERED: dict[str, Callable[[Fakes], None]] = {
    "not allowed": lambda fakes: fakes.allow(NOWHERE),
    "no permission": _refuse_the_search,
    "another account": lambda fakes: fakes.cloud.become("999999999999"),
}


@pytest.mark.parametrize("hinder", HINDERED.values(), ids=HINDERED.keys())
@pytest.mark.parametrize("build", [builders.training, builders.endpoint], ids=["training", "endpoint"])
@pytest.mark.parametrize("restarts", [False, True], ids=["", "restarted"])
async def test_what_could_not_be_searched_for_is_held_back_again(
    fakes: Fakes, hinder: Callable[[Fakes], None], build: Callable[[], Body], restarts: bool
) -> None:
    """A status is lost, nobody may look for what there is, and `kubectl replace` drops the finalizer."""
    key = await ready(fakes, build())
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    hinder(fakes)
    await fakes.run(2)
    fakes.cluster.edit(key, drop_finalizers)
    if restarts:
        fakes.restart()
    await fakes.run(2)
    fakes.cluster.delete(key)
    await fakes.run(4)
    assert key in fakes.cluster.objects


async def test_tags_decide_whose_it_is_and_not_names(fakes: Fakes) -> None:
    """An endpoint that another owner's tags claim stays, with the configuration and the model that it serves."""
    key = await ready(fakes, builders.endpoint())
    (arn,) = [arn for arn in fakes.cloud._tags if ":endpoint/" in arn]
    fakes.cloud._tags[arn][UID_TAG] = "another"
    lose(fakes, key, LOSSES["wiped"], is_down=True)
    await fakes.run(2)
    assert fakes.cluster.condition(key, "Stalled") == ("True", "NameTaken")
    fakes.cluster.delete(key)
    await fakes.run(8)
    assert key not in fakes.cluster.objects
    assert {kind for kind, _ in there(fakes)} == {"Endpoint", "EndpointConfig", "Model"}


@pytest.mark.parametrize("words", ['Could not find resource "arn:x".', "Requested resource not found."])
async def test_what_goes_while_it_is_searched_for_holds_nobody_up(fakes: Fakes, words: str) -> None:
    """Another object's endpoint is listed, and is gone when its tags are read."""
    await ready(fakes, builders.endpoint("other"))
    key = fakes.cluster.create(builders.endpoint())
    await fakes.look()
    fakes.cluster.edit(key, wipe)
    fakes.cloud.resources = {one: body for one, body in fakes.cloud.resources.items() if "digits" not in one[2]}
    fakes.restart()
    fakes.cloud.refuse("ListTags", "ValidationException", words, times=50)
    await fakes.run(4)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")


@pytest.mark.parametrize("make", [builders.training, builders.endpoint], ids=["training", "endpoint"])
@pytest.mark.parametrize(
    ("meanwhile", "after"),
    [({"team": "b"}, {"team": "a"}), ({"team": "a", "new": "x"}, {"team": "a"}), ({}, {"team": "a"})],
    ids=["changed", "added", "removed"],
)
async def test_tags_that_go_back_after_a_kill_are_put_back(
    fakes: Fakes, make: Callable[..., Body], meanwhile: dict[str, str], after: dict[str, str]
) -> None:
    """The operator is killed after it has changed them, before the status says so; then the spec is as it was."""
    key = await ready(fakes, make(tags={"team": "a"}))
    fakes.cluster.edit(key, lambda body: body["spec"].update(tags=meanwhile))
    fakes.cloud.kill_after("AddTags" if meanwhile else "DeleteTags")
    restart = fakes.restart

    def edited_before_the_restart() -> None:
        fakes.cluster.edit(key, lambda body: body["spec"].update(tags=after))
        restart()

    fakes.restart = edited_before_the_restart  # type: ignore[method-assign]
    await fakes.run(4)
    kind = "TrainingJob" if key.kind is Kind.TRAINING else "Endpoint"
    (name,) = fakes.cloud.names(kind)
    own = {name: value for name, value in fakes.cloud.tags_of(name, kind).items() if "sagemaker.dev" not in name}
    assert own == after
    assert "?" not in fakes.cluster.status(key)["tags"].values()
