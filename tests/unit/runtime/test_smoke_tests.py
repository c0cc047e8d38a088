"""Smoke tests in the background: how many at a time, whose, and when they end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.record import SmokeTestStatus
from classifier_operator.endpoint.smoke_test import SmokeTestCall, SmokeTestKey, SmokeTestState
from classifier_operator.endpoint.spec import SmokeTest, TestImage
from classifier_operator.runtime.smoke_tests import MOST_AT_ONCE, MOST_OF_NAMESPACE, SmokeTests
from classifier_operator.sagemaker.refusal_table import classify

PASSED = SmokeTestStatus(outcome="Passed")


def key(name: str) -> ObjectKey:
    """The first letter is the namespace."""
    return ObjectKey(Kind.ENDPOINT, name[0], name)


def call(name: str, config: str = "config", warm_ups: int = 0) -> SmokeTestCall:
    return SmokeTestCall(
        resource=Resource(Place("us-east-1"), ResourceType.ENDPOINT, name),
        config_name=config,
        namespace=name[0],
        test=SmokeTest(image=TestImage(s3_uri="s3://b/i"), warm_ups=warm_ups),
    )


class FakeTester:
    """Runs tests that last until they are let go."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended: list[str] = []
        self.error: Exception | None = None
        self._may_end: dict[str, asyncio.Event] = {}

    async def run(self, call: SmokeTestCall) -> SmokeTestStatus:
        name = call.resource.name
        self.began.append(name)
        try:
            await self._may_end.setdefault(name, asyncio.Event()).wait()
            if self.error is not None:
                raise self.error
            return PASSED
        finally:
            self.ended.append(name)

    async def let_end(self, *names: str) -> None:
        for name in names:
            self._may_end.setdefault(name, asyncio.Event()).set()
        await turns()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Bench:
    def __init__(self) -> None:
        self.tester = FakeTester()
        self.changed: list[str] = []
        tester: Any = self.tester
        self.tests = SmokeTests(tester, changed=lambda key, _: self.changed.append(key.name))

    async def start(self, *names: str) -> None:
        for name in names:
            self.tests.start(key(name), call(name), "1")
        await turns()


@pytest_asyncio.fixture
async def bench() -> Any:
    made = Bench()
    yield made
    await made.tests.stop()


def names(namespace: str, count: int) -> list[str]:
    return [f"{namespace}{number}" for number in range(count)]


async def test_a_namespace_has_no_more_than_its_part_and_the_rest_waits_without_anything_in_memory(
    bench: Bench,
) -> None:
    await bench.start(*names("a", 50))
    # An image is read by a test that runs.
    assert bench.tester.began == names("a", MOST_OF_NAMESPACE)
    await bench.start("b0")
    assert bench.tester.began[-1] == "b0"


async def test_there_are_so_many_at_a_time_and_namespaces_take_turns(bench: Bench) -> None:
    first = [*names("y", MOST_OF_NAMESPACE), *names("z", MOST_OF_NAMESPACE)]
    await bench.start(*first)
    await bench.start(*(f"{namespace}{number}" for namespace in "abcdefghij" for number in range(3)))
    assert bench.tester.began == first
    await bench.tester.let_end(*first)
    assert bench.tester.began[MOST_AT_ONCE:] == [f"{namespace}0" for namespace in "abcdefgh"]
    await bench.tester.let_end("c0", "d0")
    assert bench.tester.began[2 * MOST_AT_ONCE :] == ["i0", "j0"]


async def test_each_has_fewer_while_others_wait(bench: Bench) -> None:
    await bench.start(*names("a", 10), *names("b", 10), *names("c", 10))
    await bench.tester.let_end(*names("a", 4))
    running = [one for one in bench.tester.began if one not in bench.tester.ended]
    most = MOST_AT_ONCE // 3
    assert sorted(one[0] for one in running).count("a") <= most
    assert {"b", "c"} <= {one[0] for one in running}


