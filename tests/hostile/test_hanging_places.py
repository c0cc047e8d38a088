"""A region that hangs holds no more than its share of the threads, and no worker, no turn and no stop for long."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest
from botocore.session import get_session

from classifier_operator.adapters.aws import CALL_SECONDS, CLOSE_SECONDS, Aws
from classifier_operator.adapters.clients import known_regions
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.health import SWEEP_PATIENCE
from classifier_operator.runtime.monitoring.logs import about
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import Caller, NotYetError, RateLimits
from classifier_operator.runtime.pacing.shares import MOST_OF_NAMESPACE
from classifier_operator.runtime.workqueue import Priority
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, training
from tests.apiserver.world import until as wait_until
from tests.hostile.hanging_aws import HangingAws
from tests.unit import builders
from tests.unit.test_app import Parts

Start = Callable[..., OperatorProcess]
WELL = Place("us-east-1")
# Boto3 waits for 70 s before it gives a call up.
LONG_BEFORE = 30.0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingAws]:
    with HangingAws() as server:
        for name, value in {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def aws(server: HangingAws) -> Aws:
    return Aws(RateLimits(time.monotonic, {"": (1000.0, 1000.0)}), Metrics())


class Calls:
    """Calls that are under way."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.tasks: list[asyncio.Task[object]] = []

    def begin(self, region: str, times: int, namespace: str = "") -> None:
        for number in range(times):
            self.tasks.append(asyncio.ensure_future(self._one(Place(region), namespace, number)))

    async def _one(self, place: Place, namespace: str, number: int) -> object:
        if not namespace:
            return await self._aws.call(place, "ListModels", {})
        with about(ObjectKey(Kind.TRAINING, namespace, f"t-{number}"), "uid"):
            return await self._aws.call(place, "ListModels", {})

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def ended(self) -> int:
        return sum(task.done() for task in self.tasks)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_BEFORE):
        while not reached():  # noqa: ASYNC110 - a server in another thread is looked at
            await asyncio.sleep(0.01)


async def answered(call: Awaitable[object]) -> object:
    async with asyncio.timeout(LONG_BEFORE):
        return await call


async def test_a_region_that_hangs_leaves_threads_to_another(server: HangingAws, aws: Aws) -> None:
    server.hangs = {"eu-west-1"}
    calls = Calls(aws)
    calls.begin("eu-west-1", 40)
    await until(lambda: server.under_way["eu-west-1"] >= 16)
    await answered(asyncio.gather(*(aws.call(WELL, "ListModels", {}) for _ in range(40))))
    assert calls.ended == 0
    assert server.under_way["eu-west-1"] == 16
    await calls.end()


async def test_so_do_several_regions_that_hang_at_the_same_time(server: HangingAws, aws: Aws) -> None:
    regions = ["eu-west-1", "eu-west-2", "eu-central-1", "ap-south-1", "sa-east-1", "ca-central-1"]
    server.hangs = set(regions)
    calls = Calls(aws)
    for region in regions:
        calls.begin(region, 40)
        await until(lambda region=region: server.under_way[region] > 0)  # type: ignore[misc]
    for _ in range(3):
        await answered(aws.call(WELL, "ListModels", {}))
    assert calls.ended == 0
    await calls.end()


async def test_a_namespace_that_names_regions_that_hang_leaves_threads_to_others(server: HangingAws, aws: Aws) -> None:
    regions = sorted(known_regions(get_session()) - {"us-east-1"})[:20]
    server.hangs = set(regions)
    calls = Calls(aws)
    for region in regions:
        calls.begin(region, 20, "flood")
    await until(lambda: server.under_way.total() >= MOST_OF_NAMESPACE)
    quiet = Calls(aws)
    quiet.begin("us-east-1", 40, "quiet")
    await answered(asyncio.gather(*quiet.tasks))
    assert server.under_way.total() == MOST_OF_NAMESPACE
    assert calls.ended == 0
    await calls.end()


async def test_a_call_that_waits_for_a_thread_holds_no_turn(server: HangingAws, aws: Aws) -> None:
    server.hangs = {"eu-west-1"}
    calls, called = Calls(aws), list[int]()
    calls.begin("eu-west-1", 16)
    await until(lambda: server.under_way["eu-west-1"] == 16)
    for number in range(3):
        caller = Caller(name=number, priority=Priority.URGENT, call=lambda number=number: called.append(number))  # type: ignore[misc]
        with pytest.raises(NotYetError):
            await answered(aws.call(Place("eu-west-1"), "ListModels", {}, turn=caller))
    (line,) = vars(aws._limits)["_lines"].values()
    assert (called, vars(line)["_turns"]) == ([], {})
    await calls.end()
    server.release("eu-west-1")
    # Each is called, with a thread for it.
    await until(lambda: sorted(called) == [0, 1, 2])


