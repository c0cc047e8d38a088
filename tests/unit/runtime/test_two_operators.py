"""Another operator works on the same objects, by mistake."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit import builders
from tests.unit.world import World

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