async def test_its_end_puts_the_object_into_the_queue_and_is_kept_until_it_is_told(bench: Bench) -> None:
    await bench.start("a0")
    test = call("a0").key
    assert (bench.tests.of(key("a0")), bench.changed) == (SmokeTestState(test=test), [])
    await bench.tester.let_end("a0")
    assert bench.changed == ["a0"]
    assert bench.tests.of(key("a0")) == SmokeTestState(test=test, outcome=PASSED)
    bench.tests.keep(key("a0"), ())
    assert bench.tests.of(key("a0")) is not None
    bench.tests.told(key("a0"), bench.tests.of(key("a0")))
    assert (bench.tests.of(key("a0")), len(bench.tests), list(bench.tests.tasks)) == (None, 0, [])


async def test_what_has_ended_since_the_decision_is_not_told_yet(bench: Bench) -> None:
    await bench.start("a0")
    decided_from = bench.tests.of(key("a0"))
    await bench.tester.let_end("a0")
    bench.tests.told(key("a0"), decided_from)
    assert bench.tests.of(key("a0")) == SmokeTestState(test=call("a0").key, outcome=PASSED)


async def test_an_error_that_has_come_since_the_decision_is_not_told_yet(bench: Bench) -> None:
    bench.tester.error = classify("InvokeEndpoint", "ThrottlingException", "Rate exceeded", 400)
    await bench.start("a0")
    decided_from = bench.tests.of(key("a0"))
    await bench.tester.let_end("a0")
    bench.tests.told(key("a0"), decided_from)
    assert bench.tests.failed(key("a0")) is not None


async def test_one_that_runs_is_not_started_again(bench: Bench) -> None:
    await bench.start("a0", "a0")
    bench.tests.told(key("a0"), bench.tests.of(key("a0")))
    await bench.start("a0")
    assert bench.tester.began == ["a0"]


@pytest.mark.parametrize(
    "wanted", [(), (SmokeTestKey.of(call("a0").resource, "other", "x"),)], ids=["nothing", "another"]
)
async def test_one_that_nobody_wants_any_more_ends(bench: Bench, wanted: tuple[SmokeTestKey, ...]) -> None:
    await bench.start(*names("a", 5))
    bench.tests.keep(key("a0"), (call("a0").key,))
    assert bench.tests.of(key("a0")) is not None
    bench.tests.keep(key("a0"), wanted)
    bench.tests.forget(key("a1"))
    await turns()
    assert bench.tester.ended == ["a0", "a1"]
    assert bench.tests.of(key("a0")) is None
    # Its place is another's.
    assert "a4" in bench.tester.began
    assert bench.changed == []


async def test_one_that_waits_can_be_ended_too(bench: Bench) -> None:
    await bench.start(*names("a", 6))
    bench.tests.keep(key("a4"), ())
    await bench.tester.let_end(*names("a", 4))
    assert bench.tester.began == [*names("a", 4), "a5"]


async def test_an_edit_ends_one_and_begins_another(bench: Bench) -> None:
    await bench.start("a0")
    bench.tests.start(key("a0"), call("a0", warm_ups=1), "2")
    await turns()
    assert (bench.tester.began, bench.tester.ended) == (["a0", "a0"], ["a0"])


async def test_what_keeps_it_from_being_run_is_told_once(bench: Bench) -> None:
    bench.tester.error = classify("InvokeEndpoint", "ThrottlingException", "Rate exceeded", 400)
    await bench.start("a0")
    await bench.tester.let_end("a0")
    assert bench.changed == ["a0"]
    assert bench.tests.of(key("a0")) is None
    failed = bench.tests.failed(key("a0"))
    assert failed is not None
    assert (failed.call, failed.identity, failed.error) == (call("a0"), "1", bench.tester.error)
    assert bench.tests.failed(key("a0")) is None


async def test_all_end_with_the_process(bench: Bench) -> None:
    await bench.start(*names("a", 20), *names("b", 20))
    await bench.tests.stop()
    assert list(bench.tests.tasks) == []
    assert sorted(bench.tester.ended) == sorted(bench.tester.began)
