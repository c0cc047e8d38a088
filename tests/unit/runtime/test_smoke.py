"""One smoke test: how long it may take, and what that counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.unit.fakes import FakeClock

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.record import SmokeTestStatus
from classifier_operator.endpoint.smoke_test import SmokeTestCall
from classifier_operator.endpoint.spec import SmokeTest, TestImage
from classifier_operator.runtime.smoke import SmokeTester


class Cloud:
    """Endpoints that take as long as a test says, of which so much is a wait for others."""

    def __init__(self, *, waits: float = 0.0, takes: float = 0.0, hangs_at: int = 0) -> None:
        self.invoked = 0
        self._waits = waits
        self._takes = takes
        self._hangs_at = hangs_at

    async def invoke(self, *_: Any, sent: Callable[[], None], **__: Any) -> bytes:
        self.invoked += 1
        await asyncio.sleep(self._waits)
        sent()
        await asyncio.sleep(self._takes)
        if self.invoked == self._hangs_at:
            await asyncio.Event().wait()
        return b"[0.1, 0.9]"

    async def call(self, *_: Any, **__: Any) -> dict[str, Any]:
        raise AssertionError

    def withdraw(self, name: Any) -> None:
        """Nobody waits here."""

    async def call_s3(self, *_: Any) -> dict[str, Any]:
        raise AssertionError

    async def read_object(self, *_: Any) -> bytes:
        return b"image"


async def outcome_of(
    cloud: Cloud, seconds: float, *, warm_ups: int = 0, variants: tuple[str, ...] = ()
) -> SmokeTestStatus:
    tester = SmokeTester(cloud, Any, FakeClock(), seconds=seconds)  # type: ignore[arg-type]
    call = SmokeTestCall(
        resource=Resource(Place("us-east-1"), ResourceType.ENDPOINT, "digits"),
        config_name="config",
        namespace="vision",
        test=SmokeTest(image=TestImage(s3_uri="s3://b/i"), warm_ups=warm_ups),
        variants=variants,
    )
    async with asyncio.timeout(60):
        return await tester.run(call)


async def test_an_endpoint_that_does_not_answer_in_time_has_failed() -> None:
    outcome = await outcome_of(Cloud(hangs_at=1), 0.05)
    assert (outcome.outcome, outcome.message) == ("Failed", "it did not answer within 0 s (invocation 1 of 1)")


async def test_all_invocations_together_have_that_time() -> None:
    """Ten variants with a hundred warm-ups of a minute each would be a day."""
    cloud = Cloud(takes=0.01)
    variants = tuple(f"v{number}" for number in range(10))
    outcome = await outcome_of(cloud, 0.2, warm_ups=100, variants=variants)
    assert outcome.outcome == "Failed"
    assert outcome.message.startswith("variant v0: it did not answer within 0 s (invocation ")
    assert cloud.invoked <= 21


async def test_those_that_fit_in_are_all_made() -> None:
    cloud = Cloud()
    assert (await outcome_of(cloud, 60, warm_ups=100, variants=("a", "b"))).has_passed
    assert cloud.invoked == 202


async def test_a_wait_for_a_turn_does_not_count() -> None:
    assert (await outcome_of(Cloud(waits=0.3), 0.2, warm_ups=1)).has_passed
