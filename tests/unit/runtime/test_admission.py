"""A call's turn and its thread come together."""

from __future__ import annotations

import asyncio

import pytest

from classifier_operator.api.ledger import Place
from classifier_operator.runtime.pacing.admission import Admission
from classifier_operator.runtime.pacing.limits import Caller, NotYetError, RateLimits
from classifier_operator.runtime.pacing.shares import Share, ThreadShares
from classifier_operator.runtime.workqueue import Priority

HERE = Share("sagemaker", Place("us-east-1"))


class Parts:
    """Two tokens at first, one more each second; sixteen threads for a place."""

    def __init__(self) -> None:
        clock = asyncio.get_running_loop().time
        self.limits = RateLimits(clock, {"": (2.0, 2.0), "List": (2.0, 2.0)})
        self.shares = ThreadShares(clock)
        self.admission = Admission(self.limits, self.shares)
        self.called: list[str] = []

    def caller(self, name: str) -> Caller:
        return Caller(name=name, priority=Priority.URGENT, call=lambda: self.called.append(name))

    def fill(self) -> None:
        while self.shares.take(HERE):
            pass

    async def enter(self, turn: Caller | Priority = Priority.NORMAL, operation: str = "CreateModel") -> None:
        async with asyncio.timeout(10):
            await self.admission.enter(HERE, operation, turn)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.runtime.pacing.admission.BRIEF_SECONDS", 0.01)


async def test_a_call_has_its_turn_and_a_thread() -> None:
    parts = Parts()
    await parts.enter()
    assert (parts.shares.held, parts.admission.waiting()) == (1, 0)


@pytest.mark.usefixtures("brief")
async def test_a_turn_is_given_back_while_there_is_no_thread() -> None:
    parts = Parts()
    parts.fill()
    waits = asyncio.ensure_future(parts.enter())
    async with asyncio.timeout(5):
        while parts.shares.waiting() < 2:  # noqa: ASYNC110 - once with a turn, then without
            await asyncio.sleep(0.005)
    # The one token that there is: somebody else may have it.
    assert (await parts.limits.acquire(HERE.place, "CreateModel")).waited == 0
    parts.shares.give_back(HERE)
    await waits
    assert parts.shares.held == 16


@pytest.mark.usefixtures("brief")
async def test_a_caller_is_called_when_there_is_a_thread() -> None:
    parts = Parts()
    parts.fill()
    for _ in range(3):
        with pytest.raises(NotYetError):
            await parts.enter(parts.caller("digits"))
    assert parts.called == []
    assert (await parts.limits.acquire(HERE.place, "CreateModel")).waited == 0
    parts.shares.give_back(HERE)
    assert parts.called == ["digits"]
    with pytest.raises(NotYetError):
        # Its turn has been given to another: it waits for the next one, and keeps no thread meanwhile.
        await parts.enter(parts.caller("digits"))
    assert parts.shares.held == 15
    async with asyncio.timeout(5):
        while len(parts.called) < 2:  # noqa: ASYNC110 - when there is a token again
            await asyncio.sleep(0.01)
    await parts.enter(parts.caller("digits"))
    assert parts.shares.held == 16


@pytest.mark.usefixtures("brief")
async def test_a_list_that_is_not_sent_keeps_no_other_from_being_sent() -> None:
    parts = Parts()
    parts.fill()
    for number in range(3):
        with pytest.raises(NotYetError):
            await parts.enter(parts.caller(str(number)), "ListTrainingJobs")
        parts.admission.withdraw(str(number))
    parts.shares.give_back(HERE)
    await parts.enter(operation="ListTrainingJobs")


@pytest.mark.parametrize("seconds", [0.0, 0.05], ids=["with a turn", "without"])
@pytest.mark.usefixtures("brief")
async def test_one_that_is_cancelled_holds_nothing(seconds: float) -> None:
    parts = Parts()
    parts.fill()
    waits = asyncio.ensure_future(parts.enter())
    await asyncio.sleep(seconds)
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)
    assert (await parts.limits.acquire(HERE.place, "CreateModel")).waited == 0
    parts.shares.give_back(HERE)
    assert (parts.shares.held, parts.admission.waiting()) == (15, 0)


@pytest.mark.usefixtures("brief")
async def test_one_who_wants_nothing_any_more_waits_for_nothing() -> None:
    parts = Parts()
    parts.fill()
    with pytest.raises(NotYetError):
        await parts.enter(parts.caller("digits"))
    parts.admission.withdraw("digits")
    parts.shares.give_back(HERE)
    assert (parts.called, parts.shares.held) == ([], 15)
