"""Who may take over what is there already, by the platform team's allow-list, over the fakes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit import builders
from tests.unit.endpoint.test_adoption import adopting, served_by_hand, theirs
from tests.unit.endpoint.test_deployment import IMAGE
from tests.unit.world import World

from classifier_operator.api.kinds import ADOPT_ANNOTATION, OBJECT_TAG, UID_TAG, ObjectKey
from classifier_operator.reconcile.tenants import Tenant, Tenants

LOOKS = ("Describe", "List")
OTHER_ROLE = "arn:aws:iam::123456789012:role/Other"


def rules(**limits: Any) -> Tenants:
    return Tenants(entries=(Tenant(namespaces=("vision",), **limits),))


# Everything may be used, and nothing is said of adoption: the entry that took over production.
TIGHT = rules()
OPEN = rules(adopt=("by-*",))


def said(world: World, key: ObjectKey) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in world.cluster.status(key)["conditions"]}


def message(world: World, key: ObjectKey, kind: str = "Ready") -> str:
    conditions = world.cluster.status(key)["conditions"]
    return next((str(one["message"]) for one in conditions if one["type"] == kind), "")


def changing(world: World) -> list[str]:
    return [operation for operation, _ in world.cloud.log if not operation.startswith(LOOKS)]


def names(world: World) -> list[tuple[str, str]]:
    return sorted((kind, name) for _, kind, name in world.cloud.resources)


def edit(world: World, key: ObjectKey, **fields: Any) -> None:
    world.cluster.edit(key, lambda body: body["spec"].update(fields))


async def adopted(world: World, **changes: Any) -> ObjectKey:
    """An endpoint of production that was taken over while that was allowed."""
    served_by_hand(world)
    world.tenants = OPEN
    key = adopting(world, "by-hand", **changes)
    await world.run(4)
    assert said(world, key) == {"Ready": ("True", "InService")}
    return key


async def test_an_entry_that_says_nothing_of_adoption_allows_none(world: World) -> None:
    """A namespace with a tight entry took over an untagged endpoint of production, and deleted it."""
    served_by_hand(world)
    before = names(world)
    world.tenants = TIGHT
    key = adopting(world, "by-hand")
    await world.run(4)
    assert said(world, key) == {"Ready": ("False", "NotAllowed"), "Stalled": ("True", "NotAllowed")}
    sentence = "metadata.annotations: adopt: by-hand is not allowed in namespace vision; allowed: none"
    assert message(world, key) == sentence
    world.cluster.delete(key)
    await world.run(4)
    assert not world.cluster.objects
    assert (world.cloud.log, names(world)) == ([], before)


async def test_without_an_allow_list_everything_may_be_taken_over(world: World) -> None:
    served_by_hand(world)
    key = adopting(world, "by-hand")
    await world.run(4)
    assert said(world, key) == {"Ready": ("True", "InService")}


@pytest.mark.parametrize(
    ("patterns", "allowed"),
    [
        (("by-hand",), True),
        (("*",), True),
        (("by-*", "other"), True),
        (("by",), False),
        (("BY-HAND",), False),
        ((), False),
    ],
)
async def test_patterns_are_held_against_the_whole_name(world: World, patterns: tuple[str, ...], allowed: bool) -> None:
    served_by_hand(world)
    world.tenants = rules(adopt=patterns)
    key = adopting(world, "by-hand")
    await world.run(4)
    assert said(world, key)["Ready"] == (("True", "InService") if allowed else ("False", "NotAllowed"))


async def test_models_are_among_what_is_taken_over(world: World) -> None:
    theirs(world, "Model", "by-hand", PrimaryContainer={"Image": IMAGE, "ModelDataUrl": builders.ARTIFACT})
    world.tenants = TIGHT
    key = adopting(world, "by-hand")
    await world.run(3)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")
    assert world.cloud.log == []
    world.allow(OPEN)
    await world.run(4)
    assert said(world, key) == {"Ready": ("True", "InService")}


async def test_what_is_suspended_takes_nothing_over(world: World) -> None:
    served_by_hand(world)
    world.tenants = TIGHT
    key = adopting(world, "by-hand", suspend=True)
    await world.run(3)
    world.cluster.delete(key)
    await world.run(3)
    assert world.cloud.log == []


CHANGES: dict[str, dict[str, Any]] = {
    "region": {"region": "eu-west-1"},
    "assumed role": {"assumeRoleArn": OTHER_ROLE},
    "execution role": {"roleArn": OTHER_ROLE},
}
TOGETHER = {"regions": (builders.REGION,), "assume_role_arns": ("",), "role_arns": (builders.ROLE,)}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
async def test_it_is_asked_again_when_the_object_moves(world: World, changes: dict[str, Any]) -> None:
    """One entry's place does not go with another one's right to take over."""
    key = await adopted(world)
    anything = Tenant(namespaces=("vision",))
    world.allow(Tenants(entries=(Tenant(namespaces=("vision",), adopt=("by-*",), **TOGETHER), anything)))
    await world.run(2)
    assert said(world, key) == {"Ready": ("True", "InService")}
    calls = changing(world)
    edit(world, key, **changes)
    await world.run(4)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")
    assert said(world, key)["Ready"] == ("True", "ServingPrevious")
    assert changing(world) == calls


async def test_it_is_asked_again_when_another_name_is_given(world: World) -> None:
    key = await adopted(world)
    theirs(world, "Endpoint", "production", EndpointConfigName="their-config")
    world.cloud.progress()
    calls = changing(world)
    world.cluster.edit(key, lambda body: body["metadata"].update(annotations={ADOPT_ANNOTATION: "production"}))
    await world.run(4)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")
    assert "production is not allowed" in message(world, key, "Stalled")
    assert changing(world) == calls


@pytest.mark.parametrize("has_annotation", [True, False])
async def test_a_right_that_is_taken_back_changes_nothing_by_itself(world: World, has_annotation: bool) -> None:
    key = await adopted(world)
    if not has_annotation:
        world.cluster.edit(key, lambda body: body["metadata"].pop("annotations"))
    before, calls = names(world), changing(world)
    world.allow(TIGHT)
    await world.run(3)
    edit(world, key, instanceType="ml.m5.xlarge", tags={"a": "b"})
    await world.run(3)
    world.restart()
    await world.look_at_aws()
    await world.run(3)
    assert said(world, key) == {"Ready": ("True", "ServingPrevious"), "Stalled": ("True", "NotAllowed")}
    assert (names(world), changing(world)) == (before, calls)
    world.allow(OPEN)
    await world.run(4)
    assert said(world, key) == {"Ready": ("True", "InService")}


@pytest.mark.parametrize("has_annotation", [True, False])
@pytest.mark.parametrize("restarted", [True, False])
async def test_what_may_not_have_been_taken_over_is_let_go_with_the_object(
    world: World, has_annotation: bool, restarted: bool
) -> None:
    key = await adopted(world)
    if not has_annotation:
        world.cluster.edit(key, lambda body: body["metadata"].pop("annotations"))
    before = names(world)
    world.allow(TIGHT)
    await world.run(2)
    if restarted:
        world.restart()
        await world.look_at_aws()
    world.cluster.delete(key)
    await world.run(4)
    assert not world.cluster.objects
    assert names(world) == before
    assert not [one for one in changing(world) if one.startswith("Delete") and one != "DeleteTags"]
    for kind in ("Endpoint", "EndpointConfig", "Model"):
        for name in world.cloud.names(kind):
            assert {UID_TAG, OBJECT_TAG}.isdisjoint(world.cloud.tags_of(name, kind)), name
    notes = [note for _, reason, note in world.cluster.events if reason == "Deleting"]
    assert any("letting go of Endpoint by-hand" in note for note in notes)


async def test_what_it_has_made_besides_is_deleted(world: World) -> None:
    """A model that was taken over stays, and the endpoint that served it is the object's own."""
    theirs(world, "Model", "by-hand", PrimaryContainer={"Image": IMAGE, "ModelDataUrl": builders.ARTIFACT})
    world.tenants = OPEN
    key = adopting(world, "by-hand")
    await world.run(4)
    assert said(world, key) == {"Ready": ("True", "InService")}
    world.allow(TIGHT)
    world.cluster.delete(key)
    await world.run(6)
    assert not world.cluster.objects
    assert names(world) == [("Model", "by-hand")]
    assert UID_TAG not in world.cloud.tags_of("by-hand", "Model")


