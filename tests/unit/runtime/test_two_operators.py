"""Another operator works on the same objects, by mistake."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit import builders
from tests.unit.world import Operator, World

from classifier_operator.api.ledger import Place


async def test_what_is_struck_off_the_ledger_a_moment_before_it_is_made_is_tidied_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    key = world.cluster.create(builders.endpoint())
    await world.run(4)
    before = {kind: world.cloud.names(kind) for kind in ("Model", "EndpointConfig")}
    call = world.cloud.call
    struck: list[str] = []

    async def strike_off(place: Place, operation: str, params: dict[str, Any], **turn: Any) -> dict[str, Any]:
        answer = await call(place, operation, params, **turn)
        if operation == "CreateEndpointConfig" and not struck:
            struck.append(params["EndpointConfigName"])
            status = world.cluster.objects[key]["status"]
            status["resources"] = [one for one in status["resources"] if one["name"] not in struck]
            world.cluster.edit(key, lambda body: body["spec"].update(model={"artifactS3Uri": "s3://bucket/1"}))
        return answer

    monkeypatch.setattr(world.cloud, "call", strike_off)
    original = world.cluster.objects[key]["spec"]["model"]
    world.cluster.edit(key, lambda body: body["spec"].update(model={"artifactS3Uri": "s3://bucket/2"}))
    await world.run(4)
    world.cluster.edit(key, lambda body: body["spec"].update(model=original))
    await world.run(6)
    assert struck
    assert {kind: world.cloud.names(kind) for kind in before} == before
    assert len(world.cluster.status(key)["resources"]) == 3


async def test_a_pass_does_not_act_on_what_was_edited_while_it_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    key = world.cluster.create(builders.endpoint())
    await world.run(4)
    call = world.cloud.call
    before = world.cloud.count("UpdateEndpoint")
    updated_for: list[str] = []

    async def edited_meanwhile(place: Place, operation: str, params: dict[str, Any], **turn: Any) -> dict[str, Any]:
        answer = await call(place, operation, params, **turn)
        spec = world.cluster.objects[key]["spec"]
        if operation == "CreateEndpointConfig" and spec["instanceType"] == "ml.c5.large":
            world.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.m5.large"))
        if operation == "UpdateEndpoint":
            updated_for.append(spec["instanceType"])
        return answer

    monkeypatch.setattr(world.cloud, "call", edited_meanwhile)
    world.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.c5.large"))
    await world.run(6)
    # It serves what it served before: there is nothing to move it to.
    assert (world.cloud.count("UpdateEndpoint"), updated_for) == (before, [])
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    assert len(world.cluster.status(key)["resources"]) == 3


async def test_what_another_has_made_it_may_have_put_to_use_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    key = world.cluster.create(builders.endpoint())
    await world.run(4)
    endpoint = world.cluster.status(key)["endpointName"]
    call = world.cloud.call

    async def the_other_is_faster(place: Place, operation: str, params: dict[str, Any], **turn: Any) -> dict[str, Any]:
        if operation == "CreateEndpointConfig":
            await call(place, operation, params)
            config = params["EndpointConfigName"]
            await call(place, "UpdateEndpoint", {"EndpointName": endpoint, "EndpointConfigName": config})
            world.cloud.progress()
        return await call(place, operation, params, **turn)

    monkeypatch.setattr(world.cloud, "call", the_other_is_faster)
    before = world.cloud.effects["UpdateEndpoint"]
    world.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.c5.large"))
    await world.run(4)
    assert world.cloud.effects["UpdateEndpoint"] == before + 1
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    assert len(world.cluster.status(key)["resources"]) == 3


async def test_that_a_job_has_ended_is_believed_although_only_the_other_has_seen_it() -> None:
    world = World()
    key = world.cluster.create(builders.training())
    await world.look()
    world.cluster.edit(key, lambda body: body["spec"].update(suspend=True))
    await world.look()
    behind = world.operator
    assert world.cluster.condition(key, "Reconciling") == ("True", "Stopping")
    world.operator = Operator(world)
    world.operator.saw(world.cluster.objects[key], key)
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("False", "Suspended")
    behind.saw(world.cluster.objects[key], key)
    await behind.work()
    assert world.cluster.condition(key, "Ready") == ("False", "Suspended")


async def test_who_is_told_of_a_later_change_than_it_has_seen_does_not_deny_it_before_it_has_looked() -> None:
    world = World()
    key = world.cluster.create(builders.endpoint())
    await world.run(4)
    seen = world.cluster.status(key)["lastModifiedTime"]
    later = (datetime.fromisoformat(seen) + timedelta(hours=1)).isoformat()
    status = world.cluster.objects[key]["status"]
    status.update(lastModifiedTime=later, revision=status["revision"] + 1)
    world.cluster.edit(key, lambda body: body["metadata"].update(labels={"by": "another"}))
    await world.look()
    assert world.cluster.status(key)["lastModifiedTime"] == later
    # Then AWS's word counts.
    await world.run(2)
    assert world.cluster.status(key)["lastModifiedTime"] == seen
