"""A ClassifierEndpoint whose namespace may not use what it asks for, over the fakes: nothing is changed at AWS."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit import builders
from tests.unit.world import World

from classifier_operator.api.kinds import ADOPT_ANNOTATION, Kind, ObjectKey
from classifier_operator.reconcile.tenants import Tenant, Tenants

NOTHING = Tenants(entries=(Tenant(namespaces=("vision",), instance_types=("ml.m5.small",)),))
SENTENCE = "spec.instanceType: ml.m5.large is not allowed in namespace vision; allowed: ml.m5.small"
MODEL = {"artifactS3Uri": "s3://other/model.tar.gz"}
VARIANT = {"name": "a", "instanceType": "ml.m5.large", "model": {"artifactS3Uri": builders.ARTIFACT}}
LOOKS = ("Describe", "List")
TRAINING = ObjectKey(Kind.TRAINING, "vision", "digits")


def rules(**limits: Any) -> Tenants:
    return Tenants(entries=(Tenant(namespaces=("vision",), **limits),))


def edit(world: World, key: ObjectKey, **fields: Any) -> None:
    world.cluster.edit(key, lambda body: body["spec"].update(fields))


def said(world: World, key: ObjectKey) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in world.cluster.status(key)["conditions"]}


def message(world: World, key: ObjectKey) -> str:
    conditions = world.cluster.status(key)["conditions"]
    return next((str(one["message"]) for one in conditions if one["type"] == "Stalled"), "")


def changing(world: World) -> list[str]:
    return [operation for operation, _ in world.cloud.log if not operation.startswith(LOOKS)]


async def serving(world: World, **changes: Any) -> ObjectKey:
    key = world.cluster.create(builders.endpoint(**changes))
    await world.run(2)
    assert said(world, key) == {"Ready": ("True", "InService")}
    return key


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "region": ({"regions": ("eu-*",)}, {}, "spec.region: us-east-1 is"),
    "role": ({"role_arns": ("other",)}, {}, f"spec.roleArn: {builders.ROLE} is"),
    "assumed role": ({"assume_role_arns": ()}, {"assumeRoleArn": builders.ROLE}, "spec.assumeRoleArn: arn:"),
    "instance type": ({"instance_types": ("ml.m4.*",)}, {}, "spec.instanceType: ml.m5.large is"),
    "accelerator": (
        {"accelerator_types": ()},
        {"acceleratorType": "ml.eia1.large"},
        "spec.acceleratorType: ml.eia1.large is",
    ),
    "fallback": (
        {"instance_types": ("ml.m5.*",)},
        {"acceleratorType": "ml.eia1.large", "acceleratorFallback": {"instanceType": "ml.g4dn.xlarge"}},
        "spec.acceleratorFallback.instanceType: ml.g4dn.xlarge is",
    ),
    "variant": (
        {"instance_types": ("ml.m5.large",)},
        {"variants": [VARIANT, {**VARIANT, "name": "b", "instanceType": "ml.p3.2xlarge"}]},
        "spec.variants[b].instanceType: ml.p3.2xlarge is",
    ),
    "variant's artifact": (
        {"buckets": ("bucket",)},
        {"variants": [VARIANT, {**VARIANT, "name": "b", "model": MODEL}]},
        "spec.variants[b].model.artifactS3Uri: s3://other/model.tar.gz is",
    ),
    "artifact": ({"buckets": ("bucket",)}, {"model": MODEL}, "spec.model.artifactS3Uri: s3://other/model.tar.gz is"),
    "smoke test": (
        {"buckets": ("bucket",)},
        {"smokeTest": {"image": {"s3Uri": "s3://other/image.png"}}},
        "spec.smokeTest.image.s3Uri: s3://other/image.png is",
    ),
    "captured data": (
        {"buckets": ("bucket/model.tar.gz", "other/captured/*")},
        {"dataCapture": {"s3Uri": "s3://other/captured"}},
        "spec.dataCapture.s3Uri: s3://other/captured is",
    ),
}


@pytest.mark.parametrize(("limits", "changes", "words"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_not_allowed_is_said_before_any_call(
    world: World, limits: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    world.tenants = rules(**limits)
    spec = builders.endpoint(**changes)
    if "variants" in changes:
        del spec["spec"]["model"], spec["spec"]["instanceType"]
    key = world.cluster.create(spec)
    await world.run(3)
    assert said(world, key) == {"Ready": ("False", "NotAllowed"), "Stalled": ("True", "NotAllowed")}
    assert message(world, key).startswith(words)
    assert "in namespace vision; allowed: " in message(world, key)
    assert world.cloud.log == []
    assert "finalizers" not in world.cluster.objects[key]["metadata"]
    assert len(world.cluster.events) == 1


async def test_a_serverless_endpoint_has_no_instance_type(world: World) -> None:
    world.tenants = rules(instance_types=())
    spec = builders.endpoint(serverless={"memorySizeMB": 1024, "maxConcurrency": 1})
    del spec["spec"]["instanceType"]
    key = world.cluster.create(spec)
    await world.run(2)
    assert said(world, key) == {"Ready": ("True", "InService")}


async def test_nothing_is_adopted_that_is_not_allowed(world: World) -> None:
    world.tenants = NOTHING
    spec = builders.endpoint()
    spec["metadata"]["annotations"] = {ADOPT_ANNOTATION: "somebodys"}
    key = world.cluster.create(spec)
    await world.run(2)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")
    assert world.cloud.log == []


async def test_the_model_of_a_training_is_looked_at_again(world: World) -> None:
    world.cluster.create(builders.training())
    key = world.cluster.create(builders.following(suspend=True))
    await world.run(2)
    world.allow(rules(buckets=("elsewhere",)))
    edit(world, key, suspend=False)
    await world.run(2)
    artifact = world.cluster.status(TRAINING)["modelArtifacts"]["s3Uri"]
    assert message(world, key).startswith(f"spec.trainingRef: {artifact} is not allowed")
    assert not world.cloud.names("Model")


async def test_what_waits_for_its_training_is_refused_as_well(world: World) -> None:
    world.tenants = NOTHING
    key = world.cluster.create(builders.following())
    await world.run()
    assert said(world, key)["Ready"] == ("False", "NotAllowed")


async def test_an_edit_that_is_not_allowed_leaves_what_serves(world: World) -> None:
    world.tenants = rules(instance_types=("ml.m5.large",))
    key = await serving(world)
    calls = changing(world)
    edit(world, key, instanceType="ml.p3.2xlarge")
    await world.run(3)
    assert said(world, key) == {"Ready": ("True", "ServingPrevious"), "Stalled": ("True", "NotAllowed")}
    name = world.cluster.status(key)["endpointName"]
    assert message(world, key).endswith(f"allowed: ml.m5.large; endpoint {name} stays as it is")
    assert changing(world) == calls
    world.allow(Tenants())
    await world.run(3)
    assert said(world, key) == {"Ready": ("True", "InService")}
    assert changing(world)[len(calls) :].count("UpdateEndpoint") == 1


async def test_rules_that_get_tighter_take_nothing_down(world: World) -> None:
    key = await serving(world)
    calls = changing(world)
    world.allow(NOTHING)
    await world.run(3)
    assert said(world, key) == {"Ready": ("True", "ServingPrevious"), "Stalled": ("True", "NotAllowed")}
    assert message(world, key).startswith(SENTENCE)
    world.restart()
    await world.run(2)
    assert said(world, key) == {"Ready": ("True", "ServingPrevious"), "Stalled": ("True", "NotAllowed")}
    assert changing(world) == calls
    world.allow(Tenants())
    await world.run()
    assert said(world, key) == {"Ready": ("True", "InService")}
    assert changing(world) == calls


async def test_what_is_deleted_by_hand_is_not_made_again_and_not_called_ready(world: World) -> None:
    key = await serving(world)
    world.allow(NOTHING)
    await world.run()
    for place, kind, name in tuple(world.cloud.resources):
        if kind == "Endpoint":
            del world.cloud.resources[place, kind, name]
    calls = changing(world)
    await world.run(3)
    assert said(world, key)["Ready"] == ("False", "NotAllowed")
    assert changing(world) == calls


async def test_a_first_deployment_under_way_is_followed(world: World) -> None:
    key = world.cluster.create(builders.endpoint())
    await world.run(progress=False)
    world.allow(NOTHING)
    await world.run(progress=False)
    assert said(world, key) == {"Ready": ("False", "NotAllowed"), "Stalled": ("True", "NotAllowed")}
    await world.run(2)
    assert world.cluster.status(key)["endpointStatus"] == "InService"
    assert said(world, key)["Ready"] == ("False", "NotAllowed")
    world.allow(Tenants())
    await world.run()
    assert said(world, key) == {"Ready": ("True", "InService")}


async def test_an_update_under_way_is_followed(world: World) -> None:
    key = await serving(world)
    edit(world, key, instanceType="ml.m5.xlarge")
    await world.run(progress=False)
    world.allow(NOTHING)
    await world.run(3)
    calls = changing(world)
    assert said(world, key) == {"Ready": ("True", "ServingPrevious"), "Stalled": ("True", "NotAllowed")}
    assert world.cluster.status(key)["endpointStatus"] == "InService"
    world.allow(Tenants())
    await world.run(2)
    assert said(world, key) == {"Ready": ("True", "InService")}
    # What was served before is tidied up at last.
    assert set(changing(world)[len(calls) :]) == {"DeleteEndpointConfig"}


async def test_deletion_and_suspension_proceed(world: World) -> None:
    key = await serving(world)
    other = world.cluster.create(builders.endpoint("other"))
    await world.run(2)
    world.allow(NOTHING)
    await world.run()
    edit(world, other, suspend=True)
    await world.run(3)
    assert said(world, other) == {"Ready": ("False", "Suspended")}
    world.cluster.delete(key)
    world.cluster.delete(other)
    await world.run(4)
    assert world.cluster.objects == {}
    assert world.cloud.names("Endpoint") == []