async def test_suspension_leaves_it_as_it_is(world: World) -> None:
    key = await adopted(world)
    before = names(world)
    world.allow(TIGHT)
    edit(world, key, suspend=True)
    await world.run(4)
    assert said(world, key) == {"Ready": ("False", "NotAllowed"), "Stalled": ("True", "NotAllowed")}
    assert "what was taken over stays as it is: by-hand" in message(world, key)
    assert names(world) == before
    status = world.cluster.status(key)
    await world.run(2)
    assert world.cluster.status(key) == status
    world.allow(OPEN)
    await world.run(4)
    assert said(world, key) == {"Ready": ("False", "Suspended")}
    assert ("Endpoint", "by-hand") not in names(world)


async def test_autoscaling_goes_on_at_what_is_let_go(world: World) -> None:
    scaling = {"minCount": 1, "maxCount": 2, "invocationsPerInstance": 100}
    key = await adopted(world, instanceCount=1, autoscaling=scaling)
    assert world.cloud.targets
    world.allow(TIGHT)
    world.cluster.delete(key)
    await world.run(4)
    assert not world.cluster.objects
    assert world.cloud.targets
    assert world.cloud.count("DeregisterScalableTarget") == 0


async def test_letting_go_is_tried_again(world: World) -> None:
    key = await adopted(world)
    world.allow(TIGHT)
    world.cloud.refuse("DeleteTags", "AccessDeniedException", "not authorized")
    world.cluster.delete(key)
    await world.look()
    assert said(world, key)["Ready"] == ("False", "Deleting")
    assert ("Endpoint", "by-hand") in names(world)
    await world.run(4)
    assert not world.cluster.objects
    assert ("Endpoint", "by-hand") in names(world)


async def test_a_status_that_claims_an_adoption_takes_nothing_over(world: World) -> None:
    served_by_hand(world)
    world.tenants = TIGHT
    body = builders.endpoint()
    claimed = {"type": "Endpoint", "name": "by-hand", "region": builders.REGION}
    body["status"] = {"adopted": claimed, "resources": [claimed]}
    key = world.cluster.create(body)
    await world.run(3)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")
    world.cluster.delete(key)
    await world.run(3)
    assert not world.cluster.objects
    assert ("Endpoint", "by-hand") in names(world)
    assert changing(world) == []
