"""What somebody else's endpoint serves stays, whoever has made it; and what may have been sent may still appear."""

from __future__ import annotations

import copy

import pytest

from classifier_operator.runtime.inventory import CONFIRMED_AFTER_SECONDS
from tests.unit import builders
from tests.unit.world import Operator, World
from tests.wild.test_counts import endpoint
from tests.wild.test_doubts import MOMENT, seconds_to_go

DENIED = ("AccessDeniedException", "User: x is not authorized to perform: sagemaker:CreateModel")


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("made", ["Model", "TrainingJob"])
async def test_what_another_process_has_put_on_record_may_have_been_sent(world: World, made: str) -> None:
    """Two processes after a change of the leader: this one's view of the object is older than the other's record."""
    key = world.cluster.create(endpoint() if made == "Model" else builders.training("birds"))
    tell, world.cluster.changed = world.cluster.changed, lambda key: None
    other = Operator(world)
    other.saw(copy.deepcopy(world.cluster.objects[key]), key)
    world.cloud.refuse(f"Create{made}", "ReadTimeoutError", status=0)
    await other.work()
    other.die()
    assert (world.cloud.count(f"Create{made}"), bool(world.cluster.status(key)["resources"])) == (1, True)
    world.cluster.changed = tell
    world.cloud.refuse(f"Create{made}", *DENIED, times=99)
    await world.look()
    assert world.cloud.count(f"Create{made}") == 2
    # The other process may have made something in this account.
    assert world.cluster.status(key)["account"]
    assert CONFIRMED_AFTER_SECONDS <= await seconds_to_go(world, key) <= CONFIRMED_AFTER_SECONDS + MOMENT
