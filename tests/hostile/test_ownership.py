"""What one object owns at AWS is a stranger's to every other object, whatever its annotations and its status say."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from classifier_operator.api.kinds import FINALIZER, UID_TAG, ObjectKey
from classifier_operator.api.ledger import Place
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import adopting, later, made, of_model, serve, stalled
from tests.apiserver.world import World, training
from tests.unit import builders
from tests.unit.fakes import START
from tests.unit.world import World as Fakes

PLACE = Place(builders.REGION)
CHANGES = ("Create", "Update", "Delete", "Stop", "AddTags", "Register", "Put", "Invoke")


@pytest.fixture
def fakes() -> Fakes:
    """A cluster and an AWS account in memory, and one operator for all namespaces."""
    return Fakes()


def in_namespace(body: dict[str, Any], namespace: str, **annotations: str) -> dict[str, Any]:
    """An object of a tenant."""
    body["metadata"].update(
        namespace=namespace, annotations={f"classifiers.sagemaker.dev/{k}": v for k, v in annotations.items()}
    )
    return body


def conditions(fakes: Fakes, key: ObjectKey) -> str:
    return str(fakes.cluster.status(key).get("conditions"))


def changes_of(fakes: Fakes, name: str) -> list[str]:
    """The operations that were asked for on what bears that name, and change something."""
    return [operation for operation, named in fakes.cloud.log if operation.startswith(CHANGES) and named.endswith(name)]


async def served(fakes: Fakes, namespace: str = "victim", **spec: Any) -> tuple[ObjectKey, str]:
    """A tenant's endpoint that serves, and its name at AWS."""
    key = fakes.cluster.create(in_namespace(builders.endpoint("production", **spec), namespace))
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    return key, fakes.cluster.status(key)["endpointName"]


async def test_an_endpoint_that_another_object_owns_is_not_adopted(fakes: Fakes) -> None:
    victim, name = await served(fakes)
    before = copy.deepcopy(fakes.cloud.resources)
    fakes.cloud.log.clear()
    thief = fakes.cluster.create(in_namespace(builders.endpoint("thief"), "attacker", adopt=name))
    await fakes.run(4)
    assert fakes.cluster.condition(thief, "Stalled") == ("True", "NameTaken")
    assert "belongs to ClassifierEndpoint/victim/production" in conditions(fakes, thief)
    fakes.cluster.delete(thief)
    await fakes.run(4)
    assert thief not in fakes.cluster.objects
    assert changes_of(fakes, name) == []
    assert fakes.cloud.resources == before
    assert fakes.cluster.condition(victim, "Ready") == ("True", "InService")


async def test_nor_a_model(fakes: Fakes) -> None:
    victim, _ = await served(fakes)
    model = fakes.cluster.status(victim)["variants"][0]["modelName"]
    thief = fakes.cluster.create(in_namespace(builders.endpoint("thief"), "attacker", adopt=model))
    await fakes.run(4)
    assert fakes.cluster.condition(thief, "Stalled") == ("True", "NameTaken")
    fakes.cluster.delete(thief)
    await fakes.run(4)
    assert model in fakes.cloud.names("Model")
    assert changes_of(fakes, model) == ["CreateModel"]


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
async def test_nor_by_who_has_it_in_its_status(fakes: Fakes, restarted: bool) -> None:
    """A restored backup, or a hand: the names are another object's in every field that has one."""
    victim, name = await served(fakes)
    stolen = copy.deepcopy(fakes.cluster.status(victim))
    stolen["adopted"] = {"type": "Endpoint", "name": name, "region": builders.REGION}
    fakes.cloud.objects["s3://bucket/image.png"] = b"image"
    body = builders.endpoint(
        "thief",
        model={"artifactS3Uri": "s3://bucket/other.tar.gz"},
        instanceCount=3,
        tags={"team": "thieves"},
        autoscaling=None,
        smokeTest={"image": {"s3Uri": "s3://bucket/image.png"}},
    )
    del body["spec"]["autoscaling"]
    thief = fakes.cluster.create({**in_namespace(body, "attacker"), "status": stolen})
    theirs = {one["name"] for one in stolen["resources"]}
    fakes.cloud.log.clear()
    if restarted:
        fakes.restart()
        await fakes.look_at_aws()
    await fakes.run(4)
    assert {named: changes_of(fakes, named) for named in theirs} == {named: [] for named in theirs}
    assert fakes.cluster.condition(thief, "Stalled") == ("True", "NameTaken")
    fakes.cluster.delete(thief)
    await fakes.run(5)
    assert thief not in fakes.cluster.objects
    assert {named: changes_of(fakes, named) for named in theirs} == {named: [] for named in theirs}
    assert fakes.cluster.condition(victim, "Ready") == ("True", "InService")


