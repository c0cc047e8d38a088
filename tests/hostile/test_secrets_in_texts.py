"""Texts that are made to cost time: what hides secrets in them must not hold the process up."""

from __future__ import annotations

import pytest

from tests.apiserver.replicas import Replicas, is_leading, leads
from tests.apiserver.world import World, training, until

# Each beginning of an address was a reason to read the rest of the text: half a minute of the interpreter for 64 kB,
# in which nobody renewed the Lease, which is lost after ten seconds.
ADDRESSES = "a://" * 16_000
REFUSALS = 3


@pytest.mark.parametrize("code", ["ThrottlingException", "ResourceLimitExceeded"])
def test_a_refusal_that_consists_of_addresses_costs_no_lease(world: World, replicas: Replicas, code: str) -> None:
    operator = replicas.start("--wait-interval", "1")
    leads(operator)
    holder = replicas.lease()["holderIdentity"]
    world.aws.fail_next("CreateTrainingJob", REFUSALS, code=code, message=f"no: {ADDRESSES}", status=400)
    world.apply(training())
    until(lambda: world.calls("CreateTrainingJob") > 0, "the refusals to be over")
    world.wait_for("ctrain", "digits", "Completed")
    assert is_leading(operator)
    assert replicas.lease()["holderIdentity"] == holder
    assert replicas.lease()["leaseTransitions"] == 0