async def test_a_call_that_never_ends_is_given_up(
    server: HangingAws, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier_operator.adapters.aws.CALL_SECONDS", 0.2)
    server.hangs = {"eu-west-1"}
    with pytest.raises(Exception, match=r"ListModels: .* has not answered to the end"):
        await answered(aws.call(Place("eu-west-1"), "ListModels", {}))
    # Its thread is held for as long as it hangs.
    assert aws._shares.held == 1
    await until(lambda: server.under_way["eu-west-1"] == 1)
    server.release("eu-west-1")
    await until(lambda: aws._shares.held == 0)


async def test_a_region_that_hangs_is_no_reason_to_restart_the_operator() -> None:
    assert SWEEP_PATIENCE > 2 * CALL_SECONDS
    parts = Parts(sweep_interval=0.01)
    call, polls, never = parts.cloud.call, list[Place](), asyncio.Event()

    async def hang(place: Place, operation: str, params: Mapping[str, Any], **turn: Any) -> dict[str, Any]:
        if operation == "DescribeTrainingJob":
            polls.append(place)
            if place.region == "eu-west-1":
                await never.wait()
        return await call(place, operation, params, **turn)

    parts.cloud.call = hang  # type: ignore[method-assign]
    keys = [
        parts.cluster.create(builders.training(name, region=region))
        for name, region in (("hangs", "eu-west-1"), ("well", "us-east-1"))
    ]
    await parts.app.start()
    for key in keys:
        await parts.until("Starting", key)
    parts.clock.seconds += 10
    await until(lambda: {place.region for place in polls} == {"eu-west-1", "us-east-1"})
    for _ in range(3):
        parts.clock.seconds += SWEEP_PATIENCE
        before = len(polls)
        await until(lambda before=before: len(polls) > before)  # type: ignore[misc]
        assert parts.app.problem() == ""
    await parts.app.stop()


async def test_passes_that_wait_for_a_region_that_hangs_hold_no_workers() -> None:
    parts = Parts()
    call, waits, never = parts.cloud.call, list[str](), asyncio.Event()

    async def hang(place: Place, operation: str, params: Mapping[str, Any], **turn: Any) -> dict[str, Any]:
        if place.region == "eu-west-1":
            waits.append(operation)
            await never.wait()
        return await call(place, operation, params, **turn)

    parts.cloud.call = hang  # type: ignore[method-assign]
    # More than there are workers; on the real AWS a region gets no more threads than its share.
    for number in range(3 * parts.settings.workers):
        parts.cluster.create(builders.training(f"t-{number}", region="eu-west-1"))
    await parts.app.start()
    await until(lambda: len(waits) == 3 * parts.settings.workers)
    key = parts.cluster.create(builders.training())
    parts.app.saw(parts.watched(key))
    await parts.until("Starting", key)
    await parts.app.stop()


def test_a_region_that_hangs_delays_nobody_who_asks_whose_the_credentials_are(world: World, start: Start) -> None:
    """The account is not known yet, and was first asked for where nobody answers."""
    with HangingAws(world.aws.url) as between:
        between.hangs = {"eu-west-1"}
        operator = start(environment={"AWS_ENDPOINT_URL": between.url})
        world.apply(*(training(f"hangs-{number}", region="eu-west-1") for number in range(4)))
        wait_until(lambda: between.under_way["eu-west-1"] > 0, "a call to hang")
        world.apply(training())
        world.wait_for("ctrain", "digits", "Completed")
        assert between.under_way["eu-west-1"] > 0
        assert operator.stop() == 0


def test_a_region_that_hangs_delays_no_object_of_another_nor_the_end(world: World, start: Start) -> None:
    with HangingAws(world.aws.url) as between:
        between.hangs = {"eu-west-1"}
        operator = start(environment={"AWS_ENDPOINT_URL": between.url})
        # From here on it is known of which account the operator's credentials are.
        world.apply(training("before"))
        world.wait_for("ctrain", "before", "Completed")
        world.apply(*(training(f"hangs-{number}", region="eu-west-1") for number in range(40)))
        wait_until(lambda: between.under_way["eu-west-1"] == 16, "calls to hang")
        world.apply(training())
        world.wait_for("ctrain", "digits", "Completed")
        assert between.under_way["eu-west-1"] == 16
        assert operator.get("/healthz") == "ok"
        assert operator.stop() == 0


_STOPS = """
import asyncio, time
from classifier_operator.adapters import aws as adapter
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits

adapter.CLOSE_SECONDS = 0.1

async def main():
    aws = adapter.Aws(RateLimits(time.monotonic), Metrics())
    call = asyncio.ensure_future(aws.call(Place("eu-west-1"), "ListModels", {}))
    while not aws._shares.held:
        await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await asyncio.to_thread(aws.close)
    print("closed", flush=True)

asyncio.run(main())
"""


def test_a_region_that_hangs_does_not_hold_up_the_end_of_the_process(server: HangingAws) -> None:
    server.hangs = {"eu-west-1"}
    assert CLOSE_SECONDS < LONG_BEFORE
    ended = subprocess.run(
        [sys.executable, "-c", _STOPS], capture_output=True, text=True, timeout=LONG_BEFORE, check=False
    )
    assert (ended.stdout, ended.returncode) == ("closed\n", 0), ended.stderr