@pytest.mark.parametrize("policy", ["Stop", "Delete"])
@pytest.mark.parametrize("end", ["delete", "suspend", "edit"])
async def test_nor_is_another_objects_job_stopped_or_deleted(fakes: Fakes, policy: str, end: str) -> None:
    victim = fakes.cluster.create(in_namespace(builders.training("production"), "victim"))
    await fakes.look()
    job = fakes.cluster.status(victim)["jobName"]
    stolen = copy.deepcopy(fakes.cluster.status(victim))
    body = in_namespace(builders.training("thief", deletionPolicy=policy), "attacker")
    thief = fakes.cluster.create({**body, "status": stolen})
    fakes.cloud.log.clear()
    await fakes.run(2, progress=False)
    if end == "delete":
        fakes.cluster.delete(thief)
    elif end == "suspend":
        fakes.cluster.edit(thief, lambda body: body["spec"].update(suspend=True))
    else:
        fakes.cluster.edit(thief, lambda body: body["spec"]["hyperparameters"].update(epochs=9))
    await fakes.run(3, progress=False)
    assert changes_of(fakes, job) == []
    assert job in fakes.cloud.running()
    # What it has itself ends.
    await fakes.run(3)
    assert (thief in fakes.cluster.objects) is (end != "delete")
    assert fakes.cloud.resources[PLACE, "TrainingJob", job]["TrainingJobStatus"] == "Completed"


async def test_a_hand_written_previous_configuration_of_another_object_is_not_gone_back_to(fakes: Fakes) -> None:
    """The endpoint would serve another tenant's model."""
    fakes.cloud.objects["s3://bucket/image.png"] = b"image"
    victim, _ = await served(fakes, model={"artifactS3Uri": "s3://bucket/secret.tar.gz"})
    config = fakes.cluster.status(victim)["endpointConfigName"]
    test = {"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}}
    thief = fakes.cluster.create(
        in_namespace(builders.endpoint("thief", smokeTest=test, classLabels={"values": ["0", "1"]}), "attacker")
    )
    await fakes.run(3)
    assert fakes.cluster.condition(thief, "Ready") == ("True", "InService")
    fakes.cloud.bad_artifacts.add("s3://bucket/bad.tar.gz")
    fakes.cluster.edit(thief, lambda body: body["spec"].update(model={"artifactS3Uri": "s3://bucket/bad.tar.gz"}))
    await fakes.look()
    status = fakes.cluster.status(thief)
    # One that is no newer than the operator's own would be put back.
    forged = {"update": {**status["update"], "previousEndpointConfigName": config}, "revision": status["revision"] + 9}
    fakes.cluster.edit(thief, lambda body: body["status"].update(forged))
    await fakes.run(4)
    assert fakes.cluster.condition(thief, "Stalled") == ("True", "SmokeTestFailed")
    assert "belongs to ClassifierEndpoint/victim/production" in conditions(fakes, thief)
    name = fakes.cluster.status(thief)["endpointName"]
    assert fakes.cloud.resources[PLACE, "Endpoint", name]["EndpointConfigName"] != config


async def test_the_model_of_another_object_is_not_served(fakes: Fakes) -> None:
    """A hand has written that it was adopted; the spec asks for just that model, under another's role."""
    victim, _ = await served(fakes)
    model = fakes.cluster.status(victim)["variants"][0]
    fakes.restart()
    await fakes.run(1)
    # The operator has seen it since, but has not looked at its tags.
    fakes.cluster.edit(victim, lambda body: body["spec"].update(tags={"team": "vision"}))
    await fakes.look()
    adopted = {
        "type": "Model", "name": model["modelName"], "region": builders.REGION, "image": model["image"],
        "artifactS3Uri": model["artifactS3Uri"],
    }  # fmt: skip
    thief = fakes.cluster.create(
        {**in_namespace(builders.endpoint("thief"), "attacker"), "status": {"adopted": adopted}}
    )
    await fakes.run(3)
    assert fakes.cluster.condition(thief, "Stalled") == ("True", "NameTaken")
    assert len(fakes.cloud.names("EndpointConfig")) == 1


async def test_one_that_is_made_again_with_the_same_name_owns_nothing_of_the_first_one(fakes: Fakes) -> None:
    """Its finalizer was taken off by hand, and the watch told of both at once."""
    key, name = await served(fakes)
    body = copy.deepcopy(fakes.cluster.objects[key])
    body["metadata"]["uid"] = "another"
    body["metadata"]["finalizers"] = [FINALIZER]
    fakes.cluster.objects[key] = body
    fakes.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.m5.xlarge"))
    fakes.cloud.log.clear()
    await fakes.run(4)
    assert fakes.cluster.status(key)["endpointName"] != name
    assert changes_of(fakes, name) == []
    fakes.cluster.delete(key)
    await fakes.run(4)
    assert fakes.cloud.names("Endpoint") == [name]


async def test_who_is_made_again_before_the_first_one_has_written_has_nothing_of_it_in_its_ledger(fakes: Fakes) -> None:
    key = fakes.cluster.create(builders.endpoint())
    fakes.cloud.refuse("CreateEndpoint", "ThrottlingException", "Rate exceeded", times=50)
    await fakes.look()
    first = {name for _, _, name in fakes.cloud.resources}
    fakes.cluster.objects.pop(key)
    body = builders.endpoint()
    body["metadata"]["uid"] = "another"
    fakes.cloud.calm()
    fakes.cluster.create(body)
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert first.isdisjoint(entry["name"] for entry in fakes.cluster.status(key)["resources"])


async def test_what_two_adopt_at_the_same_time_goes_to_one_of_them(fakes: Fakes) -> None:
    fakes.cloud._make(
        PLACE, "Model", {"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/m"}}
    )
    variant = {"VariantName": "x", "ModelName": "m", "InstanceType": "ml.c5.large", "InitialInstanceCount": 1}
    fakes.cloud._make(PLACE, "EndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": [variant]})
    fakes.cloud._make(PLACE, "Endpoint", {"EndpointName": "shared", "EndpointConfigName": "c"})
    fakes.cloud.progress()
    fakes.cloud.resources[PLACE, "Endpoint", "shared"]["CreationTime"] = START - timedelta(days=1)
    keys = [
        fakes.cluster.create(in_namespace(builders.endpoint("digits"), namespace, adopt="shared"))
        for namespace in ("one", "two")
    ]
    await fakes.run(5)
    outcomes = {key: fakes.cluster.condition(key, "Stalled") for key in keys}
    assert sorted(outcomes.values(), key=str) == [("True", "NameTaken"), None]
    (owner,) = [key for key, outcome in outcomes.items() if outcome is None]
    assert fakes.cloud.tags_of("shared", "Endpoint")[UID_TAG] == fakes.cluster.objects[owner]["metadata"]["uid"]
    (loser,) = [key for key in keys if key != owner]
    fakes.cluster.delete(loser)
    await fakes.run(3)
    assert fakes.cluster.condition(owner, "Ready") == ("True", "InService")


async def test_who_wants_it_costs_its_owner_nothing(fakes: Fakes) -> None:
    """Whoever asks again whose it is asks for himself."""
    victim, name = await served(fakes)
    fakes.cluster.create(in_namespace(builders.endpoint("thief"), "attacker", adopt=name))
    await fakes.run(3)
    fakes.cloud.log.clear()
    fakes.cluster.edit(victim, lambda body: body["spec"].update(instanceCount=2))
    await fakes.look()
    assert [one for one in fakes.cloud.log if one[0] == "ListTags"] == []
    assert changes_of(fakes, name) == ["UpdateEndpointWeightsAndCapacities"]


@pytest.mark.parametrize("page", [1, 7])
async def test_the_owners_tag_is_found_on_any_page(fakes: Fakes, page: int) -> None:
    """Whatever pages AWS makes of 50 tags, an object finds its own again, and another's stays another's."""
    fakes.cloud.tags_page = page
    key, name = await served(fakes, tags={f"a{number:02}": "x" for number in range(47)})
    thief = fakes.cluster.create(in_namespace(builders.endpoint("thief"), "attacker", adopt=name))
    fakes.restart()
    await fakes.run(3)
    assert fakes.cluster.condition(thief, "Stalled") == ("True", "NameTaken")
    assert "belongs to ClassifierEndpoint/victim/production" in conditions(fakes, thief)
    fakes.cluster.delete(key)
    await fakes.run(4)
    assert key not in fakes.cluster.objects
    assert name not in fakes.cloud.names("Endpoint")


async def test_tags_that_never_end_are_given_up(fakes: Fakes) -> None:
    key, name = await served(fakes)
    fakes.restart()
    fakes.cloud._list_tags = lambda arn, start: {"Tags": [], "NextToken": "0"}  # type: ignore[method-assign]
    fakes.cluster.delete(key)
    fakes.cloud.log.clear()
    await fakes.look()
    assert 0 < fakes.cloud.count("ListTags") < 200
    assert changes_of(fakes, name) == []
    assert key in fakes.cluster.objects


# On a real API server, with the emulated AWS.


@pytest.fixture
def attacker(world: World) -> Iterator[World]:
    """Another namespace of the same operator's, for a tenant that may write the two kinds and their statuses there."""
    name = f"{world.namespace}-b"
    world.cluster.kubectl("create", "namespace", name)
    found = World(world.cluster, name, world.aws)
    yield found
    found.close()


def test_on_real_parts_an_endpoint_of_another_namespace_is_not_adopted(
    world: World, attacker: World, start: Callable[..., OperatorProcess]
) -> None:
    operator = start("--namespace", attacker.namespace, "--guard-interval", "1")
    status = serve(world, instanceCount=2)
    before = made(world, "endpoints")
    attacker.apply(adopting(of_model(attacker, "thief"), status["endpointName"]))
    message = stalled(attacker, "NameTaken", "thief")["message"]
    assert f"belongs to ClassifierEndpoint/{world.namespace}/digits" in message
    operator.wait_for_more("sweep_seconds_count", 4)
    assert made(world, "endpoints") == before
    attacker.delete("cep", "thief")
    assert made(world, "endpoints") == before
    assert (world.calls("DeleteEndpoint"), world.calls("UpdateEndpoint"), world.calls("AddTags")) == (0, 0, 0)


def test_on_real_parts_a_stolen_status_reaches_nothing(
    world: World, attacker: World, start: Callable[..., OperatorProcess]
) -> None:
    world.aws.change_settings(training={"training_seconds": 3000})
    operator = start("--namespace", attacker.namespace)
    status = serve(world)
    world.apply(training("production"))
    running = world.wait_for("ctrain", "production", "Training")
    before = {(one["kind"], one["name"]) for one in world.aws.resources()}
    operator.kill()
    attacker.apply(of_model(attacker, "thief"), training("thief", deletionPolicy="Delete"))
    for kind, stolen in (("cep", status), ("ctrain", running)):
        adopted = {"type": "Endpoint", "name": status["endpointName"], "region": "us-east-1"}
        patch = json.dumps({"status": {**stolen, **({"adopted": adopted} if kind == "cep" else {})}})
        attacker.kubectl("patch", kind, "thief", "--subresource=status", "--type=merge", "-p", patch)
    start("--namespace", attacker.namespace)
    stalled(attacker, "NameTaken", "thief")
    later(world)
    attacker.kubectl("delete", "cep,ctrain", "thief", "--timeout=60s")
    assert before <= {(one["kind"], one["name"]) for one in world.aws.resources()}
    assert world.job("production")["TrainingJobStatus"] == "InProgress"
    assert made(world, "endpoints")[status["endpointName"]]["status"] == "InService"


def test_on_real_parts_the_owners_tag_is_found_on_any_page(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    world.aws.change_settings(tags_page=3)
    tags = {f"a{number:02}": "x" for number in range(20)}
    serve(world, tags=tags)
    world.apply(training("production", tags=tags, deletionPolicy="Delete"))
    world.wait_for("ctrain", "production", "Completed")
    operator.kill()
    start()
    world.kubectl("delete", "cep,ctrain", "--all", "--timeout=60s")
    assert world.remaining() == []
